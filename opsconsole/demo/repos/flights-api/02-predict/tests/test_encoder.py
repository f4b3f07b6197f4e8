"""Rows become numbers as the version's own columns say."""

from __future__ import annotations

import math

import pytest

from service.encoder import BadRow, Encoder

COLUMNS = [
    {"name": "carrier", "type": "string", "categories": ["AA", "UA"]},
    {"name": "precip", "type": "float", "categories": None},
]


def test_a_row_in_the_order_of_the_columns() -> None:
    assert Encoder(COLUMNS).encode([{"precip": 0.5, "carrier": "UA"}]) == [[1.0, 0.5]]


@pytest.mark.parametrize("stranger", ["[/]", "東京", "", "ua"])
def test_a_stranger_is_missing(stranger: str) -> None:
    assert math.isnan(Encoder(COLUMNS).encode([{"carrier": stranger, "precip": 1}])[0][0])


def test_what_is_left_out_is_missing() -> None:
    assert all(math.isnan(number) for number in Encoder(COLUMNS).encode([{}])[0])


@pytest.mark.parametrize("value", ["wet", True, [1], {"a": 1}])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(BadRow, match="row 1: precip is no number"):
        Encoder(COLUMNS).encode([{"precip": 1}, {"precip": value}])


def test_a_row_that_is_no_object() -> None:
    with pytest.raises(BadRow, match="row 0"):
        Encoder(COLUMNS).encode([3])  # type: ignore[list-item]
