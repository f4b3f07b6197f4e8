"""Bad input: a finding, a note, or an error that names file, column and row; never a traceback, never a silent zero."""

from __future__ import annotations

import errno
import gzip
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.drift.compare.files import ColumnComparison, compare
from opsconsole.drift.data.formats import commands, csvs, jsons
from opsconsole.drift.data.sources import DataError, open_source
from opsconsole.drift.facts.column import Effect
from opsconsole.store import tables
from tests.drift.data.test_drift_origins import database, rows

MANY = 2000


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def compared(tmp_path: Path, mine: Any, theirs: Any) -> ColumnComparison:
    """Compare two sides of one column."""
    [column] = compare(
        parquet(tmp_path / "mine.parquet", v=mine), parquet(tmp_path / "theirs.parquet", v=theirs)
    ).columns
    return column


def refused(location: str | Path, base: Path, said: str) -> DataError:
    """Expect an error in opening or reading a source, with a next step."""
    with pytest.raises(DataError, match=said) as found:
        rows(open_source(location, base=base))
    assert found.value.hint
    assert "\n" not in found.value.message
    return found.value


def numbers(count: int = MANY) -> np.ndarray:
    return np.random.default_rng(5).normal(size=count)


# columns that change


def test_a_column_that_only_some_files_of_a_folder_have_counts_as_missing_in_the_others(tmp_path: Path) -> None:
    reference = parquet(tmp_path / "reference.parquet", a=numbers(), b=numbers())
    folder = tmp_path / "days"
    folder.mkdir()
    parquet(folder / "1.parquet", a=numbers(), b=numbers())
    parquet(folder / "2.parquet", a=numbers(), extra=numbers())
    found = {column.name: column for column in compare(reference, folder).columns}
    assert found["b"].distances.missing_current == 0.5
    assert found["b"].drifted
    assert found["extra"].effect is Effect.NEW
    assert found["a"].distances.missing_current == 0


