"""The first-run screen: no workspace here yet, so look for repos, models and data, offer them, and write the file."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from opsconsole.console.processes.cli_client import Answer, ask
from opsconsole.console.terminal.themes import THEMES
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading, note, sentences
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text

CANDIDATES = (Column(width=3), Column(width=26), Column(width=14), Column(least=20), Column(least=16, drop=1))
DEMO = "opsconsole-demo"
"""The folder that the demo is made in, below the one that was looked in."""
KINDS = ("repos", "models", "data")
TITLES = {"repos": "REPOS", "models": "MODELS", "data": "DATA"}


class FirstRun(StrEnum):
    """What the operator chose."""

    WORKSPACE = "workspace"
    """One was made here."""
    DEMO = "demo"


class FirstRunApp(App[FirstRun | None]):
    """Returns what was chosen; None when the operator left without a trace."""

    CSS = "Screen { background: $background; color: $tone-text; } #keys { background: $tone-bar; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "choose", show=False),
        Binding("w", "write", "write", show=False),
        Binding("d", "demo", "demo", show=False),
        Binding("q,escape,ctrl+q", "leave", "leave", show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.candidates: dict[str, list[dict[str, Any]]] | None = None
        self.more = False
        self.chosen: set[str] = set()
        """Paths of what shall stand in the file."""
        self.status_text = "looking for repos, models and data …"
        self._writing = False
        self._made = False
        """The file is written; not all that was chosen could be added to it, and the operator reads why."""
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        """One list, and the keys."""
        yield RowList(id="found")
        yield OneLine(id="keys")

    def on_mount(self) -> None:
        """Begin to look."""
        self.theme = "dark"
        self._show()
        self.run_worker(self._look(), exit_on_error=False, exclusive=True, group="scout", name="look around")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the tones."""
        return dict(THEMES[0].variables)

    def action_choose(self) -> None:
        """Take what is under the cursor, or leave it out."""
        item = self._at(self.query_one(RowList).key)
        if item is None:
            return
        path = str(item["path"])
        if path in self.chosen:
            self.chosen.discard(path)
        elif why := _unfit(item):
            self.status_text = f"{path}: {why}"
        else:
            self.chosen.add(path)
            self.status_text = f"{path} is held against {item['against']}" if item.get("against") else ""
        self._show()

    def on_row_list_opened(self) -> None:
        """Take what Enter was pressed on, as space does."""
        self.action_choose()

    def action_write(self) -> None:
        """Write the file and go on to the console."""
        if self._made:
            self.exit(result=FirstRun.WORKSPACE)
        if self.candidates is None or self._writing or self._made:
            return
        self._writing = True
        self.status_text = "writing …"
        self._show()
        self.run_worker(self._write(), exit_on_error=False, exclusive=True, group="write", name="write")

    def action_demo(self) -> None:
        """Go on to the demo, which fills itself before one's eyes."""
        self.exit(result=FirstRun.DEMO)

    def action_leave(self) -> None:
        """Leave without a trace."""
        self.exit(result=None)

    async def _look(self) -> None:
        answer = await ask("workspace.look", str(self.root), readonly=False, directory=str(self.root))
        if not answer.problem:
            self.candidates = {kind: list(answer.data[kind]) for kind in KINDS}
            self.more = bool(answer.data["more"])
            self.chosen = {str(one["path"]) for one in self.candidates["repos"]}
        self.status_text = _problem(answer)
        self._show()

    async def _write(self) -> None:
        take = sorted(self.chosen)
        values: dict[str, object] = {"take": take} if take else {"bare": "--bare"}
        answer = await ask("workspace.init", str(self.root), readonly=False, directory=str(self.root), **values)
        self._writing = False
        notes = [] if answer.problem else [str(one) for one in answer.data["notes"]]
        self._made = not answer.problem
        if answer.problem or notes:
            self.status_text = "\n".join([*notes, "w opens the workspace"]) if notes else _problem(answer)
            self._show()
            return
        self.exit(result=FirstRun.WORKSPACE)

    def _at(self, key: Hashable) -> dict[str, Any] | None:
        if self.candidates is None or not isinstance(key, tuple):
            return None
        kind, path = key
        return next((one for one in self.candidates[str(kind)] if one["path"] == path), None)

    def _show(self) -> None:
        head = (Toned("opsconsole", "strong"), Toned(f"   there is no workspace in {self.root} yet", "dim"))
        rows: list[Row] = [BLANK, Row(None, (head,), (Column(),)), BLANK]
        if self.candidates is not None:
            rows += self._candidate_rows(self.candidates)
        for line in filter(None, self.status_text.split("\n")):
            rows += sentences(text.clean(line), max(self.size.width - 6, 40), "warn" if self._made else "text")
        self.query_one(RowList).show(Rows(rows))
        self._show_keys()

    def _candidate_rows(self, candidates: dict[str, list[dict[str, Any]]]) -> list[Row]:
        rows: list[Row] = []
        for kind in KINDS:
            if candidates[kind]:
                rows.append(heading(TITLES[kind], len(candidates[kind])))
                rows += [self._row(kind, one) for one in candidates[kind]]
                rows.append(BLANK)
        if not rows:
            return [
                note("no git repository, model or data file was found below this folder"),
                BLANK,
                note(f"d makes the demo in ./{DEMO} and opens it: it fills before your eyes"),
                note("  two repos, a model, months of flights; about a minute, no network"),
                BLANK,
                note("w makes an empty workspace here; what comes later is added by"),
                note("  opsconsole repo add PATH"),
                note("  opsconsole model add NAME FILE"),
                note("  opsconsole monitor add NAME --reference FILE --data FILE"),
                BLANK,
            ]
        if self.more:
            rows.append(note("there is more: only so many files near the top were looked at"))
        if candidates["repos"]:
            rows.append(note("nothing of a repo runs until you trust it: :trust NAME"))
        if candidates["models"]:
            rows.append(note("a model's file is copied as version 1; nothing of it is loaded"))
        return rows

    def _row(self, kind: str, one: dict[str, Any]) -> Row:
        chosen = one["path"] in self.chosen
        what, words, beside = ROW_WORDS[kind](one)
        cells = (
            Toned(" ✓" if chosen else " ·", "good" if chosen else "faint"),
            Toned(text.clean(str(one["path"])), "strong" if chosen else "text"),
            Toned(text.clean(what), "accent" if chosen else "dim"),
            Toned(text.clean(words), "dim"),
            Toned(text.clean(beside), "dim"),
        )
        return Row((kind, one["path"]), cells, CANDIDATES)

    def _show_keys(self) -> None:
        some = self.candidates is not None and any(self.candidates.values())
        keys = [("space", "take or leave")] if some else []
        keys += [("w", "write the file and open it"), ("d", "demo instead"), ("q", "leave")]
        parts = [part for key, does in keys for part in (Toned(f" {key}", "accent"), Toned(f" {does}  ", "dim"))]
        self.query_one("#keys", OneLine).say(*parts)


