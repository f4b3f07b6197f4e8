"""Production rows: times of several zones, repeated ids, rows from the future, in arrays as long as the rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.nouns import Severity
from opsconsole.drift.data.sources import DataError, open_source
from opsconsole.drift.data.times import moments_of
from opsconsole.drift.monitors import monitor_of
from opsconsole.drift.production.outcomes import known
from opsconsole.drift.production.reading import Production, read_production
from opsconsole.drift.production.repeats import repeated
from opsconsole.drift.production.rows import Rows, joined_rows
from opsconsole.store.baselines import predictions
from tests.drift.data.test_drift_origins import database
from tests.drift.drift_world import World

BOUNDS = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - clocks on the wall


def written(world: World, name: str, times: Any, **columns: Any) -> None:
    folder = world.root / "data"
    folder.mkdir(exist_ok=True)
    rows = len(times)
    known_columns = {"row_id": [f"{name}-{row}" for row in range(rows)], "t": times, "score": [0.5] * rows}
    pq.write_table(pa.table(known_columns | columns), folder / f"{name}.parquet")


def read(world: World) -> Production:
    monitor = monitor_of(world.workspace, "m")
    return read_production(monitor, open_source("data/*.parquet", base=world.root), [], 1)


def whole(found: Production, version: int | None = None) -> Rows:
    return joined_rows(list(found.blocks(version)))


def zoned(zone: str | None, *texts: str) -> pa.Array:
    return pa.array([datetime.fromisoformat(text) for text in texts], pa.timestamp("us", zone))


def test_files_of_several_zones_are_read_in_that_of_the_first_at_the_right_instants(world: World) -> None:
    written(world, "1", zoned("Europe/Berlin", "2013-07-01T10:00:00+00:00"))
    written(world, "2", zoned("America/New_York", "2013-07-01T10:00:00+00:00"))
    written(world, "3", ["2013-07-01T12:00:00+02:00", "2013-07-01T05:00:00-05:00", "2013-07-01T10:00:00Z"])
    written(world, "4", zoned(None, "2013-07-01T12:00:00"))
    found = read(world)
    assert found.zone == "Europe/Berlin"
    assert set(whole(found).times.tolist()) == {datetime(2013, 7, 1, 12)}  # noqa: DTZ001 - a clock on the wall
    assert [note.split(": ", 1)[1] for note in found.notes] == [
        "column `t`: times of America/New_York became Europe/Berlin, as in the files before",
        "column `t`: times of UTC became Europe/Berlin, as in the files before",
        "column `t`: times without a zone were taken as Europe/Berlin, as in the files before",
    ]


def test_files_without_a_zone_first_make_all_times_utc(world: World) -> None:
    written(world, "0", pa.nulls(1, pa.timestamp("us", "Asia/Tokyo")))
    written(world, "1", zoned(None, "2013-07-01T10:00:00"))
    written(world, "2", zoned("America/New_York", "2013-07-01T10:00:00+00:00"))
    found = read(world)
    assert found.zone is None
    assert whole(found).times[1:].tolist() == [datetime(2013, 7, 1, 10)] * 2  # noqa: DTZ001 - a clock on the wall
    assert np.isnat(whole(found).times[0])


def test_offsets_that_differ_within_one_text_column_keep_the_instants_and_plain_times_are_utc(world: World) -> None:
    written(world, "1", ["2013-07-01T12:00:00+02:00", None, "2013-07-01 10:00:00", "2013-07-01T05:00:00.000-0500"])
    found = read(world)
    assert found.zone == "UTC"
    assert whole(found).times[[0, 2, 3]].tolist() == [datetime(2013, 7, 1, 10)] * 3  # noqa: DTZ001 - a clock on the wall
    assert np.isnat(whole(found).times[1])


def test_a_text_that_is_no_time_is_named_with_its_row_in_its_file(world: World) -> None:
    written(world, "1", ["2013-07-01"] * 5)
    written(world, "2", ["2013-07-01T12:00:00"] * 70_000 + ["2013-07-01T12:00:00Z", "tomorrow"])
    with pytest.raises(DataError, match=r"2\.parquet: column `t` holds .*no time: `tomorrow` in row 70,002"):
        read(world)


@given(st.lists(st.tuples(st.datetimes(*BOUNDS), st.none() | st.integers(-12, 14))))
def test_times_written_with_any_offsets_are_read_as_the_instants_they_name(
    written: list[tuple[datetime, int | None]],
) -> None:
    texts = [moment.isoformat() + ("" if hours is None else f"{hours:+03d}:00") for moment, hours in written]
    instants = [(moment - timedelta(hours=hours or 0)).replace(tzinfo=UTC) for moment, hours in written]
    file: Any = None
    found = moments_of(pa.array(texts, pa.string()), file, "t").cast(pa.timestamp("us", "UTC")).to_pylist()
    assert found == instants


def test_repeated_ids_are_kept_counted_and_one_is_named(world: World) -> None:
    written(world, "1", ["2013-07-01"] * 4, row_id=["a", "b", "a", None])
    written(world, "2", ["2013-07-01"] * 3, row_id=["b", "b", None])
    found = read(world)
    assert found.rows == 7
    assert found.duplicates == 3
    note, _ = found.notes
    assert note.startswith("3 rows repeat the id of an earlier one, such as `")
    assert isinstance(whole(found).ids, pa.StringArray)


def test_rows_dated_after_tomorrow_are_counted_and_kept(world: World) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    written(world, "1", pa.array([later, later, datetime.now(UTC)], pa.timestamp("us", "Asia/Tokyo")))
    found = read(world)
    assert found.rows == 3
    [note] = found.notes
    assert note.startswith("2 rows are dated after now, up to ")


def test_what_was_left_out_of_a_source_is_said_of_its_rows_too(world: World) -> None:
    written(world, "1", ["2013-07-01"])
    (world.root / "data" / "x.csv").write_text(
        "row_id,t,score,v\n1,2013-01-01,0.5,1\n2,2013-01-01,0.5,2\n3,2013-01-01,0.5,x\n"
    )
    monitor = monitor_of(world.workspace, "m")
    found = read_production(monitor, open_source("data", base=world.root), [], 1)
    assert any("row 3 holds `x`" in note for note in found.notes)


def test_a_label_that_became_text_names_the_row_that_made_it_so(world: World) -> None:
    (world.root / "data").mkdir()
    (world.root / "data" / "x.csv").write_text(
        "row_id,t,score,y\n1,2013-01-01,0.5,1\n2,2013-01-01,0.5,0\n3,2013-01-01,0.5,yes\n"
    )
    with pytest.raises(DataError, match=r"x\.csv: column `y` holds text") as found:
        read_production(monitor_of(world.workspace, "m"), open_source("data", base=world.root), [], 1)
    assert "row 3 holds `yes`" in found.value.hint


def test_a_chunk_of_one_row_gets_no_verdict(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(2)
    world.live(3, rows=1, shift=50.0)
    found = world.check(subject)
    assert [chunk.rows for chunk in found.chunks] == [2500, 1]
    assert found.chunks[1].severity is Severity.OK
    assert found.severity is Severity.OK


def test_scores_without_ids_are_missed_by_no_one_silently(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    ids, scores, _ = world.month(2)
    world.predict(1, ids, scores)
    path = world.root / "data" / "2013-02.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "row_id", pa.array([None] * 10 + ids[10:])), path)
    monitor = monitor_of(world.workspace, "m")
    found = read_production(
        monitor, open_source("data/*.parquet", base=world.root), predictions(world.store, "m"), subject.version
    )
    assert "10 rows have no id: no score is theirs" in found.notes
    assert int(known(whole(found, 1).scores).sum()) == len(ids) - 10


def test_a_run_that_scored_a_row_twice_is_noted_and_its_last_score_counts(world: World) -> None:
    ids, scores, _ = world.month(2)
    world.predict(1, [*ids, ids[3]], [*scores, 0.125])
    monitor = monitor_of(world.workspace, "m")
    found = read_production(monitor, open_source("data/*.parquet", base=world.root), predictions(world.store, "m"), 1)
    assert whole(found, 1).scores[3] == 0.125
    [note] = found.notes
    assert note.endswith(
        f"predictions1.parquet: 1 prediction repeats a row id, such as `{ids[3]}`: the last one counts"
    )


def test_infinite_scores_and_labels_are_left_out_and_counted(world: World) -> None:
    written(world, "1", ["2013-07-01"] * 3, score=[0.5, np.inf, -np.inf], y=[1.0, 0.0, np.inf])
    assert read(world).notes == (
        "1 label is infinite: left out",
        "2 scores of v1 are infinite: left out",
    )


@pytest.mark.parametrize("origin", ["sqlite:rows.db?table=t", "command:cat rows.jsonl", "rows-%Y%m.csv.gz"])
def test_a_monitor_judges_rows_of_any_origin_as_it_judges_parquet(world: World, origin: str) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(2)
    [expected] = world.check(subject).chunks
    table = pq.read_table(world.root / "data/2013-02.parquet")
    texts = [moment.isoformat() for moment in table.column("t").to_pylist()]
    table = table.set_column(1, "t", pa.array(texts))
    database(world.root / "rows.db", *zip(*table.to_pydict().values(), strict=True), columns="row_id, t, a, b, y")
    (world.root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    with pa.output_stream(world.root / "rows-201302.csv.gz", compression="gzip") as stream:
        pc.write_csv(table, stream)
    world.configure("data/*.parquet", origin)
    found = world.check(subject)
    assert (found.chunks, found.unchanged) == ((), 1), "they were read again, and everything is as it was"
    assert (expected.label, expected.rows, expected.labels, expected.severity) == ("Feb 2013", 2500, 2500, Severity.OK)
    with world.store.immediate() as connection:
        connection.execute("DELETE FROM chunks")
    [chunk] = world.check(subject).chunks
    assert (chunk.label, chunk.rows, chunk.labels, chunk.severity) == ("Feb 2013", 2500, 2500, Severity.OK)
    assert chunk.realised == expected.realised


@given(st.lists(st.none() | st.text(max_size=20) | st.sampled_from(["a", "aa", "a" * 8, "a" * 9, "b\x00", "b"])))
def test_repeated_ids_are_counted_exactly(ids: list[str | None]) -> None:
    array = pa.concat_arrays([pa.array(["first"]), pa.array(ids, pa.string())]).slice(1)
    present = [one for one in ids if one is not None]
    more, example = repeated(array)
    assert more == len(present) - len(set(present))
    assert (more == 0) == (example == "" and not any(present.count(one) > 1 for one in present))


def test_known_tells_missing_text_and_missing_numbers() -> None:
    assert known(np.array(["a", None, ""], dtype=object)).tolist() == [True, False, True]
    assert known(np.array([1.0, np.nan, np.inf])).tolist() == [True, False, False]
    assert known(np.array([], dtype=object)).tolist() == []


def test_rows_that_no_version_scored_are_counted(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    ids, scores, _ = world.month(2)
    world.predict(1, ids[:2000], scores[:2000])
    found = world.check(subject)
    assert [chunk.rows for chunk in found.chunks] == [2000]
    assert "500 rows have no score of any version: left out" in found.notes


def test_labels_that_a_binary_model_cannot_have_are_left_out_and_told(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    _, _, outcome = world.live(2)
    outcome[:40] = 2
    world.month(2, change={"y": outcome})
    found = world.check(subject)
    assert found.chunks[0].labels == 2460
    assert "40 labels are neither 0 nor 1, such as 2: left out" in found.notes


def test_labels_of_which_the_metric_cannot_be_told_are_not_said_to_be_too_few(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(2, change={"y": np.ones(2500, dtype=int)})
    [chunk] = world.check(subject).chunks
    assert [one.text for one in chunk.findings if one.kind == "labels"] == [
        "Labels of 100 % of the rows: AUC cannot be told of them."
    ]


@pytest.mark.parametrize("year", [9999, 20000])
def test_times_that_no_calendar_has_are_left_out_and_told(world: World, year: int) -> None:
    subject = world.version(1, world.month(1), at=1)
    first = (
        np.datetime64(f"{year - 1970}", "Y").astype("datetime64[us]") if year > 9999 else np.datetime64("9999-06-01")
    )
    times = np.full(2500, np.datetime64("2013-02-03T00:00", "us"))
    times[:30] = first
    world.live(2, change={"t": pa.array(times)})
    found = world.check(subject)
    assert [chunk.rows for chunk in found.chunks] == [2470]
    assert any("column `t`: times outside the years 1 to 9998 were left out" in note for note in found.notes)
    assert "v1: 30 rows without a time: left out" in found.notes


def test_a_file_without_rows_a_folder_in_its_place_and_rows_that_can_get_no_label_are_told(world: World) -> None:
    written(world, "1", ["2013-07-01"] * 3, score=[0.5, 0.2, 0.1], y=[1.0, None, None])
    whole = pq.read_table(world.root / "data" / "1.parquet")
    pq.write_table(whole.slice(0, 0), world.root / "data" / "2.parquet")
    (world.root / "data" / "3.parquet").mkdir()
    pq.write_table(whole.drop_columns(["row_id"]), world.root / "data" / "1.parquet")
    assert read(world).notes == (
        f"{world.root}/data/3.parquet: left out: it is no file",
        f"{world.root}/data/2.parquet: holds no rows",
        "2 rows have neither an id nor a label: no label that is brought can be theirs",
    )
