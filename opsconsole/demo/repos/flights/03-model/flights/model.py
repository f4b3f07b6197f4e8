"""What learns: gradient boosting over all columns, the categories as categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flights.features import CATEGORIES, NUMBERS, Column

COLUMNS = CATEGORIES + NUMBERS


def build(columns: Sequence[Column]) -> Any:
    """Return the estimator, not yet fitted; it can do with missing values and strangers as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.08,
        early_stopping=False,
        categorical_features=[place for place, column in enumerate(columns) if column.categories is not None],
        random_state=7,
    )
