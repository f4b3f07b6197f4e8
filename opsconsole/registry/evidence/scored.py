"""Reading ``evaluation.parquet|csv``: the rows that contenders scored, with labels as the model's task means them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from opsconsole.config.schema import ModelConfig, Scalar
from opsconsole.core import text
from opsconsole.core.errors import UsageError
from opsconsole.core.files import digest_rows
from opsconsole.core.foreign_files import open_foreign
from opsconsole.core.nouns import Contender, Digest, ModelTask
from opsconsole.registry.evidence.classes import Labels, binary_labels, class_labels, probabilities_of, spelled
from opsconsole.registry.evidence.statistics import Scores

PREFIX = "probability_"
"""Begins the column of one class's probabilities; the class follows."""
MOST_ROWS = 5_000_000
MOST_BYTES = 2 << 30
_PLAIN = frozenset({"row_id", "label", "score", "contender"})
_FAR = 1e100
"""Past it squares of numbers are infinite."""


@dataclass(frozen=True)
class Reading:
    """How a model's evaluations are to be read."""

    task: ModelTask
    positive: Scalar | None = None
    """The label that counts as positive in a binary task; None: labels are 0 and 1."""
    logits: bool = False
    """Scores are logits, to be brought to probabilities."""


@dataclass(frozen=True)
class Scored:
    """One contender's rows, sorted by row id."""

    row_ids: list[str]
    labels: Scores
    """Of a binary task 1 for the positive class, else 0; of classes their place in ``classes``; else the number itself."""
    scores: Scores
    """Of classes one row of probabilities for each row, in the order of ``classes``; else one number for each row."""
    classes: tuple[str, ...] = ()
    called: npt.NDArray[np.int64] | None = None
    """The class that each row was called, as its place in ``classes``; None where there are no classes."""
    certain: bool = False
    """The file names classes alone, no probabilities: what rests on these cannot be measured."""

    @property
    def digest(self) -> Digest:
        """Names the set of rows."""
        return digest_rows(self.row_ids)


Columns = dict[str, Sequence[Any]]


def reading_of(config: ModelConfig | None, task: ModelTask) -> Reading:
    """Return how the configuration says a model's evaluations are to be read."""
    if config is None:
        return Reading(task)
    return Reading(task, config.positive, logits=config.scores == "logit")


def read_evaluation(
    path: Path, reading: Reading, *, follow: bool = False, called: str | None = None
) -> dict[Contender, Scored]:
    """Read the rows of each contender; both must hold the same rows and labels.

    UsageError says what is wrong, with the file's name, or as what it is ``called`` where it is a copy of the operator's.
    """
    name = called or path.name
    columns = read_columns(path, follow=follow, called=called)
    needed = (
        {"row_id", "label"} if _classes(columns) and reading.task is ModelTask.MULTICLASS else _PLAIN - {"contender"}
    )
    missing = needed - set(columns)
    if missing:
        raise UsageError(
            f"{name}: lacks the column{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}",
            hint="an evaluation has row_id, label, score (or probability_CLASS of each class) and contender",
        )
    contenders = columns.get("contender") or [Contender.CHALLENGER] * len(columns["row_id"])
    unknown = {str(one) for one in contenders} - set(Contender)
    if unknown:
        shown = ", ".join(sorted(repr(one[:40]) for one in unknown)[:5])
        raise UsageError(f"{name}: contender is {shown}", hint="challenger or champion")
    labels = _labels(name, columns, reading)
    by_contender = {
        one: _scored(name, columns, labels, np.flatnonzero([value == one for value in contenders]), reading)
        for one in Contender
        if one in contenders
    }
    if Contender.CHALLENGER not in by_contender:
        raise UsageError(f"{name}: has no rows of the challenger")
    champion = by_contender.get(Contender.CHAMPION)
    if champion is not None and (
        champion.row_ids != by_contender[Contender.CHALLENGER].row_ids
        or not np.array_equal(champion.labels, by_contender[Contender.CHALLENGER].labels)
    ):
        raise UsageError(f"{name}: challenger and champion are not on the same rows and labels")
    return by_contender


def read_columns(path: Path, *, follow: bool = False, called: str | None = None) -> Columns:
    """Return the columns that an evaluation is made of, as they stand in the file; others are not read.

    UsageError when it cannot be read.
    """
    name = called or path.name
    with open_foreign(path, limit=MOST_BYTES, follow=follow) as file:
        if path.suffix == ".parquet":
            return _parquet(name, file)
        try:
            with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as words:
                return _csv(name, words)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{name}: not a readable CSV file: {error}") from error


def wanted(name: str) -> bool:
    """Tell whether a column is part of an evaluation."""
    return name in _PLAIN or name.startswith(PREFIX)


def _classes(columns: Columns) -> tuple[str, ...]:
    return tuple(sorted(name.removeprefix(PREFIX) for name in columns if name.startswith(PREFIX)))


