"""Two real data sets through the whole of drift by the command line alone, as an operator would go.

    python -m tests.benchmarks.drift_real --flights DIR --restaurants FILE [--folder DIR]

DIR is ``test_data`` of the package popmon (100,000 flights within the United States in 2015), FILE is
``restaurant_inspections/restaurant_data.csv`` of causaldata (27,178 inspections in Alaska, 2000 to 2019). A regression of
air time is trained on January to March and watched to December, the labels of its last months come late; a classifier of
perfect inspections is trained on the years to 2007 and watched by the thousand rows. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

FLIGHTS = """
[models.air]
task = "regression"
[monitors.air]
model = "air@production"
current = "production/2015-%m.parquet"
reference = "reference.parquet"
time = "DATE"
label = "AIR_TIME"
chunk = "month"
slices = ["AIRLINE"]
performance = { metric = "mae", floor = "reference + 1", for = 2 }
"""
RESTAURANTS = """
[models.perfect]
task = "binary"
[monitors.perfect]
model = "perfect@production"
current = "production.csv"
reference = "reference.parquet"
time = "at"
label = "perfect"
chunk = "size:1000"
slices = ["Weekend"]
performance = { metric = "auc", floor = "reference - 0.05", for = 2 }
"""


class Operator:
    """Types commands in a workspace, and shows what they answer."""

    def __init__(self, root: Path, config: str) -> None:
        self.root = root
        root.mkdir(parents=True)
        (root / "opsconsole.toml").write_text(config, encoding="utf-8")

    def types(self, *words: str, lines: int = 12) -> None:
        """Carry a command out and print the head of its answer."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "opsconsole", "-C", str(self.root), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        shown = (done.stdout + done.stderr).splitlines()
        print(f"\n$ opsconsole {' '.join(words)}   # exit {done.returncode}, {time.perf_counter() - began:.1f} s")
        print("\n".join(shown[:lines] + ([f"… {len(shown) - lines} more lines"] if len(shown) > lines else [])))


def fitted(estimator: Any, table: pa.Table, inputs: list[str], label: str, fits: np.ndarray) -> np.ndarray:
    """Fit on some rows, return what the model says of all of them."""
    codes = [
        table.column(name).dictionary_encode().combine_chunks().indices
        if table.column(name).type == pa.string()
        else table.column(name)
        for name in inputs
    ]
    matrix = np.column_stack([np.asarray(column.to_numpy(zero_copy_only=False), dtype=float) for column in codes])
    labels = table.column(label).to_numpy(zero_copy_only=False)
    known = fits & np.isfinite(labels.astype(float))
    estimator.fit(matrix[known], labels[known])
    found: np.ndarray = (
        estimator.predict_proba(matrix)[:, 1] if hasattr(estimator, "predict_proba") else estimator.predict(matrix)
    )
    return found


def register(operator: Operator, model: str, estimator: Any) -> None:
    """Save the model as skops, register and promote it."""
    from skops.io import dump

    folder = operator.root / "artifact"
    folder.mkdir()
    dump(estimator, folder / "model.skops")
    operator.types("model", "register", model, str(folder / "model.skops"), lines=3)
    operator.types(*f"model promote {model}:1 --to production --reason first --expect none --yes".split(), lines=4)


def walk(operator: Operator, monitor: str) -> None:
    """Replay, check, report, explain, take another reference and take that back."""
    operator.types("drift", "replay", monitor)
    operator.types("drift", "check", monitor, lines=30)
    operator.types("drift", "report", monitor, lines=30)
    operator.types("drift", "explain", monitor)
    operator.types("drift", "check", monitor, lines=3)


