"""The keys of Drift on a workspace that was filled by running the product; each asks the command line's own twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.drift.baselines import BaselinesDialog
from opsconsole.console.drift.explain import ExplainDialog
from opsconsole.console.drift.replay import ReplayDialog
from opsconsole.console.drift.rollup import RollupDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.rows import RowList
from opsconsole.drift.report.monitor_report import notes
from opsconsole.store import baselines, chunks, events, label_batches
from tests.console.shell.test_console_flows import screen_text, until

pytestmark = pytest.mark.timeout(120)


async def test_a_chunk_is_explained_replayed_and_its_baseline_shown_at_any_size(mill: Path) -> None:
    app = ConsoleApp(mill)
    async with app.run_test(size=(120, 40)) as pilot:

        async def shows(dialog: type[Dialog], *words: str) -> None:
            """See the words of a dialog at both sizes; what it asked for is computed once."""
            for size in ((120, 40), (80, 24)):
                await pilot.resize_terminal(*size)
                await until(
                    pilot,
                    lambda: isinstance(app.screen, dialog) and all(word in screen_text(app) for word in words),
                    60,
                )

        await pilot.press("4")
        await until(pilot, lambda: "MONITORS" in screen_text(app))
        await pilot.press("X")
        await shows(ExplainDialog, "AUC it is worth", "Apr 2013")
        await pilot.press("escape", "R")
        await shows(ReplayDialog, "false alarms a week")
        await pilot.press("escape", "plus")
        await shows(RollupDialog, "2013-Q2", "PER QUARTER", "expected")
        await pilot.press("minus")
        await shows(RollupDialog, "PER MONTH", "Apr 2013")
        await pilot.press("escape", "b")
        await shows(BaselinesDialog, "evaluation of v1")
        await pilot.press("escape")
        await until(pilot, lambda: "ALERTS" in screen_text(app))


async def test_the_numbers_of_earlier_chunks_are_a_key_away(mill: Path) -> None:
    app = ConsoleApp(mill)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "enter")
        await until(pilot, lambda: "PERFORMANCE   Apr 2013" in screen_text(app))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "PERFORMANCE   Mar 2013" in screen_text(app))
        assert "Mar▾" in screen_text(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "PERFORMANCE   Apr 2013" in screen_text(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "it is the newest" in screen_text(app))


async def test_what_the_last_check_left_out_is_told_below_the_numbers(mill: Path) -> None:
    rows = mill / "data" / "now" / "2013-04.csv"
    rows.write_text(rows.read_text() + "p4-0,2013-04-20T00:00:00+00:00,0.1,0.5,0\n")
    app = ConsoleApp(mill)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "c")
        await until(pilot, lambda: notes(app.store, "watch"), 60)
        await pilot.press("enter")
        told = "1 row repeats the id of an earlier one, such as `p4-0`: all were kept"
        for _ in range(100):  # the end is another one once the sheet was read anew
            await pilot.press("G")
            await pilot.pause(0.1)
            if told in screen_text(app):
                break
        assert told in screen_text(app)
        assert "NOTES" in screen_text(app)


async def test_labels_are_brought_from_a_file_and_judged(mill: Path) -> None:
    app = ConsoleApp(mill)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "l")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert isinstance(app.focused, Input)
        app.focused.value += str(mill / "data" / "labels.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "100 labels, 100 of rows that are there" in screen_text(app), 60)
        assert [batch.rows for batch in label_batches.batches(app.store, "watch")] == [100]
        assert events.events(app.store, kind="monitor.labelled")


async def test_another_reference_is_taken_with_a_reason_and_taken_back(mill: Path) -> None:
    app = ConsoleApp(mill)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "B")
        await until(pilot, lambda: isinstance(app.focused, Input))
        prompt = app.focused
        assert isinstance(prompt, Input)
        assert prompt.value.endswith("  2013-04-01"), "the chunk at hand is offered"
        prompt.value = prompt.value.replace("2013-04", "2013-03")
        await pilot.press("enter")
        await until(pilot, lambda: "why" in screen_text(app) and isinstance(app.focused, Input))
        await pilot.press(*"spring", "enter")
        await until(pilot, lambda: "compares with 1,000 rows" in screen_text(app), 60)
        held = baselines.baseline(app.store, "watch", 1)
        assert held is not None
        assert (held.revision, held.reason) == (2, "spring")
        await pilot.press("colon", *"rebaseline undo no", "enter")
        await until(pilot, lambda: "compares with 600 rows" in screen_text(app), 60)


async def test_a_read_only_console_explains_and_brings_nothing(mill: Path) -> None:
    app = ConsoleApp(mill, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "l")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert not label_batches.batches(app.store, "watch")
        assert chunks.number(app.store, "watch") == 3
        await pilot.press("X")
        await until(pilot, lambda: "AUC it is worth" in screen_text(app), 60)
        assert app.screen.query_one(RowList)
