"""``h``: the commits and files that changed since the pipeline was last green; ``o`` opens the patch in the pager."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Column, Tone, Toned
from opsconsole.core import clock, text
from opsconsole.core.files import write_atomically
from opsconsole.store import repos

COMMITS = (Column(width=8), Column(least=30), Column(width=20, drop=1), Column(width=7, right=True))
FILES = (Column(width=2), Column(least=30))
TONES: dict[str, Tone] = {"A": "good", "D": "bad", "R": "accent"}


class ChangesDialog(SheetDialog):
    """What came since it last passed."""

    use_case = "repo.changes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "patch", "patch", show=False)]

    def __init__(self, repo: str, pipeline: str, rev: str | None) -> None:
        super().__init__()
        self.repo, self.pipeline, self.rev = repo, pipeline, rev
        self.patch = ""

    def title_text(self) -> str:
        """Name it."""
        return f" {self.repo}: since {self.pipeline} was green "

    def values(self) -> dict[str, object]:
        """Ask for the repo up to the run's commit."""
        return {"repo": self.repo, "pipeline": self.pipeline, "rev": self.rev}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return commits, then files."""
        self.patch = data["diff"] or ""
        since = data["since"]
        origin = f"   since run #{since['run']}, {since['commit'][:7]}" if since else "   no green run before it"
        now = clock.now()
        rows = [heading("COMMITS", len(data["commits"]), Toned(origin, "dim"))]
        rows += [
            Row(
                ("commit", item["id"]),
                (
                    Toned(item["id"][:7], "champion"),
                    item["subject"],
                    Toned(item["author"], "dim"),
                    Toned(text.age(datetime.fromisoformat(item["at"]), now), "dim"),
                ),
                COMMITS,
            )
            for item in data["commits"]
        ]
        if data["files"]:
            rows += [BLANK, heading("FILES", len(data["files"]))]
            rows += [
                Row(
                    ("file", item["path"]),
                    (Toned(item["change"], TONES.get(item["change"], "dim")), item["path"]),
                    FILES,
                )
                for item in data["files"]
            ]
        return [
            *rows,
            BLANK,
            note("Enter opens a file, o the patch in $PAGER   Esc leaves" if self.patch else "Esc leaves"),
        ]

    def open_row(self, key: Hashable) -> None:
        """Open a file as it is in the work tree; a commit, or a file that is gone, in the patch."""
        path = self._file(str(key[1])) if isinstance(key, tuple) and key[0] == "file" else None
        if path is not None:
            self.console.open_outside(path, 0)
        else:
            self.action_patch()

    def _file(self, name: str) -> Path | None:
        """Return a file of the repo, if it is one and lies in it."""
        record = repos.get(self.console.store, self.repo)
        known = self.repo in self.console.workspace.config.repos
        root = self.console.workspace.repo_path(self.repo) if known else record.path if record is not None else None
        path = (root / name).resolve() if root is not None else None
        inside = path is not None and root is not None and path.is_relative_to(root.resolve())
        return path if inside and path is not None and path.is_file() else None

    def action_patch(self) -> None:
        """Open the patch in the operator's pager."""
        if not self.patch:
            self.console.say("there is no patch to show", "warn")
            return
        path = self.console.workspace.state / "changes.log"
        write_atomically(path, self.patch.encode())
        self.console.open_outside(path, 0)
