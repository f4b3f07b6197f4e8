"""What one act is: its title, its danger, the command line it amounts to, its key and its word."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from opsconsole.core.nouns import Danger


@dataclass(frozen=True)
class UseCase:
    """One act."""

    id: str
    """``noun.verb``."""
    title: str
    danger: Danger
    line: str
    """The command line with ``{placeholders}``; a part in ``[…]`` is left out when its placeholder is not given."""
    key: str | None = None
    """The console's key for it, as the operator reads it; None: it has none."""
    word: str | None = None
    """The word of the console's ``:`` line for it; None: it has none."""
    help: str = ""
    """What its key does, in a sentence."""
    takes: str = ""
    """What stands behind its word, where that is not each of the placeholders: the rest is asked in a dialog."""

    def argv(self, **values: object) -> list[str]:
        """Return the arguments behind ``opsconsole`` with the placeholders filled."""
        words: list[str] = []
        for part in _parts(self.line):
            optional, names = part.optional, part.names
            if optional and any(values.get(name) in (None, "") for name in names):
                continue
            for given in _each(values, names):
                words.extend(word.format(**given) for word in part.words)
        return words

    def typed(self, words: Sequence[str]) -> dict[str, object] | None:
        """Read what was typed behind its own two words as the values of its line; None where it does not fit."""
        parts = [part.words for part in _parts(self.line)]
        plain = [
            word.strip("{}") for part in parts for word in part if word.startswith("{") and not _option(part, word)
        ]
        options = {
            option: value.strip("{}") for part in parts for option, value in pairwise(part) if option[:2] == "--"
        }
        values: dict[str, object] = {}
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            name = (
                options.get(word) if word.startswith("--") else next((one for one in plain if one not in values), None)
            )
            value = waiting.pop(0) if word.startswith("--") and waiting else word
            if name is None or value in options:
                return None
            values[name] = value
        return values if all(name in values for name in self.needs) else None

    @property
    def behind_word(self) -> str:
        """What stands behind its word, in capitals."""
        return self.takes or " ".join(name.upper() for name in self.needs)

    @property
    def needs(self) -> list[str]:
        """The placeholders that must be given."""
        return [name for part in _parts(self.line) if not part.optional for name in part.names]

    def command(self, **values: object) -> str:
        """Return the line as the operator would type it."""
        return shlex.join(["opsconsole", *self.argv(**values)])


def _each(values: dict[str, object], names: list[str]) -> list[dict[str, object]]:
    """Return the values for a part as often as it is to stand there: once for each of a list."""
    several = next((name for name in names if isinstance(values.get(name), list)), None)
    if several is None:
        return [values]
    each = values[several]
    assert isinstance(each, list)
    return [{**values, several: one} for one in each]


@dataclass(frozen=True)
class _Part:
    words: tuple[str, ...]
    optional: bool

    @property
    def names(self) -> list[str]:
        return [word.strip("{}") for word in self.words if word.startswith("{")] + [
            name for word in self.words if not word.startswith("{") for name in _inner(word)
        ]


def _option(part: tuple[str, ...], word: str) -> bool:
    """Whether a placeholder is an option's."""
    place = part.index(word)
    return place > 0 and part[place - 1].startswith("--")


def _inner(word: str) -> list[str]:
    return [piece.split("}")[0] for piece in word.split("{")[1:]]


def _parts(line: str) -> list[_Part]:
    parts: list[_Part] = []
    for index, piece in enumerate(line.replace("]", "[").split("[")):
        words = tuple(piece.split())
        if words:
            parts.append(_Part(words, optional=index % 2 == 1))
    return parts
