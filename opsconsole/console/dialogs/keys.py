"""``?``: every key that holds here, with what it does and the command it amounts to."""

from __future__ import annotations

from textual.app import ComposeResult

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.host.keymap import BY_ID, Action, actions_of
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.lifecycle.usecases import BY_WORD

KEYS = (Column(width=7), Column(width=18), Column(least=30))


RARE = (
    (":run 42  :alert 3", "jump", ":model flights@production, :repo api, :monitor flights; a number alone is a run"),
    (":line 123  :50%", "a place in the log", "reckoned while a very long log is still being counted"),
    *(
        (f":{word} {case.behind_word}".rstrip(), f"{case.title[:1].lower()}{case.title[1:]}", case.line)
        for word, case in BY_WORD.items()
    ),
    ("Tab  S-Tab", "complete", "words, names, versions and rungs, paths; again: the next of them"),
    ("Up  Down", "recall", "what was given before and begins as typed, also in an earlier session"),
    (":help TOPIC", "help", "a page of the reference: pipelines, results, models, drift, config and more"),
    (":theme NAME", "theme", "dark, ansi (your terminal's sixteen colours), or any Textual theme"),
)


class KeysDialog(Dialog):
    """The registry, shown."""

    def __init__(self, places: tuple[str, ...]) -> None:
        super().__init__()
        self.places = places

    def title_text(self) -> str:
        """Name it."""
        return " Keys "

    def body(self) -> ComposeResult:
        """List them."""
        yield RowList(id="keys")

    def on_mount(self) -> None:
        """Fill the list: this place first."""
        super().on_mount()
        rows: list[Row] = []
        for place in dict.fromkeys((*self.places, "log", "everywhere")):
            rows += [heading(place.upper()), *(_row(action) for action in actions_of(place)), BLANK]
        rows.append(heading("LISTS AND LOGS"))
        rows.append(
            Row("move", (Toned("j k g G", "accent"), "move", Toned("arrows, page keys, Home and End too", "dim")), KEYS)
        )
        rows += [BLANK, heading("THE : LINE")]
        wide = (Column(width=18), Column(width=16), Column(least=30))
        rows += [
            Row(line, (Toned(line, "accent"), title, Toned(description, "dim")), wide)
            for line, title, description in RARE
        ]
        listing = self.query_one(RowList)
        listing.show(Rows(rows))
        listing.focus()

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """Do what the row is about: a key of this place at once, a line by beginning it."""
        key = str(message.key)
        self.dismiss(None)
        action = BY_ID.get(key)
        if key.startswith(":"):
            begun = key.removeprefix(":").split()[0] if key[1:2].isalpha() else ""
            self.app.run_worker(self.console.ask_command(f"{begun} "), exit_on_error=False, name="line")
        elif action is not None and action.place in (*self.places, "everywhere") and action.key != "enter":
            self.app.run_worker(self.console.action_do(action.id), exit_on_error=False, name=action.id)


def _row(action: Action) -> Row:
    mark = {"write": "  writes", "production": "  asks for the name"}.get(action.danger, "")
    return Row(
        action.id, (Toned(action.shown, "accent"), action.title, (Toned(action.help, "dim"), Toned(mark, "warn"))), KEYS
    )
