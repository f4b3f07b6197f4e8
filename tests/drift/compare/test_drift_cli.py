"""``opsconsole drift``: the keys and exit codes that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.cli.root import run
from tests.drift.drift_world import World

KEYS = {
    "name", "kind", "psi", "js", "hellinger", "ks", "ks_p", "wasserstein", "chi2", "chi2_p", "l_infinity", "missing",
    "unseen", "drifted", "severity",
}  # fmt: skip


def answer(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, Any]:
    code = run([*arguments, "--json"])
    return code, json.loads(capfdbinary.readouterr().out)


def write(path: Path, shift: float) -> str:
    random = np.random.default_rng(1)
    names = pa.array([f"row-{index}-{shift}" for index in range(2000)])
    pq.write_table(
        pa.table({"id": names, "n": random.normal(shift, 1, 2000), "c": random.choice(["a", "b"], 2000)}), path
    )
    return str(path)


def test_compare_answers_with_the_promised_keys_and_exits_1_on_drift_alone(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    one, two = write(tmp_path / "one.parquet", 0.0), write(tmp_path / "two.parquet", 1.0)
    code, found = answer(capfdbinary, "drift", "compare", one, two)
    assert code == 1
    assert found["rows"] == {"reference": 2000, "current": 2000}
    columns = {column["name"]: column for column in found["columns"]}
    assert all(set(column) >= KEYS for column in columns.values())
    assert (columns["n"]["drifted"], columns["n"]["severity"], columns["n"]["chi2"]) == (True, "warn", None)
    assert (columns["c"]["drifted"], columns["c"]["severity"], columns["c"]["ks"]) == (False, "ok", None)
    assert set(columns["n"]["missing"]) == {"reference", "current"}
    code, found = answer(capfdbinary, "drift", "compare", one, one)
    assert code == 0
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--columns", "c", "--exact")
    assert (code, [column["name"] for column in found["columns"]]) == (0, ["c"])


def test_a_column_of_row_names_is_no_drift(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    one, two = write(tmp_path / "one.parquet", 0.0), write(tmp_path / "two.parquet", 0.001)
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--columns", "id")
    assert (code, found["columns"][0]["effect"], found["columns"][0]["drifted"]) == (0, "identifier", None)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("absent.csv", None, 4, "there is no such data file"),
        ("empty.csv", b"", 2, "the file is empty"),
        ("cut.parquet", b"PAR1 and no more", 2, "cannot be read"),
        ("other.xlsx", b"PK", 2, "not a known kind of data file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_exit_code(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], name: str, content: bytes | None, code: int, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found = answer(capfdbinary, "drift", "compare", write(tmp_path / "one.parquet", 0.0), str(tmp_path / name))
    assert found[0] == code
    assert name in found[1]["error"]["message"]
    assert said in found[1]["error"]["message"]


def test_too_few_rows_are_told_with_how_many_would_decide_and_never_called_ok(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    random = np.random.default_rng(3)

    def side(name: str, rows: int, moved: float = 0.0) -> str:
        columns = {"x": random.normal(moved, 1, rows), "c": ["a", "b"] * (rows // 2)}
        pq.write_table(pa.table(columns), tmp_path / name)
        return str(tmp_path / name)

    few, many, moved = side("few.parquet", 60), side("many.parquet", 2000), side("moved.parquet", 2000, 2.0)
    for mine, theirs in ((few, many), (many, few)):
        code, found = answer(capfdbinary, "drift", "compare", mine, theirs)
        assert (code, found["drifted"], found["severity"], found["rows_needed"]) == (9, None, "unknown", 450)
        columns = {column["name"]: column for column in found["columns"]}
        assert (columns["x"]["drifted"], columns["x"]["severity"], columns["x"]["rows_needed"]) == (
            None,
            "unknown",
            450,
        )
        assert (columns["c"]["drifted"], columns["c"]["severity"]) == (False, "ok")
    code, found = answer(capfdbinary, "drift", "compare", few, few, "--columns", "c")
    assert (code, found["drifted"], found["severity"], found["rows_needed"]) == (0, False, "ok", None)
    code, found = answer(capfdbinary, "drift", "compare", many, moved)
    assert (code, found["drifted"], found["severity"]) == (1, True, "warn")
    code, found = answer(capfdbinary, "drift", "compare", many, many, "--by", "c")
    assert code == 0
    assert [one["drifted"] for one in found["slices"]] == [False, False]
    assert run(["drift", "compare", few, many]) == 9
    assert b"cannot tell of `x`: 450 rows on each side would decide" in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    ("name", "values", "identifies"),
    [
        ("n", range(500), True),
        ("n", range(4000, 0, -7), True),
        ("n", np.random.default_rng(1).permutation(500), True),
        ("row_id", np.random.default_rng(1).permutation(500) * 9973, True),
        ("cents", np.random.default_rng(1).permutation(500) * 9973, False),
        ("order_id", np.random.default_rng(1).integers(0, 40, 500), False),
        ("n", [1, 1, *range(2, 500)], False),
        ("n", np.arange(500) / 7, False),
        ("n", range(60), False),
    ],
)
def test_a_whole_number_that_counts_or_names_the_rows_is_an_identifier(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], name: str, values: Any, identifies: bool
) -> None:
    mine, theirs = np.asarray(list(values)), np.asarray(list(values)) + 10**7
    pq.write_table(pa.table({name: mine}), tmp_path / "mine.parquet")
    pq.write_table(pa.table({name: theirs}), tmp_path / "theirs.parquet")
    code, found = answer(capfdbinary, "drift", "compare", f"{tmp_path}/mine.parquet", f"{tmp_path}/theirs.parquet")
    assert (found["columns"][0]["effect"] == "identifier") is identifies
    assert any(f"`{name}`" in note for note in found["notes"]) is identifies
    assert (code == 0) is identifies
    code, found = answer(
        capfdbinary, "drift", "compare", f"{tmp_path}/mine.parquet", f"{tmp_path}/theirs.parquet", "--id", name
    )
    assert (code, found["columns"][0]["effect"], found["drifted"]) == (0, "identifier", False)


def test_columns_are_ignored_and_called_ids_by_name(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    one, two = write(tmp_path / "one.parquet", 0.0), write(tmp_path / "two.parquet", 1.0)
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--ignore", "n", "--ignore", "id")
    assert (code, [column["name"] for column in found["columns"]]) == (0, ["c"])
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--id", "n", "--by", "c", "--ignore", "id")
    assert (code, {column["name"]: column["effect"] for column in found["columns"]}["n"]) == (0, "identifier")
    assert {column["effect"] for item in found["slices"] for column in item["columns"]} == {"identifier"}
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--ignore", "nn")
    assert (code, "neither has a column `nn`" in found["error"]["message"]) == (2, True)


def test_monitors_and_report_answer_from_the_store(world: World, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(2)
    world.check(subject)
    where = ("-C", str(world.root), "drift")
    code, found = answer(capfdbinary, *where, "monitors")
    assert (code, found[0]["name"], found[0]["chunks"]) == (0, "m", 1)
    code, found = answer(capfdbinary, *where, "report", "m")
    assert (code, found[0]["label"], found[0]["realised"]["metric"]) == (0, "Feb 2013", "auc")
    code, found = answer(capfdbinary, *where, "report", "q")
    assert (code, found["error"]["code"]) == (4, "not_found")


def test_each_value_of_a_column_is_compared_with_itself(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    random = np.random.default_rng(3)

    def side(name: str, moved: float) -> str:
        where = np.array(["north"] * 1000 + ["south"] * 1000 + ["lonely"] * 10)
        x = random.normal(np.where(where == "south", moved, 0.0))
        pq.write_table(pa.table({"where": where, "x": x}), tmp_path / name)
        return str(tmp_path / name)

    one, two = side("one.parquet", 0.0), side("two.parquet", 2.0)
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--by", "where")
    assert code == 1
    slices = {item["value"]: item for item in found["slices"]}
    assert list(slices) == ["north", "south", "lonely"]
    assert [column["name"] for column in slices["north"]["columns"]] == ["x"]
    assert [column["drifted"] for column in slices["north"]["columns"] + slices["south"]["columns"]] == [False, True]
    assert slices["lonely"] == {
        "value": "lonely", "rows": {"reference": 10, "current": 10}, "severity": "unknown", "columns": [],
        "drifted": None, "rows_needed": 50,
    }  # fmt: skip
    code, found = answer(capfdbinary, "drift", "compare", one, two, "--by", "who")
    assert (code, found["error"]["message"]) == (2, f"{one}: lacks the column `who`")
