"""What a check sees besides single columns: slices, seasons, structure, target, quality, streams of errors, suspects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core import clock
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import CheckResult
from opsconsole.drift.facts.reference import decode
from opsconsole.drift.monitors import Subject, monitor_of
from opsconsole.store import alerts, baselines
from opsconsole.store import chunks as chunk_store
from tests.drift.drift_world import World


def texts(found: CheckResult, kind: str, place: int = -1) -> list[str]:
    return [finding.text for finding in found.chunks[place].findings if finding.kind == kind]


def spoiled(world: World, number: int, value: str, rows: int = 6000) -> None:
    """Score a month whose outcomes are turned round where ``b`` has a value."""
    ids, scores, outcome = world.month(number, rows=rows)
    path = world.root / f"data/2013-{number:02d}.parquet"
    table = pq.read_table(path)
    wrong = np.where(np.array(table.column("b").to_pylist()) == value, 1 - outcome, outcome)
    pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", pa.array(wrong)), path)
    world.predict(1, ids, scores)


def test_a_slice_that_fell_is_named_though_the_whole_still_holds(world: World) -> None:
    world.configure('label = "y"', 'label = "y"\nslices = ["b"]')
    world.configure("reference - 0.05", "reference - 0.4")
    january = world.month(1, rows=6000, change={"b": world.random.choice(["x", "y", "z"], 6000, p=[0.1, 0.45, 0.45])})
    subject = world.version(1, january, at=1)
    for number in (2, 3):
        spoiled(world, number, "x")
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK, Severity.WARN]
    [said] = texts(found, "slice")
    assert said.startswith("`b` = x: AUC .1")
    assert ", was .8" in said
    worst = found.chunks[-1].slices[0]
    assert (worst.column, worst.value, worst.fell) == ("b", "x", True)
    assert not any(one.fell for one in found.chunks[-1].slices[1:])
    [alert] = alerts.alerts(world.store, monitor="m")
    assert any(sentence.startswith("Worst slice: `b` = x") for sentence in alert.words)


def weekly(world: World, number: int, *, rows: int = 14_880) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Write a month in which the weekends are other days."""
    start = datetime(2013, number, 1)  # noqa: DTZ001 - as the world's own months
    moments = [start + timedelta(minutes=3 * index) for index in range(rows)]
    weekend = np.array([moment.weekday() >= 5 for moment in moments])
    return world.month(number, rows=rows, change={"c": world.random.normal(np.where(weekend, 3.0, 0.0)), "t": moments})


def test_a_season_compares_sundays_with_sundays(world: World) -> None:
    world.configure('chunk = "month"', 'chunk = "day"\nleast = 100\nlimits = { wobble = false, persist = 1 }')
    subject = world.version(1, weekly(world, 1), at=1)
    month = weekly(world, 2, rows=4800)
    world.predict(1, month[0], month[1])
    plain = world.check(subject)
    odd = {
        chunk.label
        for chunk in plain.chunks
        if any(column.name == "c" and column.drifted for column in chunk_store.columns(world.store, chunk.id))
    }
    assert {"2013-02-02", "2013-02-03", "2013-02-09", "2013-02-10"} <= odd
    world.configure('chunk = "day"', 'chunk = "day"\nseason = "weekday"')
    with world.store.immediate() as connection:
        connection.execute("DELETE FROM baselines")
    seasonal = world.check(subject)
    assert not any(
        column.drifted
        for chunk in seasonal.chunks
        for column in chunk_store.columns(world.store, chunk.id)
        if column.name == "c"
    )


def test_a_season_that_a_chunk_does_not_lie_within_is_refused(world: World) -> None:
    world.configure('chunk = "month"', 'chunk = "month"\nseason = "weekday"')
    with pytest.raises(ConfigError, match=r"season: a month holds more than one weekday"):
        monitor_of(world.workspace, "m")


def test_columns_that_no_longer_hang_together_are_told_though_each_is_as_before(world: World) -> None:
    def linked(number: int, *, broken: bool) -> tuple[list[str], np.ndarray, np.ndarray]:
        first = world.random.normal(size=2500)
        second = first + world.random.normal(0, 0.1, 2500)
        columns = {"c": first, "d": world.random.permutation(second) if broken else second, "e": 2 * first}
        return world.month(number, change=columns)

    subject = world.version(1, linked(1, broken=False), at=1)
    for number in (2, 3, 4):
        month = linked(number, broken=number > 2)
        world.predict(1, month[0], month[1])
    found = world.check(subject)
    structures = [chunk.structure for chunk in found.chunks]
    assert [one is not None and one.drifted for one in structures] == [False, True, True]
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK, Severity.OK, Severity.INFO]
    assert texts(found, "structure")[0].startswith("The columns no longer hang together as in the reference")
    columns = chunk_store.columns(world.store, found.chunks[-1].id)
    assert not any(column.drifted for column in columns)


