"""One piece of code serves the gates and the watch: both rest on these ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.ranking import midranks, placements


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_midranks_are_scipys(values: list[int]) -> None:
    from scipy.stats import rankdata

    assert midranks(np.array(values, dtype=float)).tolist() == rankdata(values).tolist()


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 1.0])), min_size=2, max_size=40))
def test_placements_are_shares_of_the_others_and_their_means_the_auc(rows: list[tuple[bool, float]]) -> None:
    positive, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if positive.all() or not positive.any():
        return
    found = placements(scores, positive)
    cases, controls = scores[positive], scores[~positive]
    above = (cases[:, None] > controls).astype(float) + 0.5 * (cases[:, None] == controls)
    assert found.of_cases == pytest.approx(above.mean(axis=1))
    assert found.of_controls == pytest.approx(above.mean(axis=0))
    assert found.auc == pytest.approx(above.mean())
