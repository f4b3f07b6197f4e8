"""What a small reference cannot know is no drift: rare categories, rare values, how well components suit strange rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.drift.check.checker import check
from opsconsole.drift.compare.files import compare
from opsconsole.drift.facts.column import ColumnFacts, Role
from opsconsole.drift.facts.unseen_categories import expected_unseen
from opsconsole.drift.measures.distances import NOTHING
from opsconsole.drift.monitors import Subject
from opsconsole.drift.sketches.layout import count, lay_out
from opsconsole.drift.verdicts.criteria import rates_broke
from opsconsole.store.chunk_records import Chunk
from opsconsole.store.connection import open_store

CONFIG = """
[models.m]
task = "binary"
[monitors.m]
model = "m@production"
current = "live.parquet"
reference = "reference.parquet"
time = "at"
chunk = "size:500"
"""


def checked(root: Path, reference: dict[str, object], live: dict[str, object]) -> tuple[Chunk, ...]:
    (root / "opsconsole.toml").write_text(CONFIG)
    for name, columns in (("reference", reference), ("live", live)):
        rows = len(next(iter(columns.values())))  # type: ignore[arg-type]
        times = np.datetime64("2013-01-01", "us") + np.arange(rows) * np.timedelta64(1, "m")
        pq.write_table(pa.table({**columns, "at": times, "score": np.full(rows, 0.5)}), root / f"{name}.parquet")
    with open_store(open_workspace(root).state) as store:
        return check(open_workspace(root), store, "m", Subject("m", "production", 1)).chunks


def many(random: np.random.Generator, rows: int) -> list[str]:
    """Draw of thousands of categories, few of which are common."""
    return [f"tail {number}" for number in (5000 * random.random(rows) ** 3).astype(int)]


def test_of_thousands_of_categories_new_ones_are_to_be_expected(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for name, rows in (("reference", 5000), ("current", 1000)):
        pq.write_table(pa.table({"tail": many(random, rows)}), tmp_path / f"{name}.parquet")
    [column] = compare(tmp_path / "reference.parquet", tmp_path / "current.parquet").columns
    assert (column.distances.unseen or 0.0) > 0.05
    assert (column.drifted, column.severity) == (False, Severity.OK)


def test_thousands_of_categories_of_another_kind_are_drift_all_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    pq.write_table(pa.table({"tail": many(random, 5000)}), tmp_path / "reference.parquet")
    pq.write_table(pa.table({"tail": [f"new {name}" for name in many(random, 1000)]}), tmp_path / "current.parquet")
    [column] = compare(tmp_path / "reference.parquet", tmp_path / "current.parquet").columns
    assert column.drifted


@pytest.mark.parametrize(("values", "share"), [(["a"] * 9 + ["b"], 0.1), (["a", "b"] * 50, 0.0), ([None, None], 0.0)])
def test_as_many_new_categories_are_expected_as_stand_there_once(values: list[str | None], share: float) -> None:
    batch = pa.record_batch({"x": pa.array(values, pa.string())})
    kinds = {"x": ColumnKind.CATEGORICAL}
    sketch = count([batch], lay_out([batch], kinds)).columns["x"]
    assert expected_unseen(sketch) == pytest.approx(share)


def test_the_rare_categories_that_are_only_summed_up_count_as_single_where_they_can_be() -> None:
    values = [f"common {number}" for number in range(200) for _ in range(3)] + [
        f"rare {number}" for number in range(50)
    ]
    batch = pa.record_batch({"x": pa.array(values)})
    sketch = count([batch], lay_out([batch], {"x": ColumnKind.CATEGORICAL})).columns["x"]
    assert expected_unseen(sketch) == pytest.approx(50 / 650)


def test_a_flag_that_is_nearly_always_off_may_be_off_for_a_chunk(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    flag = np.where(random.random(2000) < 0.005, "on", "off")
    chunks = checked(tmp_path, {"flag": flag}, {"flag": ["off"] * 1000})
    assert {chunk.severity for chunk in chunks} == {Severity.OK}


def test_a_flag_that_is_off_half_of_the_time_may_not(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    flag = np.where(random.random(2000) < 0.5, "on", "off")
    chunks = checked(tmp_path, {"flag": flag}, {"flag": ["off"] * 1000})
    assert any(one.kind == "quality" for one in chunks[0].findings)


def test_rows_like_those_of_a_small_reference_hang_together_as_it_does(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    weights = random.normal(size=(3, 12))

    def rows(number: int) -> dict[str, object]:
        hidden = random.normal(size=(number, 3)) @ weights + random.standard_t(4, size=(number, 12))
        return {f"x{place}": hidden[:, place] for place in range(12)}

    chunks = checked(tmp_path, rows(500), rows(5000))
    assert not any(one.kind == "structure" for chunk in chunks for one in chunk.findings)


@pytest.mark.parametrize(
    ("reference", "missing", "broke"), [(1000, 0.012, False), (1000, 0.03, True), (20_000, 0.012, True)]
)
def test_a_handful_of_gaps_may_be_chance_where_the_reference_is_small(
    reference: int, missing: float, broke: bool
) -> None:
    measured = replace(NOTHING, missing_reference=0.001, missing_current=missing)
    facts = ColumnFacts("x", ColumnKind.NUMERIC, Role.INPUT, measured, reference, 500)
    assert rates_broke(facts) is broke
