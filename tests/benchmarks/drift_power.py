"""How small a drift is found: planted drifts of graded size on real columns, three chunks of each.

    python -m tests.benchmarks.drift_power [--rows 500 2000] [--trials 20] [--venvs DIR]

A planted column is one more among twenty-nine of the flights that did not change. *ours* is the default policy: an alert
of any severity within three chunks; *chunk* the raw gates on one chunk. With ``--venvs`` the peers see the same chunks:
*default* is any of three chunks flagged at their own thresholds, *at 1 %* one chunk at thresholds tuned, for each column,
to one false alarm in a hundred chunks that did not change; ours is tuned the same way on its PSI.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.drift.compare import facts_of
from opsconsole.drift.facts import ColumnFacts
from opsconsole.drift.sketches.layout import count, lay_out
from opsconsole.drift.sketches.sketch import TableSketch
from opsconsole.drift.verdicts.gates import History, judge
from opsconsole.drift.verdicts.policy import severity_of
from opsconsole.ground.nouns import ColumnKind, Severity
from tests.benchmarks.drift_material import draw, inputs, population
from tests.benchmarks.peers.venvs import Ask, ask, venvs_option

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFERENCE, COURSE, QUIET = 10_000, 3, 100
Change = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True)
class Plant:
    """A drift of one column."""

    name: str
    column: str
    change: Change


def shifted(size: float) -> Change:
    """Move the mean by so many standard deviations."""
    return lambda values, random: values + size * np.nanstd(values)


def scaled(factor: float) -> Change:
    """Widen around the mean."""
    return lambda values, random: np.nanmean(values) + factor * (values - np.nanmean(values))


def moved(share: float, to: str) -> Change:
    """Turn a share of all rows into one category."""
    return lambda values, random: np.where(random.random(len(values)) < share, to, values)


def emptied(share: float) -> Change:
    """Lose so many values more."""

    def change(values: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
        lost = values.copy()
        lost[random.random(len(values)) < share] = np.nan
        return lost

    return change


PLANTS = (
    *(Plant(f"mean + {size} sd", "temp", shifted(size)) for size in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)),
    *(Plant(f"scale × {factor}", "temp", scaled(factor)) for factor in (1.1, 1.25, 1.5, 2.0)),
    *(
        Plant(f"{share:.0%} to another category", "carrier", moved(share, "HA"))
        for share in (0.01, 0.02, 0.05, 0.1, 0.2)
    ),
    *(Plant(f"{share:.0%} more missing", "distance", emptied(share)) for share in (0.01, 0.02, 0.05, 0.1)),
    *(Plant(f"{share:.0%} unseen category", "carrier", moved(share, "new")) for share in (0.01, 0.05)),
)


def planted(table: pa.Table, random: np.random.Generator | None) -> pa.Table:
    """Append a column for each plant; without a generator nothing is changed in it."""
    for number, plant in enumerate(PLANTS):
        column = table[plant.column]
        if random is not None:
            values = column.to_numpy(zero_copy_only=False)
            column = pa.array(plant.change(values, random), from_pandas=True)
        table = table.append_column(f"plant {number}", column)
    return table


def kinds_of(table: pa.Table) -> dict[str, ColumnKind | None]:
    """Return text as categories, the rest as numbers."""
    texts = {name for name in table.column_names if pa.types.is_string(table[name].type)}
    return {name: ColumnKind.CATEGORICAL if name in texts else ColumnKind.NUMERIC for name in table.column_names}


@dataclass
class Found:
    """What was found of each plant, as shares."""

    names: list[str]
    shares: list[NDArray[np.float64]]


class Trial:
    """A reference, with chunks that did not change and chunks of planted drift."""

    def __init__(self, whole: pa.Table, rows: int, seed: int, quiet: int) -> None:
        random = np.random.default_rng(seed)
        mine, theirs = draw(random, whole.num_rows, REFERENCE, (quiet + COURSE) * rows)
        self.rows, self.quiet = rows, quiet
        self.reference = planted(whole.take(mine), None).combine_chunks()
        current = whole.take(theirs)
        calm = planted(current.slice(0, quiet * rows), None)
        self.current = pa.concat_tables([calm, planted(current.slice(quiet * rows), random).cast(calm.schema)])
        batches = self.reference.to_batches()
        self.layouts = lay_out(batches, kinds_of(self.reference))
        self.sketch = count(batches, self.layouts)

    def facts(self, number: int) -> dict[str, ColumnFacts]:
        """Measure a chunk."""
        batches = self.current.slice(number * self.rows, self.rows).combine_chunks().to_batches()
        current: TableSketch = count(batches, self.layouts)
        return {one.name: one for one in facts_of(self.sketch, current, {}, new={}, score="score")}


def ours(trial: Trial) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Return for each plant: an alert in the course, the gates of its first chunk, and the PSI of every chunk."""
    chunks = [trial.facts(number) for number in range(trial.quiet + COURSE)]
    calm = [name for name in chunks[0] if not name.startswith("plant")][:29]
    alerted, gated = np.zeros((2, len(PLANTS)), dtype=np.bool_)
    for number in range(len(PLANTS)):
        name = f"plant {number}"
        past: list[frozenset[str]] = []
        for place, chunk in enumerate(chunks[trial.quiet :]):
            verdicts = judge([chunk[one] for one in (*calm, name)], history=History(past))
            alerted[number] |= severity_of(chunk[name], verdicts[name]) is not Severity.OK
            gated[number] |= not place and bool(verdicts[name].drifted or verdicts[name].rates)
            past = [frozenset(one for one, verdict in verdicts.items() if verdict.drifted), *past]
    names = [f"plant {number}" for number in range(len(PLANTS))]
    psi = np.array([[chunk[name].distances.psi or 0.0 for name in names] for chunk in chunks])
    return alerted, gated, psi


