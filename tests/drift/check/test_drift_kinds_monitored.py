"""A monitor on datetimes, texts and vectors, and on a baseline that an older program stored."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.check.checker import against_of, production_of
from opsconsole.drift.data.sources import DataError
from opsconsole.drift.monitors import Subject, monitor_of
from opsconsole.drift.reference.baseline import chosen_rows, rebaseline, take_back
from opsconsole.drift.replay.replayer import replay
from opsconsole.drift.sketches.sketch import decode, readable
from opsconsole.store import baselines
from opsconsole.store import chunks as chunk_store
from opsconsole.store.chunk_records import ChunkColumn
from tests.drift.drift_world import ROWS, World

WORDS = np.array(["late", "again", "the", "parcel", "was", "open", "thanks", "never", "came"])


def extra(seed: int, *, moved: bool = False, wrong: int = 0) -> dict[str, Any]:
    """Return columns of the new kinds for one month."""
    random = np.random.default_rng(seed)
    start = datetime(2013, 6, 1) + timedelta(days=40 * seed)  # noqa: DTZ001 - naive on purpose: such data is UTC
    hours = random.integers(0, 6 if moved else 24, ROWS) + 24 * random.integers(0, 28, ROWS)
    notes = [" ".join(random.choice(WORDS, random.poisson(20 if moved else 8) + 2)) + f" {one}" for one in range(ROWS)]
    vectors = (random.normal(size=(ROWS, 6)) + (2 if moved else 0)).tolist()
    vectors[:wrong] = [[0.0]] * wrong
    return {
        "due": [start + timedelta(hours=int(hour)) for hour in hours],
        "note": notes,
        "e": pa.array(vectors, pa.list_(pa.float32())),
    }


def columns(world: World, subject: Subject) -> list[dict[str, ChunkColumn]]:
    world.check(subject)
    found = chunk_store.chunks(world.store, "m", version=1)
    return [{one.name: one for one in chunk_store.columns(world.store, chunk.id)} for chunk in found]


@pytest.fixture
def subject(world: World) -> Subject:
    return world.version(1, world.month(1, change=extra(1)), at=1)


def test_new_kinds_are_watched_with_their_figures_and_plots(world: World, subject: Subject) -> None:
    world.live(2, change=extra(2))
    world.live(3, change=extra(3, moved=True, wrong=2))
    calm, moved = columns(world, subject)
    assert {name: one.kind for name, one in calm.items()} == {
        "a": ColumnKind.NUMERIC,
        "b": ColumnKind.CATEGORICAL,
        "score": ColumnKind.NUMERIC,
        "y": ColumnKind.BOOLEAN,
        "due": ColumnKind.DATETIME,
        "note": ColumnKind.TEXT,
        "e": ColumnKind.EMBEDDING,
    }
    for name in ("due", "note", "e"):
        assert calm[name].drifted is False
        assert moved[name].drifted
        assert sum(moved[name].plot.current) == pytest.approx(1, abs=0.01)
    assert moved["due"].plot.labels[0] == "00"
    assert calm["e"].figures.means == pytest.approx(0, abs=0.1)
    assert moved["e"].figures.means == pytest.approx(2, abs=0.2)
    reference, current = moved["note"].figures.reference, moved["note"].figures.current
    assert reference is not None
    assert current is not None
    assert reference.low < reference.median < reference.high < current.high
    assert calm["b"].figures.reference is None
    march = chunk_store.chunks(world.store, "m", version=1)[-1]
    assert "`e`: 2 rows (0.1 %) are no vectors of 6 finite numbers." in [one.text for one in march.findings]


def test_vectors_as_wrong_as_the_references_are_not_told_again(world: World) -> None:
    subject = world.version(1, world.month(1, change=extra(1, wrong=20)), at=1)
    world.live(2, change=extra(2, wrong=25))
    world.check(subject)
    [chunk] = chunk_store.chunks(world.store, "m", version=1)
    assert not [one for one in chunk.findings if "no vectors" in one.text]


def test_a_monitor_of_new_kinds_can_be_replayed(world: World, subject: Subject) -> None:
    world.live(2, change=extra(2))
    world.check(subject)
    baseline = baselines.baseline(world.store, "m", 1)
    assert baseline is not None
    found = replay(against_of(monitor_of(world.workspace, "m"), baseline))
    assert found.incidents <= 0.02 * found.simulated


def age(world: World) -> None:
    """Make every stored sketch one of an older program."""
    with world.store.immediate() as connection:
        for table in ("baselines", "chunks"):
            for number, data in connection.execute(f"SELECT id, sketch FROM {table}").fetchall():
                document = msgspec.msgpack.decode(zlib.decompress(data))
                old = zlib.compress(msgspec.msgpack.encode({**document, "format": 1}))
                connection.execute(f"UPDATE {table} SET sketch = ? WHERE id = ?", (old, number))


def test_a_baseline_of_an_older_program_is_made_anew_and_its_chunks_are_measured_again(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.check(subject)
    age(world)
    old = baselines.baseline(world.store, "m", 1)
    assert old is not None
    assert not readable(old.sketch)
    with pytest.raises(ValueError, match="a sketch of format 1; this program reads 3"):
        decode(old.sketch)
    found = world.check(subject)
    new = baselines.baseline(world.store, "m", 1)
    assert new is not None
    assert (new.revision, new.rows, new.reason) == (old.revision + 1, old.rows, None)
    assert decode(new.sketch).rows == old.rows
    assert len(found.chunks) == 1
    assert world.check(subject).unchanged == 1


def test_one_that_the_operator_chose_is_made_anew_from_the_same_rows(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    monitor, held = monitor_of(world.workspace, "m"), baselines.baseline(world.store, "m", 1)
    assert held is not None
    production = production_of(monitor, world.store, subject)
    since, until = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)
    chosen = chosen_rows(monitor, production, 1, since, until)
    rebaseline(monitor, world.store, held, chosen, "the port moved")
    age(world)
    world.check(subject)
    new = baselines.baseline(world.store, "m", 1)
    assert new is not None
    assert (new.origin, new.reason, new.revision) == (chosen.origin, "the port moved", 3)
    assert new.realised == held.realised
    with pytest.raises(NotFoundError, match="no baseline before"):
        take_back(monitor, world.store, new)


def test_chunks_of_an_earlier_version_stay_as_they_were_judged_and_it_is_said(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    second = world.version(2, world.month(3), at=3)
    age(world)
    found = world.check(second)
    assert any("v1: an older program made its baseline" in note for note in found.notes)
    assert len(chunk_store.chunks(world.store, "m", version=1)) == 1


def test_vectors_named_where_one_value_is_needed_are_refused(world: World, subject: Subject) -> None:
    world.live(2, change=extra(2))
    world.configure('time = "t"', 'time = "t"\nslices = ["e"]')
    with pytest.raises(DataError, match="a column of vectors stands where one value a row is needed"):
        world.check(subject)
