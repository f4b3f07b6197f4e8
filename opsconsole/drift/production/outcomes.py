"""Labels, scores and ids of a batch: floats, or for a multiclass model text; ids are text always."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.files import DataFile
from opsconsole.drift.kinds import as_floats, is_vector
from opsconsole.drift.monitors import Monitor

if TYPE_CHECKING:
    from numpy.typing import NDArray


LABEL, SCORE = "label", "score"
"""What evidence calls the columns of labels and scores."""


def known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a label or score is there."""
    if values.dtype == object:
        values = pa.array(values, from_pandas=True).is_valid().to_numpy(zero_copy_only=False)
        return values.astype(np.bool_, copy=False)
    there: NDArray[np.bool_] = np.isfinite(values)
    return there


def as_text(column: pa.Array) -> pa.Array:
    """Return ids as text, so that a number here and text there still meet. DataError for vectors."""
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_vector(column.type):
        raise DataError("a column of vectors stands where one value a row is needed", hint="name another column")
    if pt.is_decimal(column.type):
        column = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", "")
    if pt.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        whole = pc.floor(column)
        if pc.all(pc.equal(whole, column), skip_nulls=True).as_py():
            column = whole.cast(pa.int64(), safe=False)
    return column if column.type == pa.string() else column.cast(pa.string())


def outcomes(monitor: Monitor, column: pa.Array, file: DataFile, name: str) -> NDArray[Any]:
    """Return labels or scores: floats, or for a multiclass model text. DataError for others."""
    if monitor.task is ModelTask.MULTICLASS:
        texts: NDArray[Any] = as_text(column).to_numpy(zero_copy_only=False)
        return texts.astype(object, copy=False)
    kind = column.type
    if pt.is_null(kind):
        return np.full(len(column), np.nan)
    if monitor.positive is not None and name in {monitor.config.label, LABEL}:
        return _is_positive(column, monitor.positive)
    if not (pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        raise DataError(
            f"{file.name}: column `{name}` holds {_plain(kind)}, a {monitor.task.value} model needs numbers",
            hint=next(
                (note.text for note in file.reader.notes if note.column == name),
                "labels are 0 and 1 (or true and false, or the model's `positive` names one), scores are probabilities",
            ),
        )
    values: NDArray[Any] = as_floats(column).to_numpy(zero_copy_only=False)
    return _probabilities(values) if monitor.logits and name in {monitor.config.score, SCORE} else values


def _is_positive(column: pa.Array, positive: str) -> NDArray[Any]:
    """Return 1 for the positive label and 0 for any other; however true and false are written, they are the same."""
    words = pc.utf8_trim_whitespace(as_text(column))
    flags = pc.is_in(words, value_set=pa.array(["True", "False", "TRUE", "FALSE"]))
    hits = pc.equal(pc.if_else(flags, pc.utf8_lower(words), words), positive)
    values: NDArray[Any] = hits.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _probabilities(logits: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        chances: NDArray[Any] = 1.0 / (1.0 + np.exp(-logits))
    return chances


def outcomes_in(monitor: Monitor, table: pa.RecordBatch, name: str | None, file: DataFile) -> NDArray[Any]:
    """Return the labels or scores of a batch; none is known where it lacks the column."""
    if name is None or name not in table.schema.names:
        return unknown(monitor, table.num_rows)
    return outcomes(monitor, table.column(name), file, name)


def unknown(monitor: Monitor, rows: int) -> NDArray[Any]:
    """Return outcomes of which none is known."""
    return np.full(rows, None, dtype=object) if monitor.task is ModelTask.MULTICLASS else np.full(rows, np.nan)


def _plain(kind: pa.DataType) -> str:
    """Return a type as one would say it: how the text is packed is no one's business."""
    kind = kind.value_type if pt.is_dictionary(kind) else kind
    return "text" if pt.is_string(kind) or pt.is_large_string(kind) else str(kind)


def joined(monitor: Monitor, parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return outcomes one after the other."""
    return np.concatenate(parts) if parts else unknown(monitor, 0)


def as_column(values: NDArray[Any]) -> pa.Array:
    """Return outcomes as an Arrow column; ``from_column`` gives the same back."""
    return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)


def from_column(column: pa.Array) -> NDArray[Any]:
    """Return outcomes that ``as_column`` made a column of."""
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values