def test_a_type_that_changes_between_files_is_refused_with_file_column_and_both_types(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", v=[1, 2])
    (tmp_path / "2.csv").write_text("v\n3\n4\nfive\n")
    with pytest.raises(DataError, match=r"2\.csv: column `v` is categorical, in the files before it numeric") as found:
        _ = open_source(tmp_path).kinds
    assert "row 3 holds `five`" in found.value.hint


def test_integers_and_floats_of_different_files_are_both_numbers(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", v=[1, 2])
    parquet(tmp_path / "2.parquet", v=[0.5])
    source = open_source(tmp_path)
    assert source.kinds == {"v": ColumnKind.NUMERIC}
    assert rows(source) == {"v": [1, 2, 0.5]}


# values


def test_a_constant_column_compares_with_itself_and_with_another_constant(tmp_path: Path) -> None:
    assert compared(tmp_path, [7.0] * MANY, [7.0] * MANY).drifted is False
    assert compared(tmp_path, [7.0] * MANY, [8.0] * MANY).drifted is True
    assert compared(tmp_path, ["a"] * MANY, ["b"] * MANY).drifted is True


def test_infinite_values_are_counted_outside_and_break_nothing(tmp_path: Path) -> None:
    values = numbers()
    broken = values.copy()
    broken[:500] = np.inf
    broken[500:600] = -np.inf
    column = compared(tmp_path, values, broken)
    assert column.distances.outside == pytest.approx(0.3, abs=0.01)
    assert column.drifted
    assert column.distances.wasserstein is None or np.isfinite(column.distances.wasserstein)
    back = compared(tmp_path, broken, values)
    assert back.distances.psi is not None
    assert np.isfinite(back.distances.psi)
    assert compared(tmp_path, [np.inf] * MANY, values).severity is not Severity.OK


def test_one_row_on_either_side_is_too_few_and_no_alarm(tmp_path: Path) -> None:
    for mine, theirs in ((numbers(), [1e9]), ([1.0], numbers()), ([1.0], [2.0])):
        column = compared(tmp_path, mine, theirs)
        assert column.effect is Effect.TOO_FEW_ROWS
        assert column.drifted is None


def test_a_hundred_thousand_categories_are_compared_in_bounds(tmp_path: Path) -> None:
    picks = np.random.default_rng(1).integers(0, 100_000, 200_000)
    names = [f"k{pick}" for pick in picks]
    column = compared(tmp_path, names, list(reversed(names)))
    assert column.drifted is False
    assert column.distances.psi == pytest.approx(0, abs=1e-6)


def test_a_column_of_nulls_alone_has_no_kind_and_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("v,w\n" + "1,2\n" * MANY)
    (tmp_path / "theirs.csv").write_text("v,w\n" + ",2\n" * MANY)
    found = {column.name: column for column in compare(tmp_path / "mine.csv", tmp_path / "theirs.csv").columns}
    assert found["v"].effect is Effect.ALL_MISSING
    assert found["v"].severity is Severity.CRITICAL


# types that change inside one column


def test_a_word_among_numbers_makes_a_csv_column_text_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text("v,w\n1,1\n2,2\nthree,3\n")
    [note] = [one.text for one in open_source(path).notes]
    assert note == f"{path}: column `v` is read as text: row 3 holds `three`, most others hold numbers"
    monkeypatch.setattr(csvs, "BLOCK_BYTES", 128)
    path.write_text("v,w\n" + "".join(f"{row},{row}.5\n" for row in range(1, 300)) + "2.5,x\nlate,1\n\x1b[31mz,1\n")
    source = open_source(path)
    assert source.kinds == {"v": ColumnKind.CATEGORICAL, "w": ColumnKind.CATEGORICAL}
    assert sorted(note.text.split(": ", 1)[1] for note in source.notes) == [
        "column `v` is read as text: row 301 holds `late`, the rows before hold int64",
        "column `w` is read as text: row 300 holds `x`, the rows before hold double",
    ]
    assert len(rows(source)["v"]) == 302


def test_a_word_among_numbers_makes_a_json_column_text_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"v":1,"w":true}\n\n{"v":2,"w":1}\n{"v":"three","w":null}\n')
    for block in (1 << 20, 20):
        monkeypatch.setattr(jsons, "BLOCK_BYTES", block)
        source = open_source(path)
        assert rows(source) == {"v": ["1", "2", "three"], "w": ["true", "1", None]}
        said = sorted(note.text.split(": ", 1)[1].split(",", maxsplit=1)[0] for note in source.notes)
        assert said == [
            "column `v` is read as text: row 3 holds `three`",
            "column `w` is read as text: row 2 holds `1`",
        ]


def test_a_word_among_numbers_makes_a_sqlite_column_text_and_is_named(tmp_path: Path) -> None:
    path = database(tmp_path / "mixed.db", (1, 1), (2.5, "x"), ("three", "y"), columns="v, w")
    source = open_source(f"sqlite:{path}?table=t")
    assert rows(source) == {"v": ["1", "2.5", "three"], "w": ["1", "x", "y"]}
    assert sorted(note.text.split(": ", 1)[1] for note in source.notes) == [
        "column `v` is read as text: row 3 holds `three`, most others hold numbers",
        "column `w` is read as text: row 1 holds `1`, most others hold text",
    ]


# files that are broken


def test_a_csv_row_with_too_many_or_too_few_fields_is_named_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csvs, "BLOCK_BYTES", 128)
    for before in (1, 300):
        for row, got in (("1,2,3", 3), ("1", 1)):
            for value in ("7", "word"):
                (tmp_path / "odd.csv").write_text("a,b\n" + f"{value},{value}\n" * before + f"{row}\n")
                refused("odd.csv", tmp_path, rf"odd\.csv: row {before + 1} has {got} fields, the header 2")


@pytest.mark.parametrize("before", [1, 300])
def test_bytes_that_are_not_utf8_are_named_with_column_and_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setattr(csvs, "BLOCK_BYTES", 128)
    monkeypatch.setattr(jsons, "BLOCK_BYTES", 128)
    (tmp_path / "latin.csv").write_bytes(b"a,c\n" + b"1,cafe\n" * before + b"1,caf\xe9\n")
    refused("latin.csv", tmp_path, rf"latin\.csv: column `c` holds bytes that are not UTF-8, in row {before + 1}")
    (tmp_path / "latin.jsonl").write_bytes(b'{"c":"cafe"}\n\n' * before + b'{"c":"caf\xe9"}\n')
    refused("latin.jsonl", tmp_path, rf"latin\.jsonl: row {before + 1} holds bytes that are not UTF-8")
    (tmp_path / "head.csv").write_bytes(b"caf\xe9\n1\n")
    refused("head.csv", tmp_path, r"head\.csv: a column's name holds bytes")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"v":1', "row 3: Missing a comma"),
        ("[1]", "row 3: "),
        ("7", "row 3: a JSON number, not an object"),
        ('{"v":1,"v":2}', "row 3: .*twice"),
        ("v", "row 3: "),
    ],
)
def test_a_line_that_is_no_json_object_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    for block in (1 << 20, 12):
        monkeypatch.setattr(jsons, "BLOCK_BYTES", block)
        (tmp_path / "odd.jsonl").write_text('{"v":1}\n{"v":2}\n' + line + "\n")
        refused("odd.jsonl", tmp_path, rf"odd\.jsonl: {said}")


