"""Health names the version that the alias points to at this moment."""

from __future__ import annotations

from pathlib import Path

from conftest import Ask, point


def test_no_model_yet(ask: Ask) -> None:
    assert ask("/healthz") == (503, {"status": "no model", "model": "flights", "version": None})


def test_health_names_the_version(ask: Ask, alias: Path, tmp_path: Path) -> None:
    (tmp_path / "versions" / "1").mkdir(parents=True)
    point(alias, tmp_path / "versions" / "1")
    assert ask("/healthz") == (200, {"status": "ok", "model": "flights", "version": 1})


def test_the_next_request_sees_the_alias_move(ask: Ask, alias: Path, tmp_path: Path) -> None:
    for number in (1, 2, 1):
        (tmp_path / "versions" / str(number)).mkdir(parents=True, exist_ok=True)
        point(alias, tmp_path / "versions" / str(number))
        assert ask("/healthz")[1]["version"] == number


def test_a_path_that_is_not_there(ask: Ask) -> None:
    assert ask("/nothing")[0] == 404
