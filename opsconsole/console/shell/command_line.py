"""The ``:`` line: jumps to a thing, and the acts too rare for a key."""

from __future__ import annotations

import difflib

from opsconsole.console.host.host import Host
from opsconsole.console.host.line_help import Completion, LineHelp, Walk
from opsconsole.console.host.tabs import HOMES, TABS_BY_ID
from opsconsole.console.shell.typed_line import typed
from opsconsole.console.shell.word_acts import WORDS, do_word
from opsconsole.core.errors import NotFoundError
from opsconsole.lifecycle.usecases import BY_WORD


class CommandHelp(LineHelp):
    """Completes the ``:`` line and remembers what was given on it."""

    hint = "Tab completes   Up brings back   Esc leaves"

    def __init__(self, app: Host) -> None:
        from opsconsole.console.shell.history import History

        self._app = app
        self._history = History(app.workspace.state, readonly=app.readonly)

    def complete(self, before: str) -> Completion:
        """Return what fits, read from the store now."""
        from opsconsole.console.shell.completion import Completer

        return Completer(self._app).complete(before)

    def walk(self, typed: str) -> Walk:
        """Return the way through what was given before."""
        from opsconsole.console.shell.history import way

        return way(self._history.lines(), typed)

    def keep(self, line: str) -> None:
        """Remember it, and for the next session."""
        self._history.add(line)


def obey(app: Host, line: str) -> None:
    """Do what a line says, or say what it may have meant."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not word or app.tab.jump_inside(word, rest) or typed(app, line):
        return
    if word.isdigit():
        app.jump("run", word)
    elif word in HOMES and rest:
        app.jump(word, rest.lstrip("#"))
    elif (
        not (word in BY_WORD and do_word(app, BY_WORD[word], rest))
        and not _of_the_console(app, word, rest)
        and not _named(app, word)
    ):
        _unknown(app, word)


def _named(app: Host, word: str) -> bool:
    """Go to what bears a bare name, on the open tab first; return whether anything does."""
    config = app.workspace.config
    named = {"repo": app.repo_names(), "model": config.models, "monitor": config.monitors}
    own = TABS_BY_ID[app.tab.place].kinds
    kind = next((kind for kind in sorted(named, key=lambda kind: kind not in own) if word in named[kind]), None)
    if kind is not None:
        app.jump(kind, word)
    return kind is not None


def _of_the_console(app: Host, word: str, rest: str) -> bool:
    """Do what is about the console itself; return whether it was."""
    if word == "theme":
        _theme(app, rest)
    elif word == "help":
        _help(app, rest)
    elif word in TABS_BY_ID:
        app.open_tab(word)
    elif word in {"q", "quit"}:
        app.exit()
    else:
        return False
    return True


def _unknown(app: Host, word: str) -> None:
    near = difflib.get_close_matches(word, WORDS, n=1)
    hint = (
        f"did you mean :{near[0]}?"
        if near and near[0] != word
        else f"try {', '.join(f':{name}' for name in WORDS[:8])}"
    )
    app.say(f":{word} needs a name" if word in WORDS else f"there is no :{word}; {hint}", "warn")


def _help(app: Host, name: str) -> None:
    from opsconsole.console.dialogs.docs import DocsDialog
    from opsconsole.docs import topic

    try:
        app.push_screen(DocsDialog(topic(name) if name else None))
    except NotFoundError as error:
        app.say(f"{error.message}; {error.hint}", "warn")


def _theme(app: Host, name: str) -> None:
    if name not in app.available_themes:
        app.say("themes: dark, ansi, and every Textual theme by its name", "warn")
        return
    app.theme = name
