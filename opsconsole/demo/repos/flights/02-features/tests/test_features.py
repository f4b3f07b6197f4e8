"""Numbers are in the order of the columns, and nothing that is known only afterwards gets in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from flights import features
from flights.features import Column


def test_every_column_becomes_one_of_numbers(flights: pa.Table) -> None:
    columns = features.columns_of(flights)
    made = features.matrix(flights, columns)
    assert made.shape == (flights.num_rows, len(features.CATEGORIES) + len(features.NUMBERS))
    assert made.dtype == np.float64


def test_numbers_stay_what_they_are(flights: pa.Table) -> None:
    made = features.matrix(flights, features.columns_of(flights, ["distance", "precip"]))
    assert made[:, 0].tolist() == flights.column("distance").to_pylist()


def test_what_is_missing_is_nan(flights: pa.Table) -> None:
    made = features.matrix(flights, features.columns_of(flights, ["wind_gust"]))
    assert np.isnan(made[:, 0]).sum() == flights.column("wind_gust").null_count


def test_codes_follow_the_alphabet(flights: pa.Table) -> None:
    [origin] = features.columns_of(flights, ["origin"])
    assert origin.categories == ("EWR", "JFK", "LGA")
    assert features.matrix(flights.slice(0, 3), [origin])[:, 0].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("stranger", ["[/]", "ÖBB", "東京", "", "[red]UA[/red]"])
def test_a_category_never_seen_is_missing(stranger: str) -> None:
    column = Column("carrier", "string", ("AA", "UA"))
    made = features.matrix(pa.table({"carrier": ["UA", stranger]}), [column])
    assert made[0, 0] == 1.0
    assert np.isnan(made[1, 0])


@pytest.mark.parametrize("leak", sorted(features.LEAKS))
def test_nothing_known_afterwards_gets_in(flights: pa.Table, leak: str) -> None:
    with pytest.raises(ValueError, match="afterwards"):
        features.columns_of(flights, ["distance", leak])


def test_columns_survive_their_file(tmp_path: Path, flights: pa.Table) -> None:
    columns = features.columns_of(flights)
    features.save(tmp_path / "columns.json", columns)
    assert features.load(tmp_path / "columns.json") == columns
