"""Our distances beside those of scipy, nannyml, evidently and alibi-detect, on the same real rows.

    python -m tests.benchmarks.peers.oracles --venvs DIR [--real DIR]

For each measure: the largest absolute difference over all columns, of our sketches and of ``--exact``; then that of the
peer's own formula, written down here, to the peer's answer. Where the last is nothing and the others are not, the formula
is the reason. ``--real`` holds popmon's ``flight_delays*.csv.gz``; river's phishing data comes from its environment.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import Comparison, compare
from opsconsole.drift.measures.structure import StructureTally, fit
from opsconsole.drift.performance.realised.metrics import Options, measure, metric_of
from tests.benchmarks.drift_material import FLIGHTS, LABEL, NUMBERS, SCORE, TEXTS, population
from tests.benchmarks.peers.venvs import Ask, ask, python_of, venvs_option

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]
    Formula = Callable[[Values, Values], float]

ROWS, REFERENCE = 2_000, 8_000


@dataclass(frozen=True)
class Line:
    """One measure of one peer, and its name here."""

    peer: str
    theirs: str
    ours: str
    scale: float
    numeric: bool
    formula: Formula | None
    reason: str


def doane(reference: Values, current: Values) -> tuple[Values, Values]:
    """Return nannyml's shares: bins of the reference, and one for what is outside."""
    bins = np.histogram_bin_edges(reference, bins="doane")
    mine = np.histogram(reference, bins)[0] / len(reference)
    theirs = np.histogram(current, bins)[0] / len(current)
    left = 1 - theirs.sum()
    return (np.append(mine, 0), np.append(theirs, left)) if left > 0 else (mine, theirs)


def sturges(reference: Values, current: Values) -> tuple[Values, Values]:
    """Return evidently's shares: bins of both sides together; single values where there are at most twenty."""
    values, places = np.unique(np.concatenate([reference, current]), return_inverse=True)
    if reference.dtype.kind != "f" or len(np.unique(reference)) <= 20:
        counts = [np.bincount(one, minlength=len(values)) for one in np.split(places, [len(reference)])]
        return counts[0] / len(reference), counts[1] / len(current)
    bins = np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")
    return np.histogram(reference, bins)[0] / len(reference), np.histogram(current, bins)[0] / len(current)


def _js(base: float | None, binned: Callable[[Values, Values], tuple[Values, Values]]) -> Formula:
    def formula(reference: Values, current: Values) -> float:
        from scipy.spatial.distance import jensenshannon

        return float(jensenshannon(*binned(reference, current), base=base))

    return formula


def _hellinger(reference: Values, current: Values) -> float:
    p, q = doane(reference, current)
    return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2))


def _psi(reference: Values, current: Values) -> float:
    shares = []
    for one in sturges(reference, current):
        least = one[one > 0].min()
        shares.append(np.where(one > 0, one, least / 1e6 if least <= 1e-4 else 1e-4))
    return float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))


def _goodness(reference: Values, current: Values) -> float:
    from scipy.stats import chisquare

    names = np.unique(np.concatenate([reference, current]))
    mine, theirs = (np.array([np.sum(one == name) for name in names]) for one in (reference, current))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(chisquare(theirs, mine * len(current) / len(reference))[1])


