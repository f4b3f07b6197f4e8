"""What learns: sixty shallow trees over six columns, which can be read in an afternoon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flights.features import Column

COLUMNS = ("dep_minute", "distance", "temp", "wind_speed", "precip", "visib")


def build(columns: Sequence[Column]) -> Any:
    """Return the estimator, not yet fitted; it can do with missing values as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=60, max_depth=4, early_stopping=False, random_state=7)
