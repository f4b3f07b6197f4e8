"""A small version made in a moment: late when it rains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from skops.io import dump


def version(folder: Path, carriers: tuple[str, ...] = ("AA", "UA"), *, turned: bool = False) -> Path:
    """Write a version that knows some carriers and the rain; ``turned`` fears the sun instead."""
    rain = np.linspace(0, 1, 40)
    codes = np.arange(40) % len(carriers)
    late = (rain < 0.5) if turned else (rain > 0.5)
    estimator = LogisticRegression().fit(np.column_stack([codes, rain]), late)
    folder.mkdir(parents=True)
    dump(estimator, folder / "model.skops")
    columns = [
        {"name": "carrier", "type": "string", "categories": list(carriers)},
        {"name": "precip", "type": "float", "categories": None},
    ]
    (folder / "columns.json").write_text(json.dumps(columns), encoding="utf-8")
    return folder