def test_the_target_is_watched_on_the_rows_whose_label_has_come(world: World, subject: Subject) -> None:
    for number in (2, 3):
        ids, scores, _ = world.month(number, change={"y": (world.random.random(2500) < 0.15).astype(int)})
        world.predict(1, ids, scores)
    found = world.check(subject)
    column = next(one for one in chunk_store.columns(world.store, found.chunks[-1].id) if one.name == "y")
    assert column.drifted
    assert (column.distances.missing_current, column.kind) == (0, "boolean")
    assert texts(found, "target")[0].startswith("`y` moved: PSI .")


def test_labels_that_never_come_are_no_missing_values_of_the_target(world: World, subject: Subject) -> None:
    month = world.month(2, labels=False)
    world.predict(1, month[0], month[1])
    found = world.check(subject)
    column = next(one for one in chunk_store.columns(world.store, found.chunks[0].id) if one.name == "y")
    assert (column.effect, column.drifted) == ("too_few_rows", None)
    assert found.chunks[0].severity is Severity.OK


def test_declared_ranges_row_counts_and_ids_that_repeat_are_told(world: World, subject: Subject) -> None:
    world.configure('label = "y"', 'label = "y"\nquality = { rows = [1, 1000], ranges = { a = [-2.0, 2.0] } }')
    ids, scores, _ = world.month(2, change={"row_id": [f"2-{index // 2 * 2}" for index in range(2500)]})
    world.predict(1, ids, scores)
    found = world.check(subject)
    said = texts(found, "quality")
    assert "2,500 rows came, 1 to 1,000 are declared." in said
    assert "1,250 rows (50.0 %) repeat an id." in said
    assert any(text.startswith("`a`: ") and text.endswith("outside the declared -2 to 2.") for text in said)
    assert found.severity is Severity.WARN


def test_a_column_that_became_constant_is_told(world: World, subject: Subject) -> None:
    world.live(2, change={"b": ["x"] * 2500, "a": np.zeros(2500)})
    said = texts(world.check(subject), "quality")
    assert said == [
        "`a`: has one value only, and varies in the reference.",
        "`b`: has one value only, and varies in the reference.",
    ]


def test_rows_that_stop_coming_are_told_at_the_next_check(
    world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure('label = "y"', 'label = "y"\nquality = { fresh = "2d" }')
    world.live(2)
    monkeypatch.setattr(clock, "now", lambda: datetime(2013, 3, 1, tzinfo=UTC))
    assert world.check(subject).severity is Severity.OK
    monkeypatch.setattr(clock, "now", lambda: datetime(2013, 3, 9, tzinfo=UTC))
    found = world.check(subject)
    assert texts(found, "quality") == ["The newest row is of 2013-02-28 19:03 UTC, more than 2 d 0 h ago."]
    assert found.severity is Severity.WARN
    world.live(3, rows=500)
    monkeypatch.setattr(clock, "now", lambda: datetime(2013, 4, 1, tzinfo=UTC))
    found = world.check(subject)
    assert not texts(found, "quality")
    assert ([chunk.label for chunk in found.chunks], found.alerts) == (["Feb 2013", "Mar 2013"], ())


def test_rows_that_stop_coming_are_told_also_when_the_last_chunk_is_too_small_for_a_verdict(
    world: World, subject: Subject
) -> None:
    world.configure('label = "y"', 'label = "y"\nquality = { fresh = "2d", rows = [1000, 9000] }')
    world.live(2)
    world.live(3, rows=40)
    found = world.check(subject)
    assert texts(found, "quality") == [
        "40 rows came, 1,000 to 9,000 are declared.",
        "The newest row is of 2013-03-31 00:21 UTC, more than 2 d 0 h ago.",
    ]
    assert found.severity is Severity.WARN
    [alert] = found.alerts
    assert alert.words == (
        "40 rows came, 1,000 to 9,000 are declared.",
        "The newest row is of 2013-03-31 00:21 UTC, more than 2 d 0 h ago.",
    )


def test_infinite_values_are_told(world: World, subject: Subject) -> None:
    world.live(2, change={"a": np.where(np.arange(2500) % 2, np.inf, 0.5)})
    assert texts(world.check(subject), "quality") == ["`a`: 1,250 values (50.0 %) are infinite."]


def test_months_without_rows_are_named_and_small_ones_are_joined_with_the_next(world: World, subject: Subject) -> None:
    world.live(2, rows=200)
    world.live(3, rows=600)
    world.live(6)
    found = world.check(subject)
    assert [(chunk.label, chunk.rows) for chunk in found.chunks] == [("Feb 2013 – Mar 2013", 800), ("Jun 2013", 2500)]
    assert found.notes == ("v1: no rows from 2013-04-01 00:00 to 2013-06-01 00:00 (2 months)",)
    world.live(2, rows=900)
    again = world.check(subject)
    assert [chunk.label for chunk in chunk_store.chunks(world.store, "m")] == ["Feb 2013", "Mar 2013", "Jun 2013"]
    assert [chunk.label for chunk in again.chunks][:2] == ["Feb 2013", "Mar 2013"]


def test_a_disabled_monitor_measures_and_opens_nothing(world: World, subject: Subject) -> None:
    world.configure('label = "y"', 'label = "y"\nenabled = false')
    for number in (2, 3):
        world.live(number, skill=0.2)
    found = world.check(subject)
    assert found.chunks[-1].severity is Severity.CRITICAL
    assert found.alerts == ()


def test_corrected_rows_are_measured_again_in_their_own_chunk(world: World, subject: Subject) -> None:
    for number in (2, 3):
        world.live(number)
    world.check(subject)
    path = world.root / "data/2013-02.parquet"
    table = pq.read_table(path)
    moved = pa.array(np.array(table.column("a").to_pylist()) + 4)
    pq.write_table(table.set_column(table.schema.get_field_index("a"), "a", moved), path)
    found = world.check(subject)
    assert [chunk.label for chunk in found.chunks] == ["Feb 2013"]
    pq.write_table(pq.read_table(path), path, compression="zstd")
    same = world.check(subject)
    assert (same.chunks, same.unchanged) == ((), 2), "other bytes, the same rows"


def test_the_stream_of_errors_says_when_they_rose(world: World, subject: Subject) -> None:
    world.live(2, rows=6000)
    ids, scores, outcome = world.month(3, rows=6000)
    late = np.where(np.arange(6000) < 3000, outcome, (world.random.random(6000) < 0.5).astype(int))
    path = world.root / "data/2013-03.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", pa.array(late)), path)
    world.predict(1, ids, scores)
    found = world.check(subject)
    assert not texts(found, "stream", 0)
    [said] = texts(found, "stream")
    assert said.startswith("The errors rose about 1")
    assert " Mar 2013 (Page-Hinkley)" in said


