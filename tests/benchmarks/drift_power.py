"""How much of a drift that is there is told: drifts of graded size planted into real columns.

    python -m tests.benchmarks.drift_power [--venvs DIR] [--chunks 60] [--references 4] [--shown 5]

Chunks are drawn from the rows that the reference of 10,000 was drawn from; then one of thirty columns is moved. Told is:

- gates: past chance over all thirty columns, and a PSI of 0.1 or more, in a single chunk;
- policy: our default (two of the last three chunks; rates of missing and unseen values at once) within three chunks;
- evidently, nannyml: their defaults, asked of themselves about the first ``--shown`` chunks of each reference;
- at 1 %: each score with the threshold, of each column, that one chunk in a hundred without drift passes.

The last are reckoned here by the peers' formulas; with ``--venvs`` the largest difference to their own answers is printed.
Without it evidently's default is reckoned by its formula and its limit of 0.1, on all chunks; nannyml's is left out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import Severity
from opsconsole.drift.compare.files import facts_of
from opsconsole.drift.facts.column import ColumnFacts, Role
from opsconsole.drift.kinds import kind_of
from opsconsole.drift.sketches.layout import count, lay_out, layout_of
from opsconsole.drift.sketches.sketch import TableSketch
from opsconsole.drift.verdicts.criteria import History, judge
from opsconsole.drift.verdicts.policy import severity_of
from tests.benchmarks.drift_material import draw, inputs, population
from tests.benchmarks.drift_planted import BASE, GRADES, PLANTS, Plant, Statistics, planted
from tests.benchmarks.peers.venvs import Ask, ask, venvs_option

REFERENCE = 10_000
SIZES = (500, 2_000, 10_000)
WITHIN = 3
SCORES = ("ours", "evidently", "nannyml")
RULES = ("gates", "policy", "evidently", "nannyml", *(f"{name} 1%" for name in SCORES))
FALSE_ALARMS = 0.01
EVIDENTLY = 0.1
"""Evidently's limit for both of its scores, for when it is not asked itself."""
FEWEST_WINDOWS = 3
FIRST = "nothing"


