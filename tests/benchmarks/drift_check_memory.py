"""Whether the memory of a check stays flat: its peak on more and more days of 200,000 rows, thirty columns, all of it new.

    python -m tests.benchmarks.drift_check_memory [--rows 1000000 5000000 20000000] [--folder DIR]

Rows have text ids, half of their labels come from a file of their own, scores come from runs, a chunk is a day. `days`
has a file a day, `one file` all of them in order of time, `shuffled` in none. Each check has a process of its own; the
ratios are those of its peak to that of the smallest, and of its time to decoding the same files plainly.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Digest
from opsconsole.store.baselines import record_predictions
from opsconsole.store.connection import open_store

DAY = 200_000
NAMES = [f"category {index}" for index in range(20)]
FIRST = np.datetime64("2013-01-01", "us")
CONFIG = """
[models.m]
task = "binary"
[monitors.m]
model = "m@production"
current = "data/*.parquet"
reference = "reference.parquet"
time = "at"
label = "late"
chunk = "day"
performance = { metric = "auc", floor = "reference - 0.05" }
"""
MEASURED = """
import pathlib, sys, time
from opsconsole.config.workspace import open_workspace
from opsconsole.drift.check.checker import check, production_of
from opsconsole.drift.production.labels import bring
from opsconsole.drift.monitors import Subject, monitor_of
from opsconsole.store.connection import open_store
root = pathlib.Path(sys.argv[1])
workspace, subject = open_workspace(root), Subject("m", "production", 1)
with open_store(workspace.state) as store:
    monitor = monitor_of(workspace, "m")
    if sys.argv[2] == "bring":
        bring(monitor, store, root / "labels.parquet", production_of(monitor, store, subject))
    else:
        start = time.perf_counter()
        found = check(workspace, store, "m", subject)
        status = pathlib.Path("/proc/self/status").read_text()  # the peak in rusage is never below that of the parent
        print(time.perf_counter() - start, int(status.split("VmHWM:")[1].split()[0]) / 1024, len(found.chunks))
"""
DECODED = """
import pathlib, sys, time
import pyarrow.parquet as pq
start = time.perf_counter()
for path in pathlib.Path(sys.argv[1]).glob("data/*.parquet"):
    for batch in pq.ParquetFile(path).iter_batches(65536):
        pass
print(time.perf_counter() - start)
"""


def days(rows: int, random: np.random.Generator) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield each day's rows, and their scores."""
    for day in range(-(-rows // DAY)):
        size = min(DAY, rows - day * DAY)
        ids = pa.array([f"row-{day}-{index}" for index in range(size)])
        numbers = {f"n{index}": random.normal(size=size) for index in range(20)}
        texts = {f"c{index}": pa.array(random.choice(NAMES, size)) for index in range(10)}
        scores = 1 / (1 + np.exp(-2 * numbers["n0"]))
        late = (random.random(size) < scores).astype(float)
        late[1::2] = np.nan
        at = FIRST + np.timedelta64(day, "D") + np.arange(size) * np.timedelta64(86_000_000_000 // size, "us")
        outcome = {"late": pa.array(late, from_pandas=True)}
        yield (
            pa.table({"row_id": ids, "at": at} | numbers | texts | outcome),
            pa.table({"row_id": ids, "score": scores}),
        )


def make(root: Path, kind: str, rows: int) -> None:
    """Write a workspace whose rows no check has seen."""
    random = np.random.default_rng(rows)
    (root / "opsconsole.toml").write_text(CONFIG)
    (root / "data").mkdir()
    reference, scores = next(days(50_000, random))
    pq.write_table(reference.append_column("score", scores.column("score")), root / "reference.parquet")
    tables, brought = [], []
    with open_store(open_workspace(root).state) as store:
        for day, (table, said) in enumerate(days(rows, random)):
            pq.write_table(said, root / f"scores-{day}.parquet")
            brought.append(table.select(["row_id"]).slice(1).take(pa.array(range(0, len(table) - 1, 2))))
            if kind == "days":
                pq.write_table(table, root / "data" / f"{day:03d}.parquet")
            else:
                tables.append(table)
            with store.immediate() as connection:
                record_predictions(
                    connection,
                    model="m",
                    version=1,
                    run_id=day,
                    path=str(root / f"scores-{day}.parquet"),
                    file_digest=Digest("sha256:" + "0" * 64),
                    rows=len(said),
                )
    labels = pa.concat_tables(brought)
    pq.write_table(labels.append_column("late", pa.array(random.integers(0, 2, len(labels)))), root / "labels.parquet")
    if tables:
        whole = pa.concat_tables(tables).combine_chunks()
        whole = whole if kind == "one file" else whole.take(random.permutation(len(whole)))
        pq.write_table(whole, root / "data" / "all.parquet", row_group_size=DAY)


def measured(program: str, *arguments: str) -> list[float]:
    """Run a program in a process of its own and return the numbers that it prints."""
    told = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return [float(one) for one in told.stdout.split()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--kinds", nargs="+", default=["days", "one file", "shuffled"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    for kind in options.kinds:
        least = None
        for rows in options.rows if kind == "days" else options.rows[:2]:
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                make(Path(folder), kind, rows)
                measured(MEASURED, folder, "bring")
                seconds, peak, chunks = measured(MEASURED, folder, "check")
                [decoding] = measured(DECODED, folder)
            least = least or peak
            print(
                f"{kind:8} {rows:>11,} rows  {chunks:4.0f} chunks  {seconds:6.1f} s  {seconds / decoding:5.1f} × decoding"
                f"  peak {peak:6.0f} MB  {peak / least:5.2f} × the smallest",
                flush=True,
            )


if __name__ == "__main__":
    main()
