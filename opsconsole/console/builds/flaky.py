"""``f``: the flaky tests of a repo; ``H``: the results of one test, run by run."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.marks import STATE_MARKS
from opsconsole.console.widgets.rows import Row, heading, note
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import clock, text

FLAKY = (
    Column(width=6, right=True),
    Column(width=13, right=True),
    Column(width=5, right=True, drop=2),
    Column(width=11, right=True, drop=1),
    Column(least=34),
)
HISTORY = (
    Column(width=6, right=True),
    Column(width=10),
    Column(width=7),
    Column(width=8, right=True),
    Column(width=7, right=True),
    Column(least=20),
)


class FlakyDialog(SheetDialog):
    """Both outcomes at one commit, or back and forth from run to run; the most unsteady first."""

    use_case = "tests.flaky"

    def __init__(self, repo: str) -> None:
        super().__init__()
        self.repo = repo

    def title_text(self) -> str:
        """Name it."""
        return f" Flaky tests of {self.repo} "

    def values(self) -> dict[str, object]:
        """Ask for the repo."""
        return {"repo": self.repo}

    def rows(self, data: list[dict[str, Any]]) -> list[Row]:
        """Return a line a test."""
        if not data:
            return [note("none is known: no test has contradicted itself yet")]
        head = tuple(Toned(word, "dim") for word in ("rate", "at one commit", "flips", "failed", "test"))
        return [
            heading("FLAKY", len(data)),
            Row(None, head, FLAKY),
            *(
                Row(
                    (item["id"], item["pipeline"], item["variant"]),
                    (
                        Toned(text.percent(item["rate"]), "warn"),
                        str(item["contradictions"]),
                        str(item["flips"]),
                        Toned(f"{item['failed']} of {item['runs']}", "dim"),
                        (Toned(item["id"]), Toned(f"  {item['variant']}" if item["variant"] else "", "accent")),
                    ),
                    FLAKY,
                )
                for item in data
            ),
        ]

    def open_row(self, key: Hashable) -> None:
        """Show what the test came to, run by run; Esc comes back here."""
        if isinstance(key, tuple):
            test, pipeline, variant = map(str, key)
            self.app.push_screen(HistoryDialog(self.repo, pipeline, test, variant))


class HistoryDialog(SheetDialog):
    """One test over its runs, newest first."""

    use_case = "tests.history"

    def __init__(self, repo: str, pipeline: str, test: str, variant: str) -> None:
        super().__init__()
        self.repo, self.pipeline, self.test, self.variant = repo, pipeline, test, variant

    def title_text(self) -> str:
        """Name the test, as the frame holds it."""
        return (
            f" {text.clean(self.test.rpartition('::')[2] or self.test, limit=60).replace('[', '(').replace(']', ')')} "
        )

    def values(self) -> dict[str, object]:
        """Ask for the test."""
        return {"repo": self.repo, "test": self.test, "pipeline": self.pipeline, "variant": self.variant or None}

    def rows(self, data: list[dict[str, Any]]) -> list[Row]:
        """Return a line a run."""
        now = clock.now()
        bad = sum(item["outcome"] in {"failed", "error"} for item in data)
        rows = [heading("RUNS", len(data), Toned(f"   {bad} failed", "bad" if bad else "dim"))]
        for item in data:
            mark = STATE_MARKS.get(item["outcome"], Toned("–", "dim"))
            rows.append(
                Row(
                    item["run"],
                    (
                        Toned(f"#{item['run']}", "dim"),
                        (mark, Toned(f" {item['outcome']}", mark.tone)),
                        Toned(item["commit"][:7], "champion"),
                        Toned(text.duration(item["duration_s"]), "dim"),
                        Toned(text.age(datetime.fromisoformat(item["at"]), now), "dim"),
                        item["message"] or "",
                    ),
                    HISTORY,
                )
            )
        return rows

    def open_row(self, key: Hashable) -> None:
        """Go to the run."""
        self.go_to("run", str(key))
