"""Rows in more heaps than memory holds: what is sorted, joined, cut and judged is what it is when all are held at once."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import CheckResult, production_of
from opsconsole.drift.check.pending_chunks import pending_chunks_of
from opsconsole.drift.chunks import sketching
from opsconsole.drift.data.errors import DataError
from opsconsole.drift.facts.reference import decode
from opsconsole.drift.monitors import Subject
from opsconsole.drift.production import labels, spill_partitions
from opsconsole.drift.production.joins import Keys
from opsconsole.drift.production.spill_partitions import SpillPartitions
from opsconsole.drift.production.windows import Cutter, cut, floored, shown
from opsconsole.drift.reference import reference_rows
from opsconsole.drift.reference.baseline import configured_rows
from opsconsole.store import baselines
from opsconsole.store import chunks as chunk_store
from tests.drift.drift_world import World

CHUNKS = ("hour", "day", "week", "month", "quarter", "size:1", "size:7", "count:1", "count:5")


@contextmanager
def tiny(rows: int = 7, held: int = 300, at_once: int = 2) -> Iterator[None]:
    """Let heaps, memory and passes be so small that few rows fill many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill_partitions, "HEAP_ROWS", rows)
        patch.setattr(spill_partitions, "HELD_BYTES", held)
        patch.setattr(sketching, "MOST_AT_ONCE", at_once)
        yield


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def test_a_heap_gives_its_rows_back_in_the_order_in_which_they_came() -> None:
    random = np.random.default_rng(3)
    with tiny():
        found = SpillPartitions()
        expected: dict[int, list[str]] = {}
        for start in range(0, 1000, 50):
            texts = [f"{start + place}" * (place % 3) for place in range(50)]
            to = random.integers(0, 9, 50)
            found.deal(batch(text=pa.array(texts), number=to), to)
            for text, heap in zip(texts, to.tolist(), strict=True):
                expected.setdefault(heap, []).append(text)
        assert found.numbers() == sorted(expected)
        for heap, texts in expected.items():
            read = found.read(heap)
            assert read is not None
            assert (read.column("text").to_pylist(), set(read.column("number").to_pylist())) == (texts, {heap})
        assert found.read(99) is None