def _parquet(name: str, file: Any) -> Columns:
    from pyarrow import ArrowException, parquet

    try:
        opened = parquet.ParquetFile(file)
        if opened.metadata.num_rows > MOST_ROWS:
            raise UsageError(f"{name}: {opened.metadata.num_rows:,} rows, at most {MOST_ROWS:,} are read")
        names = [one for one in opened.schema_arrow.names if wanted(one)]
        table = opened.read(columns=names)
    except (OSError, ArrowException, UnicodeDecodeError, MemoryError, OverflowError) as error:
        raise UsageError(f"{name}: not a whole Parquet file: {error}") from error
    return {one: table.column(one).to_pylist() for one in table.column_names}


def _csv(name: str, file: io.TextIOWrapper) -> Columns:
    rows = csv.reader(file)
    head = next(rows, [])
    places = {one: place for place, one in enumerate(head) if wanted(one)}
    columns: dict[str, list[str]] = {one: [] for one in places}
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        if len(row) != len(head):
            raise UsageError(f"{name}: row {number} has {text.plural(len(row), 'cell')}, the head {len(head)}")
        if number > MOST_ROWS:
            raise UsageError(f"{name}: at most {MOST_ROWS:,} rows are read")
        for one, place in places.items():
            columns[one].append(row[place])
    return dict(columns)


def _labels(name: str, columns: Columns, reading: Reading) -> Labels:
    if reading.task is ModelTask.BINARY:
        return binary_labels(name, columns["label"], reading.positive)
    if reading.task is ModelTask.MULTICLASS:
        return class_labels(name, columns["label"], _classes(columns))
    return Labels(_numbers(name, "label", columns["label"]), ())


def _scored(name: str, columns: Columns, labels: Labels, chosen: npt.NDArray[np.intp], reading: Reading) -> Scored:
    row_ids = [str(columns["row_id"][index]) for index in chosen]
    if len(set(row_ids)) != len(row_ids):
        raise UsageError(f"{name}: a row id stands there twice for one contender")
    order = chosen[np.asarray(sorted(range(len(row_ids)), key=row_ids.__getitem__), dtype=np.intp)]
    ordered = [str(columns["row_id"][index]) for index in order]
    if any("\n" in row_id or "\0" in row_id for row_id in ordered):
        raise UsageError(f"{name}: a row id holds a line break or a NUL")
    if any(not row_id.isascii() and "\ud800" <= max(row_id) <= "\udfff" for row_id in ordered):
        raise UsageError(f"{name}: a row id holds half a character")
    if reading.task is ModelTask.MULTICLASS:
        return _of_classes(name, columns, labels, order, ordered, logits=reading.logits)
    scores = _numbers(name, "score", [columns["score"][index] for index in order])
    if reading.task is ModelTask.BINARY:
        scores = _probabilities(name, scores, logits=reading.logits)
        return Scored(ordered, labels.values[order], scores, labels.classes, (scores >= 0.5).astype(np.int64))
    return Scored(ordered, labels.values[order], scores)


def _of_classes(
    name: str, columns: Columns, labels: Labels, order: npt.NDArray[np.intp], ordered: list[str], *, logits: bool
) -> Scored:
    named = [spelled(columns["score"][index]) for index in order] if "score" in columns else []
    places = {one: place for place, one in enumerate(labels.classes)}
    called = np.asarray([places.get(one, -1) for one in named], dtype=np.int64) if named else None
    given = _classes(columns)
    if given:
        raw = np.column_stack(
            [_numbers(name, PREFIX + one, [columns[PREFIX + one][i] for i in order]) for one in given]
        )
        scores = probabilities_of(name, raw, logits=logits)
        if called is None or (called < 0).any():
            called = scores.argmax(axis=1).astype(np.int64)
        return Scored(ordered, labels.values[order], scores, labels.classes, called)
    if called is None or (called < 0).any():
        raise UsageError(
            f"{name}: score names no class, and there are no probabilities of classes",
            hint="a multiclass model leaves a column probability_CLASS for each class, or in score the class it calls",
        )
    scores = np.eye(len(labels.classes))[called]
    return Scored(ordered, labels.values[order], scores, labels.classes, called, certain=True)


def _probabilities(name: str, scores: Scores, *, logits: bool) -> Scores:
    if logits:
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)), dtype=np.float64)
    outside = int(((scores < 0) | (scores > 1)).sum())
    if outside:
        raise UsageError(
            f"{name}: {text.plural(outside, 'score')} of {len(scores):,} lie outside 0 to 1, so they are no probabilities",
            hint='if they are logits, say so in the model\'s table: scores = "logit"',
        )
    return scores


def _numbers(name: str, column: str, values: Sequence[Any]) -> Scores:
    try:
        numbers = np.asarray(list(_numeric(values)), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{name}: label and score must be numbers: {column}: {str(error)[:120]}") from error
    if not np.isfinite(numbers).all():
        raise UsageError(f"{name}: a label or a score is missing or not finite ({column})")
    if len(numbers) and float(np.abs(numbers).max()) > _FAR:
        raise UsageError(f"{name}: {column} holds numbers past {_FAR:g}, which nothing can be measured with")
    return numbers


def _numeric(values: Sequence[Any]) -> Iterator[float]:
    for value in values:
        yield math.nan if value is None else float(value)