def test_what_the_score_hangs_on_is_suspected_before_what_moved_further(world: World) -> None:
    noise = world.random.normal(size=2500)
    subject = world.version(1, world.month(1, change={"idle": noise}), at=1)
    fitted = baselines_fitted(world, subject)
    assert fitted["a"] > 0.9
    assert fitted["idle"] < 0.01
    for number in (3, 4):
        world.live(number, skill=0.2, shift=1.0, change={"idle": world.random.normal(2.0, 1, 2500)})
    world.check(subject)
    [alert] = alerts.alerts(world.store, monitor="m")
    likely = next(sentence for sentence in alert.words if sentence.startswith("Most likely"))
    assert likely.startswith("Most likely: `a`")


def baselines_fitted(world: World, subject: Subject) -> dict[str, float]:
    world.live(2)
    world.check(subject)
    found = baselines.baseline(world.store, "m", 1)
    assert found is not None
    assert found.fitted is not None
    return decode(found.fitted).importance


def test_values_that_training_never_saw_are_named_with_their_share(world: World, subject: Subject) -> None:
    for number in (2, 3):
        values = world.random.choice(["x", "y", "z", "JFK2"], 2500, p=[0.23, 0.23, 0.23, 0.31])
        world.live(number, skill=0.2, change={"b": values})
    world.check(subject)
    [alert] = alerts.alerts(world.store, monitor="m")
    assert not any("in categories never seen before" in sentence for sentence in alert.words), "nothing is said twice"
    likely = next(sentence for sentence in alert.words if sentence.startswith("Most likely"))
    assert likely.startswith("Most likely: `b` has 3")
    assert "values that the reference never saw (JFK2)" in likely


def test_a_baseline_of_an_older_program_is_made_anew(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    with world.store.immediate() as connection:
        connection.execute("UPDATE baselines SET fitted = NULL")
    world.check(subject)
    found = baselines.baseline(world.store, "m", 1)
    assert found is not None
    assert (found.revision, found.fitted is not None) == (2, True)


def test_nothing_is_read_where_nothing_changed(world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    world.live(2)
    first = world.check(subject)

    def refuse(*_: object) -> None:
        raise AssertionError("rows are read")

    with monkeypatch.context() as patch:
        patch.setattr("opsconsole.drift.check.checker.production_of", refuse)
        again = world.check(subject)
        assert (again.chunks, again.unchanged, again.notes) == ((), 1, first.notes)
        world.configure('label = "y"', 'label = "y"\nleast = 460')
        with pytest.raises(AssertionError, match="rows are read"):
            world.check(subject)
    world.check(subject)
    month = world.month(3)
    world.predict(1, month[0], month[1])
    assert [chunk.label for chunk in world.check(subject).chunks] == ["Mar 2013"]


def test_other_limits_judge_what_was_measured_and_read_no_row(
    world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in (2, 3):
        world.live(month, shift=0.4)
    assert {chunk.severity for chunk in world.check(subject).chunks} == {Severity.OK, Severity.INFO}
    world.configure('label = "y"', 'label = "y"\npolicy = { input = "critical" }\nlimits = { persist = 1 }')

    def refuse(*_: object) -> None:
        raise AssertionError("a chunk is measured")

    monkeypatch.setattr("opsconsole.drift.chunks.measurement.measure_chunk", refuse)
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks] == [Severity.CRITICAL, Severity.CRITICAL]
    assert world.check(subject).unchanged == 2
