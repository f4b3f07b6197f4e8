"""Data files: what is read, and what is said of those that cannot be."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.drift.compare.columns import Unknown
from opsconsole.drift.compare.files import Choice, compare
from opsconsole.drift.data.formats import csvs
from opsconsole.drift.data.sources import DataError, open_source
from opsconsole.drift.facts.column import Effect


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_csv_parquet_and_json_lines_of_the_same_rows_give_the_same_kinds_and_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,c,b,t\n1,x,true,2013-01-01 00:00:00\n,,,\n2.5,y,false,2013-01-02 00:00:00\n")
    (tmp_path / "a.jsonl").write_text('{"n":1,"c":"x","b":true}\n{"n":2.5,"c":"y","b":false}\n')
    parquet(tmp_path / "a.parquet", n=[1.0, 2.5], c=["x", "y"], b=[True, False])
    expected = {"n": ColumnKind.NUMERIC, "c": ColumnKind.CATEGORICAL, "b": ColumnKind.BOOLEAN}
    assert open_source(tmp_path / "a.csv").kinds == expected | {"t": ColumnKind.DATETIME}
    assert open_source(tmp_path / "a.jsonl").kinds == expected
    assert open_source(tmp_path / "a.parquet").kinds == expected
    [batch] = open_source(tmp_path / "a.csv").batches(["n", "c"])
    assert batch.table.to_pydict() == {"n": [1.0, None, 2.5], "c": ["x", None, "y"]}


def test_a_type_that_only_a_late_csv_row_shows_holds_for_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csvs, "BLOCK_BYTES", 256)
    rows = "".join(f"{index},{index},\n" for index in range(400))
    path = tmp_path / "late.csv"
    path.write_text("i,j,k\n" + rows + "0.5,word,7\n")
    source = open_source(path)
    assert source.kinds == {"i": ColumnKind.NUMERIC, "j": ColumnKind.CATEGORICAL, "k": ColumnKind.NUMERIC}
    assert sum(batch.table.num_rows for batch in source.batches()) == 401


def test_a_folder_and_a_glob_are_read_in_the_order_of_names_and_gzip_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("n\n2\n")
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("n\n1\n")
    (tmp_path / "notes.txt").write_text("not data")
    for location in (tmp_path, tmp_path / "*.csv*"):
        found = [batch.table.column(0).to_pylist() for batch in open_source(location).batches()]
        assert found == [[1], [2]]


def test_a_missing_file_is_not_found_and_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.parquet"):
        open_source(tmp_path / "absent.parquet")


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "cut.parquet", n=list(range(1000)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cut\.parquet"):
        open_source(path)


def test_a_parquet_file_damaged_in_its_middle_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "hurt.parquet", n=[f"{index:08d}" for index in range(5000)])
    data = bytearray(path.read_bytes())
    data[200:400] = b"\xff" * 200
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"hurt\.parquet"):
        list(open_source(path).batches())


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "none.jsonl"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"{name}: the file is empty"):
        open_source(tmp_path / name)


def test_a_header_without_rows_is_said_to_have_none(tmp_path: Path) -> None:
    (tmp_path / "head.csv").write_text("n\n")
    (tmp_path / "good.csv").write_text("n\n1\n")
    with pytest.raises(DataError, match=r"head\.csv: there are no rows"):
        compare(tmp_path / "good.csv", tmp_path / "head.csv")
    with pytest.raises(DataError, match=r"head\.csv: there are no rows"):
        compare(tmp_path / "head.csv", tmp_path / "good.csv")


def test_a_column_that_was_asked_for_and_is_not_there_is_named_with_its_file(tmp_path: Path) -> None:
    one, two = parquet(tmp_path / "one.parquet", n=[1]), parquet(tmp_path / "two.parquet", n=[1], m=[2])
    with pytest.raises(DataError, match=r"one\.parquet: lacks the column `m`"):
        compare(one, two, choice=Choice(("m",)))


def test_files_of_one_glob_that_disagree_about_a_column_are_refused(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", n=[1])
    parquet(tmp_path / "2.parquet", n=["x"])
    with pytest.raises(DataError, match=r"2\.parquet: column `n` is categorical"):
        _ = open_source(tmp_path / "*.parquet").kinds


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("n,n\n1,2\n")
    with pytest.raises(DataError, match="`n` stands there twice"):
        open_source(tmp_path / "twice.csv")


def test_bytes_that_are_no_text_are_refused_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"c\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"latin\.csv: column `c`"):
        compare(tmp_path / "latin.csv", tmp_path / "latin.csv")


def test_lists_and_records_are_left_out_and_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "nested.parquet", n=[1, 2], rec=[{"x": 1}, {"x": 2}], many=[[1], [2]])
    found = compare(path, path)
    assert [column.name for column in found.columns] == ["n"]
    assert set(found.left_out) == {"rec", "many"}


def test_a_column_that_is_gone_new_or_of_another_type_is_found(tmp_path: Path) -> None:
    one = parquet(tmp_path / "one.parquet", gone=[1.0] * 99, kind=[1] * 99, same=[1] * 99)
    two = parquet(tmp_path / "two.parquet", kind=["x"] * 99, same=[1] * 99, new=["x"] * 99)
    found = {column.name: column for column in compare(one, two).columns}
    assert found["gone"].effect is Effect.GONE
    assert found["gone"].severity is Severity.CRITICAL
    assert found["kind"].effect is Effect.TYPE_CHANGED
    assert found["kind"].severity is Severity.CRITICAL
    assert found["new"].effect is Effect.NEW
    assert found["new"].severity is Severity.INFO
    assert found["same"].severity is Severity.OK


def test_one_row_gives_no_verdict(tmp_path: Path) -> None:
    one = parquet(tmp_path / "one.parquet", n=[float(value) for value in range(1000)])
    two = parquet(tmp_path / "two.parquet", n=[1e9])
    [column] = compare(one, two).columns
    assert column.effect is Effect.TOO_FEW_ROWS
    assert column.drifted is None
    assert column.severity is Unknown.UNKNOWN


@pytest.mark.parametrize("missing", [pa.nulls(500), pa.nulls(500, pa.float64()), pa.array([float("nan")] * 500)])
def test_a_column_without_any_value_is_critical_and_named_so(tmp_path: Path, missing: pa.Array) -> None:
    one = parquet(tmp_path / "one.parquet", n=[float(value) for value in range(500)])
    two = parquet(tmp_path / "two.parquet", n=missing)
    [column] = compare(one, two).columns
    assert column.effect is Effect.ALL_MISSING
    assert column.severity is Severity.CRITICAL
    assert column.distances.missing_current == 1.0
    assert column.distances.ks is None
    [back] = compare(two, one).columns
    assert back.drifted
    assert back.distances.missing_reference == 1.0


def test_unseen_categories_have_a_rate_of_their_own(tmp_path: Path) -> None:
    one = parquet(tmp_path / "one.parquet", c=["JFK", "LGA"] * 500)
    two = parquet(tmp_path / "two.parquet", c=["JFK", "LGA", "JFK", "JFK2"] * 250)
    [column] = compare(one, two).columns
    assert column.distances.unseen == 0.25
    assert column.drifted
    assert column.severity is Severity.WARN
