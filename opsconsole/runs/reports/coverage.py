"""How much of the code the tests ran: read from what coverage tools leave in ``out/``, lines over all reports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from opsconsole.core.errors import UsageError
from opsconsole.core.foreign_files import open_foreign
from opsconsole.core.text import storable

SIZE_LIMIT = 200 << 20
NAMES = ("coverage*.xml", "jacoco*.xml", "clover*.xml", "lcov*.info", "*.lcov")
DEPTH = 32
"""Folders within ``out/`` that are looked into, one in the other."""
MOST = 1_000
"""Reports of one run that are read."""
CROWD = 1_000
"""More children of one element are let go of as they come."""
MOST_LINES = 10**12
"""No code has more lines; a report that says so says nothing."""


@dataclass(frozen=True)
class Coverage:
    """What the coverage reports of a run say."""

    share: float | None
    """Lines that were run, 0 to 1; None when no report says it."""
    notes: tuple[str, ...] = ()
    """What was wrong with which report; it is left out."""


def covered(out: Path) -> Coverage:
    """Return the share of lines that were run; a report that cannot be believed costs only itself.

    Cobertura (``coverage.xml`` of coverage.py, many others), JaCoCo, Clover; lcov's ``lcov.info`` and ``*.lcov``.
    """
    hit = valid = 0
    notes: list[str] = []
    for number, path in enumerate(_reports(out)):
        if number == MOST:
            notes.append(f"more than {MOST:,} coverage reports, and those past that are left out")
            break
        try:
            ran, lines = _read(path)
        except UsageError as error:
            notes.append(error.message)
            continue
        hit, valid = hit + ran, valid + lines
    return Coverage(hit / valid if valid else None, tuple(notes))


def _reports(out: Path) -> Iterator[Path]:
    paths = []
    for folder, folders, files in os.walk(out):
        if len(Path(folder).parts) - len(out.parts) >= DEPTH:
            folders.clear()
        paths += [Path(folder, name) for name in files if any(fnmatchcase(name, glob) for glob in NAMES)]
    yield from sorted(paths)


def _read(path: Path) -> tuple[int, int]:
    """Return lines run and lines there are; UsageError for what is no such report."""
    from lxml import etree

    lcov = path.suffix in {".info", ".lcov"}
    try:
        with open_foreign(path, limit=SIZE_LIMIT) as file:
            ran, lines = _lcov(file) if lcov else _xml(file)
    except (etree.XMLSyntaxError, ValueError, OSError, MemoryError) as error:
        raise UsageError(f"{storable(path.name)}: no coverage report: {storable(str(error))[:200]}") from error
    if not 0 <= ran <= lines <= MOST_LINES:
        raise UsageError(f"{storable(path.name)}: no coverage report: {_short(ran)} of {_short(lines)} lines were run")
    return ran, lines


def _short(number: int) -> str:
    return str(number) if abs(number) <= MOST_LINES else "more than any"


def _number(digits: str | bytes) -> int:
    """Read a count; ValueError for one that no code can have."""
    if len(digits) > 40:
        raise ValueError("a number of more than 40 digits")
    return int(digits)


def _lcov(file: BinaryIO) -> tuple[int, int]:
    """Sum ``LH:`` (lines hit) and ``LF:`` (lines found)."""
    sums = {b"LH": 0, b"LF": 0}
    while line := file.readline(1 << 16):
        key, _, value = line.strip().partition(b":")
        if key in sums and value.isdigit():
            sums[key] += _number(value)
    return sums[b"LH"], sums[b"LF"]


def _xml(file: BinaryIO) -> tuple[int, int]:
    """Return lines run and lines there are, from the report's own sums."""
    from lxml import etree

    lines, depth = (0, 0), 0
    events = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    for event, element in events:
        if event == "start":
            depth += 1
            if depth == 1 and element.get("lines-valid") is not None:
                return _number(element.get("lines-covered", "0")), _number(element.get("lines-valid", "0"))
            continue
        depth -= 1
        if element.tag == "counter" and depth == 1 and element.get("type") == "LINE":  # JaCoCo's own sum
            ran = _number(element.get("covered", "0"))
            lines = (ran, ran + _number(element.get("missed", "0")))
        elif element.tag == "metrics" and depth == 2 and element.get("statements") is not None:  # Clover's project
            lines = (_number(element.get("coveredstatements", "0")), _number(element.get("statements", "0")))
        parent = element.getparent()
        if depth > 2:
            element.clear()
        if parent is not None and len(parent) > CROWD:
            parent.remove(element)
    return lines
