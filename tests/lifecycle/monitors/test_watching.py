"""A check that brings its own rows is one check, whoever else scores."""

from __future__ import annotations

from pathlib import Path

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import RunCause
from opsconsole.runs.execute.follow import wait_until_released
from opsconsole.store import events, runs
from opsconsole.store.connection import open_store
from tests.model_workspace import opsconsole

SCORES = """
[repos.app.pipelines.score]
kind = "score"
run = "printf 'row_id,score\\np4-0,0.5\\n' >$OPSCONSOLE_OUT/predictions.csv"
"""


def test_a_check_that_asks_for_rows_is_recorded_once_and_a_scoring_by_itself_too(mill: Path) -> None:
    file = mill / "opsconsole.toml"
    text = file.read_text(encoding="utf-8").replace("[monitors.watch]\n", '[monitors.watch]\nrefresh = "app/score"\n')
    file.write_text(text + SCORES, encoding="utf-8")

    def recorded() -> int:
        return len(events.events(store, kind="monitor.checked"))

    with open_store(mill / ".opsconsole") as store:
        before = recorded()
        assert opsconsole(mill, "drift", "check", "watch", "--json").code in {0, 1}
        assert recorded() == before + 1, "the intake of the check's own scoring leaves it to the check"
        asked = runs.latest(store, "app", pipeline="score")
        assert asked is not None
        assert (asked.cause, asked.monitor) == (RunCause.CHECK, "watch")
        reason = asked.reason or ""
        assert opsconsole(mill, "run", "app/score", "--reason", reason, "--json").code == 0
        by_hand = runs.latest(store, "app", pipeline="score")
        assert by_hand is not None
        wait_until_released(open_workspace(mill), by_hand.id)
        assert (by_hand.cause, by_hand.monitor, by_hand.reason) == (RunCause.OPERATOR, None, reason)
        assert recorded() == before + 2, "whatever its reason says, an operator's run is no part of a check"
