"""Months are read whole, in order, and what never arrived has no outcome."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from flights import data


def test_months_come_in_order(tmp_path: Path) -> None:
    for name in ("2013-03", "2013-01", "2013-02"):
        (tmp_path / f"{name}.parquet").touch()
    (tmp_path / "notes.txt").touch()
    assert [path.stem for path in data.months(tmp_path)] == ["2013-01", "2013-02", "2013-03"]


def test_a_folder_that_is_not_there_has_no_months(tmp_path: Path) -> None:
    assert data.months(tmp_path / "none") == []


def test_reading_puts_months_together(tmp_path: Path, flights: pa.Table) -> None:
    parquet.write_table(flights.slice(0, 310), tmp_path / "2013-01.parquet")
    parquet.write_table(flights.slice(310), tmp_path / "2013-02.parquet")
    assert data.read(data.months(tmp_path)).equals(flights)


def test_reading_nothing_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="no months"):
        data.read([])


def test_only_the_columns_that_are_asked_for(tmp_path: Path, flights: pa.Table) -> None:
    parquet.write_table(flights, tmp_path / "2013-01.parquet")
    assert data.read(data.months(tmp_path), ["row_id", "late"]).column_names == ["row_id", "late"]


def test_cancelled_flights_have_no_outcome(flights: pa.Table) -> None:
    kept = data.labelled(flights)
    assert kept.num_rows == flights.num_rows - 12
    assert kept.column("late").null_count == 0


@pytest.mark.parametrize("text", ["2013-02-01T00:00:00Z", "2013-02-01T00:00:00.000000Z", "2013-02-01"])
def test_a_moment_is_a_wall_clock(text: str) -> None:
    assert data.moment(text) == datetime(2013, 2, 1)


def test_before_and_since_leave_nothing_out(flights: pa.Table) -> None:
    cut = datetime(2013, 2, 1)
    early, late = data.before(flights, cut), data.since(flights, cut)
    assert (early.num_rows, late.num_rows) == (310, 290)
    assert pa.concat_tables([early, late]).equals(flights)