def _problem(answer: Answer) -> str:
    return f"{answer.problem}  {answer.hint}".strip() if answer.problem else ""


def _unfit(item: dict[str, Any]) -> str:
    """Return why a data file cannot be taken; empty when it can, and for all that is no data."""
    if "against" not in item:
        return ""
    if item["problem"]:
        return str(item["problem"])
    if item["against"] is None:
        return "no file was found to hold it against: opsconsole monitor add NAME --data … --reference … says which"
    return ""


def _size(one: dict[str, Any]) -> str:
    return text.size(one["size"]) if one.get("rows") is None else text.plural(int(one["rows"]), "row")


def _of_repo(one: dict[str, Any]) -> tuple[str, str, str]:
    return str(one["runner"] or "–"), str(one["reason"]), ""


def _of_model(one: dict[str, Any]) -> tuple[str, str, str]:
    return str(one["kind"]), f"as {one['name']}", text.size(one["size"])


def _of_data(one: dict[str, Any]) -> tuple[str, str, str]:
    guesses = [f"{key}: {one[key]}" for key in ("time", "label") if one[key] is not None]
    words = one["problem"] or ", ".join(guesses) or ("" if one["columns"] is None else f"{one['columns']} columns")
    return _size(one), words, "" if one["against"] is None else f"held against {one['against']}"


ROW_WORDS = {"repos": _of_repo, "models": _of_model, "data": _of_data}
