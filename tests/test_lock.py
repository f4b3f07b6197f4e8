"""What is installed is bounded on both sides, and a lock with hashes holds a version of each within its bounds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
ALL = NEEDED + [
    Requirement(line)
    for line in (*PROJECT["project"]["optional-dependencies"]["dev"], *PROJECT["build-system"]["requires"])
]


def locked() -> dict[str, list[tuple[Version, int]]]:
    """Each package of the lock, with the versions it may have and how many hashes stand with them."""
    found: dict[str, list[tuple[Version, int]]] = {}
    text = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        name, version = re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", entry).groups()  # type: ignore[union-attr]
        found.setdefault(canonicalize_name(name), []).append((Version(version), entry.count("--hash=sha256:")))
    return found


@pytest.mark.parametrize("needed", NEEDED, ids=str)
def test_what_the_product_needs_has_a_lower_and_an_upper_bound(needed: Requirement) -> None:
    signs = {item.operator for item in needed.specifier}
    assert signs == {"=="} or signs >= {">=", "<"}


@pytest.mark.parametrize("needed", ALL, ids=str)
def test_the_lock_holds_it_within_its_bounds_and_with_hashes(needed: Requirement) -> None:
    held = locked()[canonicalize_name(needed.name)]
    assert all(version in needed.specifier and hashes > 0 for version, hashes in held)


def test_nothing_stands_in_the_lock_without_a_hash() -> None:
    assert [name for name, held in locked().items() if not all(hashes for _, hashes in held)] == []