def test_what_cannot_be_written_says_where_to_make_room() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tiny():
        found = SpillPartitions()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(DataError, match="cannot be sorted: File too large") as told:
                found.add(batch(number=np.arange(1000)), 0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "TMPDIR" in told.value.hint


@given(
    st.lists(st.one_of(st.none(), st.sampled_from("abcdefghij"), st.text(max_size=12)), max_size=60),
    st.lists(
        st.lists(st.tuples(st.none() | st.sampled_from("abcdefghijkl"), st.floats(0, 1)), max_size=20), max_size=4
    ),
)
@settings(deadline=None)
def test_each_row_gets_the_last_record_of_its_id(
    ids: list[str | None], records: list[list[tuple[str | None, float]]]
) -> None:
    with tiny():
        keys = Keys(len(ids))
        for first in range(0, len(ids), 13):
            keys.add(pa.array(ids[first : first + 13], pa.string()), first)
        batches = [
            batch(
                id=pa.array([one for one, _ in part], pa.string()),
                value=pa.array([one for _, one in part], pa.float64()),
            )
            for part in records
        ]
        found = keys.newest(batches)
        joined: dict[int, float] = {}
        for block in found.numbers():
            read = found.read(block)
            assert read is not None
            assert {spill_partitions.block_of(np.array([row]))[0] for row in read.column("row").to_pylist()} == {block}
            joined |= dict(zip(read.column("row").to_pylist(), read.column("value").to_pylist(), strict=True))
        more, _ = keys.repeated()
    last = {key: value for part in records for key, value in part if key is not None}
    assert joined == {row: last[key] for row, key in enumerate(ids) if key in last}
    there = [one for one in ids if one is not None]
    assert more == len(there) - len(set(there))


@given(
    st.lists(st.datetimes(datetime(2013, 2, 1), datetime(2013, 4, 20)), min_size=1, max_size=60),  # noqa: DTZ001
    st.sampled_from(CHUNKS),
    st.sampled_from([None, "America/New_York", "America/Sao_Paulo"]),
    st.integers(0, 9),
    st.sets(st.integers(0, 60), max_size=4),
)
@settings(deadline=None)
def test_rows_that_come_part_by_part_are_cut_as_if_they_had_come_at_once(
    moments: list[datetime], chunk: str, zone: str | None, least: int, bounds: set[int]
) -> None:
    times = np.sort(np.array(moments, dtype="datetime64[us]"))
    times = times[np.argsort(shown(times, zone), kind="stable")]
    rows = np.arange(len(times))
    unit = chunk if ":" not in chunk else "hour"
    periods = floored(unit, shown(times, zone))
    begins = sorted({place for place in bounds if 0 < place < len(times) and periods[place] != periods[place - 1]})
    cutter, found, held = Cutter(chunk, zone, least, len(times)), [], np.empty(0, dtype=np.intp)
    for first, after in zip([0, *begins], [*begins, len(times)], strict=True):
        held = np.concatenate([held, rows[first:after]])
        windows, left = cutter.cut(times[held], last=after == len(times))
        found += [(one.window(), held[one.rows].tolist()) for one in windows]
        held = held[left]
    assert not len(held)
    assert found == [(one.window(), one.rows.tolist()) for one in cut(chunk, times, rows, zone, least)]


def stored(world: World) -> list[Any]:
    """Return all that is stored of the chunks, save when it was."""
    rows = world.store.rows("SELECT * FROM chunks ORDER BY id")
    return [{key: value for key, value in dict(row).items() if key not in {"id", "checked_at"}} for row in rows]


def checked(world: World, subject: Subject) -> tuple[CheckResult, list[Any]]:
    """Check as if for the first time."""
    with world.store.immediate() as connection:
        for table in ("chunk_columns", "chunks", "alerts", "check_marks"):
            connection.execute(f"DELETE FROM {table}")
    return world.check(subject), stored(world)


def shuffled(world: World) -> None:
    """Put all rows into one file, in no order."""
    paths = sorted((world.root / "data").glob("*.parquet"))
    whole = pa.concat_tables([pq.read_table(path) for path in paths])
    for path in paths[1:]:
        path.unlink()
    pq.write_table(whole.take(pa.array(world.random.permutation(len(whole)))), paths[0], row_group_size=500)


@pytest.mark.parametrize(
    ("chunk", "together"), [("month", False), ("day", True), ("size:333", False), ("size:333", True), ("count:7", True)]
)
def test_a_check_says_the_same_however_little_fits_into_memory(world: World, chunk: str, together: bool) -> None:
    world.configure('chunk = "month"', f'chunk = "{chunk}"\nslices = ["b"]\nleast = 50')
    subject = world.version(1, world.month(1, rows=400), at=1)
    for number in (2, 3, 4):
        world.live(number, rows=400, shift=0.3 * number)
    ids, scores, outcome = world.month(5, rows=400, labels=False)
    world.predict(1, ids, scores)
    world.predict(1, ids[:150], scores[:150] / 2)
    monitor = world.monitor
    world.check(subject)
    late = world.root / "late.parquet"
    pq.write_table(pa.table({"row_id": [*ids[:200], "no one's"], "y": [*outcome[:200], 1]}), late)
    labels.bring(monitor, world.store, late, production_of(monitor, world.store, subject))
    if together:
        shuffled(world)
    expected = checked(world, subject)
    with tiny(rows=197, held=10_000):
        found = checked(world, subject)
    assert len(expected[1]) > 3
    assert found[1] == expected[1]
    assert found[0].notes == expected[0].notes


def test_labels_brought_are_matched_however_little_fits_into_memory(world: World) -> None:
    subject = world.version(1, world.month(1, rows=300), at=1)
    ids, scores, outcome = world.month(2, rows=300)
    world.predict(1, ids, scores)
    late = world.root / "late.parquet"
    pq.write_table(pa.table({"row_id": [*ids[:200], "x", "y"], "y": [*(1 - outcome[:200]), 1, 1]}), late)
    monitor = world.monitor
    with tiny():
        found = labels.bring(monitor, world.store, late, production_of(monitor, world.store, subject))
    assert (found.rows, found.matched, found.unknown, found.changed) == (202, 200, 2, 200)


def test_of_a_reference_larger_than_memory_rows_are_drawn_and_its_numbers_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, scores, _ = world.month(1, rows=20_000)
    path = world.root / "data" / "2013-01.parquet"
    pq.write_table(pq.read_table(path).append_column("score", pa.array(scores)), world.root / "reference.parquet")
    path.unlink()
    world.configure('time = "t"', 'time = "t"\nreference = "reference.parquet"')
    monitor = world.monitor
    world.live(2)
    production = production_of(monitor, world.store, Subject("m", "production", 1))
    whole = configured_rows(monitor, Subject("m", "production", 1), production.source)
    monkeypatch.setattr(reference_rows, "MOST_BYTES", 120_000)
    drawn = configured_rows(monitor, Subject("m", "production", 1), production.source)
    assert (whole.rows, whole.drawn_from, whole.share) == (20_000, 20_000, 1.0)
    assert 2_000 < drawn.rows < 20_000 / 3
    assert len(drawn.labels) == len(drawn.scores) == len(drawn.times) == drawn.rows
    assert (drawn.drawn_from, drawn.since) == (20_000, whole.since)
    assert abs(float(np.mean(drawn.scores)) - float(np.mean(whole.scores))) < 0.02
    place = np.searchsorted(whole.times, drawn.times)
    assert (whole.scores[place] == drawn.scores).all(), "a row keeps its own score"
    found = world.check(Subject("m", "production", 1))
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK]
    held = baselines.baseline(world.store, "m", 1)
    assert held is not None
    assert held.rows == 20_000
    a_week = decode(held.fitted or b"").rows_a_week
    assert a_week == pytest.approx(20_000 / 31 * 7, rel=0.01)
    world.live(3, shift=0.5)
    world.live(4, shift=0.5)
    assert world.check(Subject("m", "production", 1)).chunks[-1].severity is Severity.INFO


