"""Scores come from the version that is in production at this moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Ask, point
from made import version

WET, DRY = {"carrier": "UA", "precip": 1.0}, {"carrier": "UA", "precip": 0.0}


def test_no_model_yet(ask: Ask) -> None:
    assert ask("/predict", {"rows": []})[0] == 503


def test_scores_in_the_order_of_the_rows(ask: Ask, alias: Path, tmp_path: Path) -> None:
    point(alias, version(tmp_path / "versions" / "1"))
    status, answer = ask("/predict", {"rows": [WET, DRY]})
    wet, dry = answer["scores"]
    assert (status, answer["version"]) == (200, 1)
    assert wet > 0.5 > dry


def test_the_next_request_is_scored_by_the_new_version(ask: Ask, alias: Path, tmp_path: Path) -> None:
    point(alias, version(tmp_path / "versions" / "1"))
    before = ask("/predict", {"rows": [WET]})[1]
    point(alias, version(tmp_path / "versions" / "2", turned=True))
    after = ask("/predict", {"rows": [WET]})[1]
    assert (before["version"], after["version"]) == (1, 2)
    assert before["scores"][0] > 0.5 > after["scores"][0]


@pytest.mark.parametrize("document", [[], {}, {"rows": 3}, {"rows": [3]}, {"rows": [{"precip": "[/]"}]}])
def test_a_bad_request_is_told_so(ask: Ask, alias: Path, tmp_path: Path, document: object) -> None:
    point(alias, version(tmp_path / "versions" / "1"))
    status, answer = ask("/predict", document)
    assert status == 400
    assert answer["error"]