def tuned(values: NDArray[np.float64], quiet: int) -> NDArray[np.bool_]:
    """Return whether the first chunk of drift is past the 99th percentile of those that did not change."""
    limits = np.nanquantile(values[:quiet], 0.99, axis=0)
    found: NDArray[np.bool_] = values[quiet] > limits
    return found


def peer(name: str, trial: Trial, folder: Path, venvs: Path) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each plant: flagged by default in any chunk of the course, and past the tuned threshold."""
    columns = [f"plant {number}" for number in range(len(PLANTS))]
    # evidently takes numbers of few values for what they are only when they are floats, which these are
    told = ask(
        Ask(name, "flags", trial.reference.select(columns), trial.current.select(columns), trial.rows), folder, venvs
    )
    flags, values = np.array(told["flags"], dtype=np.bool_), np.array(told["values"], dtype=np.float64)
    flagged: NDArray[np.bool_] = np.asarray(flags[trial.quiet :].any(axis=0))
    return flagged, tuned(values, trial.quiet)


def measured(rows: int, options: argparse.Namespace) -> None:
    """Print the table of one chunk size."""
    whole = population()
    whole = whole.select([*inputs(whole)])
    tally: dict[str, list[NDArray[np.bool_]]] = {}
    for seed in range(options.trials):
        asked = options.venvs is not None and seed < options.peer_trials
        trial = Trial(whole, rows, seed, QUIET if asked else 0)
        alerted, gated, psi = ours(trial)
        for key, value in (("ours", alerted), ("chunk", gated)):
            tally.setdefault(key, []).append(value)
        if not asked:
            continue
        tally.setdefault("ours at 1 %", []).append(tuned(psi, trial.quiet))
        for name in ("evidently", "nannyml"):
            with tempfile.TemporaryDirectory() as folder:
                default, at_one = peer(name, trial, Path(folder), options.venvs)
            tally.setdefault(name, []).append(default)
            tally.setdefault(f"{name} at 1 %", []).append(at_one)
    print(f"\nchunks of {rows:,} rows, reference {REFERENCE:,}; {options.trials} trials, peers {options.peer_trials}")
    print(f"| {'drift':28} | " + " | ".join(tally) + " |")
    print("|---|" + "---:|" * len(tally))
    for number, plant in enumerate(PLANTS):
        shares = [np.mean([one[number] for one in found]) for found in tally.values()]
        print(f"| {plant.name:28} | " + " | ".join(f"{share:.0%}" for share in shares) + " |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 2_000, 10_000])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--peer-trials", type=int, default=4)
    venvs_option(parser)
    options = parser.parse_args()
    for rows in options.rows:
        measured(rows, options)


if __name__ == "__main__":
    main()
