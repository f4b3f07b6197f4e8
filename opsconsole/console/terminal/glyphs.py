"""Every sign of the console that is not ASCII, with the one that stands for it where the locale is not UTF-8.

The terminal's driver is the one place that every cell goes through, so the table is applied there, cell for cell; what
comes from outside and is not in it shows as ``?``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

PLAIN: Mapping[str, str] = {
    **dict(zip("✓✗●○⊘⧗…≡–≈◆▲△·★↑↓", "Yx@o0T~=-%#Aa.*^_", strict=True)),  # states, severities, rungs
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*##", strict=True)),  # sparklines, histograms
    **dict(zip("░▒▌▸•▼▾━─╌│┃▔▏▕", ":+>**\\\\=--||-||", strict=True)),  # heat, cursor, marks, bars, rules
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛", "+"),
    **dict(zip("→←×Δ−≤≥∞²“”‘’—¬±🔎", "><xD-<>82\"\"''-!~>", strict=True)),
}
_BRAILLE = range(0x2801, 0x2900)


def plain_wanted(env: Mapping[str, str] = os.environ) -> bool:
    """Whether the operator's locale cannot show more than ASCII; ``OPSCONSOLE_GLYPHS`` (ascii, unicode) decides over it.

    Python itself puts ``LC_CTYPE=C.UTF-8`` into its environment where the locale is C, so that is no wish of anybody's.
    """
    chosen = env.get("OPSCONSOLE_GLYPHS", "")
    if chosen:
        return chosen == "ascii"
    name = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if name == "C.UTF-8" and not env.get("LC_ALL") and env.get("LANG") in {"C", "POSIX"}:
        return True
    return bool(name) and "utf" not in name.lower()


def plain(cells: Sequence[str]) -> list[str]:
    """Return cells in ASCII, as many as there were: the second cell of a wide character goes with its first."""
    letters: list[str] = []
    for cell in cells:
        if cell:
            letters.append(cell if cell.isascii() else _plain(cell))
        else:
            letters.append("?" if letters and letters[-1] == "?" else " ")
    return letters


def _plain(cell: str) -> str:
    if cell[:1] == "\u2800":
        return " "
    if ord(cell[0]) in _BRAILLE:
        return "*"
    return PLAIN.get(cell[:1], "?")
