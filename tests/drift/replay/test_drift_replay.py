"""What a replay promises: chunks drawn from the reference, judged as production's are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import against_of
from opsconsole.drift.facts.chunk import decode as measured_of
from opsconsole.drift.monitors import Subject
from opsconsole.drift.production.windows import Window
from opsconsole.drift.replay.replayer import Replay, replay
from opsconsole.drift.replay.resampling import Resampling
from opsconsole.drift.sketches.sketch import decode
from opsconsole.drift.verdicts.history import VersionHistory
from opsconsole.drift.verdicts.judging import judge_chunk, try_chunk
from opsconsole.store import chunks as chunk_store
from tests.drift.drift_world import World


def replayed(world: World, subject: Subject) -> Replay:
    world.live(2)
    world.check(subject)
    return replay(against_of(world.monitor, world.held), rows=2500)


def test_a_replay_says_that_nothing_is_told_where_nothing_drifts(world: World, subject: Subject) -> None:
    found = replayed(world, subject)
    assert (found.chunks, found.would_alert, found.incidents, found.bearable) == (0, (), 0, True)
    assert found.expected_false_alarms_per_week == 0
    assert "spans fewer than three of its chunks (month)" in found.words[0]


def test_a_replay_of_settings_that_cry_wolf_says_no(world: World, subject: Subject) -> None:
    world.configure(
        'chunk = "month"', 'chunk = "hour"\nleast = 60\nlimits = { psi = 0.001, chance = 0.9, persist = 1 }'
    )
    world.live(2)
    world.check(subject)
    found = replay(against_of(world.monitor, world.held), rows=100)
    assert found.incidents > 10
    assert found.expected_false_alarms_per_week is not None
    assert found.expected_false_alarms_per_week > found.budget
    assert not found.bearable
    assert "past the budget" in found.words[-1]


def test_a_replay_holds_each_window_of_the_reference_against_the_others(world: World) -> None:
    drifting = np.where(np.arange(2500) < 500, 3.0, 0.0) + world.random.normal(size=2500)
    subject = world.version(1, world.month(1, change={"b": drifting}), at=1)
    world.configure('chunk = "month"', 'chunk = "size:500"\nlimits = { persist = 1 }')
    world.live(2, change={"b": world.random.normal(size=2500)})
    world.check(subject)
    found = replay(against_of(world.monitor, world.held))
    assert found.chunks == 5
    assert [(one.label, one.columns) for one in found.would_alert] == [("#1", ("b",))]
    wobble = against_of(world.monitor, world.held).fitted.wobble()
    assert wobble["b"] > 1
    assert wobble["a"] < 0.1


def test_what_a_replay_tries_is_judged_as_a_chunk_is(world: World) -> None:
    world.configure('chunk = "month"', 'chunk = "month"\nslices = ["b"]')
    subject = world.version(1, world.month(1), at=1)
    for number, skill in ((2, 2.0), (3, 0.3), (4, 0.3)):
        world.live(number, shift=0.2 * number, skill=skill)
    world.check(subject)
    against = against_of(world.monitor, world.held)
    tried, course = [], VersionHistory()
    judged = VersionHistory()
    for chunk in chunk_store.chunks(world.store, "m"):
        measured = measured_of(chunk_store.facts(world.store, chunk.id) or b"")
        assert measured is not None
        window = Window(chunk.label, chunk.start, chunk.end, chunk.partial)
        sketch = decode(chunk_store.sketch(world.store, chunk.id) or b"", [against.reference])
        full = judge_chunk(against, window, measured, sketch, judged, "")
        judged.add(full.past)
        tried.append(try_chunk(against, window, measured, course))
        course.add(tried[-1])
        assert tried[-1] == full.past
    assert [one.record.severity for one in tried] == [Severity.OK, Severity.WARN, Severity.CRITICAL]


def test_drawn_chunks_are_as_the_reference_in_columns_slices_and_structure(world: World) -> None:
    world.configure('chunk = "month"', 'chunk = "month"\nslices = ["b"]')
    gaps = pa.array([None if row % 4 == 0 else float(row % 7) for row in range(2500)])
    noise = {"c": world.random.normal(size=2500), "d": world.random.normal(size=2500)}
    subject = world.version(1, world.month(1, change={"gaps": gaps, **noise}), at=1)
    world.live(2, change={"gaps": gaps, **noise})
    world.check(subject)
    against = against_of(world.monitor, world.held)
    random, drawing = np.random.default_rng(1), Resampling(against)
    drawn = [one for _ in range(20) for one in drawing.chunks(2000, 20, random)]
    gappy = [column.distances.missing_current for one in drawn for column in one.columns if column.name == "gaps"]
    assert np.mean(gappy) == pytest.approx(0.25, abs=0.005)
    assert np.std(gappy) == pytest.approx(np.sqrt(0.25 * 0.75 / 2000), rel=0.2)
    assert {one.labels for one in drawn} == {2000}
    own = against.baseline.realised
    assert own is not None
    values = [one.realised[0].value or 0.0 for one in drawn]
    assert np.mean(values) == pytest.approx(own.value, abs=0.01)
    assert np.std(values) == pytest.approx(
        0.5 * ((own.high or 0) - (own.low or 0)) / 1.96 * np.sqrt(1 + 2500 / 2000), rel=0.3
    )
    slices = {(part.column, part.value) for one in drawn for part in one.slices}
    assert slices == {("b", "x"), ("b", "y"), ("b", "z")}
    assert sum(part.rows for one in drawn for part in one.slices) == pytest.approx(2000 * len(drawn), rel=0.02)
    structure = [one.structure[0] for one in drawn if one.structure is not None]
    assert np.mean(structure) == pytest.approx(against.fitted.structure_mean, rel=0.02)
    assert against.fitted.structure_spread > 0


def test_a_replay_counts_slices_too(world: World) -> None:
    plain = 'chunk = "month"\nleast = 100\nlimits = { persist = 1 }\nperformance = { metric = "auc", floor = "reference - 0.001" }'
    path = world.root / "opsconsole.toml"
    path.write_text(
        path.read_text().replace('performance = { metric = "auc", floor = "reference - 0.05", for = 2 }', "")
    )
    world.configure('chunk = "month"', plain + '\nslices = ["b"]')
    subject = world.version(1, world.month(1), at=1)
    world.live(2)
    world.check(subject)
    against = against_of(world.monitor, world.held)
    found = [part for one in Resampling(against).chunks(300, 50, np.random.default_rng(2)) for part in one.slices]
    assert all((part.realised is not None and part.psi is None) or part.noise_p is not None for part in found)
    with_slices = replay(against, rows=300).incidents
    without = replay(replace(against, fitted=replace(against.fitted, slices=())), rows=300).incidents
    assert with_slices > without
