"""The meaning of labels: the positive one of two, the classes of a multiclass model, and valid probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from opsconsole.config.schema import Scalar
from opsconsole.core import text
from opsconsole.core.errors import UsageError
from opsconsole.registry.evidence.statistics import Scores

MOST_CLASSES = 1000
SUM = 1e-3
"""By how much a row's probabilities may miss 1, for what rounding in a file leaves."""
_SELF_EVIDENT = ({"0", "1"}, {"false", "true"})


@dataclass(frozen=True)
class Labels:
    """One value for each row of a file, in its order."""

    values: Scores
    classes: tuple[str, ...]
    """What the values are places in; of a binary task the negative class, then the positive one."""


def spelled(value: Any) -> str:
    """Return a label as one spells it, the same from CSV and Parquet: ``1`` also for 1.0, ``true`` also for True."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if value is None:
        return ""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    word = str(value).strip()
    if word in {"True", "False", "TRUE", "FALSE"}:
        return word.lower()
    whole, point, rest = word.partition(".")
    return whole if point and not rest.strip("0") and whole.lstrip("-").isdecimal() else word


def binary_labels(file: str, values: Sequence[Any], positive: Scalar | None) -> Labels:
    """Return 1 for the positive label and 0 for the other; UsageError where it is not known which is which."""
    words = [spelled(value) for value in values]
    known = _known(file, words)
    shown = text.listed([repr(text.clean(word, limit=40)) for word in sorted(known)[:5]]) if known else "none"
    if len(known) > 2:
        raise UsageError(
            f"{file}: {text.plural(len(known), 'label')} in the evaluation of a binary model: {shown}",
            hint='a model of more than two classes has task = "multiclass", one of numbers "regression"',
        )
    if positive is not None:
        chosen = spelled(positive)
        if known and chosen not in known and len(known) == 2:
            raise UsageError(f"{file}: the positive label is {chosen!r}, but the labels are {shown}")
        other = next((word for word in sorted(known) if word != chosen), "")
    else:
        pair = next((pair for pair in _SELF_EVIDENT if known <= pair), None)
        if pair is None:
            raise UsageError(
                f"{file}: labels are {shown}: which of them is positive?",
                hint=f"say so in the model's table: positive = {_toml(max(known, key=_order))}",
            )
        other, chosen = sorted(pair)
    return Labels(np.asarray([word == chosen for word in words], dtype=np.float64), (other, chosen))


def class_labels(file: str, values: Sequence[Any], given: tuple[str, ...]) -> Labels:
    """Return each label's place among the classes: those that have probabilities, else those that stand there.

    UsageError for fewer than two classes, too many, one named twice, or a label without probabilities.
    """
    words = [spelled(value) for value in values]
    known = _known(file, words)
    classes = tuple(spelled(one) for one in given) or tuple(sorted(known, key=_order))
    if len(classes) > MOST_CLASSES:
        raise UsageError(f"{file}: {len(classes):,} classes, at most {MOST_CLASSES:,} are measured")
    if len(set(classes)) != len(classes):
        raise UsageError(f"{file}: two columns of probabilities are of one class")
    strange = sorted(known - set(classes))
    if strange:
        raise UsageError(
            f"{file}: there are rows of class {text.clean(strange[0], limit=40)!r}, but no probabilities of it",
            hint="each class has a column probability_CLASS",
        )
    if len(classes) < 2:
        raise UsageError(f"{file}: a multiclass model has at least two classes, here is {len(classes)}")
    places = {name: place for place, name in enumerate(classes)}
    return Labels(np.asarray([places[word] for word in words], dtype=np.float64), classes)


def probabilities_of(file: str, raw: Scores, *, logits: bool) -> Scores:
    """Return rows of probabilities, of logits by softmax where they are declared; UsageError for rows that are none."""
    if logits:
        shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)
    bad = (raw < 0).any(axis=1) | (raw > 1).any(axis=1) | (np.abs(raw.sum(axis=1) - 1.0) > SUM)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        shown = ", ".join(f"{value:.4g}" for value in raw[row][:6])
        raise UsageError(
            f"{file}: the probabilities of {text.plural(int(bad.sum()), 'row')} are none, such as {shown}:"
            " each lies between 0 and 1, and a row's sum is 1",
            hint='if they are logits, say so in the model\'s table: scores = "logit"',
        )
    return raw


def _known(file: str, words: Iterable[str]) -> set[str]:
    known = set(words)
    if known & {"", "nan", "NaN", "None", "inf", "-inf"}:
        raise UsageError(f"{file}: a label or a score is missing or not finite")
    return known


def _order(word: str) -> tuple[int, float, str]:
    """Numbers by size, then words by the alphabet."""
    try:
        return 0, float(word), word
    except ValueError:
        return 1, 0.0, word


def _toml(word: str) -> str:
    return word if word.lstrip("-").isdecimal() else f'"{text.clean(word, limit=40)}"'
