"""Acts that are typed on the ``:`` line as on the command line: ``:monitor add NAME --data FILE --reference FILE``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from opsconsole.console.host.host import Host, refusal
from opsconsole.lifecycle.use_case import UseCase
from opsconsole.lifecycle.usecases import BY_WORD

TYPED = {word: case for word, case in BY_WORD.items() if " " in word}
"""By the two words that their lines begin with."""


def typed(app: Host, line: str) -> bool:
    """Carry out the use case whose two words a line begins with; return whether there is one."""
    case = TYPED.get(" ".join(line.split()[:2]))
    if case is None:
        return False
    if why := refusal(app, case.danger):
        app.say(f"{case.title}: {why}", "warn")
        return True
    try:
        words = shlex.split(line)[2:]
    except ValueError:
        words = []
    values: dict[str, Any] | None = case.typed(words)
    if values is None:
        app.say(_usage(case), "warn")
    else:
        app.carry_out(case.id, ANSWERS[case.id], **values)
    return True


def addition_summary(data: dict[str, Any]) -> str:
    """Return what was added and what was guessed of it, in one line."""
    if not data["changed"] and not data.get("version"):
        return f"{data['name']} stands in opsconsole.toml already"
    guessed = [f"{one['key']} = {one['value']}" for one in data["choices"] if one["by"] == "guessed"]
    return f"{data['name']} added" + (f"; guessed: {', '.join(guessed)}" if guessed else "")


def removal_summary(data: dict[str, Any]) -> str:
    """Return what was taken out, and what stays."""
    return f"{data['name']} is forgotten; {'; '.join(data['stays'])} stay"


ANSWERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "model.add": addition_summary,
    "model.register": lambda data: f"{data['model']} v{data['version']} is registered: 3 shows it",
    "model.remove": removal_summary,
    "monitor.add": addition_summary,
    "monitor.remove": removal_summary,
}
"""What is said of each once it was done, from its JSON."""


def _usage(case: UseCase) -> str:
    """Return what is to be typed, as far as it is needed."""
    words = [
        word.strip("{}").upper() if word.startswith("{") else word for word in case.line.partition(" [")[0].split()
    ]
    return f"type :{' '.join(words)}"
