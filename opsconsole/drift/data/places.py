"""The files that a location names: a file, a folder, a glob, or a glob with a date such as ``data/%Y/%m/%d.csv``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsconsole.core.errors import NotFoundError
from opsconsole.core.files import expanded
from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.formats.csvs import CSV_SUFFIXES
from opsconsole.drift.data.formats.jsons import JSON_SUFFIXES
from opsconsole.drift.data.formats.parquets import PARQUET_SUFFIXES
from opsconsole.drift.data.notes import Note

SUFFIXES = (*PARQUET_SUFFIXES, *CSV_SUFFIXES, *JSON_SUFFIXES)
FIELDS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "j": 3}
"""The digits of each field of a date that a pattern may hold; ``%%`` is a percent sign."""
_FIELD = re.compile("%([YmdHMj%])")
_PIECES = re.compile(r"(%[YmdHMj%]|\*\*/|\*|\?|\[[^\]]+\])")


@dataclass(frozen=True)
class DataFiles:
    """Files in the order in which they are read, and what was left out."""

    paths: list[Path]
    notes: tuple[Note, ...] = ()


def find_files(location: str | Path, *, base: Path | None = None) -> DataFiles:
    """Return the data files that ``location`` names: in the order of their dates where it has one, else of their names.

    Raises NotFoundError when there is none, DataError where a folder on the way may not be read.
    """
    whole = (base or Path.cwd()) / expanded(location)
    try:
        return _named_files(whole)
    except PermissionError as error:
        raise DataError(f"{whole}: a folder of it cannot be read: {error.strerror}", hint="check its rights") from error


def _named_files(whole: Path) -> DataFiles:
    if whole.is_file():
        return DataFiles([whole])
    if whole.is_dir():
        files = DataFiles(sorted(path for path in whole.iterdir() if path.name.lower().endswith(SUFFIXES)))
    elif _FIELD.search(str(whole)):
        files = _dated(whole)
    else:
        files = DataFiles(_globbed(str(whole)))
    paths = [path for path in files.paths if path.is_file()]
    if not paths:
        raise NotFoundError(
            f"{whole}: there is no such data file",
            hint=f"a file, a folder, or a glob (with %Y, %m, %d for a date) of {', '.join(SUFFIXES)}",
        )
    odd = [path for path in files.paths if path not in paths and path.name.lower().endswith(SUFFIXES)]
    return DataFiles(paths, files.notes + tuple(Note(f"{path}: left out: it is no file") for path in odd))


def _globbed(pattern: str) -> list[Path]:
    root = Path(pattern).anchor
    return sorted(Path(root).glob(str(Path(pattern).relative_to(root))))


def _dated(pattern: Path) -> DataFiles:
    dated: list[tuple[datetime, Path]] = []
    notes = []
    known = _matcher(str(pattern))
    for path in _globbed(_FIELD.sub(_wildcards, str(pattern))):
        match = known.fullmatch(str(path))
        if match is None:
            continue
        try:
            dated.append((_date(match.groupdict()), path))
        except ValueError:
            notes.append(Note(f"{path}: left out: its name holds no date"))
    return DataFiles([path for _, path in sorted(dated)], tuple(notes))


def _wildcards(field: re.Match[str]) -> str:
    return "[0-9]" * FIELDS[field[1]] if field[1] in FIELDS else "%"


def _matcher(pattern: str) -> re.Pattern[str]:
    """Return the expression that takes a path's date apart; a field that stands twice must say the same twice."""
    seen: set[str] = set()
    regex = ""
    for piece in _PIECES.split(pattern):
        if len(piece) == 2 and piece[0] == "%" and piece[1] in FIELDS:
            name = piece[1]
            regex += f"(?P={name})" if name in seen else rf"(?P<{name}>\d{{{FIELDS[name]}}})"
            seen.add(name)
        else:
            regex += _translated(piece)
    return re.compile(regex)


def _translated(piece: str) -> str:
    known = {"%%": "%", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    if piece in known:
        return known[piece]
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
        inner = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
    return re.escape(piece)


def _date(fields: dict[str, str]) -> datetime:
    """Return the beginning of what the fields name; ValueError when there is no such date."""
    if "j" in fields:
        fields = {name: value for name, value in fields.items() if name not in {"m", "d"}}
    order = [name for name in ("Y", "m", "d", "j", "H", "M") if name in fields]
    if "Y" not in fields:  # a pattern of months alone: any leap year puts them in order
        fields, order = {**fields, "Y": "2000"}, ["Y", *order]
    written = " ".join(fields[name] for name in order)
    return datetime.strptime(written, " ".join(f"%{name}" for name in order))  # noqa: DTZ007 - it only orders files
