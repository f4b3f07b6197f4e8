"""What is read from the store for screens and reports: complete, and light."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import Severity
from opsconsole.drift.report.monitor_report import monitors, plots, report
from tests.drift.drift_world import World

KEYS = {"start", "end", "rows", "columns", "score", "estimated", "realised"}


@pytest.fixture
def checked(world: World) -> World:
    subject = world.version(1, world.month(1), at=1)
    for month in (2, 3):
        world.live(month, shift=3.0, skill=0.3)
    world.check(subject)
    return world


def test_a_report_has_the_keys_that_the_command_line_promises(checked: World) -> None:
    chunks = json.loads(msgspec.json.encode(report(checked.store, checked.workspace.config, "m")))
    assert [chunk["label"] for chunk in chunks] == ["Feb 2013", "Mar 2013"]
    for chunk in chunks:
        assert set(chunk) >= KEYS
        assert chunk["score"]["name"] == "score"
        assert set(chunk["estimated"]) == {"metric", "value", "low", "high", "trusted", "tested", "error", "words"}
        assert chunk["estimated"]["low"] < chunk["estimated"]["value"] < chunk["estimated"]["high"]
        assert (chunk["estimated"]["trusted"], chunk["estimated"]["metric"]) == (False, "auc")
        assert set(chunk["realised"]) >= {"metric", "value", "low", "high", "label_coverage"}
        assert chunk["realised"]["label_coverage"] == 1.0
        assert {column["name"] for column in chunk["columns"]} == {"a", "b", "score", "y"}


def test_plots_run_along_the_chunks_with_the_score_first(checked: World) -> None:
    found = plots(checked.store, checked.workspace.config, "m")
    assert found.labels == ("Feb 2013", "Mar 2013")
    assert [row.name for row in found.heat] == ["score", "a", "b", "y"]
    assert found.heat[1].effects == ("major", "major")
    assert found.heat[1].worst > 1
    assert [point.severity for point in found.performance] == [Severity.WARN, Severity.CRITICAL]
    assert all(point.floor is not None and point.high is not None for point in found.performance)


def test_monitors_tell_how_each_stands_also_before_the_first_check(world: World, checked: World) -> None:
    [line] = monitors(checked.store, checked.workspace.config)
    assert (line.name, line.model, line.alias, line.version, line.chunks) == ("m", "m", "production", 1, 2)
    assert line.severity is Severity.CRITICAL
    assert len(line.alerts) == 1


def test_an_unchecked_monitor_is_listed_and_an_unknown_one_is_not_found(world: World) -> None:
    [line] = monitors(world.store, world.workspace.config)
    assert (line.chunks, line.version, line.severity) == (0, None, Severity.OK)
    assert report(world.store, world.workspace.config, "m") == []
    with pytest.raises(NotFoundError, match="no monitor `q`"):
        report(world.store, world.workspace.config, "q")


def test_reading_drift_for_a_screen_imports_nothing_heavy(checked: World) -> None:
    program = f"""
import sys
from pathlib import Path
from opsconsole.config.workspace import open_workspace
from opsconsole.store.connection import open_store
from opsconsole.store import alerts, chunks
from opsconsole.drift.report.monitor_report import monitors, plots, report
workspace = open_workspace(Path({str(checked.root)!r}))
with open_store(workspace.state, readonly=True) as store:
    assert len(report(store, workspace.config, "m")) == 2
    assert monitors(store, workspace.config) and plots(store, workspace.config, "m")
    assert alerts.alerts(store)[0].words and chunks.columns(store, 1)[0].plot
heavy = {{"numpy", "pyarrow", "scipy", "sklearn", "pandas", "polars", "sqlite_utils", "git", "httpx"}}
print(sorted(heavy & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT id FROM chunks WHERE monitor = 'm' ORDER BY start_at DESC, id DESC LIMIT 9", "chunks_by_monitor"),
        ("SELECT id FROM alerts WHERE monitor = 'm' AND version = 1", "INDEX"),
        ("SELECT name FROM chunk_columns WHERE chunk_id = 1", "PRIMARY KEY"),
        ("SELECT id FROM predictions WHERE model = 'm' ORDER BY id", "predictions_by_model"),
    ],
)
def test_what_a_view_reads_has_an_index(world: World, sql: str, index: str) -> None:
    plan = " ".join(str(row["detail"]) for row in world.store.rows(f"EXPLAIN QUERY PLAN {sql}"))
    assert index in plan
    assert "SCAN" not in plan
