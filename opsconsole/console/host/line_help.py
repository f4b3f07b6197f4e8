"""Help for an input line: completion and history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class Candidate:
    """One way to go on."""

    word: str
    about: str = ""
    """What it is, in a word or two."""
    open: bool = False
    """More of the same word may follow: a folder, a model whose version is still to come."""


@dataclass(frozen=True)
class Completion:
    """What may stand from a place of the line on."""

    start: int
    candidates: tuple[Candidate, ...]

    @property
    def common(self) -> str:
        """What all of them begin with."""
        first, last = min(item.word for item in self.candidates), max(item.word for item in self.candidates)
        return next((first[:at] for at, char in enumerate(first) if last[at : at + 1] != char), first)


Walk: TypeAlias = Callable[[int], str | None]
"""Steps through lines given before (-1: older) and returns the one it comes to; None where there is no more."""


class LineHelp:
    """The help of a plain question: none."""

    hint: ClassVar[str] = ""
    """What is shown behind an empty line."""

    def complete(self, before: str) -> Completion:  # noqa: ARG002 - a helper looks at it
        """Return what may stand where the cursor does, after what is there before it."""
        return Completion(0, ())

    def walk(self, typed: str) -> Walk | None:  # noqa: ARG002 - a helper looks at it
        """Return a way through the lines given before that begin as was typed; None where none are kept."""
        return None

    def keep(self, line: str) -> None:
        """Remember a line that was given."""
