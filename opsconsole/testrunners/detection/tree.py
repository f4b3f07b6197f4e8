"""The files of a commit as detection sees them: names, and content when asked for. Nothing in them is trusted."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from opsconsole.core import toml

Read = Callable[[list[str]], dict[str, bytes]]

PASSED_OVER = re.compile(r"(^|/)(node_modules|site-packages|vendor|third_party|\.venv|venv|testdata|fixtures)/")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""A name with control characters or bytes that are no UTF-8 is in no command of ours."""


class Tree:
    """The files below one folder of a commit; names are relative to it."""

    def __init__(self, files: Iterable[str], read: Read, folder: str = "") -> None:
        self.files = [name for name in files if not _UNUSABLE.search(name)]
        self._present = set(self.files)
        self._read = read
        self._folder = folder
        self._known: dict[str, bytes | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._present

    def first(self, *names: str) -> str | None:
        """Return the first of the names that is there."""
        return next((name for name in names if name in self._present), None)

    def those(self, *names: str) -> tuple[str, ...]:
        """Return those of the names that are there."""
        return tuple(dict.fromkeys(name for name in names if name in self._present))

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        """Return the names that the pattern is found in, without what belongs to somebody else."""
        return [name for name in self.files if pattern.search(name) and not PASSED_OVER.search(name)]

    def below(self, folder: str) -> Tree:
        """Return the tree of a folder."""
        start = f"{folder}/"
        return Tree(
            (name.removeprefix(start) for name in self.files if name.startswith(start)),
            self._read,
            f"{self._folder}{start}",
        )

    def contents(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the content of those that are there, in one reading."""
        wanted = [name for name in names if name in self._present]
        unknown = [name for name in wanted if name not in self._known]
        if unknown:
            answer = self._read([self._folder + name for name in unknown])
            self._known.update((name, answer.get(self._folder + name)) for name in unknown)
        return {name: content for name in wanted if (content := self._known[name]) is not None}

    def text(self, name: str) -> str:
        """Return one file's content; empty when it is not there."""
        return self.contents([name]).get(name, b"").decode("utf-8", "replace")

    def toml(self, name: str) -> dict[str, object]:
        """Return a TOML file's content; empty when it is absent or broken."""
        try:
            return toml.loads(self.text(name))
        except tomllib.TOMLDecodeError:
            return {}

    def json(self, name: str) -> dict[str, object]:
        """Return a JSON file's object; empty when it is absent, broken or no object."""
        try:
            data = json.loads(self.text(name) or "{}")
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    def ini(self, name: str) -> configparser.RawConfigParser:
        """Return an INI file's content; without sections when it is absent or broken."""
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(self.text(name))
        except configparser.Error:
            return configparser.RawConfigParser()
        return parser


def table(data: object, *keys: str) -> dict[str, object]:
    """Return the table under these keys; empty when there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def texts(data: object) -> list[str]:
    """Return the strings of a list; none when it is no list."""
    return [item for item in data if isinstance(item, str)] if isinstance(data, list) else []


def folder_of(name: str) -> str:
    """Return the folder that a file lies in, ``.`` for the root."""
    return str(PurePosixPath(name).parent)
