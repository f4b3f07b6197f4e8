"""Every kind of source gives the same rows in bounded pieces: compressed files, dated globs, SQLite tables, commands."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import compare
from opsconsole.drift.data.formats import csvs, jsons, tables
from opsconsole.drift.data.sources import DataError, Source, open_source

ROWS = {"n": [1, 2, 3], "f": [0.5, None, 2.5], "c": ["x", None, "z"]}
CSV = b"n,f,c\n1,0.5,x\n2,,\n3,2.5,z\n"
LINES = b"".join(
    json.dumps(dict(zip(ROWS, row, strict=True))).encode() + b"\n" for row in zip(*ROWS.values(), strict=True)
)
KINDS = {"n": ColumnKind.NUMERIC, "f": ColumnKind.NUMERIC, "c": ColumnKind.CATEGORICAL}


def rows(source: Source, columns: list[str] | None = None) -> dict[str, list[Any]]:
    """Return all rows as columns; whatever batch they came in."""
    found: dict[str, list[Any]] = {}
    for batch in source.batches(columns):
        for name, values in batch.table.to_pydict().items():
            found.setdefault(name, []).extend(values)
    return found


def database(path: Path, *values: tuple[Any, ...], columns: str = "n, f, c", table: str = "t") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f'create table "{table}" ({columns})')
        connection.executemany(f'insert into "{table}" values ({",".join("?" * len(values[0]))})', values)
        connection.commit()
    return path


def held_open(folder: Path) -> list[str]:
    """Files of a folder, also deleted ones, that this process has open."""
    held = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return [one for one in held if one.startswith(str(folder))]


def comes_to_hold(folder: Path, number: int) -> bool:
    """Whether so many files of a folder are open in the end; a thread of pyarrow may close its own a moment later."""
    deadline = time.monotonic() + 10
    while len(held_open(folder)) != number and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(held_open(folder)) == number


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize(("kind", "content"), [("csv", CSV), ("tsv", CSV.replace(b",", b"\t")), ("jsonl", LINES)])
def test_csv_and_json_lines_are_read_plain_and_compressed(
    tmp_path: Path, kind: str, content: bytes, suffix: str
) -> None:
    packed = {"": content, ".gz": gzip.compress(content), ".zst": pa.compress(content, "zstd", asbytes=True)}
    path = tmp_path / f"rows.{kind}{suffix}"
    path.write_bytes(packed[suffix])
    source = open_source(path)
    assert source.kinds == KINDS
    assert rows(source) == ROWS
    assert rows(source, ["f"]) == {"f": ROWS["f"]}
    assert source.notes == ()


def test_a_dated_pattern_is_read_in_the_order_of_dates_and_what_has_none_is_left_out(tmp_path: Path) -> None:
    for day, month, year in (("02", "01", "2014"), ("01", "12", "2013"), ("31", "01", "2013"), ("31", "02", "2013")):
        folder = tmp_path / day / month
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{year}.csv").write_text(f"n\n{year}{month}{day}\n")
    source = open_source("%d/%m/%Y.csv", base=tmp_path)
    assert rows(source) == {"n": [20130131, 20131201, 20140102]}
    [note] = [one.text for one in source.notes]
    assert note.endswith("31/02/2013.csv: left out: its name holds no date")


def test_a_date_that_stands_twice_in_a_pattern_must_be_the_same_twice(tmp_path: Path) -> None:
    for folder, name in (("2013", "2013-06"), ("2014", "2014-01"), ("2014", "2013-02")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name} 5%.csv").write_text(f"n\n{name.replace('-', '')}\n")
    assert rows(open_source("%Y/%Y-%m *%%.csv", base=tmp_path)) == {"n": [201306, 201401]}
    with pytest.raises(NotFoundError, match=r"%Y/%j\.csv"):
        open_source("%Y/%j.csv", base=tmp_path)


def test_a_sqlite_table_and_a_view_are_read_without_changing_the_file(tmp_path: Path) -> None:
    path = database(tmp_path / "rows.db", *zip(*ROWS.values(), strict=True))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create view v as select n, f, c from t")
        connection.commit()
    path.chmod(0o400)
    before = path.stat().st_mtime_ns
    for table in ("t", "v"):
        source = open_source(f"sqlite:rows.db?table={table}", base=tmp_path)
        assert source.kinds == KINDS
        assert source.files[0].rows == 3
        assert rows(source) == ROWS
        assert rows(source, ["c"]) == {"c": ROWS["c"]}
    assert path.stat().st_mtime_ns == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["rows.db"]


def test_a_sqlite_tables_name_is_never_taken_for_sql(tmp_path: Path) -> None:
    name = 'odd"; drop table t; --'
    path = tmp_path / "rows.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (n)")
        quoted = name.replace('"', '""')
        connection.execute(f'create table "{quoted}" ("a""b")')
        connection.execute(f'insert into "{quoted}" values (7)')
        connection.commit()
    assert rows(open_source(f"sqlite:{path}?table={name}")) == {'a"b': [7]}


def test_a_sqlite_table_wider_than_a_query_and_longer_than_a_batch_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "FETCHED_ROWS", 3)
    names = ", ".join(f"c{number}" for number in range(450))
    path = database(tmp_path / "wide.db", *[tuple(range(450))] * 8, columns=names)
    source = open_source(f"sqlite:{path}?table=t")
    assert [batch.table.num_rows for batch in source.batches()] == [3, 3, 2]
    assert rows(source, ["c449"]) == {"c449": [449] * 8}


def test_a_stamp_changes_with_the_content_and_only_with_it(tmp_path: Path) -> None:
    path = database(tmp_path / "rows.db", (1, 2.0, "x"))
    location = f"sqlite:{path}?table=t"
    first = open_source(location).files[0].stamp()
    assert open_source(location).files[0].stamp() == first
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("update t set n = 2")
        connection.commit()
        assert open_source(location).files[0].stamp() != first
    (tmp_path / "gone.csv").write_text("n\n1\n")
    [gone] = open_source(tmp_path / "gone.csv").files
    gone.path.unlink()
    with pytest.raises(DataError, match=r"gone\.csv"):
        gone.stamp()
    one, two = (open_source(f"command:printf 'n\\n{number}\\n'").files[0] for number in (1, 2))
    assert one.stamp() != two.stamp()
    assert open_source("command:printf 'n\\n1\\n'").files[0].stamp() == one.stamp()


@pytest.mark.parametrize("content", [CSV, LINES, b"\xef\xbb\xbf" + CSV])
def test_what_a_command_prints_is_read_as_often_as_needed_and_leaves_no_file(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools = tmp_path / "spools"
    spools.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spools))
    (tmp_path / "printed").write_bytes(content)
    source = open_source("command:cat printed", base=tmp_path)
    assert comes_to_hold(spools, 1)
    assert list(spools.iterdir()) == []
    assert source.kinds == KINDS
    assert rows(source) == rows(source) == ROWS
    assert source.name == "command:cat printed"
    del source
    assert comes_to_hold(spools, 0)


def test_a_command_may_print_more_than_memory_is_given_to_one_that_is_captured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opsconsole.core.process.OUTPUT_LIMIT", 1000)
    program = "print('n'); [print(number) for number in range(5000)]"
    source = open_source(f'command:{sys.executable} -c "{program}"')
    assert sum(batch.table.num_rows for batch in source.batches()) == 5000


def test_all_origins_compare_with_each_other(tmp_path: Path) -> None:
    pq.write_table(pa.table(ROWS), tmp_path / "rows.parquet")
    database(tmp_path / "rows.db", *zip(*ROWS.values(), strict=True))
    found = compare(tmp_path / "rows.parquet", f"sqlite:{tmp_path}/rows.db?table=t")
    assert (found.rows.reference, found.rows.current) == (3, 3)
    assert not found.drifted


Scalars = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.fixed_dictionaries({"a": Scalars | st.booleans() | st.text(), "b": Scalars}), min_size=1))
def test_json_lines_of_any_scalars_keep_every_row_and_value(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("json") / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsons, "BLOCK_BYTES", 40)
        source = open_source(path)
        found = rows(source, ["a", "b"])
    assert source.files[0].rows == len(objects)
    assert found["b"] == pytest.approx([one["b"] for one in objects])
    text = source.kinds["a"] is ColumnKind.CATEGORICAL
    for one, value in zip((one["a"] for one in objects), found["a"], strict=True):
        if text and one is not None and not isinstance(one, str):
            assert json.loads(value) == one
        elif isinstance(one, str) and source.kinds["a"] is ColumnKind.DATETIME:
            assert value is not None
        else:
            assert value == one


@pytest.mark.parametrize(
    ("first", "late", "kind"),
    [
        ("2013-01-01", "2013-01-01T05:00:00", "timestamp[us]"),
        ("2013-01-01T05:00:00", "2013-01-01T05:00:00.250", "timestamp[us]"),
        ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00.5+02:00", "timestamp[us, tz=UTC]"),
        ("2013-01-01T05:00:00", "2013-01-01T05:00:00+02:00", "string"),
        ("true", "1", "bool"),
        ("", "2013-01-01", "date32[day]"),
        ("", "x", "string"),
        ("1", " 1e5", "double"),
        ("9223372036854775807", "9223372036854775808", "double"),
        ("05:00:00", "06:00", "time64[ns]"),
        ("05:00:00", "x", "string"),
        ('"a\nb"', "c", "string"),
        ("1", "inf", "double"),
    ],
)
def test_a_csv_type_is_widened_no_further_than_a_late_value_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, late: str, kind: str
) -> None:
    monkeypatch.setattr(csvs, "BLOCK_BYTES", 64)
    (tmp_path / "late.csv").write_text("k,v\n" + f"0,{first}\n" * 20 + f"1,{late}\n")
    source = open_source(tmp_path / "late.csv")
    assert str(source.files[0].schema.field("v").type) == kind
    assert len(rows(source)["v"]) == 21


@given(
    st.lists(
        st.none() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.dates() | st.times(), min_size=1
    )
)
def test_csv_columns_of_any_types_keep_every_row(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    path.write_text("k,v\n" + "".join(f"{k},{'' if v is None else v}\n" for k, v in enumerate(values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvs, "BLOCK_BYTES", 64)
        source = open_source(path)
        found = rows(source)
    assert found["k"] == list(range(len(values)))
    assert [value is None for value in found["v"]] == [value is None for value in values]


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.db: there is no such database"):
        open_source("sqlite:absent.db?table=t", base=tmp_path)
    with pytest.raises(DataError, match=r"which table\?"):
        open_source("sqlite:absent.db", base=tmp_path)
