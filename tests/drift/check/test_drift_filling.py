"""A chunk that is still filling tells of schema and quality; drift and performance are judged when it is whole."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.console.drift.check_summary import check_summary
from opsconsole.core.errors import RefusedError
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import CheckResult
from opsconsole.drift.monitors import Subject
from opsconsole.drift.report.monitor_report import monitors
from opsconsole.lifecycle.models.retraining import held_out_from
from opsconsole.store import alerts, chunks, events
from opsconsole.store.chunk_records import Chunk
from tests.drift.drift_world import ROWS, World


def part(world: World, number: int, share: float, **how: object) -> None:
    """Write the first part of a month: rows stand in the order of time; all of it is moved the more, the earlier it is."""
    import pyarrow.parquet as pq

    path = world.root / "data" / f"2013-{number:02d}.parquet"
    world.random = np.random.default_rng(number)
    ids, scores, _ = world.month(number, **how)  # type: ignore[arg-type]
    whole = pq.read_table(path)
    kept = int(ROWS * share)
    pq.write_table(whole.slice(0, kept), path)
    world.predict(1, ids[:kept], scores[:kept])


def the(found: CheckResult) -> Chunk:
    [one] = found.chunks
    return one


def begun_badly(share: float) -> np.ndarray:
    """A feature of which the first part of the month lies elsewhere, and the whole does not."""
    values = np.random.default_rng(5).normal(0, 1, ROWS)
    return np.concatenate([np.sort(values)[::-1][: int(ROWS * share)], np.sort(values)[: ROWS - int(ROWS * share)]])


def test_a_month_that_is_healthy_as_a_whole_tells_no_incident_when_it_comes_in_four_pieces(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.check(subject)
    values = np.sort(np.random.default_rng(5).normal(0, 1, ROWS))
    for share in (0.25, 0.5, 0.75):
        part(world, 3, share, change={"a": values}, skill=0.0 if share < 0.75 else 2.0)
        chunk = the(world.check(subject))
        assert (chunk.label, chunk.partial, chunk.severity, chunk.breaches) == ("Mar 2013", True, Severity.OK, 0)
        assert not chunk.fell
        assert chunk.realised is not None, "it is measured all the same"
        assert any("still filling" in one.text for one in chunk.findings)
        effects = {one.name: (one.effect, one.drifted) for one in chunks.columns(world.store, chunk.id)}
        assert effects["a"] == ("filling", None)
    part(world, 3, 1.0, change={"a": np.random.default_rng(6).permutation(values)})
    whole = the(world.check(subject))
    assert (whole.partial, whole.severity) == (False, Severity.OK)
    assert alerts.alerts(world.store, monitor="m") == []
    assert not events.events(world.store, kind="alert.opened")


def test_a_partial_chunk_neither_raises_continues_nor_ends_an_incident_and_a_whole_one_does(
    world: World, subject: Subject
) -> None:
    world.live(2, skill=0.0)
    world.check(subject)
    [opened] = alerts.alerts(world.store, monitor="m")
    assert opened.severity is Severity.WARN
    for skill in (0.0, 2.0):
        part(world, 3, 0.4, skill=skill)
        chunk = the(world.check(subject))
        assert (chunk.partial, chunk.breaches) == (True, 1), "the count of bad months stands still"
        assert alerts.alert(world.store, opened.id) == opened
    part(world, 3, 1.0, skill=0.0)
    assert the(world.check(subject)).breaches == 2
    assert alerts.alert(world.store, opened.id).severity is Severity.CRITICAL


def test_a_partial_chunk_still_tells_of_a_column_that_is_gone_and_of_quality(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    part(world, 3, 0.3, drop=("b",))
    chunk = the(world.check(subject))
    assert (chunk.partial, chunk.severity) == (True, Severity.CRITICAL)
    assert [one.kind for one in chunk.findings if one.severity is not Severity.OK] == ["schema"]
    [alert] = alerts.alerts(world.store, monitor="m")
    assert (alert.severity, alert.title) == (Severity.CRITICAL, "`b` is gone in Mar 2013")


def test_a_candidate_is_judged_on_the_newest_whole_month_and_never_on_a_part(world: World, subject: Subject) -> None:
    world.live(2, labels=False)
    part(world, 3, 0.3)
    world.check(subject)
    with pytest.raises(RefusedError, match="no whole window with labels"):
        held_out_from(world.store, "m")
    world.live(2)
    world.check(subject)
    assert held_out_from(world.store, "m") == datetime(2013, 2, 1, tzinfo=UTC)


def test_a_check_says_that_a_chunk_is_still_filling_not_that_it_is_healthy() -> None:
    chunk = {"label": "Sep 2013", "start": "2013-09-01", "severity": "ok", "realised": None, "version": 3}
    judged = {"chunks": [chunk | {"partial": True}], "alerts": [], "version": 3}
    assert check_summary(judged, []) == "Sep 2013: still filling, no labels yet, v3"


def test_a_monitor_of_which_nothing_whole_was_judged_yet_is_filling_not_ok(world: World, subject: Subject) -> None:
    config = open_workspace(world.root).config
    part(world, 3, 0.4)
    world.check(subject)
    [first] = monitors(world.store, config)
    assert (first.severity, first.filling) == (Severity.OK, True)
    world.live(2)
    world.check(subject)
    [then] = monitors(world.store, config)
    assert (then.last, then.filling) == ("Mar 2013", False)
