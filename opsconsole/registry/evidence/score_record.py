"""The recorded scores of a version, and whether those that another training reports of it agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ModelTask
from opsconsole.registry.evidence.scored import MOST_ROWS, Reading, Scored, read_columns, read_evaluation
from opsconsole.registry.evidence.statistics import Scores
from opsconsole.registry.places import evaluation_path
from opsconsole.store import baselines, evaluations
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

TOLERANCE = 1e-4
"""How far a score may be from the one on record, for what rounding in files leaves; of numbers, in parts of their spread."""
RECENT = 24
"""Files of production scores that are looked through, newest first, as long as their rows are no more than these."""


@dataclass(frozen=True)
class Held:
    """Scores of one version that were held against its record."""

    rows: int
    """Rows that stand on record as well."""
    disagree: int
    """How many of these have another score there."""
    source: str
    """Where they do."""


def held_against_record(
    workspace: Workspace, store: Store, version: Version, scored: Scored, reading: Reading, *, but: Path
) -> Held:
    """Hold scores against every other record of the same version on the same rows; ``but`` is the file they come from."""
    rows, seen = 0, set(scored.row_ids)
    places = {row: place for place, row in enumerate(scored.row_ids)}
    for source, row_ids, scores in _records(workspace, store, version, reading, but, seen):
        pairs = [(places[row], place) for place, row in enumerate(row_ids) if row in places]
        if not pairs or scores.shape[1:] != scored.scores.shape[1:]:
            continue
        here, there = (np.asarray(side, dtype=np.intp) for side in zip(*pairs, strict=True))
        gaps = np.abs(scored.scores[here] - scores[there])
        bound = TOLERANCE * (float(np.ptp(scores)) or 1.0 if reading.task is ModelTask.REGRESSION else 1.0)
        disagree = int((gaps.reshape(len(gaps), -1).max(axis=1) > bound).sum())
        rows += len(pairs)
        if disagree:
            return Held(len(pairs), disagree, source)
    return Held(rows, 0, "")


def _records(
    workspace: Workspace, store: Store, version: Version, reading: Reading, but: Path, seen: set[str]
) -> Iterator[tuple[str, list[str], Scores]]:
    """Yield where each record stands, its rows and their scores."""
    for evaluation in evaluations.of_version(store, version.model, version.version):
        path = evaluation_path(workspace, evaluation)
        if path == but or not path.is_file():
            continue
        try:
            scored = read_evaluation(path, reading).get(evaluation.contender)
        except UsageError:
            continue  # a gate that judges on that file reports it
        if scored is not None:
            yield f"{evaluation.path}", scored.row_ids, scored.scores
    produced = [item for item in baselines.predictions(store, version.model) if item.version == version.version]
    room = MOST_ROWS
    for item in reversed(produced[-RECENT:]):
        room -= item.rows
        if room < 0:
            return
        yield from _production(workspace.evidence / item.path, reading, seen)


def _production(path: Path, reading: Reading, seen: set[str]) -> Iterator[tuple[str, list[str], Scores]]:
    """Yield the rows of a file of production scores that are among ``seen``; of classes only their names are kept there."""
    if reading.task is ModelTask.MULTICLASS or not path.is_file():
        return
    try:
        columns = read_columns(path)
    except UsageError:
        return
    if not {"row_id", "score"} <= set(columns):
        return
    rows: list[str] = []
    scores: list[float] = []
    for row, score in zip(columns["row_id"], columns["score"], strict=True):
        if str(row) in seen:
            try:
                scores.append(float(score))
            except (TypeError, ValueError):
                return
            rows.append(str(row))
    numbers = np.asarray(scores, dtype=np.float64)
    if reading.logits and ((numbers < 0) | (numbers > 1)).any():
        numbers = 0.5 * (1.0 + np.tanh(0.5 * numbers))
    if rows and np.isfinite(numbers).all():
        yield f"production's {path.name}", rows, numbers
