"""Paths and names by pattern: ``*`` within a folder, ``**`` across folders, ``?``, ``[abc]``. Pure, standard library only.

Matching takes time in proportion to the name, whatever the pattern: patterns and names may be anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[.[^\]]*\]|.", re.DOTALL)


@lru_cache(maxsize=512)
def _pattern(glob: str) -> re.Pattern[str] | _States:
    """Return the pattern as an expression that never goes back, or as states where ``**`` is part of a name."""
    parts = glob.split("/")
    odd = any("**" in part and part != "**" for part in parts)
    if odd or any(sign[0] == "[" and "/" in sign for sign in _TOKEN.findall(glob)):
        return _States(glob)
    *heads, last = _between(parts)
    pattern = "".join(_join(head) + "/" if place == 0 else f"(?>(?:.*?/)??{_join(head)}/)" for place, head in heads)
    place, tail = last
    if tail == ["**"]:
        return re.compile(f"{pattern}.*", re.DOTALL)
    return re.compile(f"{pattern}{'' if place == 0 else '(?:.*/)?'}{_join(tail)}", re.DOTALL)


def _between(parts: list[str]) -> list[tuple[int, list[str]]]:
    """Return the runs of parts between ``**``, each with its place; the first stands at the beginning of the name."""
    runs: list[tuple[int, list[str]]] = []
    current: list[str] = []
    place = 0
    for number, part in enumerate(parts):
        if part != "**":
            current.append(part)
        elif number == len(parts) - 1:
            runs += [(place, current)] if current else []
            return [*runs, (place + 1, ["**"])]
        else:
            runs += [(place, current)] if current else []
            current, place = [], place + 1
    return [*runs, (place, current)]


def _join(parts: list[str]) -> str:
    return "/".join(map(_part, parts))


def _part(part: str) -> str:
    """Return one part of a path: what stands between two stars is taken where it comes first, the rest at the end."""
    first, *others = [_plain(piece) for piece in re.split(r"\*", part)] if "[" not in part else _split(part)
    if not others:
        return first
    return f"{first}{''.join(f'(?>[^/]*?{piece})' for piece in others[:-1])}[^/]*{others[-1]}"


def _split(part: str) -> list[str]:
    """Return the pieces between the stars of a part that has classes; a star in a class is none."""
    pieces = [""]
    for sign in _TOKEN.findall(part):
        if sign == "*":
            pieces.append("")
        else:
            pieces[-1] += _one(sign)
    return pieces


def _plain(piece: str) -> str:
    return "".join(map(_one, piece))


def _one(sign: str) -> str:
    """Return the expression of what stands for one letter."""
    if sign == "?":
        return "[^/]"
    if len(sign) == 1:
        return re.escape(sign)
    inner = re.sub(r"[\\\[&~|]|-(?=-)", r"\\\g<0>", sign[1:-1])
    letters = f"[^/{inner[1:]}]" if inner[0] in "!^" else f"[{inner}]"
    try:
        re.compile(letters)
    except re.error:  # a class that is none, such as [z-a], stands for itself
        return re.escape(sign)
    return letters


class _States:
    """A pattern as the set of places in it where a name can be: one step for each letter, whatever the pattern."""

    def __init__(self, glob: str) -> None:
        signs = _TOKEN.findall(glob)
        self._end = 1 << len(signs)
        self._letters = [re.compile(_one(sign), re.DOTALL) if sign[0] != "*" else None for sign in signs]
        self._stays = self._stays_in_part = self._jumps = 0
        self._passes = [sign[0] == "*" for sign in signs]
        for place, sign in enumerate(signs):
            if sign == "*":
                self._stays_in_part |= 1 << place
            elif sign == "**":
                self._stays |= 1 << place
            elif sign == "**/":
                self._jumps |= 1 << place
        self._moves: dict[str, int] = {}

    def fullmatch(self, name: str) -> bool:
        """Whether the whole name matches."""
        now, within = self._closed(1), 0
        for letter in name:
            within |= now & self._jumps  # what began to be skipped ends with a slash alone
            after = ((now & self._move(letter)) << 1) | (now & self._stays)
            if letter == "/":
                after |= within << 1
            else:
                after |= now & self._stays_in_part
            now = self._closed(after)
            if not now and not within:
                return False
        return bool(now & self._end)

    def _move(self, letter: str) -> int:
        if letter not in self._moves:
            places = [
                1 << place for place, one in enumerate(self._letters) if one is not None and one.fullmatch(letter)
            ]
            self._moves[letter] = sum(places)
        return self._moves[letter]

    def _closed(self, states: int) -> int:
        for place, passes in enumerate(self._passes):
            if passes and states >> place & 1:
                states |= 1 << (place + 1)
        return states


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether a name matches one of the patterns; a pattern that ends in ``/`` stands for all below that folder."""
    return any(_pattern(glob + "**" if glob.endswith("/") else glob).fullmatch(name) for glob in globs)


def literal(name: str) -> str:
    """Return a pattern that only this very name matches."""
    return re.sub(r"[*?\[]", r"[\g<0>]", name)


def problem(glob: str) -> str | None:
    """Return why a pattern names no files of a folder; None when it can."""
    parts = glob.split("/")
    if not glob.strip() or set(parts) <= {"", "."}:
        return "it names no file; `**` means all"
    if glob.startswith(("/", "~")) or ".." in parts:
        return "it leads out of the work tree; name files in it"
    if "\0" in glob:
        return "no file has such a name"
    odd = next((part for part in parts if "**" in part and part != "**"), None)
    if odd is not None:
        return f"`**` is a part of its own: write {glob.replace(odd, '**/' + odd.replace('**', '*'))}"
    return None
