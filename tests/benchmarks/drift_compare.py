"""How fast drift is measured, as ratios in the same run: to decoding the file alone, and to a loop of scipy's ks_2samp.

    python tests/benchmarks/drift_compare.py [--rows 1000000] [--runs 5]

Twenty numeric and ten text columns. The first line is the target: a stored reference, one pass over the current file.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opsconsole.drift.compare import compare, facts_of, layouts, reference_sketch, sketch_source
from opsconsole.drift.data.sources import open_source
from opsconsole.drift.sketches.sketch import decode
from opsconsole.drift.verdicts.gates import judge


def make(path: Path, rows: int, seed: int) -> None:
    """Write one side."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {f"n{index}": random.normal(size=rows) for index in range(20)}
    names = [f"category {index}" for index in range(20)]
    columns |= {f"c{index}": pa.array(random.choice(names, rows)) for index in range(10)}
    pq.write_table(pa.table(columns), path)


def median(runs: int, act: Callable[[], object]) -> float:
    """Return the median seconds of some runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


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

        decode_alone = median(options.runs, lambda: pq.read_table(theirs, use_threads=False))
        pass_over = median(options.runs, against_stored)
        both = median(options.runs, lambda: compare(mine, theirs))
        loop = median(1, ks_loop)
    print(f"{options.rows:,} rows × 30 columns; decoding the current file, one thread: {decode_alone:.3f} s = 1")
    print(f"stored reference, one pass    {pass_over:7.3f} s   {pass_over / decode_alone:6.1f} × decode")
    print(f"drift compare, both files     {both:7.3f} s   {both / decode_alone:6.1f} × decode")
    print(
        f"scipy ks_2samp loop, 20 only  {loop:7.3f} s   {loop / decode_alone:6.1f} × decode, {loop / pass_over:.1f} × ours"
    )


if __name__ == "__main__":
    main()
