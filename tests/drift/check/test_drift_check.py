"""Checking a monitor: chunks, baselines, joins by id, what is judged and what is not, once and only once."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core.errors import ConfigError, NotFoundError, RefusedError, UsageError
from opsconsole.core.nouns import AlertState, Severity
from opsconsole.drift.check.checker import CheckResult, check
from opsconsole.drift.data.sources import DataError
from opsconsole.drift.monitors import Subject
from opsconsole.drift.report.monitor_report import monitors, report
from opsconsole.store import alerts as alert_store
from opsconsole.store import baselines, events
from opsconsole.store import chunks as chunk_store
from opsconsole.store.connection import open_store
from tests.drift.drift_world import ROWS, World


def kinds(world: World) -> list[str]:
    return [event.kind for event in reversed(events.events(world.store, kind="alert."))]


def test_a_healthy_month_opens_nothing_and_its_numbers_are_stored(world: World, subject: Subject) -> None:
    world.live(2)
    found = world.check(subject)
    [chunk] = found.chunks
    assert (chunk.label, chunk.rows, chunk.labels, chunk.version) == ("Feb 2013", 2500, 2500, 1)
    assert chunk.severity is Severity.OK
    assert found.severity is Severity.OK
    assert found.alerts == ()
    baseline = baselines.baseline(world.store, "m", 1)
    assert baseline is not None
    assert baseline.realised is not None
    assert baseline.realised.value is not None
    assert chunk.floor == pytest.approx(baseline.realised.value - 0.05)
    assert chunk.low is not None
    assert chunk.realised is not None
    assert chunk.high is not None
    assert chunk.low < chunk.realised < chunk.high
    columns = chunk_store.columns(world.store, chunk.id)
    assert {column.name for column in columns} == {"a", "b", "score", "y"}
    assert all(sum(column.plot.current) == pytest.approx(1, abs=0.01) for column in columns)


def test_input_drift_alone_never_pages(world: World, subject: Subject) -> None:
    for month in (2, 3, 4, 5):
        world.live(month, shift=5.0)
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK, *[Severity.INFO] * 3]
    [alert] = found.alerts
    assert alert.severity is Severity.INFO
    column = next(one for one in chunk_store.columns(world.store, found.chunks[0].id) if one.name == "a")
    assert column.drifted
    assert column.distances.psi is not None
    assert column.distances.psi > 1
    assert (column.severity, column.persistent) == (Severity.OK, False)


def test_performance_below_its_floor_warns_once_and_is_critical_the_second_month(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.live(3, skill=0.4, shift=4.0)
    world.live(4, skill=0.4, shift=4.0)
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK, Severity.WARN, Severity.CRITICAL]
    [alert] = found.alerts
    assert alert.severity is Severity.CRITICAL
    assert re.match(r"Performance fell: AUC \.8\d\d → \.6\d\d \(CI .*, labels 100 %\), floor", alert.words[0])
    assert alert.words[0].endswith(", for the 2nd month.")
    assert alert.words[1].startswith("Most likely: `a` left the range seen in the reference (")
    assert alert.words[2].startswith("The score itself hardly moved (PSI .0")
    assert " in Apr 2013 (CI ." in alert.title
    assert kinds(world) == ["alert.opened", "alert.raised"]


def test_a_score_that_moves_warns_when_it_lasts(world: World, subject: Subject) -> None:
    for number in (2, 3):
        ids, scores, _ = world.month(number, labels=False)
        world.predict(1, ids, scores**3)
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks] == [Severity.OK, Severity.WARN]
    assert found.severity is Severity.WARN
    assert found.chunks[1].findings[0].kind == "score"


def test_a_chunk_is_checked_once_and_again_only_when_labels_arrive(world: World, subject: Subject) -> None:
    month = world.month(2, labels=False)
    world.predict(1, month[0], month[1])
    first = world.check(subject)
    assert (first.chunks[0].labels, first.chunks[0].realised) == (0, None)
    again = world.check(subject)
    assert (again.chunks, again.unchanged) == ((), 1)
    path = world.root / "data/2013-02.parquet"
    table = pq.read_table(path)
    late = table.set_column(table.schema.get_field_index("y"), "y", pa.array(month[2]))
    pq.write_table(late, path)
    third = world.check(subject)
    assert [chunk.id for chunk in third.chunks] == [first.chunks[0].id]
    assert third.chunks[0].labels == 2500
    assert third.chunks[0].realised is not None


def test_a_later_chunk_is_judged_anew_when_late_labels_change_the_one_before(world: World, subject: Subject) -> None:
    month = world.month(2, labels=False, skill=0.4)
    world.predict(1, month[0], month[1])
    world.live(3, skill=0.4)
    first = world.check(subject)
    assert [chunk.severity for chunk in first.chunks] == [Severity.OK, Severity.WARN]
    path = world.root / "data/2013-02.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", pa.array(month[2])), path)
    second = world.check(subject)
    assert [chunk.severity for chunk in second.chunks] == [Severity.WARN, Severity.CRITICAL]
    assert second.alerts[0].title.find("Mar 2013") > 0


def test_each_row_belongs_to_the_version_that_scored_it(world: World, subject: Subject) -> None:
    ids, scores, _ = world.month(2)
    world.predict(1, ids[:1000], scores[:1000])
    world.predict(2, ids[1000:], scores[1000:])
    found = world.check(subject)
    assert [(chunk.version, chunk.rows) for chunk in found.chunks] == [(1, 1000)]
    assert found.notes == ("v2 scored rows but has no baseline: they are not judged",)
    second = world.check(world.version(2, world.month(3), at=3))
    assert second.notes == (
        "2,500 rows have no score of any version: left out",
        "v2: 1,500 rows from before its baseline: left out",
    )


def test_rows_that_a_version_was_trained_or_evaluated_on_are_never_judged(world: World, subject: Subject) -> None:
    month = world.month(1)
    world.predict(1, month[0], month[1])
    world.live(2)
    found = world.check(subject)
    assert [chunk.label for chunk in found.chunks] == ["Feb 2013"]
    assert found.notes == ("v1: 2,500 rows that it was trained or evaluated on: left out",)


def test_ids_of_training_rows_that_cannot_be_read_stop_the_check(world: World, subject: Subject) -> None:
    world.live(2)
    subject.used[0].write_bytes(subject.used[0].read_bytes()[:-9])
    with pytest.raises(DataError, match=r"used1\.gz: the ids of rows that v1 was trained on cannot be read"):
        world.check(subject)


def test_the_newest_score_of_a_row_counts(world: World, subject: Subject) -> None:
    ids, scores, _ = world.month(2)
    world.predict(1, ids, 1 - scores)
    world.predict(1, ids, scores)
    [chunk] = world.check(subject).chunks
    assert chunk.realised is not None
    assert chunk.realised > 0.8


def test_ids_may_be_numbers_here_and_text_there(world: World, subject: Subject) -> None:
    _, scores, _ = world.month(2, change={"row_id": list(range(2500))})
    world.predict(1, [str(index) for index in range(2500)], scores)
    assert world.check(subject).chunks[0].rows == 2500


def test_without_predictions_a_score_column_in_the_data_is_the_holders(world: World, subject: Subject) -> None:
    world.month(2, change={"score": np.linspace(0, 1, 2500)})
    (world.root / "data/2013-01.parquet").rename(world.root / "january.parquet")
    elsewhere = Subject("m", "production", 1, subject.evaluation, (Path("january.parquet"),), subject.used)
    [chunk] = world.check(elsewhere).chunks
    assert (chunk.version, chunk.rows) == (1, 2500)


def test_a_column_that_is_gone_is_critical_and_named(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    world.live(3, drop=("a",))
    found = world.check(subject)
    assert found.chunks[-1].severity is Severity.CRITICAL
    assert found.chunks[-1].findings[0].text.startswith("`a` is gone")
    assert found.alerts[0].title == "`a` is gone in Mar 2013"


def test_a_column_without_values_and_one_of_another_type_are_critical(world: World, subject: Subject) -> None:
    world.live(2)
    world.check(subject)
    world.live(3, change={"a": pa.nulls(2500, pa.float64()), "b": list(range(2500))})
    found = world.check(subject)
    texts = [one.text for one in found.chunks[-1].findings if one.severity is Severity.CRITICAL]
    assert any("`a` has no values" in text for text in texts)
    assert any("`b` changed its type" in text for text in texts)


def test_too_few_rows_give_no_verdict_and_say_so(world: World, subject: Subject) -> None:
    world.live(2, rows=300, shift=9.0, skill=0.1)
    found = world.check(subject)
    [chunk] = found.chunks
    assert chunk.severity is Severity.OK
    assert chunk.findings[0].text == "Too few rows for a verdict: 300 of 450."
    assert found.alerts == ()


def test_rows_without_a_time_are_left_out_and_counted(world: World, subject: Subject) -> None:
    month = world.live(2)
    path = world.root / "data/2013-02.parquet"
    table = pq.read_table(path)
    times = table.column("t").to_pylist()
    times[:5] = [None] * 5
    pq.write_table(table.set_column(1, "t", pa.array(times, pa.timestamp("us"))), path)
    found = world.check(subject)
    assert found.chunks[0].rows == len(month[0]) - 5
    assert found.notes == ("v1: 5 rows without a time: left out",)
    [report] = monitors(world.store, world.workspace.config)
    assert report.notes == found.notes, "the console has them too"


def test_what_a_check_noted_is_kept_where_each_check_must_read(world: World, subject: Subject) -> None:
    world.configure('label = "y"', 'label = "y"\nquality = { fresh = "2d" }')
    ids, scores, _ = world.live(2)
    world.predict(1, [*ids, ids[3]], [*scores, 0.5])
    for _ in range(2):
        found = world.check(subject)
        assert len(found.notes) == 1
        assert "1 prediction repeats a row id" in found.notes[0]
        assert monitors(world.store, world.workspace.config)[0].notes == found.notes


@pytest.mark.parametrize(
    ("change", "said"),
    [({"t": [7] * 2500}, "holds int64, not times"), ({"t": ["soon"] * 2500}, "holds something that is no time")],
)
def test_a_time_column_without_times_is_refused(
    world: World, subject: Subject, change: dict[str, Any], said: str
) -> None:
    world.live(2, change=change)
    world.configure("data/*.parquet", "data/2013-02.parquet")
    with pytest.raises(DataError, match=said):
        world.check(subject)


def test_labels_that_are_no_numbers_are_refused_with_file_and_column(world: World, subject: Subject) -> None:
    world.live(2, change={"y": ["yes"] * 2500})
    world.configure("data/*.parquet", "data/2013-02.parquet")
    with pytest.raises(DataError, match=r"2013-02\.parquet: column `y` holds"):
        world.check(subject)


def test_a_current_file_that_lacks_the_id_is_refused(world: World, subject: Subject) -> None:
    world.live(2, drop=("row_id",))
    with pytest.raises(DataError, match=r"2013-02\.parquet: lacks the column `row_id`"):
        world.check(subject)


def test_a_declared_column_that_the_reference_lacks_is_refused(world: World, subject: Subject) -> None:
    world.live(2)
    world.configure('time = "t"', 'time = "t"\ncolumns = ["a", "wind"]')
    with pytest.raises(DataError, match=r"2013-01\.parquet: lacks the column `wind`"):
        world.check(subject)


def test_a_version_without_evaluation_rows_asks_for_a_reference(world: World) -> None:
    world.live(2)
    with pytest.raises(RefusedError, match="left no evaluation rows"):
        world.check(Subject("m", "production", 1))


def test_a_relative_floor_needs_labels_in_the_reference(world: World) -> None:
    world.live(2)
    pq.write_table(pa.table({"a": np.linspace(-2, 2, 900), "b": ["x"] * 900}), world.root / "reference.parquet")
    world.configure('label = "y"', 'label = "y"\nreference = "reference.parquet"')
    with pytest.raises(ConfigError, match="floor is relative"):
        world.check(Subject("m", "production", 1))
    world.configure('"reference - 0.05"', "0.7")
    found = world.check(Subject("m", "production", 1))
    assert found.chunks[0].floor == 0.7


def test_evaluated_rows_that_the_data_does_not_hold_are_refused(world: World, subject: Subject) -> None:
    world.live(2)
    other = Subject("m", "production", 1, subject.evaluation, (Path("data/2013-02.parquet"),))
    with pytest.raises(DataError, match="holds none of the 2,500 rows"):
        world.check(other)


def test_a_monitor_that_is_not_there_and_a_subject_of_another_alias_are_refused(world: World, subject: Subject) -> None:
    with pytest.raises(NotFoundError, match="no monitor `q`"):
        check(world.workspace, world.store, "q", subject)
    with pytest.raises(UsageError, match="watches m@production"):
        world.check(Subject("m", "staging", 1))


def test_two_checks_at_once_open_one_alert_and_write_each_chunk_once(world: World, subject: Subject) -> None:
    for month in (2, 3, 4):
        world.live(month, skill=0.3, shift=4.0)
    with world.store.immediate() as connection:
        connection.execute("CREATE TABLE written (chunk TEXT)")
        for act in ("INSERT", "UPDATE"):
            connection.execute(
                f"CREATE TRIGGER told_{act} AFTER {act} ON chunks BEGIN INSERT INTO written VALUES (new.label); END"
            )
    results: list[CheckResult] = []
    start = threading.Barrier(4)

    def work() -> None:
        with open_store(world.workspace.state) as store:
            start.wait(30)
            results.append(check(world.workspace, store, "m", subject))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 4
    assert len(alert_store.alerts(world.store)) == 1
    assert [row["chunk"] for row in world.store.rows("SELECT chunk FROM written")] == [
        "Feb 2013",
        "Mar 2013",
        "Apr 2013",
    ]
    assert kinds(world) == ["alert.opened", "alert.raised", "alert.continued"]
    assert alert_store.alerts(world.store)[0].state is AlertState.OPEN


def test_a_check_that_died_between_chunks_goes_on_where_it_stopped(world: World, subject: Subject) -> None:
    world.live(2)
    world.live(3)
    world.check(subject)
    with world.store.immediate() as connection:
        connection.execute("DELETE FROM chunks WHERE label = 'Mar 2013'")
    found = world.check(subject)
    assert ([chunk.label for chunk in found.chunks], found.unchanged) == (["Mar 2013"], 1)


def test_a_column_named_as_markup_is_told_without_its_control_characters(world: World) -> None:
    name = "temp\x1b]52;c;aGk=\x07[/]"
    subject = world.version(1, world.month(1, change={name: np.zeros(2500)}), at=1)
    for month in (2, 3):
        world.live(month, change={name: np.ones(2500)})
    found = world.check(subject)
    assert found.alerts[0].title.startswith("`temp[/]`")
    assert "\x1b" not in "".join(found.alerts[0].words)


def test_numbers_near_the_largest_there_are_leave_a_store_that_can_be_read(world: World, subject: Subject) -> None:
    huge = np.where(np.arange(ROWS) % 2, 1.7e308, -1.7e308)
    names = {name: world.random.normal(size=ROWS) for name in ("c", "d")}
    subject = world.version(1, world.month(1, change=names), at=1)
    for number in (2, 3):
        world.live(number, change=names | {"a": huge, "c": -huge})
        world.check(subject)
    [_, one] = report(world.store, world.workspace.config, "m")
    assert one.structure is not None
    assert one.structure.drifted
    assert {column.name for column in one.columns if column.drifted} == {"a", "c"}


def test_a_chunk_that_no_row_is_of_any_more_is_forgotten(world: World, subject: Subject) -> None:
    world.live(2)
    ids, scores, _ = world.month(3)
    world.predict(1, ids, scores)
    later = [datetime(2031, 3, 1) + timedelta(minutes=index) for index in range(ROWS)]  # noqa: DTZ001 - as in the data
    world.month(3, change={"t": later})
    assert [chunk.label for chunk in world.check(subject).chunks] == ["Feb 2013", "Mar 2031"]
    world.month(3)
    found = world.check(subject)
    assert "v1: 1 chunk that no row is of any more: forgotten" in found.notes
    assert [chunk.label for chunk in chunk_store.chunks(world.store, "m")] == ["Feb 2013", "Mar 2013"]


def test_a_check_of_other_data_forgets_nothing(world: World, subject: Subject) -> None:
    for number in (2, 3, 4):
        world.live(number)
    world.check(subject)
    check(world.workspace, world.store, "m", subject, data=world.root / "data" / "2013-03.parquet")
    check(world.workspace, world.store, "m", subject, data=world.root / "data" / "2013-02.parquet")
    assert [chunk.label for chunk in chunk_store.chunks(world.store, "m")] == ["Feb 2013", "Mar 2013", "Apr 2013"]


def test_a_floor_is_relative_to_the_metric_that_it_is_of_also_when_that_was_changed(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.check(subject)
    world.configure('metric = "auc", floor = "reference - 0.05"', 'metric = "brier", floor = "reference + 0.05"')
    [chunk] = world.check(subject).chunks
    held = baselines.baseline(world.store, "m", 1)
    assert held is not None
    assert held.realised is not None
    assert held.realised.value is not None
    assert (held.revision, held.realised.metric, chunk.metric) == (2, "brier", "brier")
    assert chunk.floor == pytest.approx(held.realised.value + 0.05)
    assert world.check(subject).unchanged == 1
    told = events.events(world.store, kind="monitor.rebaselined")
    assert [event.detail["baseline"] for event in told] == ["the same, made anew"]


def test_what_a_monitor_is_told_to_watch_later_is_watched_and_what_it_no_longer_knows_is_not_missed(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.check(subject)
    world.configure('chunk = "month"', 'chunk = "month"\nslices = ["b"]')
    [chunk] = world.check(subject).chunks
    assert {one.value for one in chunk.slices} == {"x", "y", "z"}
    text = (world.root / "opsconsole.toml").read_text()
    world.configure('label = "y"\n', 'ignore = ["y"]\n')
    world.configure(text[text.index("performance") :].splitlines()[0], "")
    found = world.check(subject)
    assert found.severity is Severity.OK
    assert [column.name for column in chunk_store.columns(world.store, found.chunks[0].id)] == ["a", "score", "b"]


def test_rows_are_in_one_chunk_only_when_they_are_cut_otherwise(world: World, subject: Subject) -> None:
    world.live(2)
    world.configure('chunk = "month"', 'chunk = "week"')
    world.check(subject)
    world.configure('chunk = "week"', 'chunk = "month"')
    world.check(subject)
    assert [(one.label, one.rows) for one in chunk_store.chunks(world.store, "m")] == [("Feb 2013", ROWS)]


def test_columns_that_only_one_side_has_are_named(world: World) -> None:
    subject = world.version(1, world.month(1, change={"c": np.arange(ROWS), "d": np.arange(ROWS)}), at=1)
    evaluated = world.root / "data" / "2013-01.parquet"
    evaluated.rename(world.root / "evaluated.parquet")
    subject = replace(subject, data=(Path("evaluated.parquet"),))
    world.live(2, change={"new": np.arange(ROWS)})
    told = (
        "v1: `new` is new: not in the reference, so not watched",
        "v1: `c` and `d` are not watched: no row had it when the baseline was made",
    )
    assert world.check(subject).notes == told
    assert world.check(subject).notes == told
