"""Tab on the ``:`` line offers what fits there, from the store as it is now, and costs nothing on a large one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from opsconsole.config.workspace import Workspace
from opsconsole.console.host.paths import PathHelp
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.shell.completion import Completer
from opsconsole.console.shell.prompt import Prompt
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.lifecycle.usecases import BY_WORD
from opsconsole.store import repos, runs
from opsconsole.store.connection import Store, open_store
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.shell.test_console_screens import new_run
from tests.console.world import HOSTILE


@pytest.fixture
def completer(world: Workspace) -> Iterator[Completer]:
    app = ConsoleApp(world.root)
    yield Completer(app)
    app.store.close()


def offered(completer: Completer, line: str) -> list[str]:
    return [item.word for item in completer.complete(line).candidates]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pro", ["promote"]),
        ("fl", ["flights"]),
        ("ov", ["overview"]),
        ("1", ["1"]),
        ("run ", ["1"]),
        ("pin ", ["1"]),
        ("repo ", ["app"]),
        ("build app", ["app"]),
        ("build app/", ["app/build"]),
        ("model ", ["flights", "flights@production", "flights@staging", "flights@candidate", "flights:2", "flights:1"]),
        ("model flights@p", ["flights@production"]),
        ("model flights:2", ["flights:2"]),
        ("promote flights:", ["flights:2", "flights:1"]),
        ("rollback f", ["flights"]),
        ("monitor ", ["flights", "add", "rm"]),
        ("model a", ["add"]),
        ("check fl", ["flights"]),
        ("alert ", ["1"]),
        ("resolve ", ["1"]),
        ("help pipe", ["pipelines"]),
        ("theme ans", ["ansi"]),
        ("prune ", []),
        ("nothing here ", []),
    ],
)
def test_what_fits_is_offered(completer: Completer, line: str, wanted: list[str]) -> None:
    assert offered(completer, line)[: len(wanted) or None] == wanted


def test_every_word_of_a_use_case_is_offered_and_its_argument_has_candidates_of_its_kind(completer: Completer) -> None:
    single = {word: case for word, case in BY_WORD.items() if " " not in word}
    assert set(single) <= set(offered(completer, ""))
    for word in set(BY_WORD) - set(single):
        first, _, second = word.partition(" ")
        assert second in offered(completer, f"{first} {second[:1]}")
    for word, case in single.items():
        if case.needs and "path" not in case.needs[:1]:
            assert offered(completer, f"{word} "), word


def test_a_repo_is_completed_with_the_pipelines_that_ran_there(world: Workspace, completer: Completer) -> None:
    with open_store(world.state) as store:
        new_run(store, "nightly", PipelineKind.TASK, RunState.PASSED)
    assert offered(completer, "plan app/n") == ["app/nightly"]


def test_names_with_blanks_are_completed_whole_and_harmful_ones_never_offered(
    world: Workspace, completer: Completer
) -> None:
    with open_store(world.state) as store, store.immediate() as connection:
        repos.put(connection, "my own repo", world.root, trusted=False)
        repos.put(connection, f"my {HOSTILE}", world.root, trusted=False)
    found = completer.complete("repo my o")
    assert [item.word for item in found.candidates] == ["my own repo"]
    assert "repo my o"[: found.start] == "repo "
    assert offered(completer, "repo my") == ["my own repo"]


def test_paths_are_completed_folders_first_and_open_ended(tmp_path: Path) -> None:
    for name in ("data set", "deep"):
        (tmp_path / name).mkdir()
    (tmp_path / "d.csv").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / f"d{HOSTILE.replace('/', '')}").touch()
    found = PathHelp().complete(f"{tmp_path}/d").candidates
    assert [(item.word.removeprefix(f"{tmp_path}/"), item.open) for item in found] == [
        ("data set/", True),
        ("deep/", True),
        ("d.csv", False),
    ]
    assert [item.word for item in PathHelp().complete(f"{tmp_path}/.h").candidates] == [f"{tmp_path}/.hidden"]
    assert PathHelp().complete(f"{tmp_path}/no/such/").candidates == ()
    assert PathHelp().complete("~nobody-of-that-name/x").candidates == ()


def test_runs_are_found_by_how_their_number_begins_newest_first(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for _ in range(130):
            new_run(store, "build", PipelineKind.BUILD, RunState.PASSED)
        assert [run.id for run in runs.numbered(store, "12", limit=4)] == [129, 128, 127, 126]
        assert [run.id for run in runs.numbered(store, "13", limit=50)] == [130, 13]
        assert [run.id for run in runs.numbered(store, "", limit=2)] == [130, 129]
        for wrong in ("0", "x", "131", "9" * 40, "²"):
            assert runs.numbered(store, wrong, limit=5) == []


def test_no_query_of_a_completion_walks_through_the_runs(
    world: Workspace, completer: Completer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []
    read = Store.rows

    def noted(store: Store, sql: str, parameters: object = ()) -> object:
        asked.append((sql, parameters))
        return read(store, sql, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "rows", noted)
    for line in ("", "1", "run ", "run 1", "build app/", "model flights", "alert ", "repo "):
        completer.complete(line)
    assert asked
    with open_store(world.state) as store:
        for sql, parameters in asked:
            plan = [row["detail"] for row in read(store, f"EXPLAIN QUERY PLAN {sql}", parameters)]  # type: ignore[arg-type]
            assert "LIMIT" in sql or "max(id)" in sql or " runs" not in sql, sql
            assert not any("TEMP B-TREE" in step for step in plan), (sql, plan)


async def typed(pilot: Pilot[None], app: ConsoleApp, line: str) -> Prompt:
    named = {" ": "space", "/": "slash", ":": "colon", "@": "at", ".": "full_stop"}
    await pilot.press("colon", *(named.get(char, char) for char in line))
    await pilot.pause()
    return app.query_one(Prompt)


async def test_one_candidate_is_filled_in_several_are_shown_and_walked_none_is_said(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await typed(pilot, app, "prom")
        await pilot.press("tab")
        assert prompt.value == ":promote "
        await pilot.press("tab")
        assert prompt.value == ":promote flights"
        await until(pilot, lambda: "flights   flights:2   flights:1" in screen_text(app))
        await pilot.press("tab")
        assert prompt.value == ":promote flights:2", "the first of them stands there already"
        await pilot.press("shift+tab")
        assert prompt.value == ":promote flights"
        await pilot.press("shift+tab", "shift+tab")
        assert prompt.value == ":promote flights:2"
        await pilot.press("x", "tab")
        assert prompt.value == ":promote flights:2x"
        assert "nothing fits here" in app.query_one(StatusBar).plain
        assert app.focused is prompt
        await pilot.press("escape")
        assert not prompt.asking


async def test_tab_completes_in_the_middle_of_a_line(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await typed(pilot, app, "reso 1")
        await pilot.press("left", "left", "tab")
        assert prompt.value == ":resolve 1"
        assert prompt.cursor_position == len(":resolve")


async def test_clearing_the_line_and_going_to_its_beginning_leave_the_mark(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await typed(pilot, app, "mod")
        await pilot.press("home", "x")
        assert prompt.value == ":xmod"
        await pilot.press("end", "ctrl+u")
        assert (prompt.value, prompt.asking) == (":", True)
        await until(pilot, lambda: "Tab completes" in screen_text(app))
        await pilot.press("backspace")
        assert not prompt.asking


async def test_what_was_given_comes_back_by_how_it_begins_and_in_the_next_session(world: Workspace) -> None:
    for lines in (("theme ansi", "models"), ("run 1",)):
        app = ConsoleApp(world.root)
        async with app.run_test(size=(80, 24)) as pilot:
            for line in lines:
                await typed(pilot, app, line)
                await pilot.press("enter")
                await pilot.pause()
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await typed(pilot, app, "")
        for key, shown in (
            ("up", "run 1"),
            ("up", "models"),
            ("up", "theme ansi"),
            ("up", "theme ansi"),
            ("down", "models"),
        ):
            await pilot.press(key)
            assert prompt.line == shown
        await pilot.press("down", "down", "down")
        assert prompt.line == ""
        await pilot.press("t", "up")
        assert prompt.line == "theme ansi"
        await pilot.press("down")
        assert prompt.line == "t"


async def test_labels_from_a_file_complete_its_path(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "labels-of-july.csv").touch()
    monkeypatch.chdir(world.root)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: app.tab.place == "drift" and bool(app.tab.query("#alerts")))
        await pilot.press("l", *"lab", "tab")
        await until(pilot, lambda: app.query_one(Prompt).line == "labels-of-july.csv ")