def peak(world: World, subject: Subject) -> int:
    """Return how much a check held at once, in bytes."""
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        world.check(subject)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    return most + int(pool.max_memory())


def test_memory_does_not_grow_with_the_rows(world: World) -> None:
    world.configure('chunk = "month"', 'chunk = "count:40"')
    subject = world.version(1, world.month(1, rows=1000), at=1)
    peaks = []
    with tiny(rows=4000, held=400_000, at_once=4):
        for number in range(2, 8):
            world.live(number, rows=15_000)
            if number in {2, 3, 7}:
                with world.store.immediate() as connection:
                    connection.execute("DELETE FROM chunks")
                peaks.append(peak(world, subject))
    _, few, many = peaks  # the first holds what it imports
    assert many < 1.25 * few, peaks
    assert len(chunk_store.chunks(world.store, "m", limit=999)) == 40


@pytest.mark.parametrize("how", ["gone", "fewer", "more"])
def test_a_file_that_changes_while_it_is_read_is_said_and_judged_by_the_next_check(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(2)
    world.live(3)
    path = world.root / "data" / "2013-02.parquet"
    whole = pq.read_table(path)
    changed = {"gone": whole.slice(0, 0), "fewer": whole.slice(0, 900), "more": pa.concat_tables([whole, whole])}[how]

    def then_it_changes(*given: Any) -> Any:
        found = pending_chunks_of(*given)
        pq.write_table(changed, path)
        return found

    with monkeypatch.context() as patch:
        patch.setattr("opsconsole.drift.check.checker.pending_chunks_of", then_it_changes)
        with pytest.raises(DataError, match=r"2013-02\.parquet: changed while it was read"):
            world.check(subject)
    pq.write_table(whole, path)
    assert [chunk.severity for chunk in world.check(subject).chunks] == [Severity.OK, Severity.OK]
