"""The ``:`` line: jumps to a thing, and the acts too rare for a key."""

from __future__ import annotations

import difflib
from typing import Any

from opsconsole.console.desk import Desk

JUMPS = ("run", "repo", "model", "alert", "monitor")
RARE = {
    "trust": ("repo.trust", "repo", "trusted"),
    "fetch": ("repo.fetch", "repo", "fetched"),
    "forget": ("repo.remove", "repo", "forgotten; its runs stay"),
    "pin": ("run.pin", "run", "is kept for good"),
    "unpin": ("run.unpin", "run", "may be pruned again"),
}
WORDS = (
    *JUMPS,
    "line",
    *RARE,
    "add",
    "resolve",
    "rebaseline",
    "prune",
    "theme",
    "builds",
    "models",
    "drift",
    "overview",
    "activity",
    "quit",
)


def obey(app: Desk, line: str) -> None:
    """Do what a line says, or say what it may have meant."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not word or app.tab.jump_inside(word, rest):
        return
    if word.isdigit():
        app.jump("run", word)
    elif word in JUMPS and rest:
        app.jump(word, rest.lstrip("#"))
    elif word in RARE and rest:
        use_case, key, done = RARE[word]
        values: dict[str, Any] = {key: rest}
        app.carry_out(use_case, f"{rest} {done}", **values)
    elif word == "add" and rest:
        app.carry_out("repo.add", f"{rest} added; :trust NAME lets its pipelines run", path=rest)
    elif word == "resolve" and rest:
        number, _, reason = rest.partition(" ")
        app.carry_out(
            "alert.resolve", f"alert {number} resolved", alert=number, reason=reason.strip() or "resolved by hand"
        )
    elif word == "prune":
        app.carry_out("store.prune", "pruned what retention does not keep: 5 says what")
    elif not _of_the_console(app, word, rest):
        _unknown(app, word)


def _of_the_console(app: Desk, word: str, rest: str) -> bool:
    """Do what is about the console itself; return whether it was."""
    if word == "theme":
        _theme(app, rest)
    elif word in {"builds", "models", "drift", "overview", "activity"}:
        app.open_tab(word)
    elif word in {"q", "quit"}:
        app.exit()
    else:
        return False
    return True


def _unknown(app: Desk, word: str) -> None:
    near = difflib.get_close_matches(word, WORDS, n=1)
    said = (
        f"did you mean :{near[0]}?"
        if near and near[0] != word
        else f"try {', '.join(f':{name}' for name in WORDS[:8])}"
    )
    app.say(f":{word} needs a name" if word in WORDS else f"there is no :{word}; {said}", "warn")


def _theme(app: Desk, name: str) -> None:
    if name not in app.available_themes:
        app.say("themes: dark, ansi, and every Textual theme by its name", "warn")
        return
    app.theme = name