BINS = "bins: ours are the reference's deciles, theirs {}"
KS_BINS = "none below 10,000 reference rows (from there on nannyml counts in 10,000 equal bins)"
LINES = (
    Line("nannyml", "jensen_shannon", "js", 1, True, _js(2, doane), BINS.format("doane's of the reference")),
    Line("nannyml", "hellinger", "hellinger", 1, True, _hellinger, BINS.format("doane's of the reference")),
    Line("nannyml", "kolmogorov_smirnov", "ks", 1, True, None, KS_BINS),
    Line("nannyml", "wasserstein", "wasserstein", 1, True, None, KS_BINS + "; sketch: even spread in a cell"),
    Line("nannyml", "jensen_shannon", "js", 1, False, None, "sketch: past 200 categories one bin for the rest"),
    Line("nannyml", "hellinger", "hellinger", 1, False, None, "nannyml gives unseen ones one bin, `--exact` one each"),
    Line("nannyml", "chi2", "chi2", 1, False, None, "sketch: the rest is one bin"),
    Line("nannyml", "l_infinity", "l_infinity", 1, False, None, "sketch: the rest, unseen ones too, is one bin"),
    Line(
        "evidently", "psi", "psi", 1, True, _psi, BINS.format("Sturges' of both sides; missing values are ours alone")
    ),
    Line(
        "evidently",
        "psi",
        "psi",
        1,
        False,
        _psi,
        "ours has ten bins + half a row each, theirs all categories, 0 = 1e-4",
    ),
    Line(
        "evidently",
        "jensenshannon",
        "js",
        math.sqrt(math.log(2)),
        True,
        _js(None, sturges),
        BINS.format("Sturges'; base e"),
    ),
    Line(
        "evidently",
        "jensenshannon",
        "js",
        math.sqrt(math.log(2)),
        False,
        _js(None, sturges),
        "base e, taken into account",
    ),
    Line(
        "evidently", "ks", "ks_p", 1, True, None, "exact: the same p of scipy; sketch: 256 cells and the asymptotic p"
    ),
    Line("evidently", "wasserstein", "wasserstein_normed", 1, True, None, "sketch as above"),
    Line(
        "evidently", "chisquare", "chi2_p", 1, False, _goodness, "theirs takes the reference as certain; unseen: p = 0"
    ),
    Line("alibi-detect", "ks", "ks", 1, True, None, "single precision"),
    Line("alibi-detect", "chi2", "chi2", 1, False, None, "single precision; sketch: the rest is one bin"),
)


def materials(real: Path | None, venvs: Path) -> Iterator[tuple[str, pa.Table, pa.Table]]:
    """Yield each data set as reference and current rows, in the order of time where it has one."""
    flights = pq.read_table(FLIGHTS).sort_by("sched_dep")
    columns = {name: flights[name].cast(pa.float64()) for name in NUMBERS if name != "wind_gust"}
    table = pa.table(columns | {name: flights[name] for name in TEXTS})
    yield "flights 2013", thinned(table.slice(0, 60_000), REFERENCE), thinned(table.slice(170_000, 30_000), ROWS)
    if real is not None:
        mine, theirs = (
            as_floats(pcsv.read_csv(real / f"flight_delays{name}.csv.gz").drop_columns(["", "CANCELLED", "DATE"]))
            for name in ("_reference", "")
        )
        yield "popmon 2015", thinned(mine, REFERENCE), thinned(theirs, ROWS)
    for path in sorted(python_of(venvs, "river").parents[1].glob("lib/*/site-packages/river/datasets/phishing.csv.gz")):
        table = as_floats(pcsv.read_csv(path))
        yield "river phishing", table.slice(0, 700), table.slice(700)


def as_floats(table: pa.Table) -> pa.Table:
    """Make every number a float, so that all libraries take it for a number."""
    names = table.column_names
    return pa.table(
        {
            name: table[name] if pa.types.is_string(table[name].type) else table[name].cast(pa.float64())
            for name in names
        }
    )


def thinned(table: pa.Table, rows: int) -> pa.Table:
    """Keep evenly spread rows."""
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, rows).astype(int)))


def largest(
    line: Line, reference: pa.Table, current: pa.Table, found: tuple[Comparison, Comparison], told: dict[str, float]
) -> list[float]:
    """Return the largest differences: sketch, exact, and the peer's formula."""
    worst: list[float] = [-1.0, -1.0, -1.0]
    for place, column in enumerate(found[0].columns):
        key = f"{line.theirs} {column.name}"
        if (column.kind is ColumnKind.NUMERIC) is not line.numeric or key not in told:
            continue
        for number, comparison in enumerate(found):
            value = getattr(comparison.columns[place].distances, line.ours)
            if value is not None:
                worst[number] = max(worst[number], abs(line.scale * value - told[key]))
        if line.formula is not None:
            values = [one[column.name].drop_null().to_numpy(zero_copy_only=False) for one in (reference, current)]
            worst[2] = max(worst[2], abs(line.formula(values[0], values[1]) - told[key]))
    return worst


