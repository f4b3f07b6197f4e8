"""How long two files of thirty columns take, ours and the peers', each in a process of its own.

    python -m tests.benchmarks.drift_speed --venvs DIR [--rows 100000 1000000] [--runs 3]

Twenty numeric and ten text columns, n rows against n rows. Seconds are without imports; the peers and the loop are handed
frames that are loaded already, ours read their files within the time. What took longer than 20 s is run once. The peak
memory is that of the whole process, with its imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.venvs import run, venvs_option

SLOW = 20.0
WARM = 1_000
"""Rows of the small files that a first, untimed act sees: it imports what it needs."""
OWN = {
    "stored": "ours: stored sketch, one pass",
    "both": "ours: drift compare, both files",
    "exact": "ours: drift compare --exact",
    "loop": "scipy ks_2samp loop, numbers only",
}
PEERS = {
    "alibi-detect": "alibi-detect TabularDrift",
    "nannyml": "nannyml JS + KS + chi2, 10 chunks",
    "evidently": "evidently, default preset",
}


def files_of(folder: Path) -> tuple[Path, Path]:
    """Return the two files of a folder."""
    return folder / "reference.parquet", folder / "current.parquet"


def make_both(folder: Path, rows: int) -> dict[str, Any]:
    """Write both sides, and small ones beside them, in a process of its own too: this one must stay small."""
    from tests.benchmarks.drift_compare import make

    (folder / "warm").mkdir()
    for where, number in ((folder, rows), (folder / "warm", WARM)):
        for seed, path in enumerate(files_of(where), start=1):
            make(path, number, seed)
    return {"rows": rows}


def stored(folder: Path) -> Callable[[], object]:
    """Hold the current file against a stored sketch, as a check does."""
    from opsconsole.drift.compare.files import facts_of, layouts, reference_sketch, sketch_source
    from opsconsole.drift.data.sources import open_source
    from opsconsole.drift.sketches.sketch import decode
    from opsconsole.drift.verdicts.criteria import judge

    source = open_source(files_of(folder)[0])
    kept = reference_sketch(source, source.kinds).encode()

    def act() -> object:
        reference = decode(kept)
        current = sketch_source(open_source(files_of(folder)[1]), layouts(reference, list(reference.columns)))
        return judge(facts_of(reference, current, {}, new={}))

    return act


def compared(folder: Path, *, exact: bool) -> Callable[[], object]:
    """Compare both files."""
    from opsconsole.drift.compare.files import compare

    return lambda: compare(*files_of(folder), exact=exact)


def loop(folder: Path) -> Callable[[], object]:
    """Load the numbers, to hand each column to scipy."""
    import pyarrow.parquet as pq
    from scipy import stats

    names = [f"n{index}" for index in range(20)]
    one, two = (pq.read_table(path, columns=names) for path in files_of(folder))
    pairs = [(one[name].to_numpy(), two[name].to_numpy()) for name in names]
    return lambda: [stats.ks_2samp(mine, theirs, method="asymp") for mine, theirs in pairs]


def own(what: str, folder: Path, runs: int) -> dict[str, Any]:
    """Time one of our acts in this process."""
    acts: dict[str, Callable[[Path], Callable[[], object]]] = {
        "stored": stored,
        "both": lambda where: compared(where, exact=False),
        "exact": lambda where: compared(where, exact=True),
        "loop": loop,
    }
    acts[what](folder / "warm")()
    act = acts[what](folder)
    taken: list[float] = []
    while len(taken) < runs and (not taken or taken[0] < SLOW):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return {"seconds": statistics.median(taken), "runs": len(taken), "peak_mb": peak()}


def peak() -> float:
    """Return the peak memory of this process in MB, without that of the process that started it."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def child(what: str, folder: Path, number: int) -> dict[str, Any]:
    """Run one of our acts in a process of its own."""
    line = [sys.executable, "-m", "tests.benchmarks.drift_speed", "--act", what, str(folder), str(number)]
    found: dict[str, Any] = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def asked(peer: str, folder: Path, rows: int, venvs: Path) -> dict[str, Any]:
    """Ask a peer."""
    found = run(peer, "speed", folder, rows, venvs)
    seconds = next(value for name, value in found.items() if name not in {"runs", "peak_mb"})
    return {"seconds": seconds, "runs": found["runs"], "peak_mb": found["peak_mb"]}


def measured(rows: int, options: argparse.Namespace) -> None:
    """Print the lines of one size."""
    print(f"\n{rows:,} × {rows:,} rows, 30 columns; × ours: the pass, and the comparison of both files", flush=True)
    print(f"{'':36} {'seconds':>9} {'runs':>4} {'peak MB':>8} {'× pass':>8} {'× both':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = Path(name), {}
        child("make", folder, rows)
        for what, words in {**OWN, **(PEERS if options.venvs else {})}.items():
            one = child(what, folder, options.runs) if what in OWN else asked(what, folder, rows, options.venvs)
            seconds[what] = one["seconds"]
            ratios = [
                f"{one['seconds'] / seconds[base]:8.1f}" if base in seconds else f"{'':8}"
                for base in ("stored", "both")
            ]
            print(
                f"{words:36} {one['seconds']:9.3f} {one['runs']:4} {one['peak_mb']:8.0f} {' '.join(ratios)}", flush=True
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--act", nargs=3, help=argparse.SUPPRESS)
    venvs_option(parser)
    options = parser.parse_args()
    if options.act:
        what, folder, number = options.act[0], Path(options.act[1]), int(options.act[2])
        print(json.dumps(make_both(folder, number) if what == "make" else own(what, folder, number)))
        return
    for rows in options.rows:
        measured(rows, options)


if __name__ == "__main__":
    main()
