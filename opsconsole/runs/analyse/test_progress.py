"""How far the tests of a run are, while they run: from the lines that reporters append to ``progress.jsonl``.

Only what was appended since the last look is read. The reports stay the truth; this is for who watches.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.core.files import open_regular

NAME = "progress.jsonl"
BUDGET = 4 << 20
"""Bytes read in one look."""
BAD = frozenset({"failed", "error"})


@dataclass(frozen=True)
class Progress:
    """Tests so far."""

    done: int = 0
    failed: int = 0
    total: int | None = None
    """None while nobody knows."""
    last: str = ""
    """The test that ended last: text from outside."""

    @property
    def share(self) -> float | None:
        """Return how much is done, 0 to 1; None while the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else None


class ProgressReader:
    """Follows the progress of one run."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._offsets: dict[Path, int] = {}
        self._progress: dict[Path, Progress] = {}

    def look(self) -> Progress | None:
        """Return how far it is, over all its steps; None while nothing is known."""
        for path in {*self._offsets, *self._out.glob(NAME), *self._out.glob(f"*/{NAME}")}:
            self._read(path)
        parts = list(self._progress.values())
        if not parts:
            return None
        totals = [part.total for part in parts]
        known = [total for total in totals if total is not None]
        return Progress(
            done=sum(part.done for part in parts),
            failed=sum(part.failed for part in parts),
            total=sum(known) if len(known) == len(totals) else None,
            last=parts[-1].last,
        )

    def _read(self, path: Path) -> None:
        at = self._offsets.get(path, 0)
        try:
            with os.fdopen(open_regular(path), "rb") as file:
                file.seek(at)
                block = file.read(BUDGET)
        except OSError:
            return
        whole = block[: block.rfind(b"\n") + 1]
        self._offsets[path] = at + len(whole)
        progress = self._progress.get(path, Progress())
        for line in whole.splitlines():
            progress = _after(progress, line)
        self._progress[path] = progress


def _after(progress: Progress, line: bytes) -> Progress:
    """Return the progress after one line; what cannot be read is passed over."""
    try:
        fact = json.loads(line)
    except (ValueError, RecursionError):
        return progress
    if not isinstance(fact, dict):
        return progress
    total = fact.get("total")
    if "total" in fact and (total is None or (isinstance(total, int) and not isinstance(total, bool))):
        return replace(progress, total=total)
    if "id" not in fact:
        return progress
    bad = str(fact.get("outcome")) in BAD
    return replace(progress, done=progress.done + 1, failed=progress.failed + int(bad), last=str(fact["id"])[:500])