def test_a_json_list_is_told_from_json_lines(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('[\n{"v":1},\n{"v":2}\n]\n')
    refused("list.json", tmp_path, r"list\.json: holds a JSON list, not JSON lines")


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv.zst", "rows.jsonl.gz", "rows.jsonl.zst"])
def test_a_compressed_file_cut_short_is_named_and_never_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    line = "v,w\n" + "1,2\n" * 5000 if ".csv" in name else '{"v":1}\n' * 5000
    data = gzip.compress(line.encode()) if name.endswith("gz") else pa.compress(line.encode(), "zstd", asbytes=True)
    for size in (len(data) - 1, len(data) // 2, 6):
        (tmp_path / name).write_bytes(data[:size])
        refused(name, tmp_path, rf"{name}: cannot be read: Truncated compressed stream")
    (tmp_path / name).write_bytes(line.encode())
    refused(name, tmp_path, rf"{name}: cannot be read")


def test_a_parquet_file_cut_short_is_said_to_be(tmp_path: Path) -> None:
    path = parquet(tmp_path / "cut.parquet", v=numbers())
    whole = path.read_bytes()
    for data in (whole[:-4], whole[:100], b"PAR1", whole[:-8] + whole[-4:]):
        path.write_bytes(data)
        refused(path, tmp_path, r"cut\.parquet: cannot be read")


def test_a_parquet_file_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_text("a,b\n1,2\n")
    refused(path, tmp_path, r"rows\.parquet: cannot be read: it is no Parquet file")


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "none.jsonl", "none.csv.zst"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    refused(name, tmp_path, f"{name}: the file is empty")


@pytest.mark.parametrize(("name", "content"), [("blank.jsonl", "\n\n"), ("blank.csv", "\n\n")])
def test_a_file_of_blank_lines_is_an_error_or_has_no_rows(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    (tmp_path / "good.csv").write_text("v\n1\n")
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        compare(tmp_path / "good.csv", tmp_path / name)


def test_a_header_alone_has_columns_and_no_rows(tmp_path: Path) -> None:
    for content in ("v,w\n", "v,w"):
        (tmp_path / "head.csv").write_text(content)
        assert open_source(tmp_path / "head.csv").kinds == {"v": None, "w": None}
        assert rows(open_source(tmp_path / "head.csv")) == {}
        with pytest.raises(DataError, match=r"head\.csv: there are no rows"):
            compare(tmp_path / "head.csv", tmp_path / "head.csv")


def test_a_column_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("v,w,v\n1,2,3\n")
    refused("twice.csv", tmp_path, r"twice\.csv: the column `v` stands there twice")
    pq.write_table(pa.table([[1], [2]], names=["v", "v"]), tmp_path / "twice.parquet")
    refused("twice.parquet", tmp_path, r"twice\.parquet: the column `v` stands there twice")


def test_nested_columns_are_left_out_and_cannot_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_text('{"v":1,"r":{"x":1},"l":[1]}\n{"v":2,"r":{"x":"a"},"l":["b"]}\n')
    source = open_source(tmp_path / "deep.jsonl")
    assert source.kinds == {"v": ColumnKind.NUMERIC}
    assert set(source.files[0].nested) == {"r", "l"}
    with pytest.raises(DataError, match=r"deep\.jsonl: column `r` holds"):
        source.require(["r"])
    path = database(tmp_path / "deep.db", (1, b"\x00"), columns="v, b")
    assert open_source(f"sqlite:{path}?table=t").files[0].nested == ("b",)


# SQLite and commands


def test_a_sqlite_source_that_is_none_lacks_its_table_or_is_locked_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.db").write_bytes(b"no database at all, " * 100)
    refused("sqlite:none.db?table=t", tmp_path, r"none\.db: file is not a database")
    path = database(tmp_path / "good.db", (1,), columns="v", table="other")
    assert "other" in refused("sqlite:good.db?table=t", tmp_path, r"good\.db: there is no table `t`").hint
    (tmp_path / "empty.db").touch()
    refused("sqlite:empty.db?table=t", tmp_path, r"empty\.db: there is no table `t`")
    monkeypatch.setattr(tables, "LOCKED_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        assert "another process" in refused("sqlite:good.db?table=other", tmp_path, "database is locked").hint


@pytest.mark.parametrize("ends", ["", " WHERE n < 0", " LIMIT 20000"])
def test_a_view_without_end_is_ended_by_time_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr(tables, "VIEW_S", 20.0 if "LIMIT" in ends else 0.1)
    with closing(sqlite3.connect(tmp_path / "rows.db")) as connection:
        numbers_ = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
        connection.execute(f"CREATE VIEW endless AS {numbers_}{ends}")
    if "LIMIT" in ends:
        assert len(rows(open_source("sqlite:rows.db?table=endless", base=tmp_path))["n"]) == 20_000
    else:
        error = refused("sqlite:rows.db?table=endless", tmp_path, r"the view gave nothing for 0\.1 s")
        assert "has the view an end?" in error.hint


def test_text_in_sqlite_that_is_not_utf8_is_named_with_its_column(tmp_path: Path) -> None:
    path = tmp_path / "latin.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (c)")
        connection.execute("insert into t values (cast(x'636166e9' as text))")
        connection.commit()
    refused("sqlite:latin.db?table=t", tmp_path, r"latin\.db: .*UTF-8.* column 'c'")


def test_a_command_that_fails_says_why_in_its_own_last_words(tmp_path: Path) -> None:
    program = "import sys; print('n'); sys.stderr.write('first\\n\\x1b[31mno such \\x07role\\n\\n'); sys.exit(3)"
    error = refused(f'command:{sys.executable} -c "{program}"', tmp_path, r"failed \(exit 3\): no such role\n")
    assert "\x1b" not in str(error)
    refused("command:sh -c 'kill -9 $$'", tmp_path, "ended by signal 9")
    refused("command:no-such-program-anywhere x", tmp_path, "no such program")
    refused("command:echo 'x", tmp_path, "No closing quotation")
    refused("command:", tmp_path, "which command")


def test_a_command_that_prints_nothing_or_never_ends_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused("command:true", tmp_path, "command:true: printed nothing")
    refused("command:echo", tmp_path, "command:echo: printed nothing")
    monkeypatch.setattr(commands, "COMMAND_S", 0.2)
    refused("command:sleep 60", tmp_path, r"sleep 60: did not end within 0\.2 s and was stopped")
    monkeypatch.setattr(commands, "PRINTED_BYTES", 1000)
    monkeypatch.setattr(commands, "COMMAND_S", 30.0)
    refused("command:yes", tmp_path, "command:yes: printed more than can be kept")


def test_a_command_whose_rows_find_no_room_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "mkstemp", lambda **how: (os.open("/dev/full", os.O_RDWR), str(tmp_path / "spool")))
    (tmp_path / "spool").touch()
    refused("command:yes", tmp_path, "command:yes: what it prints cannot be kept: No space left")


def test_rows_that_a_command_prints_wrongly_are_named_with_the_command(tmp_path: Path) -> None:
    refused("command:printf 'a,b\\n1,2,3\\n'", tmp_path, r"command:printf .*: row 1 has 3 fields, the header 2")


@pytest.mark.parametrize("data", [b"\x00" * 64, b"\xff\xfeh\x00i\x00", b'"', b"a,b\n\x00,\n", b"{", b"PAR1PAR1", b"\r"])
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl", "x.jsonl.zst", "x.parquet", "x.tsv"])
def test_bytes_of_any_kind_end_in_rows_or_in_an_error_that_names_the_file(
    tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    try:
        rows(open_source(tmp_path / name))
    except OpsconsoleError as error:
        assert name in error.message  # noqa: PT017 - rows are as good


def test_codes_and_flags_of_a_csv_are_held_against_a_reference_of_text(tmp_path: Path) -> None:
    words = {"code": ["1", "2", "3", "3"] * 200, "flag": ["true", "false"] * 400, "x": [0.5] * 800}
    pq.write_table(pa.table(words), tmp_path / "reference.parquet")
    lines = [f"{row % 3 + 1},{str(row % 2 == 0).lower()},0.5" for row in range(900)]
    (tmp_path / "current.csv").write_text("\n".join(["code,flag,x", *lines]))
    found = {one.name: one for one in compare(tmp_path / "reference.parquet", tmp_path / "current.csv").columns}
    assert (found["code"].distances.unseen, found["flag"].distances.unseen) == (0, 0)
    assert found["flag"].effect == "none"
    assert found["code"].drifted
    back = {one.name: one for one in compare(tmp_path / "current.csv", tmp_path / "reference.parquet").columns}
    assert (back["code"].effect, back["code"].distances.unseen) == ("warn", 0)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path, pattern: str) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", f"{self}/{pattern}")

    monkeypatch.setattr(Path, "glob", forbidden)
    with pytest.raises(DataError, match=r"data/\*\.csv: a folder of it cannot be read: Permission denied"):
        open_source(tmp_path / "data" / "*.csv")
