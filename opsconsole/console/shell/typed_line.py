"""Acts that are typed on the ``:`` line as on the command line: ``:monitor add NAME --data FILE --reference FILE``."""

from __future__ import annotations

import shlex
from typing import Any

from opsconsole.console.host.host import Host
from opsconsole.lifecycle.use_case import UseCase
from opsconsole.lifecycle.usecases import USE_CASES

ADDED = ("model.add", "monitor.add")
TYPED = {
    " ".join(USE_CASES[name].line.split()[:2]): USE_CASES[name] for name in (*ADDED, "model.remove", "monitor.remove")
}
"""By the two words that their lines begin with."""


def typed(app: Host, line: str) -> bool:
    """Carry out the use case whose two words a line begins with; return whether there is one."""
    case = TYPED.get(" ".join(line.split()[:2]))
    if case is None:
        return False
    try:
        words = shlex.split(line)[2:]
    except ValueError:
        words = []
    values: dict[str, Any] | None = case.typed(words)
    if values is None:
        app.say(_usage(case), "warn")
    else:
        app.carry_out(case.id, told_of_adding if case.id in ADDED else told_of_removing, **values)
    return True


def told_of_adding(data: dict[str, Any]) -> str:
    """Return what was added and what was guessed of it, in one line."""
    if not data["changed"] and not data.get("version"):
        return f"{data['name']} stands in opsconsole.toml already"
    guessed = [f"{one['key']} = {one['value']}" for one in data["choices"] if one["by"] == "guessed"]
    return f"{data['name']} added" + (f"; guessed: {', '.join(guessed)}" if guessed else "")


def told_of_removing(data: dict[str, Any]) -> str:
    """Return what was taken out, and what stays."""
    return f"{data['name']} is forgotten; {'; '.join(data['stays'])} stay"


def _usage(case: UseCase) -> str:
    """Return what is to be typed, as far as it is needed."""
    words = [
        word.strip("{}").upper() if word.startswith("{") else word for word in case.line.partition(" [")[0].split()
    ]
    return f"type :{' '.join(words)}"
