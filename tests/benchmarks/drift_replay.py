"""Whether ``drift replay`` keeps what it promises: what it expects beside what is told of chunks that did not drift.

    python -m tests.benchmarks.drift_replay [--chunks 200] [--references 5]

Each line is a scene of ``drift_false_alarms`` under settings that cry wolf, so that there is something to count: the share
of chunks of which anything is told, and the incidents in 200 chunks, as they happened and as replay expects them of the
same baselines.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import against_of
from opsconsole.drift.monitors import monitor_of
from opsconsole.drift.replay.replayer import openings, simulated
from opsconsole.drift.verdicts.judging import Against
from opsconsole.store import baselines
from opsconsole.store.connection import open_store
from tests.benchmarks.drift_material import checked, draw, lay, population

SCENES = (
    ("usual", 1_000, 500, "psi = 0.02, persist = 1, chance = 0.2"),
    ("usual", 10_000, 500, "psi = 0.01, persist = 1, chance = 0.05"),
    ("hard", 1_000, 500, "psi = 0.02, persist = 1, chance = 0.2"),
    ("usual", 1_000, 500, "persist = 1"),
    ("usual", 1_000, 500, ""),
)


def against(root: Path) -> Against:
    """Return what a workspace's chunks are held against."""
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        baseline = baselines.baseline(store, "m", 1)
    assert baseline is not None
    return against_of(monitor_of(workspace, "m"), baseline)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--references", type=int, default=5)
    options = parser.parse_args()
    print("columns reference  rows limits                                      told  expected   incidents  expected")
    for kind, reference, rows, limits in SCENES:
        whole = population(kind)
        happened, expected = [], []
        for number in range(100, 100 + options.references):
            mine, theirs = draw(np.random.default_rng(number), whole.num_rows, reference, options.chunks * rows)
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder, "workspace")
                lay(root, whole.take(mine), whole.take(theirs), rows, f"limits = {{ {limits} }}")
                happened.append([chunk.severity is not Severity.OK for chunk in checked(root)])
                expected.append(list(simulated(against(root), rows)))
        told = [np.mean([np.mean(one) for one in side]) for side in (happened, expected)]
        opened = [200 * np.mean([openings(one) / len(one) for one in side]) for side in (happened, expected)]
        print(
            f"{kind:6} {reference:>10,} {rows:>5,} {limits:42} {told[0]:>6.3f} {told[1]:>9.3f}"
            f" {opened[0]:>11.2f} {opened[1]:>9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
