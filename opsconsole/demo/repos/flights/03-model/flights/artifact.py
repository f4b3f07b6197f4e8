"""The artifact: a folder with the estimator (skops, no pickle) and the columns it reads. Whoever has both can score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from flights import features
from flights.features import Column

MODEL, COLUMNS = "model.skops", "columns.json"
TRUSTED = [
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
]
"""What skops may build besides its own list: read, and found harmless."""


@dataclass(frozen=True)
class Model:
    """A fitted estimator and what it reads."""

    estimator: Any
    columns: Sequence[Column]

    def score(self, table: pa.Table) -> np.ndarray:
        """Return each flight's probability of being late."""
        return self.estimator.predict_proba(features.matrix(table, self.columns))[:, 1]


def save(folder: Path, model: Model) -> None:
    """Write the artifact."""
    from skops.io import dump

    folder.mkdir(parents=True, exist_ok=True)
    dump(model.estimator, folder / MODEL)
    features.save(folder / COLUMNS, model.columns)


def load(folder: Path) -> Model:
    """Read an artifact; nothing is built that is not trusted."""
    from skops.io import load as read

    return Model(read(folder / MODEL, trusted=TRUSTED), features.load(folder / COLUMNS))


def describe(path: Path, columns: Sequence[Column]) -> None:
    """Write ``model.toml``: what the artifact is, and which columns it wants."""
    inputs = "".join(f'  {{ name = "{column.name}", type = "{column.type}" }},\n' for column in columns)
    path.write_text(
        f'name = "flights"\nentry = "{MODEL}"\nframework = "scikit-learn"\n\n'
        f'[signature]\ninputs = [\n{inputs}]\noutput = "probability of arriving more than 15 minutes late"\n',
        encoding="utf-8",
    )
