"""The steps of runs as rows. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.nouns import StepState
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class StepRecord:
    """One step of one run."""

    run_id: int
    position: int
    """Its place in the order of execution, from 0."""
    name: str
    run: str
    """The shell command."""
    state: StepState
    exit_code: int | None = None
    """Negative: the signal that ended it."""
    note: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tries: int = 1
    seconds: float | None = None
    """How long it took, by a clock that does not jump."""
    cpu_s: float | None = None
    """Processor seconds of the step and all it started."""
    peak_bytes: int | None = None
    """The most memory it held."""

    @property
    def duration_s(self) -> float | None:
        """Seconds that it took, or None while it has not ended."""
        if self.seconds is not None:
            return self.seconds
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


def put(connection: sqlite3.Connection, steps: Sequence[StepRecord]) -> None:
    """Write steps, new or changed."""
    connection.executemany(
        "INSERT INTO steps (run_id, position, name, run, state, exit_code, note, started_at, ended_at, tries, seconds,"
        " cpu_s, peak_bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (run_id, position) DO UPDATE SET"
        " state = excluded.state, exit_code = excluded.exit_code, note = excluded.note,"
        " started_at = excluded.started_at, ended_at = excluded.ended_at, tries = excluded.tries,"
        " seconds = excluded.seconds, cpu_s = excluded.cpu_s, peak_bytes = excluded.peak_bytes",
        [
            (
                step.run_id,
                step.position,
                step.name,
                step.run,
                step.state,
                step.exit_code,
                step.note,
                None if step.started_at is None else clock.to_text(step.started_at),
                None if step.ended_at is None else clock.to_text(step.ended_at),
                step.tries,
                step.seconds,
                step.cpu_s,
                step.peak_bytes,
            )
            for step in steps
        ],
    )


def close_open(connection: sqlite3.Connection, run_id: int) -> None:
    """Close the steps of a run of which nothing but its rows is left: at work becomes lost, waiting not reached."""
    for before, after in ((StepState.RUNNING, StepState.LOST), (StepState.QUEUED, StepState.NOT_REACHED)):
        connection.execute("UPDATE steps SET state = ? WHERE run_id = ? AND state = ?", (after, run_id, before))


def of_run(store: Store, run_id: int) -> list[StepRecord]:
    """Return a run's steps in the order of execution."""
    rows = store.rows("SELECT * FROM steps WHERE run_id = ? ORDER BY position", (run_id,))
    return [
        StepRecord(
            run_id=row["run_id"],
            position=row["position"],
            name=row["name"],
            run=row["run"],
            state=StepState(row["state"]),
            exit_code=row["exit_code"],
            note=row["note"],
            started_at=clock.from_text_or_none(row["started_at"]),
            ended_at=clock.from_text_or_none(row["ended_at"]),
            tries=row["tries"],
            seconds=row["seconds"],
            cpu_s=row["cpu_s"],
            peak_bytes=row["peak_bytes"],
        )
        for row in rows
    ]
