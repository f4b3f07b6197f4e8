"""A value of a section that was chosen for the operator, who chose it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from opsconsole.config.editing import Setting


class ChosenBy(StrEnum):
    """Who chose a value."""

    GIVEN = "given"
    GUESSED = "guessed"
    NOBODY = "nobody"
    """Nothing told, or too much did: the key is left out."""


@dataclass(frozen=True)
class Choice:
    """One key of a section."""

    key: str
    value: object
    why: str
    by: ChosenBy

    @property
    def words(self) -> str:
        """As the operator reads it: ``guessed: time = time_hour (the only datetime column)``."""
        if self.by is ChosenBy.NOBODY:
            return f"no {self.key}: {self.why}"
        setting = f"{self.key} = {self.value}" + (f" ({self.why})" if self.why else "")
        return f"{self.by}: {setting}"

    @property
    def setting(self) -> Setting:
        """What the file says; the reason of a guess stands beside it."""
        return Setting(self.value, self.why if self.by is ChosenBy.GUESSED else "")


def given(key: str, value: object) -> Choice:
    """Return what the operator named."""
    return Choice(key, value, "", ChosenBy.GIVEN)


def guessed(key: str, value: object, why: str) -> Choice:
    """Return what the data told."""
    return Choice(key, value, why, ChosenBy.GUESSED)


def nothing(key: str, why: str) -> Choice:
    """Return that a key is left out, and why."""
    return Choice(key, None, why, ChosenBy.NOBODY)
