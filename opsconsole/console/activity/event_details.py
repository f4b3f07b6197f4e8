"""An event whole: who, through what, when, why, and the command it amounts to, none of it cut."""

from __future__ import annotations

import textwrap
from datetime import datetime

from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import Column, Tone, Toned
from opsconsole.core import text
from opsconsole.store.events import Event

PAIR = (Column(width=8), Column(least=20))
THROUGH = {"cli": "on the command line", "console": "in a console", "intake": "when its run was taken in"}


def event_rows(item: Event, width: int) -> list[Row]:
    """Return the event in lines of ``width`` cells; details that are numbers or names close it."""
    rows = _pair("what", f"{item.kind.replace('.', ' ').replace('_', ' ')}   {item.subject}", width, "strong")
    through = THROUGH.get(item.origin, f"through {item.origin}")
    rows += _pair("who", f"{item.actor}, {through}, {_moment(item.at)}", width)
    rows += _pair("why", item.reason or "no reason was given", width, "text" if item.reason else "dim")
    rows += _pair("command", item.command or "none: it happened by itself", width, "accent" if item.command else "dim")
    shown = "   ".join(
        f"{name} {_shown_value(value)}" for name, value in item.detail.items() if value not in (None, [], "")
    )
    return [*rows, *(_pair("detail", shown, width, "dim") if shown else [])]


def _pair(name: str, words: str, width: int, tone: Tone = "text") -> list[Row]:
    lines = textwrap.wrap(text.clean(words), max(width - 12, 20), break_on_hyphens=False) or [""]
    return [
        Row(None, (Toned(name if number == 0 else "", "dim"), Toned(line, tone)), PAIR)
        for number, line in enumerate(lines)
    ]


def _moment(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _shown_value(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
