"""``python -m flights.score``: the production model scores the months that have no scores yet, all in one process.

A month counts as scored by a mark that is made after its scores are safe, so a scoring that was killed is done again;
$AGAIN scores all of them once more.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from flights import artifact, data, shown
from flights.artifact import Model


def unscored(root: Path, *, again: bool = False) -> list[Path]:
    """Return the months in production that were never scored."""
    return [path for path in data.months(root / "production") if again or not _mark(root, path).exists()]


def score(model: Model, files: list[Path], version: int) -> pa.Table:
    """Return a score for each flight of these months."""
    parts = []
    for place, path in enumerate(files, start=1):
        table = parquet.read_table(path)
        parts.append(pa.table({data.ID: table.column(data.ID), "score": model.score(table)}))
        shown.bar(place, len(files), path.stem)
    table = pa.concat_tables(parts)
    return table.append_column("version", pa.array([version] * table.num_rows, pa.int32()))


def main() -> None:
    """Score what is new, leave the scores in $OPSCONSOLE_OUT, then mark the months."""
    root, out = Path(os.environ["OPSCONSOLE_WORKSPACE"]) / "data", Path(os.environ["OPSCONSOLE_OUT"])
    champion = os.environ.get("OPSCONSOLE_CHAMPION")
    if champion is None:
        raise SystemExit("no version is in production, so there is nothing to score with")
    files = unscored(root, again=bool(os.environ.get("AGAIN")))
    if not files:
        shown.say("every month has its scores", shown.YELLOW)
        return
    version = int(os.environ["OPSCONSOLE_CHAMPION_VERSION"])
    scores = score(artifact.load(Path(champion)), files, version)
    unfinished = out / "predictions.parquet.part"
    parquet.write_table(scores, unfinished)
    unfinished.rename(out / "predictions.parquet")
    for path in files:
        mark = _mark(root, path)
        mark.parent.mkdir(exist_ok=True)
        mark.write_text(f"v{version}, run {os.environ.get('OPSCONSOLE_RUN_ID', '')}\n", encoding="utf-8")
    shown.say(f"v{version} scored {scores.num_rows:,} flights of {len(files)} months", shown.GREEN)


def _mark(root: Path, month: Path) -> Path:
    return root / "scored" / month.stem


if __name__ == "__main__":
    main()
