"""A version is read once, and a new one at the first request after the alias moved."""

from __future__ import annotations

from pathlib import Path

from conftest import point
from made import version

from service.loaded import Loaded


def test_nothing_in_production(alias: Path) -> None:
    assert Loaded(alias).get() is None


def test_a_version_is_read_once(alias: Path, tmp_path: Path) -> None:
    point(alias, version(tmp_path / "versions" / "1"))
    loaded = Loaded(alias)
    assert loaded.get()[1] is loaded.get()[1]


def test_a_new_version_brings_its_own_columns(alias: Path, tmp_path: Path) -> None:
    point(alias, version(tmp_path / "versions" / "1"))
    loaded = Loaded(alias)
    assert loaded.get()[1].encoder.encode([{"carrier": "UA", "precip": 0}]) == [[1.0, 0.0]]
    point(alias, version(tmp_path / "versions" / "2", ("AA", "B6", "UA")))
    assert loaded.get()[1].encoder.encode([{"carrier": "UA", "precip": 0}]) == [[2.0, 0.0]]
