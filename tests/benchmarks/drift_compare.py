"""How fast drift is measured, as ratios in the same run: to decoding the file alone, and to a loop of scipy's ks_2samp.

    python tests/benchmarks/drift_compare.py [--rows 1000000] [--runs 5]

Twenty numeric and ten text columns. The first line is the target: a stored reference, one pass over the current file, in
at most 2.5 times what decoding costs. Decoding is told three ways: plain, with texts as dictionaries, and batch by batch
through our own reader, which is how the pass reads (on as many threads as there are). Ratios are of processor time, which a
busy machine changes least, and the acts are taken in turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opsconsole.drift.compare.files import compare, facts_of, layouts, reference_sketch, sketch_source
from opsconsole.drift.data.sources import open_source
from opsconsole.drift.sketches.sketch import decode
from opsconsole.drift.verdicts.criteria import judge

LINES = {
    "one": "stored reference, one pass",
    "decode": "decode, one thread",
    "dictionaries": "decode, texts as dictionaries",
    "streamed": "decode, streamed as we read",
    "both": "drift compare, both files",
    "loop": "scipy ks_2samp loop, numbers only",
}


def make(path: Path, rows: int, seed: int) -> None:
    """Write one side."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {f"n{index}": random.normal(size=rows) for index in range(20)}
    names = [f"category {index}" for index in range(20)]
    columns |= {f"c{index}": pa.array(random.choice(names, rows)) for index in range(10)}
    pq.write_table(pa.table(columns), path)


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of all processors together."""

    wall: float
    cpu: float


def medians(runs: int, **acts: Callable[[], object]) -> dict[str, Taken]:
    """Return the medians of some runs of each act, taken in turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in acts}
    for _ in range(runs):
        for name, act in acts.items():
            wall, cpu = time.perf_counter(), time.process_time()
            act()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: Taken(*(statistics.median(one) for one in zip(*found, strict=True))) for name, found in taken.items()}


def main() -> None:
    """Measure and print."""
    from scipy import stats

    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = Path(folder, "reference.parquet"), Path(folder, "current.parquet")
        make(mine, options.rows, 1)
        make(theirs, options.rows, 2)
        source = open_source(mine)
        stored = reference_sketch(source, source.kinds).encode()

        def against_stored() -> None:
            reference = decode(stored)
            current = sketch_source(open_source(theirs), layouts(reference, list(reference.columns)))
            judge(facts_of(reference, current, {}, new={}))

        def ks_loop() -> None:
            one, two = pq.read_table(mine), pq.read_table(theirs)
            for index in range(20):
                stats.ks_2samp(one.column(f"n{index}").to_numpy(), two.column(f"n{index}").to_numpy(), method="asymp")

        texts = [f"c{index}" for index in range(10)]
        taken = medians(
            options.runs,
            decode=lambda: pq.read_table(theirs, use_threads=False),
            dictionaries=lambda: pq.read_table(theirs, use_threads=False, read_dictionary=texts),
            streamed=lambda: sum(batch.table.num_rows for batch in open_source(theirs).batches()),
            one=against_stored,
            both=lambda: compare(mine, theirs),
        )
        taken |= medians(1, loop=ks_loop)
    plain, streamed = taken["decode"], taken["streamed"]
    print(
        f"{options.rows:,} rows × 30 columns; of all processors: × decoding the file alone, × decoding it as we read it"
    )
    for name, words in LINES.items():
        one = taken[name]
        print(
            f"{words:<36} {one.wall:7.3f} s  {one.cpu:7.3f} s of processors"
            f"  {one.cpu / plain.cpu:6.2f} × decode  {one.cpu / streamed.cpu:6.2f} × streamed"
        )


if __name__ == "__main__":
    main()
