"""A version's evidence: per-row scores on held-out rows, and the row ids it was trained on, read and checked once at intake."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from opsconsole.ground.errors import UsageError
from opsconsole.ground.files import digest_file, digest_rows
from opsconsole.ground.nouns import Digest, ModelTask
from opsconsole.registry.statistics import Scores
from opsconsole.store.models import DataPart

CONTENDERS = ("challenger", "champion")
PLOT_POINTS = 41


@dataclass(frozen=True)
class Scored:
    """One contender's rows, sorted by row id."""

    row_ids: list[str]
    labels: Scores
    scores: Scores

    @property
    def digest(self) -> Digest:
        """Names the set of rows."""
        return digest_rows(self.row_ids)


def read_evaluation(path: Path) -> dict[str, Scored]:
    """Read ``evaluation.parquet|csv``: the rows of each contender; both must hold the same rows and labels."""
    table = _read_table(path)
    missing = {"row_id", "label", "score"} - set(table)
    if missing:
        raise UsageError(
            f"{path.name}: lacks the column{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}",
            hint="an evaluation has row_id, label, score and contender (challenger or champion)",
        )
    contenders = table.get("contender") or ["challenger"] * len(table["row_id"])
    unknown = set(contenders) - set(CONTENDERS)
    if unknown:
        raise UsageError(
            f"{path.name}: contender is {', '.join(sorted(map(repr, unknown)))}", hint="challenger or champion"
        )
    found = {
        name: _scored(path, table, [index for index, value in enumerate(contenders) if value == name])
        for name in CONTENDERS
        if name in contenders
    }
    if "challenger" not in found:
        raise UsageError(f"{path.name}: has no rows of the challenger")
    champion = found.get("champion")
    if champion is not None and (
        champion.row_ids != found["challenger"].row_ids
        or not np.array_equal(champion.labels, found["challenger"].labels)
    ):
        raise UsageError(f"{path.name}: challenger and champion are not on the same rows and labels")
    return found


def read_parts(out: Path) -> tuple[DataPart, ...]:
    """Read ``data.json``: the named parts of the data, each with the file of its row ids where one was left."""
    path = out / "data.json"
    if not path.exists():
        return ()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["parts"]
        return tuple(
            DataPart(
                name=str(part["name"]),
                paths=tuple([part["path"]] if isinstance(part["path"], str) else map(str, part["path"])),
                rows=int(part["rows"]),
                row_ids=Digest(str(part["row_ids"])),
                ids=None if part.get("ids") is None else str(part["ids"]),
            )
            for part in found
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"data.json: {type(error).__name__}: {error}",
            hint='it holds {"parts": [{"name", "path", "rows", "row_ids", "ids"}]}',
        ) from error


def read_ids(path: Path) -> list[str]:
    """Read a file of row ids, one a line, plain or gzip."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            return [line.rstrip("\n") for line in file if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: not a file of row ids: {error}") from error


def read_part(part: DataPart, path: Path) -> list[str]:
    """Read the row ids of a part, and hold them against its digest: ids that were thinned out would hide an overlap."""
    ids = read_ids(path)
    if digest_rows(ids) != part.row_ids or len(ids) != part.rows:
        raise UsageError(f"part {part.name} of the data: {path.name} holds other rows than were named")
    return ids


def check_parts(parts: tuple[DataPart, ...], out: Path, evaluated: Scored | None) -> None:
    """Hold what ``data.json`` claims against the files that were left; a wrong claim is refused."""
    for part in parts:
        if part.ids is None:
            continue
        path = out / part.ids
        if path.parent.resolve() != out.resolve() or not path.is_file():
            raise UsageError(f"data.json: part {part.name}: there is no file {part.ids} in out/")
        read_part(part, path)
    claimed = next((part for part in parts if part.name == "evaluation"), None)
    if claimed is not None and evaluated is not None and claimed.row_ids != evaluated.digest:
        raise UsageError("data.json: the evaluation part names other rows than the evaluation file holds")


def metrics(task: ModelTask, scored: Scored) -> dict[str, float]:
    """Return the standard metrics of a task on held-out rows, from scikit-learn."""
    from sklearn import metrics as measure

    labels, scores = scored.labels, scored.scores
    if task == ModelTask.BINARY and len(np.unique(labels)) == 2:
        clipped = np.clip(scores, 0.0, 1.0)
        chosen = scores >= 0.5
        return {
            "auc": float(measure.roc_auc_score(labels, scores)),
            "average_precision": float(measure.average_precision_score(labels, scores)),
            "brier": float(measure.brier_score_loss(labels, clipped)),
            "log_loss": float(measure.log_loss(labels, np.clip(clipped, 1e-15, 1 - 1e-15))),
            "accuracy": float(measure.accuracy_score(labels, chosen)),
            "f1": float(measure.f1_score(labels, chosen, zero_division=0.0)),
            "ece": calibration_error(labels, clipped),
        }
    if task == ModelTask.REGRESSION:
        return {
            "mae": float(measure.mean_absolute_error(labels, scores)),
            "mse": float(measure.mean_squared_error(labels, scores)),
            "rmse": float(measure.root_mean_squared_error(labels, scores)),
            "r2": float(measure.r2_score(labels, scores)),
        }
    return {}


def plots(task: ModelTask, scored: Scored) -> dict[str, Any]:
    """Return the points that the console draws: ROC and calibration of a binary model."""
    if task != ModelTask.BINARY or len(np.unique(scored.labels)) != 2:
        return {}
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(scored.labels, scored.scores)
    grid = np.linspace(0.0, 1.0, PLOT_POINTS)
    share, mean = calibration_curve(scored.labels, np.clip(scored.scores, 0, 1), n_bins=10)
    return {
        "roc": np.round(np.column_stack([grid, np.interp(grid, false, true)]), 4).tolist(),
        "calibration": np.round(np.column_stack([mean, share]), 4).tolist(),
    }


def calibration_error(labels: Scores, scores: Scores, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins (Naeini et al. 2015)."""
    cells = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = np.bincount(cells, weights=scores - labels, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def file_digest(path: Path) -> Digest:
    """Return the digest of an evidence file."""
    return digest_file(path)


def _read_table(path: Path) -> dict[str, list[Any]]:
    if path.suffix == ".parquet":
        from pyarrow import ArrowException, parquet

        try:
            table = parquet.read_table(path)
        except (OSError, ArrowException) as error:
            raise UsageError(f"{path.name}: not a whole Parquet file: {error}") from error
        return {name: table.column(name).to_pylist() for name in table.column_names}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path.name}: not a readable CSV file: {error}") from error
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def _scored(path: Path, table: dict[str, list[Any]], chosen: list[int]) -> Scored:
    row_ids = [str(table["row_id"][index]) for index in chosen]
    try:
        labels = np.asarray([table["label"][index] for index in chosen], dtype=np.float64)
        scores = np.asarray([table["score"][index] for index in chosen], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path.name}: label and score must be numbers: {error}") from error
    if not np.isfinite(labels).all() or not np.isfinite(scores).all():
        raise UsageError(f"{path.name}: a label or a score is missing or not finite")
    if len(set(row_ids)) != len(row_ids):
        raise UsageError(f"{path.name}: a row id stands there twice for one contender")
    order = sorted(range(len(row_ids)), key=row_ids.__getitem__)
    return Scored([row_ids[index] for index in order], labels[order], scores[order])