def flights(root: Path, folder: Path) -> None:
    """Watch a regression of air time."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    parts = [pyarrow.csv.read_csv(folder / f"flight_delays{name}.csv.gz") for name in ("_reference", "")]
    whole = pa.concat_tables([part.rename_columns(["row_id", *part.column_names[1:]]) for part in parts])
    whole = whole.filter(pc.equal(whole.column("CANCELLED"), 0)).drop_columns(["CANCELLED"])
    whole = whole.sort_by("DATE")
    month = pc.month(whole.column("DATE")).to_numpy()
    train = (month <= 3) & (np.random.default_rng(1).random(len(month)) < 0.7)
    estimator = HistGradientBoostingRegressor(random_state=1)
    inputs = ["AIRLINE", "DISTANCE", "TAXI_OUT", "DEPARTURE_DELAY"]
    whole = whole.append_column("score", pa.array(fitted(estimator, whole, inputs, "AIR_TIME", train)))
    operator = Operator(root, FLIGHTS)
    register(operator, "air", estimator)
    pq.write_table(whole.filter(pa.array((month <= 3) & ~train)), root / "reference.parquet")
    (root / "production").mkdir()
    for number in range(4, 13):
        rows = whole.filter(pa.array(month == number))
        if number > 10:
            late = rows.select(["row_id", "AIR_TIME"])
            pq.write_table(late, root / f"labels-{number}.parquet")
            place = rows.column_names.index("AIR_TIME")
            rows = rows.set_column(place, "AIR_TIME", pa.nulls(rows.num_rows, late.column("AIR_TIME").type))
        pq.write_table(rows, root / "production" / f"2015-{number:02d}.parquet")
    walk(operator, "air")
    operator.types("drift", "labels", "air", str(root / "labels-11.parquet"))
    operator.types("drift", "report", "air", "--per", "quarter")
    operator.types("drift", "rebaseline", "air", "--since", "2015-04-01", "--until", "2015-07-01", "--reason", "spring")
    operator.types("drift", "check", "air")
    operator.types("drift", "rebaseline", "air", "--undo", "--reason", "no")


def restaurants(root: Path, file: Path) -> None:
    """Watch a classifier of perfect inspections."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    whole = pyarrow.csv.read_csv(file).sort_by([("Year", "ascending"), ("business_name", "ascending")])
    whole = whole.append_column("row_id", pa.array([f"i{number}" for number in range(whole.num_rows)]))
    words = pc.utf8_upper(
        pc.list_element(pc.utf8_split_whitespace(pc.utf8_trim(whole.column("business_name"), " ")), 0)
    )
    year = whole.column("Year").to_numpy()
    perfect = pc.greater_equal(whole.column("inspection_score"), 100).cast(pa.int64())
    within = np.arange(len(year)) - np.searchsorted(year, year)
    moments = (year - 1970).astype("datetime64[Y]").astype("datetime64[s]") + (within * 3600).astype("timedelta64[s]")
    table = pa.table(
        {
            "row_id": whole.column("row_id"),
            "at": pa.array(moments),
            "name": whole.column("business_name"),
            "word": words,
            "NumberofLocations": whole.column("NumberofLocations"),
            "Weekend": whole.column("Weekend").cast(pa.string()),
            "perfect": perfect,
        }
    )
    train = (year <= 2007) & (np.random.default_rng(1).random(len(year)) < 0.6)
    estimator = HistGradientBoostingClassifier(max_iter=60, random_state=1)
    score = fitted(estimator, table, ["word", "NumberofLocations", "Weekend"], "perfect", train)
    table = table.append_column("score", pa.array(score))
    operator = Operator(root, RESTAURANTS)
    register(operator, "perfect", estimator)
    pq.write_table(table.filter(pa.array((year <= 2007) & ~train)), root / "reference.parquet")
    pyarrow.csv.write_csv(table.filter(pa.array(year > 2007)), root / "production.csv")
    walk(operator, "perfect")


def main() -> None:
    """Walk through both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flights", type=Path)
    parser.add_argument("--restaurants", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.flights:
            flights(Path(folder, "flights"), options.flights)
        if options.restaurants:
            restaurants(Path(folder, "restaurants"), options.restaurants)


if __name__ == "__main__":
    main()
