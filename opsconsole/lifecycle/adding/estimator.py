"""What a skops file's own table of contents says of the estimator in it: nothing of it is loaded."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from opsconsole.core.nouns import ModelTask

CONTENTS = "schema.json"
MOST = 16 << 20
"""Bytes of the contents, and of an array of classes."""
_NUMBERS = frozenset({"LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "SVR", "LinearSVR"})
_CLASSES = frozenset({"LogisticRegression", "SVC", "LinearSVC", "GaussianNB", "MultinomialNB"})
_UNREADABLE = (OSError, ValueError, KeyError, zipfile.BadZipFile, RecursionError, NotImplementedError)


@dataclass(frozen=True)
class Estimator:
    """What it predicts, and what told so."""

    task: ModelTask
    why: str


def estimator_in(path: Path) -> Estimator | None:
    """Tell by the classes it is made of; None where the file is no skops file, or says neither."""
    if path.suffix != ".skops" or not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(CONTENTS).file_size > MOST:
                return None
            return _task_of(json.loads(archive.read(CONTENTS)), archive, path.name)
    except _UNREADABLE:
        return None


def _task_of(contents: Any, archive: zipfile.ZipFile, name: str) -> Estimator | None:
    parts = list(_parts(contents))
    made_of = [str(part.get("__class__", "")) for part in parts]
    numbers = next((one for one in made_of if one.endswith("Regressor") or one in _NUMBERS), None)
    classes = next((one for one in made_of if one.endswith("Classifier") or one in _CLASSES), None)
    if numbers is not None and classes is None:
        return Estimator(ModelTask.REGRESSION, f"{name} holds a {numbers}")
    if classes is None:
        return None
    number = next((_size(part["classes_"], archive) for part in parts if isinstance(part.get("classes_"), dict)), None)
    if number is None:
        return None
    task = ModelTask.BINARY if number == 2 else ModelTask.MULTICLASS
    return Estimator(task, f"{name} holds a {classes} of {number} classes")


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every table of the contents."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _size(array: dict[str, Any], archive: zipfile.ZipFile) -> int | None:
    """Return how many values an array in the file has; its values are never unpickled."""
    import numpy as np

    file = array.get("file")
    if not isinstance(file, str) or archive.getinfo(file).file_size > MOST:
        return None
    return int(np.load(BytesIO(archive.read(file)), allow_pickle=False).size)
