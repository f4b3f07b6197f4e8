"""Data and model files below a folder, found in bounded time: few levels, few files, no links, and no model is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.lifecycle.adding.data_head import LABELS, dating
from opsconsole.repos.discovery import PASSED_OVER

DEPTH = 3
ENTRIES = 20_000
"""So many names are looked at, near ones first."""
MOST_DATA, MOST_MODELS = 40, 20
OPENED_BYTES = 64 << 20
"""Larger files are not opened to tell what is in them; of Parquet the footer tells."""
DATA = re.compile(r"\.(csv|tsv|parquet|jsonl|ndjson)(\.(gz|zst))?$", re.IGNORECASE)
MODELS = {".skops": "skops", ".joblib": "joblib", ".pkl": "pickle", ".pickle": "pickle", ".onnx": "ONNX"}
ALIKE = 0.7
"""Which share of the columns two files must have in common to be held against each other."""
REFERENCE = re.compile(r"ref|base|train|hist|old|last|previous|evaluation|held", re.IGNORECASE)
"""How rows are called that others are held against."""


@dataclass(frozen=True)
class FoundData:
    """A data file, and what is guessed of it."""

    name: str
    """What its monitor would be called."""
    path: str
    """From the folder on that was looked in."""
    size: int
    rows: int | None = None
    """None: only reading it all would tell."""
    columns: int | None = None
    """None: it was not opened, or cannot be read."""
    time: str | None = None
    label: str | None = None
    against: str | None = None
    """A file of the same columns that it could be held against."""
    problem: str = ""
    """Why it cannot be read."""


@dataclass(frozen=True)
class FoundModel:
    """A model's file or folder; nothing of it was loaded."""

    name: str
    path: str
    kind: str
    size: int


@dataclass(frozen=True)
class FoundFiles:
    """What lies below a folder."""

    data: tuple[FoundData, ...] = ()
    models: tuple[FoundModel, ...] = ()
    more: bool = False
    """Whether there was more than was looked at."""

    @property
    def paths(self) -> set[str]:
        """Where they lie, from the folder on that was looked in."""
        return {one.path for one in self.data} | {one.path for one in self.models}


def find_files(root: Path) -> FoundFiles:
    """Look below ``root``: hidden, dependency and run folders, and those of git repos, are passed over."""
    walk = _Walk()
    paths = list(walk.below(root))
    data = [path for path in paths if DATA.search(path.name)]
    models = [path for path in paths if path.suffix.lower() in MODELS or path.name == "MLmodel"]
    inside = {path.parent for path in models if path.name == "MLmodel"}
    models = [
        path.parent if path.name == "MLmodel" else path
        for path in models
        if path.parent not in inside or path.name == "MLmodel"
    ]
    more = walk.stopped or len(data) > MOST_DATA or len(models) > MOST_MODELS
    opened = list(_described(root, data[:MOST_DATA]))
    return FoundFiles(tuple(_paired(opened)), tuple(_models(root, models[:MOST_MODELS])), more)


class _Walk:
    """Goes through folders, the near ones first, until so many names were seen."""

    def __init__(self) -> None:
        self.seen = 0
        self.stopped = False

    def below(self, root: Path) -> Iterator[Path]:
        """Yield the files."""
        waiting, level = [root], 0
        while waiting and level <= DEPTH and not self.stopped:
            folders: list[Path] = []
            for here in waiting:
                files, inner = self._entries(here, top=here == root)
                yield from files
                folders += inner
            waiting, level = folders, level + 1

    def _entries(self, folder: Path, *, top: bool) -> tuple[list[Path], list[Path]]:
        files: list[Path] = []
        folders: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self.seen >= ENTRIES:
                        self.stopped = True
                        break
                    self.seen += 1
                    if entry.name == ".git" and not top:
                        return [], []
                    if entry.name.startswith(".") or entry.is_symlink() or not entry.name.isprintable():
                        continue
                    if entry.is_file(follow_symlinks=False):
                        files.append(Path(entry.path))
                    elif entry.is_dir(follow_symlinks=False) and entry.name not in PASSED_OVER:
                        folders.append(Path(entry.path))
        except OSError:
            return [], []
        return sorted(files), sorted(folders)


@dataclass(frozen=True)
class _Opened:
    """A file and the names of its columns; none where it was not opened."""

    data: FoundData
    columns: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its file's name in lower case."""
        return Path(self.data.path).name.lower()

    @property
    def reference(self) -> bool:
        """Whether it is called as rows are that others are held against."""
        return REFERENCE.search(self.name) is not None

    def like(self, other: _Opened) -> bool:
        """Whether most columns are the same."""
        return len(self.columns & other.columns) >= ALIKE * max(len(self.columns), len(other.columns), 1)


def _described(root: Path, paths: Iterable[Path]) -> Iterator[_Opened]:
    taken: set[str] = set()
    for path in paths:
        name = free_name(path.name.partition(".")[0], taken, "data")
        taken.add(name)
        try:
            size = path.stat().st_size
        except OSError:
            continue
        data = FoundData(name, str(path.relative_to(root)), size)
        large = size > OPENED_BYTES and path.suffix.lower() != ".parquet"
        yield _Opened(data) if large else _opened(root, data)


def _opened(root: Path, data: FoundData) -> _Opened:
    """Tell what is in a file by its columns; one that cannot be read says why."""
    from opsconsole.drift.data.sources import open_source

    try:
        (file,) = open_source(root / data.path).files
    except OpsconsoleError as error:
        return _Opened(replace(data, problem=error.message.removeprefix(f"{root / data.path}: ")))
    labels = [name for name in file.kinds if name.lower() in LABELS]
    described = replace(
        data,
        rows=file.rows,
        columns=len(file.kinds),
        time=dating(file.kinds)[1],
        label=labels[0] if len(labels) == 1 else None,
    )
    return _Opened(described, frozenset(file.kinds))


def _paired(opened: list[_Opened]) -> Iterator[FoundData]:
    """Give each file the one that it could be held against: one of the same columns that is called as such rows are."""
    for one in opened:
        alike = [other for other in opened if other is not one and one.like(other)]
        named = sorted((other for other in alike if other.reference), key=lambda other: "ref" not in other.name)
        chosen = None if one.reference else next(iter(named or alike[: len(alike) == 1]), None)
        yield one.data if chosen is None else replace(one.data, against=chosen.data.path)


def _models(root: Path, paths: Iterable[Path]) -> Iterator[FoundModel]:
    taken: set[str] = set()
    for path in paths:
        stem = path.stem if path.is_file() else path.name
        plain = stem.lower() in {"model", "pipeline", "estimator"} and path.parent != root
        name = free_name(path.parent.name if plain else stem, taken, "model")
        taken.add(name)
        kind = MODELS.get(path.suffix.lower(), "MLflow")
        size = (
            path.stat().st_size
            if path.is_file()
            else sum(one.stat().st_size for one in path.iterdir() if one.is_file())
        )
        yield FoundModel(name, str(path.relative_to(root)), kind, size)


def free_name(wanted: str, taken: set[str], otherwise: str) -> str:
    """Return a name that a section can have and that is not taken."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-._")[:60] or otherwise
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
