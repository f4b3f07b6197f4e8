"""Paths and names by pattern: ``*`` within a folder, ``**`` across folders, ``?``, ``[abc]``. Pure, standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=512)
def _pattern(glob: str) -> re.Pattern[str]:
    found, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at):
            found, at = f"{found}(?:.*/)?", at + 3
        elif glob.startswith("**", at):
            found, at = f"{found}.*", at + 2
        elif glob[at] == "*":
            found, at = f"{found}[^/]*", at + 1
        elif glob[at] == "?":
            found, at = f"{found}[^/]", at + 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inner = glob[at + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            found, at = f"{found}[{'^' + inner[1:] if inner[0] in '!^' else inner}]", end + 1
        else:
            found, at = f"{found}{re.escape(glob[at])}", at + 1
    try:
        return re.compile(found, re.DOTALL)
    except re.error:  # a class that is none, such as [z-a], stands for itself
        return re.compile(re.escape(glob))


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether a name matches one of the patterns; a pattern that ends in ``/`` stands for all below that folder."""
    return any(_pattern(glob + "**" if glob.endswith("/") else glob).fullmatch(name) for glob in globs)
