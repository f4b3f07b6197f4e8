"""The same values are the same, however they are packed, spelled, separated or encoded."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import Comparison, compare
from opsconsole.drift.data.plain_types import plain
from opsconsole.drift.data.sources import DataError, open_source
from tests.drift.data.test_drift_origins import rows

NUMBER = 2400
WORDS = ["red", "green", "blue"] * (NUMBER // 3)
SECONDS = [(place * 37) % 7200 for place in range(NUMBER)]
TIMES = [dt.time(one // 3600, one % 3600 // 60, one % 60) for one in SECONDS]
CENTS = [1999, 115, 4900, 70, 57] * (NUMBER // 5)


def parquet(path: Path, values: Any) -> Path:
    pq.write_table(pa.table({"v": values}), path)
    return path


def text(path: Path, lines: list[str], *, head: str = "v", encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in [head, *lines]).encode(encoding))
    return path


def calm(one: Path, other: Path, *, exact: bool = False) -> Comparison:
    """Expect the same values on both sides, whichever is the reference."""
    for mine, theirs in ((one, other), (other, one)):
        found = compare(mine, theirs, exact=exact)
        [column] = found.columns
        assert (column.distances.psi, column.drifted) == (0, False), (mine.name, theirs.name, column.effect)
        assert column.distances.missing_reference == column.distances.missing_current
        assert column.distances.ks in {0, None}
    return found


PACKINGS = {
    "views": pa.array(WORDS, pa.string_view()),
    "wide": pa.array(WORDS, pa.large_string()),
    "dictionary": pa.array(WORDS).dictionary_encode(),
    "dictionary of wide": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2] * (NUMBER // 3), pa.int8()), pa.array(["red", "green", "blue"], pa.large_string())
    ),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_text_is_the_same_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    calm(parquet(tmp_path / "plain.parquet", WORDS), parquet(tmp_path / "packed.parquet", PACKINGS[packing]))


@pytest.mark.parametrize(
    ("packed", "kind"),
    [
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.binary_view()), pa.binary()),
        (pa.array([[1.5], None], pa.list_view(pa.float64())), pa.list_(pa.float64())),
        (pa.array([[1.5], None], pa.large_list_view(pa.float32())), pa.list_(pa.float32())),
        (pa.array([[1.5], None], pa.large_list(pa.float64())), pa.list_(pa.float64())),
        (pa.array([["a"], None], pa.list_(pa.string_view())), pa.list_(pa.string())),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2]), pa.array(["a"])), pa.string()),
        (
            pa.DictionaryArray.from_arrays(pa.array([1, None]), pa.array(["a", "b"], pa.string_view())),
            pa.dictionary(pa.int32(), pa.string()),
        ),
        (pa.DictionaryArray.from_arrays(pa.array([1, None]), pa.array([1.5, 2.5])), pa.float64()),
        (pa.array([10**18, None], pa.duration("s")), pa.duration("ns")),
    ],
    ids=lambda value: str(value.type if isinstance(value, pa.Array) else value),
)
def test_every_packing_has_one_plain_type(packed: pa.Array, kind: pa.DataType) -> None:
    found = plain(packed)
    assert found.type == kind
    expected = packed.to_pylist() if not pa.types.is_duration(kind) else [None, None]
    if not pa.types.is_dictionary(packed.type) and not pa.types.is_run_end_encoded(packed.type):
        assert found.to_pylist() == expected


@pytest.mark.parametrize("one", [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")])
def test_times_of_day_are_the_same_in_every_unit_and_in_csv(tmp_path: Path, one: pa.DataType) -> None:
    mine = parquet(tmp_path / "mine.parquet", pa.array(TIMES, one))
    calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(TIMES, pa.time64("us"))))
    calm(mine, text(tmp_path / "plain.csv", [str(value) for value in TIMES]))
    calm(mine, text(tmp_path / "parts.csv", [f"{value}.000" for value in TIMES]))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_the_same_in_every_unit_and_in_csv(tmp_path: Path, unit: str) -> None:
    times = 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    mine = parquet(tmp_path / "mine.parquet", pa.array([one * times for one in SECONDS], pa.duration(unit)))
    calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(SECONDS, pa.duration("s"))))
    calm(mine, text(tmp_path / "python.csv", [str(dt.timedelta(seconds=one)) for one in SECONDS]))
    calm(mine, text(tmp_path / "pandas.csv", [f"0 days {dt.timedelta(seconds=one)!s:0>8}" for one in SECONDS]))
    calm(mine, text(tmp_path / "iso.csv", [f"PT{one // 60}M{one % 60}S" for one in SECONDS]))


def test_a_negative_duration_of_python_is_what_it_means(tmp_path: Path) -> None:
    texts = [str(dt.timedelta(seconds=one)) for one in (-600, -1, 5, 90_000)]
    found = rows(open_source(text(tmp_path / "v.csv", [f'"{one}"' for one in texts])))
    assert found["v"] == [-600, -1, 5, 90_000]


@pytest.mark.parametrize("kind", [pa.decimal128(9, 2), pa.decimal256(40, 2), pa.float64(), pa.float32()], ids=str)
@pytest.mark.parametrize("exact", [False, True])
def test_prices_are_the_same_as_decimals_floats_and_text(tmp_path: Path, kind: pa.DataType, exact: bool) -> None:
    exactly = [Decimal(one) / 100 for one in CENTS]
    values = exactly if pa.types.is_decimal(kind) else [one / 100 for one in CENTS]
    mine = parquet(tmp_path / "mine.parquet", pa.array(values, kind))
    for other in (pa.float64(), pa.decimal128(12, 4)):
        theirs = exactly if pa.types.is_decimal(other) else [one / 100 for one in CENTS]
        calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(theirs, other)), exact=exact)
    calm(mine, text(tmp_path / "v.csv", [str(one) for one in exactly]), exact=exact)


@pytest.mark.parametrize(
    "kind", [pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.date64()], ids=str
)
def test_moments_are_the_same_in_every_unit(tmp_path: Path, kind: pa.DataType) -> None:
    moments = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=31 * one) for one in range(NUMBER)]
    days = pa.types.is_date(kind)
    values = [one.date() for one in moments] if days else moments
    mine = parquet(tmp_path / "mine.parquet", pa.array(values, kind))
    calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(values, pa.date32() if days else pa.timestamp("us"))))
    calm(mine, text(tmp_path / "v.csv", [f"{one:%Y-%m-%d}" if days else f"{one:%Y-%m-%dT%H:%M:%S}" for one in moments]))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_the_same_moments_of_two_zones_are_compared_by_the_references_clock(tmp_path: Path, zone: str) -> None:
    moments = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=7 * one) for one in range(NUMBER)]
    mine = parquet(tmp_path / "mine.parquet", pa.array(moments, pa.timestamp("us", zone)))
    calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(moments, pa.timestamp("ms", "Asia/Tokyo"))))
    calm(mine, text(tmp_path / "v.csv", [one.isoformat() for one in moments]))


SPELLED = {
    "leading zeros": ["007", "7", "0012"],
    "numbers": ["1.50", "1.5", "1e2"],
    "dates": ["2024-01-01", "2024-01-02", "2024-01-02T00:00:00"],
    "moments": ["2024-01-01 10:00:00", "2024-01-01 11:00:00", "2024-01-01 12:00:00"],
    "flags": ["true", "True", "TRUE"],
    "clocks": ["10:00:00", "11:00:00", "12:00:00"],
    "prices": ["1,5", "2,25", "3,0"],
}


@pytest.mark.parametrize("name", SPELLED)
@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_text_that_looks_like_something_else_keeps_its_spelling(tmp_path: Path, name: str, format_: str) -> None:
    values = SPELLED[name] * 300
    lines = [f'"{one}"' for one in values] if format_ == "csv" else [json.dumps({"v": one}) for one in values]
    other = tmp_path / f"v.{format_}"
    if format_ == "csv":
        text(other, lines)
    else:
        text(other, lines[1:], head=lines[0])
    found = calm(parquet(tmp_path / "v.parquet", values), other)
    assert found.columns[0].kind is ColumnKind.CATEGORICAL


def test_flags_are_the_same_as_true_and_as_one(tmp_path: Path) -> None:
    flags = [place % 3 == 0 for place in range(NUMBER)]
    mine = parquet(tmp_path / "mine.parquet", flags)
    calm(mine, text(tmp_path / "words.csv", [str(one) for one in flags]))
    calm(mine, text(tmp_path / "numbers.csv", [str(int(one)) for one in flags]))
    calm(tmp_path / "words.csv", tmp_path / "numbers.csv")
    many = text(tmp_path / "many.csv", [str(place % 3) for place in range(NUMBER)])
    assert compare(mine, many).columns[0].effect == "type_changed"


def test_vectors_are_the_same_however_their_lists_are_packed(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(NUMBER, 3)).tolist()
    mine = parquet(tmp_path / "mine.parquet", pa.array(values, pa.list_(pa.float64())))
    for kind in (pa.large_list(pa.float64()), pa.list_view(pa.float64()), pa.list_(pa.float64(), 3)):
        calm(mine, parquet(tmp_path / "theirs.parquet", pa.array(values, kind)))


def test_a_spelling_of_missing_is_text_in_quotes_and_missing_without(tmp_path: Path) -> None:
    words = ["NA", "ZA", "null", "None"] * 300
    quoted = text(tmp_path / "quoted.csv", [f'"{one}"' for one in words])
    calm(parquet(tmp_path / "words.parquet", words), quoted)
    gaps = parquet(tmp_path / "gaps.parquet", [None if one in {"NA", "null", "None"} else one for one in words])
    calm(gaps, text(tmp_path / "bare.csv", words))
    assert compare(gaps, quoted).columns[0].drifted


def test_text_of_nothing_but_a_quoted_na_is_text(tmp_path: Path) -> None:
    calm(parquet(tmp_path / "v.parquet", ["NA"] * 300), text(tmp_path / "v.csv", ['"NA"'] * 300))


def test_numbers_with_quoted_gaps_stay_numbers_beside_quoted_text(tmp_path: Path) -> None:
    lines = [
        f'"{number}","{country}"'
        for number, country in zip(["1", "2", "", "NA"] * 200, ["NA", "ZA"] * 400, strict=True)
    ]
    file = text(tmp_path / "v.csv", lines, head='"n","c"')
    found = {column.name: column for column in compare(file, file).columns}
    assert found["n"].kind is ColumnKind.NUMERIC
    assert found["n"].distances.missing_current == 0.5
    assert found["c"].distances.missing_current == 0


@pytest.mark.parametrize("delimiter", [";", "|", "\t", ","])
@pytest.mark.parametrize("name", ["v.csv", "v.tsv"])
def test_fields_are_told_apart_by_any_usual_delimiter_whatever_the_name(
    tmp_path: Path, delimiter: str, name: str
) -> None:
    lines = [f'{place}{delimiter}"a{delimiter}b"{delimiter}x, y' for place in range(50)]
    lines = [line.replace("x, y", '"x, y"') for line in lines]
    source = open_source(text(tmp_path / name, lines, head=delimiter.join("abc")))
    assert list(source.kinds) == ["a", "b", "c"]
    usual = delimiter == ("," if name.endswith("csv") else "\t")
    assert bool(source.notes) is not usual


def test_one_column_of_prose_is_not_split(tmp_path: Path) -> None:
    source = open_source(text(tmp_path / "v.csv", ["one; two", "a | b; c", '"x, y"'], head="remark"))
    assert list(source.kinds) == ["remark"]


@pytest.mark.parametrize(
    ("lines", "values", "told"),
    [
        (["1,5", "-2,25", "3"], [1.5, -2.25, 3.0], "decimal comma"),
        (["1.234,5", "7", "10.000"], [1234.5, 7.0, 10000.0], "decimal comma"),
        (["1,234.5", "7", "1,000,000"], [1234.5, 7.0, 1e6], "thousands"),
        (["1 234,5", "7", "12"], [1234.5, 7.0, 12.0], "decimal comma"),
    ],
)
def test_numbers_with_commas_are_read_as_what_the_whole_column_says(
    tmp_path: Path, lines: list[str], values: list[float], told: str
) -> None:
    source = open_source(text(tmp_path / "v.csv", [f'"{one}"' for one in lines]))
    [batch] = list(source.batches())
    assert batch.table.column("v").to_pylist() == values
    assert told in source.notes[0].text


def test_a_comma_that_may_be_either_is_told_and_stays_text_unless_the_delimiter_tells(tmp_path: Path) -> None:
    doubtful = open_source(text(tmp_path / "v.csv", ['"1,234"', '"5,678"']))
    assert doubtful.kinds["v"] is ColumnKind.CATEGORICAL
    assert "may stand for decimals or for thousands" in doubtful.notes[0].text
    told = open_source(text(tmp_path / "w.csv", ["1,234;1", "5,678;2"], head="v;k"))
    assert next(told.batches()).table.column("v").to_pylist() == [1.234, 5.678]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_csv_of_another_unicode_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    lines = [f"{place},Zürich" for place in range(1000)]
    plain_file = text(tmp_path / "plain.csv", lines, head="v,c")
    other = text(tmp_path / "other.csv", lines, head="v,c", encoding=encoding)
    assert [column.distances.psi for column in compare(plain_file, other).columns] == [0, 0]


def test_what_is_no_unicode_is_named_with_what_it_may_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not UTF-8") as found:
        open_source(text(tmp_path / "v.csv", ["Zürich"], encoding="latin-1"))
    assert "latin-1" in (found.value.hint or "")
    with pytest.raises(DataError, match="UTF-16-LE, not UTF-8"):
        open_source(text(tmp_path / "v.jsonl", ['{"v": 2}'], head='{"v": 1}', encoding="utf-16"))


@pytest.mark.parametrize("opened", ["[", '{"b":'])
def test_a_json_line_nested_without_end_is_an_error_with_its_row(tmp_path: Path, opened: str) -> None:
    closed = {"[": "]", '{"b":': "}"}[opened]
    deep = '{"v": ' + opened * 100_000 + "1" + closed * 100_000 + "}"
    with pytest.raises(DataError, match="row 2 is nested more than 100 deep"):
        open_source(text(tmp_path / "v.jsonl", [deep], head='{"v": 1}'))


def test_brackets_in_text_are_no_nesting(tmp_path: Path) -> None:
    value = '\\"[' * 500
    line = json.dumps({"v": value})
    assert rows(open_source(text(tmp_path / "v.jsonl", [line], head=line)))["v"] == [value, value]


def test_a_tilde_that_names_no_user_is_part_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"v": np.arange(5)}), tmp_path / "~$rows.parquet")
    assert open_source("~$rows.parquet").files[0].rows == 5
