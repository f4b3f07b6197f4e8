"""A finished run, as intake hands it to the takers of its parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from opsconsole.runs.execute.outcome import Outcome
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.journal import RunHistory
from opsconsole.runs.record.spec import RunSpec
from opsconsole.runs.reports.junit import Report
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord

if TYPE_CHECKING:
    from opsconsole.config.workspace import Workspace

Write = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True)
class FinishedRun:
    """All that is known of a run at its end."""

    root: Path
    """The workspace's root; its configuration is read by whoever needs it, so that a typo in it loses no test results."""
    record: RunRecord
    """The row as it stood before the final outcome."""
    folder: RunFolder
    order: RunSpec
    history: RunHistory
    reports: tuple[Report, ...]
    outcome: Outcome
    covered: float | None = None
    """The share of lines that its tests ran; None when no report says it."""

    def workspace(self) -> Workspace:
        """Load the configuration; most runs are taken in without it."""
        from opsconsole.config.workspace import open_workspace

        return open_workspace(self.root)


class Taker(Protocol):
    """Someone who takes a part of a finished run in.

    ``prepare`` comes before the transaction and may do slow, repeatable work on files; it returns what to write inside
    the transaction (quick, SQL only), or None. An error from it, or from what it returned, fails the run, with its
    message, and the rest of the run is taken in all the same. ``follow_up`` comes after the commit, at least once if the
    process lives; what it does must be found and done again by someone else when it does not.
    """

    @property
    def name(self) -> str:
        """What it takes: the word for it where it could not be taken."""

    def prepare(self, store: Store, run: FinishedRun) -> Write | None:
        """Do the slow part, and return what the transaction writes."""

    def follow_up(self, store: Store, run: FinishedRun) -> None:
        """Do what comes of it, after the commit."""