@dataclass
class Told:
    """What was told of each plant, and its scores; a higher score is more of a drift."""

    told: dict[str, dict[Plant, list[bool]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    scores: dict[str, dict[Plant, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    differences: dict[str, float] = field(default_factory=dict)
    """The largest difference of a peer's answers to its formula."""

    def share(self, rule: str, kind: str, size: float) -> float | None:
        """Return the share of chunks in which a rule told a drift of a size."""
        found: list[bool] = []
        for plant in PLANTS:
            if (plant.kind, plant.size) != (kind, size):
                continue
            if rule in RULES[:4]:
                told = self.told[rule][plant]
                if rule == "evidently" and not told:
                    told = [value >= EVIDENTLY for value in self.scores[rule][plant]]
                found += told
            else:
                scores = self.scores[rule.removesuffix(" 1%")]
                limit = float(np.quantile(scores[Plant(FIRST, 0.0, plant.column)], 1 - FALSE_ALARMS, method="higher"))
                found += [value > limit for value in scores[plant]]
        return float(np.mean(found)) if found else None


class Ours:
    """Our verdicts against one reference."""

    def __init__(self, reference: pa.Table, rows: int) -> None:
        kinds = {name: kind_of(reference[name].type) for name in reference.column_names}
        batches = reference.combine_chunks().to_batches()
        self.sketch = count(batches, lay_out(batches, kinds))
        self.layouts = {name: layout_of(one) for name, one in self.sketch.columns.items()}
        self.wobble: dict[str, float] = {}
        starts = range(0, REFERENCE, rows) if REFERENCE // rows >= FEWEST_WINDOWS else ()
        for start in starts:
            rest = pa.concat_tables([reference.slice(0, start), reference.slice(start + rows)])
            mine, theirs = (
                count(one.combine_chunks().to_batches(), self.layouts) for one in (rest, reference.slice(start, rows))
            )
            for one in facts_of(mine, theirs, {}, new={}):
                self.wobble[one.name] = max(self.wobble.get(one.name, 0.0), one.distances.psi or 0.0)

    def facts(self, chunk: pa.Table, columns: Mapping[str, str]) -> list[ColumnFacts]:
        """Measure columns of a chunk, each against the column of the reference that it is of."""
        mine = TableSketch(self.sketch.rows, {name: self.sketch.columns[of] for name, of in columns.items()})
        theirs = count(chunk.combine_chunks().to_batches(), {name: self.layouts[of] for name, of in columns.items()})
        found = facts_of(mine, theirs, {}, new={})
        return [replace(one, name=columns[one.name], role=Role.INPUT) for one in found]

    def judged(self, chunks: Sequence[tuple[list[ColumnFacts], list[ColumnFacts]]], told: Told) -> None:
        """Judge chunks running, each plant for itself among the other columns as they are."""
        for place, plant in enumerate(PLANTS):
            past: list[frozenset[str]] = []
            said = False
            for usual, moved in chunks:
                one = moved[place]
                facts = [one if other.name == plant.column else other for other in usual]
                raw = judge(facts)[plant.column]
                verdict = judge(facts, history=History(past, self.wobble))[plant.column]
                past = [frozenset([plant.column] if verdict.drifted else []), *past]
                said = said or severity_of(one, verdict) is not Severity.OK
                told.told["gates"][plant].append(bool(raw.drifted))
                told.scores["ours"][plant].append(-_logarithm(one))
            told.told["policy"][plant].append(said)


def _logarithm(facts: ColumnFacts) -> float:
    """Return the logarithm of the noise p; of those too small for a float the larger PSI is the smaller."""
    chance, psi = facts.distances.noise_p, facts.distances.psi or 0.0
    return float(np.log(max(1.0 if chance is None else chance, 1e-300))) - (psi if chance == 0 else 0.0)


def course(whole: pa.Table, rows: int, number: int, told: Told, options: argparse.Namespace) -> None:
    """Draw one reference and its chunks, plant and judge."""
    random = np.random.default_rng(1_000 + number)
    mine, theirs = draw(random, whole.num_rows, REFERENCE, options.chunks * rows)
    reference, current = whole.take(mine).combine_chunks(), whole.take(theirs)
    ours, statistics = Ours(reference, rows), {name: Statistics(reference[name]) for name in BASE}
    names, moved_names = {name: name for name in reference.column_names}, {one.name: one.column for one in PLANTS}
    waiting, shown = [], []
    for place in range(options.chunks):
        chunk = current.slice(place * rows, rows)
        moved = pa.table({one.name: planted(one, chunk, reference, random) for one in PLANTS})
        waiting.append((ours.facts(chunk, names), ours.facts(moved, moved_names)))
        if len(waiting) == WITHIN:
            ours.judged(waiting, told)
            waiting.clear()
        for plant in PLANTS:
            values, known = moved[plant.name].combine_chunks(), statistics[plant.column]
            told.scores["evidently"][plant].append(known.evidently(values))
            told.scores["nannyml"][plant].append(known.nannyml(values))
        shown += [moved] if place < options.shown else []
    if options.venvs is not None:
        peers(reference, shown, rows, told, options)


def peers(reference: pa.Table, shown: list[pa.Table], rows: int, told: Told, options: argparse.Namespace) -> None:
    """Ask the peers about the first chunks, each plant as a column of one wide table."""
    wide = pa.table({one.name: reference[one.column] for one in PLANTS})
    for peer in ("evidently", "nannyml"):
        with tempfile.TemporaryDirectory() as folder:
            found = ask(Ask(peer, "flags", wide, pa.concat_tables(shown), rows), Path(folder), options.venvs)
        for place, plant in enumerate(PLANTS):
            told.told[peer][plant] += [bool(one[place]) for one in found["flags"]]
            own = told.scores[peer][plant][-options.chunks :][: len(shown)]
            apart = max(abs(one[place] - value) for one, value in zip(found["values"], own, strict=True))
            told.differences[peer] = max(told.differences.get(peer, 0.0), apart)


def show(rows: int, told: Told, options: argparse.Namespace) -> None:
    """Print the table of one size of chunks."""
    print(f"\nchunks of {rows:,} rows; {options.references} references of {REFERENCE:,} × {options.chunks} chunks")
    print(f"{'planted':20}" + "".join(f"{rule:>14}" for rule in RULES))
    for kind, sizes, _ in GRADES:
        for size in sizes:
            shares = [told.share(rule, kind, size) for rule in RULES]
            print(f"{kind:13} {size:6g}" + "".join(f"{'–':>14}" if one is None else f"{one:14.1%}" for one in shares))
    for peer, apart in told.differences.items():
        print(f"{peer}: largest difference of its answers to its formula {apart:.2g}")
    print(end="", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=60)
    parser.add_argument("--references", type=int, default=4)
    parser.add_argument("--shown", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    venvs_option(parser)
    options = parser.parse_args()
    whole = population()
    whole = whole.select(inputs(whole))
    for rows in options.sizes:
        told = Told()
        for number in range(options.references):
            course(whole, rows, number, told, options)
        show(rows, told, options)


if __name__ == "__main__":
    main()
