"""What the screens say: who and why in Activity, versions apart in Drift, counts that agree with the rows below them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from textual.widgets import Input

from opsconsole.config.workspace import Workspace
from opsconsole.console.drift.check_summary import check_summary
from opsconsole.console.drift.evidence import not_noise
from opsconsole.console.drift.history import changes_of_version, picture_rows
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.terminal import glyphs
from opsconsole.console.terminal.diff_driver import ScreenDiff
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.plots import MARKERS, SAMPLES
from opsconsole.console.widgets.rows import Row, RowList
from opsconsole.console.widgets.tones import parts
from opsconsole.core.nouns import ColumnKind, PipelineKind, Resolution, RunPurpose, RunState, Severity
from opsconsole.drift.report.monitor_report import HeatRow, PlotPoint, Plots
from opsconsole.repos import registration
from opsconsole.store import alerts, chunks, events, repos, runs
from opsconsole.store.alerts import News
from opsconsole.store.chunk_records import Chunk, ChunkColumn, ChunkRecord, Histogram, Kept, KeptDistances, Stamp
from opsconsole.store.connection import Store, open_store
from opsconsole.store.findings import Finding
from opsconsole.store.runs import NewRun, TestCounts
from tests.console.shell.test_console_flows import screen_text, until

START = datetime(2013, 7, 1, tzinfo=UTC)


def chunk(month: int, *, version: int = 1, realised: float = 0.66, low: float = 0.63, high: float = 0.69) -> Chunk:
    return Chunk(
        id=month, checked_at=START, monitor="flights", model="flights", version=version, label=f"2013-{month:02}",
        start=START.replace(month=month), end=START.replace(month=month) + timedelta(days=28), rows=900, labels=880,
        metric="auc", realised=realised, low=low, high=high, floor=0.7, breaches=2, partial=False,
        severity=Severity.CRITICAL, findings=(), fingerprint=str(month),
    )  # fmt: skip


def column(name: str, psi: float) -> ChunkColumn:
    plot = Histogram(edges=(0.0, 1.0, 2.0), reference=(0.25, 0.75), current=(0.5, 0.5))
    distances = KeptDistances(
        psi=psi, js=0.1, hellinger=None, ks=0.1, ks_p=None, wasserstein=None, chi2=None, chi2_p=None, l_infinity=None,
        missing_reference=0.0, missing_current=0.0, unseen=None, outside=0.0, noise_p=0.0,
    )  # fmt: skip
    return ChunkColumn(
        name=name, kind=ColumnKind.NUMERIC, distances=distances, drifted=True, effect="major", severity=Severity.INFO,
        plot=plot,
    )  # fmt: skip


def said(row: Row) -> str:
    return "  ".join("".join(part.text for part in parts(cell)) for cell in row.cells)


def new_run(store: Store, pipeline: str, kind: PipelineKind, state: RunState, tests: TestCounts | None = None) -> int:
    with store.immediate() as connection:
        number = runs.insert(
            connection,
            NewRun(repo="app", pipeline=pipeline, kind=kind, commit="a" * 40, branch="main", subject="s", dirty=False,
                   actor="ops", purpose=RunPurpose.FULL if kind is PipelineKind.BUILD else RunPurpose(kind)),
        )  # fmt: skip
        if state.final:
            runs.finish(connection, number, state, started_at=START, ended_at=START, error=None, note=None, tests=tests)
    return number


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_activity_shows_who_why_and_the_whole_command(world: Workspace, size: tuple[int, int]) -> None:
    command = "opsconsole model promote flights:2 --to production --reason 'it is better by far' --expect 1 --yes"
    reason = "a reason that is longer than any column of the list could ever hold in eighty cells"
    app = ConsoleApp(world.root)
    async with app.run_test(size=size) as pilot:
        with app.store.immediate() as connection:
            events.record(connection, "model.promoted", "model flights@production", reason=reason, command=command)
        await pilot.press("5")
        await until(pilot, lambda: bool(app.query("#event")) and app.query_one("#event", RowList).line_count() > 3)
        shown = " ".join(screen_text(app).split())
        assert command.replace("  ", " ") in shown
        assert reason in shown
        assert "ops, on the command line" in shown
        count = events.count(app.store)
        assert f"EVENTS {count}" in shown


async def test_new_events_above_are_counted_until_the_first_line_is_seen(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        with app.store.immediate() as connection:
            for number in range(40):
                events.record(connection, "test.event", f"run {number}")
        await pilot.press("5")
        await until(pilot, lambda: bool(app.query("#events")) and app.query_one("#events", RowList).size.height > 5)
        await until(pilot, lambda: "run 39" in screen_text(app))
        title = app.query_one("#events-title", OneLine)
        with open_store(world.state) as other, other.immediate() as connection:
            for number in range(3):
                events.record(connection, "test.event", f"run {number}")
        await until(pilot, lambda: "+3 new above" in title.plain)
        await pilot.press("g")
        await until(pilot, lambda: "new above" not in title.plain)


async def test_a_filter_says_in_the_heading_how_many_it_leaves(world: Workspace) -> None:
    with open_store(world.state) as store:
        new_run(store, "other", PipelineKind.BUILD, RunState.PASSED)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key is not None)
        await pilot.press("slash", *"other", "enter")
        title = app.query_one("#runs-title", OneLine)
        await until(pilot, lambda: "RUNS  2   /other: 1 shown" in title.plain.replace("   ", "   "))
        await pilot.press("escape")
        await until(pilot, lambda: "shown" not in title.plain)


async def test_a_list_narrows_while_one_types_and_is_as_it_was_when_that_is_left(world: Workspace) -> None:
    with open_store(world.state) as store:
        new_run(store, "other", PipelineKind.BUILD, RunState.PASSED)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key is not None)
        title = app.query_one("#runs-title", OneLine)
        await pilot.press("slash", *"oth")
        await until(pilot, lambda: "/oth: 1 shown" in title.plain)
        await pilot.press("backspace", "backspace", "backspace", "x")
        await until(pilot, lambda: "/x: 0 shown" in title.plain)
        await pilot.press("escape")
        await until(pilot, lambda: "shown" not in title.plain)


async def test_a_running_service_is_no_build_and_no_part_of_its_trend(world: Workspace) -> None:
    with open_store(world.state) as store:
        new_run(store, "serve", PipelineKind.TASK, RunState.QUEUED)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#repos")) and app.query_one("#repos", RowList).key is not None)
        listing = app.query_one("#repos", RowList)
        await until(pilot, lambda: "failed" in said(listing._page.row(0)))
        assert "queued" not in said(listing._page.row(0))


async def test_a_failed_build_without_tests_is_called_failed(world: Workspace) -> None:
    with open_store(world.state) as store:
        new_run(store, "build", PipelineKind.BUILD, RunState.FAILED, TestCounts(passed=0, failed=0))
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "last build" in screen_text(app))
        assert "0 of 0" not in screen_text(app)
        row = next(line for line in screen_text(app).splitlines() if line.startswith((" app", "▌app")))
        assert "✗ failed" in row


async def test_an_untrusted_repo_is_marked_and_told_how_to_trust(world: Workspace) -> None:
    with open_store(world.state) as store, store.immediate() as connection:
        repos.put(connection, "app", world.repo_path("app"), trusted=False)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "not trusted" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "△ not trusted" in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: "app is not trusted: :trust app" in screen_text(app))
        assert runs.count(app.store, repo="app") == 1
        registration.trust(world, app.store, "app")
        assert app.repo_trusted("app")


async def test_an_open_alert_that_is_mere_information_is_counted(world: Workspace) -> None:
    with open_store(world.state) as store, store.immediate() as connection:
        alerts.resolve(connection, 1, Resolution.OPERATOR, "test")
        finding = Finding("input", Severity.INFO, "moved")
        news = News(Severity.INFO, "moved a little", ("It moved.",), (finding,), 1)
        alerts.open_alert(connection, monitor="flights", model="flights", alias="production", version=2, news=news)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: bool(app.query("#alerts")))
        assert "1 info" in app.query_one(StatusBar).plain
        assert "no alerts" not in app.query_one(StatusBar).plain
        await until(pilot, lambda: "ALERTS  2   1 standing" in screen_text(app))
        assert "flights v2, now v1 live" in screen_text(app)


async def test_a_monitor_never_checked_has_no_verdict(world: Workspace) -> None:
    text = world.file.read_text(encoding="utf-8")
    second = text[text.index("[monitors.flights]") :].replace("monitors.flights", "monitors.second")
    world.file.write_text(text + second, encoding="utf-8")
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "never checked: c checks now" in screen_text(app))
        row = next(line for line in screen_text(app).splitlines() if "second" in line)
        assert "ok" not in row
        assert "✓" not in row


async def test_a_divider_ends_at_the_edge(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "─" * 100 in screen_text(app))


async def test_the_column_under_the_cursor_is_drawn_reference_over_current(world: Workspace) -> None:
    with open_store(world.state) as store, store.immediate() as connection:
        record = ChunkRecord(**{name: getattr(chunk(7), name) for name in ChunkRecord.__dataclass_fields__})
        chunks.write_chunk(
            connection, record, Kept(b"", b"", Stamp("", "")), [column("temp", 0.9), column("visib", 0.5)]
        )
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "enter")
        await until(pilot, lambda: "temp   PSI .90" in screen_text(app))
        shown = screen_text(app)
        assert shown.index("reference") < shown.index("2013-07  ")
        await pilot.press("down")
        await until(pilot, lambda: "visib   PSI .50" in screen_text(app))


async def test_enter_in_the_name_says_everything_that_is_missing(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(app.query("#versions")) and app.query_one("#versions", RowList).key is not None)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PromotionDialog) and app.screen.fresh is not None)
        app.screen.query_one("#reason", Input).value = ""
        await pilot.press("tab", "enter")
        told = app.screen.query_one("#said", OneLine)
        await until(pilot, lambda: "type flights" in told.plain)
        assert "refused by" in told.plain
        assert "a reason is needed" in told.plain


def test_lines_of_a_plot_differ_without_colour() -> None:
    assert len(set(MARKERS.values())) == len(MARKERS)
    assert len(set(SAMPLES.values())) == len(SAMPLES)
    points = tuple(
        PlotPoint(f"2013-{month:02}", 1, 0.7 - month / 100, 0.6, 0.75, 0.68, Severity.OK) for month in range(3, 9)
    )
    drawn = "\n".join(said(row) for row in picture_rows(Plots(tuple(p.label for p in points), points, ()), "auc", 120))
    assert "⠒⠒ realised" in drawn
    assert "·· 95 %" in drawn
    assert "╌╌ floor" in drawn
    body = drawn.split("\n", 1)[1]
    assert {"·", "╌"} <= set(body)
    assert any(0x2801 <= ord(char) < 0x2900 for char in body)


@pytest.mark.parametrize("width", [120, 80])
def test_where_the_version_changes_plot_and_heat_strip_say_so(width: int) -> None:
    versions = (1, 1, 1, 3, 3)
    points = tuple(
        PlotPoint(f"2013-{month:02}", version, 0.7, 0.6, 0.75, 0.68, Severity.OK)
        for month, version in enumerate(versions, start=3)
    )
    heat = (HeatRow("temp", (0.1,) * 5, ("warn",) * 5),)
    found = Plots(tuple(point.label for point in points), points, heat)
    assert changes_of_version(found) == {3: 3}
    drawn = "\n".join(said(row) for row in picture_rows(found, "auc", width))
    assert "Jun v3" in drawn
    assert "Mar Apr May│Jun Jul" in drawn
    assert "▒▒▒ ▒▒▒ ▒▒▒│▒▒▒ ▒▒▒" in drawn
    assert "v1 from 2013-03, v3 from 2013-06: each chunk is compared with its own version's reference." in drawn


def test_noise_is_ruled_out_only_by_what_is_stored() -> None:
    past = [chunk(4, realised=0.8), chunk(5, realised=0.6), chunk(6, realised=0.75), chunk(8, realised=0.1)]
    assert not_noise(chunk(7), past) == (
        "Not noise: the whole 95 % interval lies below the floor; 1 of 3 chunks of v1 before it was as low."
    )
    assert not_noise(chunk(7), []) == "", "nothing to compare with: nothing is said"
    assert not_noise(chunk(7, high=0.72), past) == "", "the interval holds the floor"
    healthy = replace(chunk(7, realised=0.8, low=0.78, high=0.82), breaches=0)
    assert not_noise(healthy, past) == "", "the alert is of something else"


def test_a_check_is_told_with_month_verdict_and_what_it_cured() -> None:
    judged = {
        "chunks": [
            {"label": "Aug 2013", "start": "2013-08-01", "severity": "ok", "realised": 0.712, "metric": "auc",
             "floor": 0.66, "version": 3}
        ],
        "alerts": [],
        "version": 3,
    }  # fmt: skip
    assert check_summary(judged, [1]) == "Aug 2013: healthy, AUC .712, v3; alert 1 resolved by v3"
    nothing = {"chunks": [], "alerts": [{"id": 1, "severity": "critical"}], "version": 1}
    assert check_summary(nothing, [1]) == "nothing new to judge"
    assert check_summary(nothing, []) == "nothing new to judge; critical alert 1 opened"


@pytest.mark.parametrize(
    ("env", "plain"),
    [
        ({"LANG": "en_US.UTF-8"}, False),
        ({}, False),
        ({"LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LC_ALL": "C", "OPSCONSOLE_GLYPHS": "unicode"}, False),
        ({"LANG": "en_US.UTF-8", "OPSCONSOLE_GLYPHS": "ascii"}, True),
    ],
)
def test_the_locale_decides_on_glyphs(env: dict[str, str], *, plain: bool) -> None:
    assert glyphs.plain_wanted(env) is plain


def test_without_utf8_every_cell_is_one_ascii_character() -> None:
    told = ScreenDiff(40, 2, ascii_only=True).feed("\x1b[1;1H✓ passed │ ▁▃█ ⠒⠤ 日本 é →")
    assert told.isascii()
    assert "Y passed | _-# ** ???? ? >" in told


def test_signs_that_say_different_things_differ_in_ascii_too() -> None:
    states = [glyphs.PLAIN[sign] for sign in "✓✗●○⊘⧗…≡≈"]
    assert len({*states, "v"}) == len(states) + 1, "and none is the v of a version"
    assert len({glyphs.PLAIN[sign] for sign in "✓▼↓↑"} | {"v"}) == 5
    lines = ScreenDiff(10, 1, ascii_only=True).feed("\x1b[1;1H⠒·╌×")
    assert "*.-x" in lines, "the lines of a chart differ"
    assert "> Sea" in ScreenDiff(20, 1, ascii_only=True).feed("\x1b[1;1H🔎Sea")


@pytest.mark.parametrize("tab", ["1", "2", "3", "4", "5"])
async def test_what_is_copied_is_words(world: Workspace, tab: str) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(tab)
        await pilot.pause()
        said = app.tab.copy_text()
    assert said
    assert not said.startswith("(")
    assert "('" not in said


def test_every_glyph_of_the_console_has_its_stand_in() -> None:
    import ast
    import unicodedata
    from pathlib import Path

    import opsconsole

    package = Path(opsconsole.__file__).parent
    files = [
        *(package / "console").rglob("*.py"),
        package / "lifecycle" / "inbox.py",
        *(package / "drift" / "verdicts").glob("*.py"),
        package / "drift" / "check" / "explanation.py",
        *(package / "drift" / "replay").glob("*.py"),
    ]
    missing = set()
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                missing |= {char for char in node.value if not char.isascii() and char.isprintable()}
    braille = {char for char in missing if 0x2800 <= ord(char) < 0x2900}
    joining = {
        char for char in missing if unicodedata.category(char) in {"Mn", "Me", "Cf", "Sk"}
    }  # of a pattern, not shown
    assert missing - braille - joining - set(glyphs.PLAIN) == set()
