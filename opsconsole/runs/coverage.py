"""How much of the code the tests ran: read from what coverage tools leave in ``out/``, lines over all reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

SIZE_LIMIT = 200 << 20


def covered(out: Path) -> float | None:
    """Return the share of lines that were run, 0 to 1; None when no report says it.

    Cobertura (``coverage.xml`` of coverage.py, many others), JaCoCo, Clover; lcov's ``lcov.info`` and ``*.lcov``.
    """
    hit = valid = 0
    for path in _reports(out):
        ran, lines = _lcov(path) if path.suffix in {".info", ".lcov"} else _xml(path)
        hit, valid = hit + ran, valid + lines
    return hit / valid if valid else None


def _reports(out: Path) -> Iterator[Path]:
    for glob in ("coverage*.xml", "jacoco*.xml", "clover*.xml", "lcov*.info", "*.lcov"):
        for path in sorted(out.rglob(glob)):
            if path.is_file() and path.stat().st_size <= SIZE_LIMIT:
                yield path


def _lcov(path: Path) -> tuple[int, int]:
    """Sum ``LH:`` (lines hit) and ``LF:`` (lines found)."""
    sums = {b"LH": 0, b"LF": 0}
    with path.open("rb") as file:
        for line in file:
            key, _, value = line.strip().partition(b":")
            if key in sums and value.isdigit():
                sums[key] += int(value)
    return sums[b"LH"], sums[b"LF"]


def _xml(path: Path) -> tuple[int, int]:
    from lxml import etree

    try:
        with path.open("rb") as file:
            return _lines(file)
    except (etree.XMLSyntaxError, ValueError, OSError):
        return 0, 0


def _lines(file: IO[bytes]) -> tuple[int, int]:
    """Return lines run and lines there are, from the report's own sums."""
    from lxml import etree

    found, depth = (0, 0), 0
    events = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    for event, element in events:
        if event == "start":
            depth += 1
            if depth == 1 and element.get("lines-valid") is not None:
                return int(element.get("lines-covered", "0")), int(element.get("lines-valid", "0"))
            continue
        depth -= 1
        if element.tag == "counter" and depth == 1 and element.get("type") == "LINE":  # JaCoCo's own sum
            ran = int(element.get("covered", "0"))
            found = (ran, ran + int(element.get("missed", "0")))
        elif element.tag == "metrics" and depth == 2 and element.get("statements") is not None:  # Clover's project
            found = (int(element.get("coveredstatements", "0")), int(element.get("statements", "0")))
        if depth > 2:
            element.clear()
    return found
