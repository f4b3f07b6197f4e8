"""Paths on a line that is asked for: Tab goes on with the files and folders that are there."""

from __future__ import annotations

import os
from pathlib import Path

from opsconsole.console.host.line_help import Candidate, Completion, LineHelp
from opsconsole.core import text

SCANNED = 2_000
"""Entries of a folder that are looked at."""
SHOWN = 100


class PathHelp(LineHelp):
    """Completes a line that is a path and nothing else."""

    hint = "Tab completes the path"

    def complete(self, before: str) -> Completion:
        """Return how the path may go on."""
        candidates = [item for item in paths(before) if text.clean(item.word) == item.word]
        return Completion(0, tuple(candidates[:SHOWN]))


def paths(typed: str) -> list[Candidate]:
    """Return the files and folders that a path may go on with, folders first; dotted ones when a dot is typed."""
    folder, slash, begun = typed.rpartition("/")
    try:
        with os.scandir(Path(folder + slash).expanduser() if folder + slash else ".") as entries:
            seen = [entry for entry, _ in zip(entries, range(SCANNED), strict=False)]
            candidates = [
                Candidate(f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}", open=entry.is_dir())
                for entry in seen
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
            ]
    except (OSError, RuntimeError, ValueError):  # no such folder, no such home, a null byte
        return []
    return sorted(candidates, key=lambda item: (not item.open, item.word))
