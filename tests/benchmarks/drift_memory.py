"""Whether memory stays flat: the peak of `drift compare` on files of more and more rows, and of every format.

    python tests/benchmarks/drift_memory.py [--rows 1000000 5000000 20000000] [--folder DIR]

Thirty columns for Parquet (4 GB at 20 million rows), six for the other formats. Each size is compared with itself in a
process of its own; the ratio is that of its peak to the peak of the smallest file of the same format.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

PIECE = 500_000
NAMES = [f"category {index}" for index in range(20)]
MEASURED = """
import pathlib, sys, time
from opsconsole.drift.compare.files import compare
start = time.perf_counter()
compare(sys.argv[1], sys.argv[1])
status = pathlib.Path("/proc/self/status").read_text()  # the peak in rusage is never below that of the parent
print(time.perf_counter() - start, int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def piece(random: np.random.Generator, rows: int, numbers: int, texts: int) -> pa.Table:
    """Return some rows."""
    columns: dict[str, object] = {f"n{index}": random.normal(size=rows) for index in range(numbers)}
    return pa.table(columns | {f"c{index}": pa.array(random.choice(NAMES, rows)) for index in range(texts)})


def make(folder: Path, kind: str, rows: int) -> str:
    """Write one file piece by piece and return its location."""
    random = np.random.default_rng(rows)
    path = folder / f"{rows}.{kind}"
    sizes = [min(PIECE, rows - first) for first in range(0, rows, PIECE)]
    if kind == "parquet":
        with pq.ParquetWriter(path, piece(random, 1, 20, 10).schema) as writer:
            for size in sizes:
                writer.write_table(piece(random, size, 20, 10))
        return str(path)
    if kind == "csv":
        with pc.CSVWriter(path, piece(random, 1, 4, 2).schema) as writer:
            for size in sizes:
                writer.write_table(piece(random, size, 4, 2))
        return str(path)
    if kind == "jsonl":
        with path.open("w") as file:
            for size in sizes:
                file.writelines(json.dumps(row) + "\n" for row in piece(random, size, 4, 2).to_pylist())
        return str(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (n0, n1, n2, n3, c0, c1)")
        for size in sizes:
            columns = piece(random, size, 4, 2).to_pydict().values()
            connection.executemany("insert into t values (?, ?, ?, ?, ?, ?)", zip(*columns, strict=True))
        connection.commit()
    return f"sqlite:{path}?table=t"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--kinds", nargs="+", default=["parquet", "csv", "jsonl", "db"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    for kind in options.kinds:
        least = None
        for rows in options.rows if kind == "parquet" else options.rows[:2]:
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                location = make(Path(folder), kind, rows)
                answer = subprocess.run(
                    [sys.executable, "-c", MEASURED, location], check=True, capture_output=True, text=True
                )
            seconds, peak = map(float, answer.stdout.split())
            least = least or peak
            print(
                f"{kind:8} {rows:>11,} rows  {seconds:7.1f} s  peak {peak:6.0f} MB  {peak / least:5.2f} × the smallest"
            )


if __name__ == "__main__":
    main()
