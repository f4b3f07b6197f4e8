"""How often drift is told where there is none: chunks drawn from the very rows that the reference was drawn from.

    python -m tests.benchmarks.drift_false_alarms [--chunks 200] [--references 5] [--venvs DIR]

Each line is a real workspace with thirty columns, score, labels and slices, checked as ``opsconsole drift check`` does.
An incident opens with the first chunk that says anything and stands until two chunks running say nothing; *warning* are
those that page. The target is fewer than one in 200 chunks. With ``--venvs`` evidently and nannyml see the same chunks.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import Severity
from opsconsole.drift.verdicts.incident import RECOVERY
from opsconsole.store.chunk_records import Chunk
from tests.benchmarks.drift_material import checked, draw, inputs, lay, population
from tests.benchmarks.peers.venvs import Ask, ask, venvs_option

SCENES = (
    ("usual", 10_000, 500),
    ("usual", 10_000, 2_000),
    ("usual", 1_000, 500),
    ("usual", 1_000, 2_000),
    ("hard", 10_000, 500),
    ("hard", 10_000, 2_000),
    ("hard", 1_000, 500),
)
SHOWN_TO_PEERS = 40
"""Chunks of each reference that the peers see: evidently takes about a second for each."""


@dataclass
class Tally:
    """What was told of the chunks of one scene."""

    chunks: int = 0
    told: int = 0
    opened: int = 0
    paged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """What the chunks said, with how severe."""

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Count one course of chunks."""
        self.chunks += len(chunks)
        self.told += sum(one.severity is not Severity.OK for one in chunks)
        self.opened += incidents(chunks, Severity.INFO)
        self.paged += incidents(chunks, Severity.WARN)
        for chunk in chunks:
            self.kinds.update({f"{one.kind} {one.severity}" for one in chunk.findings})


def incidents(chunks: Sequence[Chunk], least: Severity) -> int:
    """Count the incidents of a severity: each stands until enough chunks running have been calmer."""
    found, calm = 0, RECOVERY
    for chunk in chunks:
        if chunk.severity.rank >= least.rank:
            found += calm >= RECOVERY
            calm = 0
        else:
            calm += 1
    return found


def peers(folder: Path, reference: pa.Table, current: pa.Table, rows: int, venvs: Path) -> list[str]:
    """Show the same chunks to the peers, at their defaults."""
    said = []
    names = inputs(reference)
    few = current.slice(0, rows * SHOWN_TO_PEERS)
    for name in ("evidently", "nannyml"):
        found = ask(Ask(name, "flags", reference.select(names), few.select(names), rows), folder, venvs)
        flags = np.array([[bool(value) for value in row] for row in found["flags"]])
        line = f"{flags.mean():8.2%} of columns × chunks, any column in {flags.any(axis=1).mean():7.2%} of the chunks"
        if name == "evidently":
            line += f", half of the columns in {np.mean(found['dataset']):.2%}"
        said.append(f"    {name:10} {line}")
    return said


def scene(kind: str, reference: int, rows: int, options: argparse.Namespace) -> None:
    """Run one scene and print its line."""
    whole = population(kind)
    tally, seconds, said = Tally(), 0.0, []
    for number in range(options.first, options.first + options.references):
        mine, theirs = draw(np.random.default_rng(number), whole.num_rows, reference, options.chunks * rows)
        with tempfile.TemporaryDirectory() as folder:
            one, other = whole.take(mine), whole.take(theirs)
            lay(Path(folder, "workspace"), one, other, rows)
            start = time.perf_counter()
            tally.add(checked(Path(folder, "workspace")))
            seconds += time.perf_counter() - start
            if options.venvs is not None and number == options.first:
                said = peers(Path(folder), one, other, rows, options.venvs)
    print(
        f"{kind:6} {reference:>7,} {rows:>6,} {tally.chunks:>7,} {tally.told:>6} {tally.opened:>9} {tally.paged:>8}"
        f" {tally.opened * 200 / tally.chunks:>8.2f} {tally.paged * 200 / tally.chunks:>8.2f}"
        f" {1000 * seconds / tally.chunks:>7.0f}",
        flush=True,
    )
    print(*(f"    {what}: {number}" for what, number in tally.kinds.most_common()), *said, sep="\n", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first reference")
    parser.add_argument("--scenes", type=int, nargs="+", default=range(len(SCENES)))
    venvs_option(parser)
    options = parser.parse_args()
    print("columns reference  rows  chunks   told incidents warnings  per 200 warn/200 ms/chunk")
    for number in options.scenes:
        scene(*SCENES[number], options)


if __name__ == "__main__":
    main()
