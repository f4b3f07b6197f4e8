"""Real rows for the drift benchmarks: New York's flights of 2013, scored by a small model, in thirty columns.

A *population* is all of them in random order. A reference and chunks drawn from it have nothing between them but chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opsconsole.config.workspace import open_workspace
from opsconsole.drift.check.checker import check
from opsconsole.drift.monitors import Subject
from opsconsole.store.chunk_records import Chunk
from opsconsole.store.connection import open_store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]

FLIGHTS = Path(__file__).parents[2] / "opsconsole" / "demo" / "data" / "flights-2013.parquet"
TEXTS = ("carrier", "origin", "dest", "manufacturer")
NUMBERS = (
    *("flight", "dep_minute", "arr_minute", "weekday", "distance", "temp", "dewp", "humid", "wind_dir", "wind_speed"),
    *("wind_gust", "precip", "pressure", "visib", "plane_year", "seats"),
)
AGAIN = ("carrier", "dest", "dep_minute", "distance", "temp", "humid", "wind_speed", "pressure", "visib", "seats")
LABEL, SCORE, TIME, ID = "late", "score", "at", "row_id"
TRAINED = 30_000
PIECE = 100_000
CONFIG = """
[models.m]
task = "binary"
[monitors.m]
model = "m@production"
current = "production/*.parquet"
reference = "reference.parquet"
time = "at"
label = "late"
chunk = "size:{rows}"
slices = ["origin", "carrier"]
performance = {{ metric = "auc", floor = "reference - 0.05", for = 2 }}
{more}
"""


@dataclass(frozen=True)
class Checked:
    """What a check of a workspace said."""

    chunks: list[Chunk]
    seconds: float


def population(kind: str = "usual", seed: int = 1) -> pa.Table:
    """Return all flights with a known outcome in random order, with a score.

    Besides the twenty real columns there are ten more. ``usual``: real columns, each shuffled by itself. ``hard``:
    heavy tails, thousands of categories, 30 % missing, one value nearly always.
    """
    random = np.random.default_rng(seed)
    table = pq.read_table(FLIGHTS)
    table = table.filter(table["late"].is_valid())
    table = table.take(random.permutation(table.num_rows))
    late = table["late"].cast(pa.int8()).to_numpy()
    columns: dict[str, Any] = {name: table[name] for name in TEXTS}
    columns |= {name: table[name].cast(pa.float64()) for name in NUMBERS}
    score = _scores(table, late)
    columns |= hard(table, random) if kind == "hard" else shuffled(columns, random)
    return pa.table({**columns, SCORE: score, LABEL: late}).slice(TRAINED)


def shuffled(columns: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """Return ten of the columns again, each shuffled by itself: they say nothing of each other."""
    return {f"{name}_2": columns[name].take(random.permutation(len(columns[name]))) for name in AGAIN}


def hard(table: pa.Table, random: np.random.Generator) -> dict[str, Any]:
    """Return ten awkward columns, made of real ones."""
    numbers = {name: table[name].cast(pa.float64()).to_numpy() for name in NUMBERS}

    def gaps(values: NDArray[Any]) -> pa.Array:
        return pa.array(values, from_pandas=True, mask=random.random(table.num_rows) < 0.3)

    tail = table["flight"].cast(pa.string())
    return {
        "tail_cubed": pa.array(numbers["distance"] ** 3),
        "tail_exp": pa.array(np.exp(numbers["temp"] / 4), from_pandas=True),
        "tail_pareto": pa.array((1 / (1 - random.permutation(table.num_rows) / table.num_rows)) ** 1.2),
        "tail_ratio": pa.array(numbers["distance"] / (np.abs(numbers["arr_minute"] - numbers["dep_minute"]) + 0.1)),
        "many_flights": pc.binary_join_element_wise(table["carrier"], tail, ""),
        "many_routes": pc.binary_join_element_wise(table["origin"], table["dest"], "-"),
        "gaps_humid": gaps(numbers["humid"]),
        "gaps_carrier": pa.array(table["carrier"].to_pylist(), mask=random.random(table.num_rows) < 0.3),
        "gaps_seats": gaps(numbers["seats"]),
        "rare": pa.array(np.where(random.random(table.num_rows) < 0.004, "yes", "no")),
    }


def _scores(table: pa.Table, late: NDArray[Any]) -> NDArray[np.float64]:
    """Train on the first rows, which the population leaves out, and score all."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    matrix = np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in NUMBERS])
    model = HistGradientBoostingClassifier(max_iter=60, random_state=7).fit(matrix[:TRAINED], late[:TRAINED])
    found: NDArray[np.float64] = model.predict_proba(matrix)[:, 1]
    return found


def inputs(table: pa.Table) -> list[str]:
    """Return the names of the columns that are inputs."""
    return [name for name in table.column_names if name not in {LABEL, SCORE, TIME, ID}]


def timed(table: pa.Table, first: int = 0) -> pa.Table:
    """Give each row an id and a minute of its own."""
    start = np.datetime64("2000-01-01T00:00:00", "us") + np.timedelta64(first, "m")
    times = start + np.arange(table.num_rows) * np.timedelta64(60_000_000, "us")
    ids = pa.array(np.arange(first, first + table.num_rows)).cast(pa.string())
    return table.append_column(TIME, pa.array(times)).append_column(ID, ids)


def draw(random: np.random.Generator, whole: int, reference: int, rows: int) -> tuple[Places, Places]:
    """Return the places of a reference, and of so many rows drawn with replacement from all others."""
    order = random.permutation(whole)
    return order[:reference], order[reference:][random.integers(0, whole - reference, rows)]


def lay(folder: Path, reference: pa.Table, current: pa.Table, rows: int, more: str = "") -> None:
    """Write a workspace with one monitor; chunks have so many rows each."""
    (folder / "production").mkdir(parents=True)
    (folder / "opsconsole.toml").write_text(CONFIG.format(rows=rows, more=more))
    pq.write_table(timed(reference), folder / "reference.parquet")
    first = 1_000_000
    for start in range(0, current.num_rows, PIECE):
        piece = timed(current.slice(start, PIECE), first + start)
        pq.write_table(piece, folder / "production" / f"{start:09}.parquet")


def checked(folder: Path) -> list[Chunk]:
    """Check the workspace as ``opsconsole drift check`` does, and return its chunks, oldest first."""
    workspace = open_workspace(folder)
    with open_store(workspace.state) as store:
        return list(check(workspace, store, "m", Subject("m", "production", 1)).chunks)
