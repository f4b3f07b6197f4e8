"""``python -m flights.train``: fit a model, score it on flights nobody learned from, leave both in $OPSCONSOLE_OUT.

Without $OPSCONSOLE_DATA_UNTIL the first two months are parted, seven to three, always the same way, so that versions
can be compared. With it everything before that moment is learned from, and the model is judged on what came since.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from flights import artifact, data, features, model, shown
from flights.artifact import Model

LEARNED, SEED = 0.7, 2013


@dataclass(frozen=True)
class Split:
    """What is learned from and what is judged on, with the files each came from."""

    training: pa.Table
    evaluation: pa.Table
    training_files: tuple[Path, ...]
    evaluation_files: tuple[Path, ...]


def split(folder: Path, until: str | None) -> Split:
    """Part the labelled flights below ``folder``."""
    first = data.months(folder / "training")
    if until is None:
        table = data.labelled(data.read(first))
        learned = np.random.default_rng(SEED).random(table.num_rows) < LEARNED
        return Split(table.filter(pa.array(learned)), table.filter(pa.array(~learned)), tuple(first), tuple(first))
    moment = data.moment(until)
    files = [*first, *data.months(folder / "production")]
    table = data.labelled(data.read(files))
    early, late = [path for path in files if path.stem < until[:7]], [path for path in files if path.stem >= until[:7]]
    return Split(data.before(table, moment), data.since(table, moment), tuple(early), tuple(late))


def fit(table: pa.Table) -> Model:
    """Fit the model of this commit."""
    columns = features.columns_of(table, model.COLUMNS)
    estimator = model.build(columns)
    labels = table.column(data.LABEL).combine_chunks().cast(pa.int8()).to_numpy(zero_copy_only=False)
    return Model(estimator.fit(features.matrix(table, columns), labels), columns)


def scored(table: pa.Table, contenders: dict[str, Model]) -> pa.Table:
    """Return every contender's scores of the same flights, one below the other."""
    label = table.column(data.LABEL).cast(pa.int8())
    parts = []
    for place, (name, contender) in enumerate(contenders.items(), start=1):
        part_of_it = pa.table(
            {
                "row_id": table.column(data.ID),
                "label": label,
                "score": contender.score(table),
                "contender": [name] * table.num_rows,
            }
        )
        parts.append(part_of_it)
        shown.bar(place, len(contenders), f"scored by the {name}")
    return pa.concat_tables(parts)


def part(out: Path, root: Path, name: str, table: pa.Table, files: Sequence[Path]) -> dict[str, object]:
    """Leave the ids of a part of the data, and return what ``data.json`` says of it."""
    ids = [str(number) for number in table.column(data.ID).to_pylist()]
    with gzip.open(out / f"{name}.ids.gz", "wt", encoding="utf-8", compresslevel=5) as file:
        file.write("".join(f"{number}\n" for number in ids))
    digest = hashlib.sha256("".join(f"{number}\n" for number in sorted(ids)).encode()).hexdigest()
    paths = [str(path.relative_to(root)) for path in files]
    return {"name": name, "path": paths, "rows": len(ids), "row_ids": f"sha256:{digest}", "ids": f"{name}.ids.gz"}


def main() -> None:
    """Train, judge, and leave everything where it is looked for."""
    root, out = Path(os.environ["OPSCONSOLE_WORKSPACE"]), Path(os.environ["OPSCONSOLE_OUT"])
    until = os.environ.get("OPSCONSOLE_DATA_UNTIL")
    parted = split(root / "data", until)
    learned, judged = parted.training.num_rows, parted.evaluation.num_rows
    shown.say(f"learns from {learned:,} flights [/] judged on {judged:,}", shown.BOLD)
    started = time.monotonic()
    made = fit(parted.training)
    seconds = time.monotonic() - started
    shown.say(f"fitted in {seconds:.1f} s: {type(made.estimator).__name__}, {len(made.columns)} columns", shown.GREEN)
    contenders = {"challenger": made}
    if champion := os.environ.get("OPSCONSOLE_CHAMPION"):
        contenders["champion"] = artifact.load(Path(champion))
        shown.say(f"the champion is {champion}", shown.DIM)
    artifact.save(out / "model", made)
    artifact.describe(out / "model.toml", made.columns)
    parquet.write_table(scored(parted.evaluation, contenders), out / "evaluation.parquet")
    parts = [
        part(out, root, "training", parted.training, parted.training_files),
        part(out, root, "evaluation", parted.evaluation, parted.evaluation_files),
    ]
    (out / "data.json").write_text(json.dumps({"parts": parts}, indent=1), encoding="utf-8")
    params = {key: value for key, value in made.estimator.get_params(deep=False).items() if _plain(value)}
    told = {"estimator": type(made.estimator).__name__, "columns": len(made.columns), "until": until or "", **params}
    (out / "params.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (out / "metrics.json").write_text(json.dumps({"fit_seconds": round(seconds, 2)}), encoding="utf-8")
    shown.say("done", shown.GREEN)


def _plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


if __name__ == "__main__":
    main()