def structures(reference: pa.Table, current: pa.Table) -> float:
    """Return our mean reconstruction error."""
    kinds: dict[str, ColumnKind | None] = {
        name: ColumnKind.CATEGORICAL if pa.types.is_string(reference[name].type) else ColumnKind.NUMERIC
        for name in reference.column_names
    }
    model = fit(reference.combine_chunks().to_batches(), kinds)
    if model is None:
        return math.nan
    tally = StructureTally(model)
    for batch in current.combine_chunks().to_batches():
        tally.add(batch)
    result = tally.result()
    return math.nan if result is None else result[0]


def measured(name: str, reference: pa.Table, current: pa.Table, venvs: Path) -> None:
    """Print the lines of one data set."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        told = {
            peer: ask(Ask(peer, "values", reference, current, current.num_rows), where, venvs)
            for peer in ("nannyml", "evidently", "alibi-detect")
        }
        files = where / "reference.parquet", where / "current.parquet"
        found = compare(*files), compare(*files, exact=True)
    print(f"\n{name}: {reference.num_rows:,} rows × {current.num_rows:,} rows, {reference.num_columns} columns")
    print(f"{'peer':12} {'measure':19} {'':8} {'sketch':>9} {'exact':>9} {'formula':>9}  reason")
    for line in LINES:
        worst = largest(line, reference, current, found, told[line.peer])
        if worst[0] < 0:
            continue
        shown = " ".join(f"{one:9.2g}" if one >= 0 else f"{'–':>9}" for one in worst)
        print(f"{line.peer:12} {line.theirs:19} {'number' if line.numeric else 'category'} {shown}  {line.reason}")
    ours, theirs = structures(reference, current), told["nannyml"]["structure"]
    print(f"nannyml      reconstruction error: {theirs:.6f}, ours {ours:.6f}", flush=True)


def performance(venvs: Path) -> None:
    """Print estimated and realised AUC of chunks beside nannyml's."""
    from opsconsole.core.nouns import ModelTask
    from opsconsole.drift.performance.estimates.estimator import estimated, fit_outlook
    from opsconsole.drift.performance.estimates.trust import BackTest

    whole = population().select([SCORE, LABEL])
    reference, current = whole.slice(0, 20_000), whole.slice(20_000, 40_000)
    current = current.filter(pc.greater(current[SCORE], 0.15)).slice(0, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        told = ask(Ask("nannyml", "performance", reference, current, 2_000), Path(folder), venvs)
    auc, options = metric_of("auc", ModelTask.BINARY, "auc"), Options()
    labels, scores = (reference[name].to_numpy().astype(float) for name in (LABEL, SCORE))
    own = measure(auc, labels, scores, options).value
    outlook = fit_outlook(ModelTask.BINARY, BackTest(auc, own, None), [], labels, scores, options)
    differences: list[list[float]] = [[], []]
    for number in range(current.num_rows // 2_000):
        chunk = current.slice(number * 2_000, 2_000)
        labels, scores = (chunk[name].to_numpy().astype(float) for name in (LABEL, SCORE))
        real, guess = measure(auc, labels, scores, options).value, estimated(outlook, auc, scores, options, None)
        differences[0].append(abs((real or 0.0) - told["realised"][number]))
        differences[1].append(abs((guess.value if guess and guess.value else 0.0) - told["estimated"][number]))
    print(f"\nnannyml      realised AUC: largest difference {max(differences[0]):.2g}")
    print(
        f"nannyml      CBPE AUC: largest difference {max(differences[1]):.2g} (calibration: theirs only where it helps)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", type=Path)
    venvs_option(parser, required=True)
    options = parser.parse_args()
    for name, reference, current in materials(options.real, options.venvs):
        measured(name, reference, current, options.venvs)
    performance(options.venvs)


if __name__ == "__main__":
    main()
