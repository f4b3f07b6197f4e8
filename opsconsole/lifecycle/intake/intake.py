"""A finished run is taken in: ``python -I -m opsconsole.lifecycle.intake.intake WORKSPACE RUN``.

One fresh process at the end of each run, and the only one that writes a final outcome from results. All of it is one
transaction ``ending → final``: killed before its commit nothing happened, killed after it nothing is missing, and run
again it finds that there is nothing to do.
"""

from __future__ import annotations

import sqlite3
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from opsconsole.core import clock, faults, umask
from opsconsole.core.errors import ConfigError, ExitCode, NotFoundError, OpsconsoleError
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.core.text import storable
from opsconsole.lifecycle.intake.containment import PartError, contained
from opsconsole.lifecycle.intake.finished import FinishedRun, Taker, Write
from opsconsole.runs.execute.finalize import TESTS_ALONE
from opsconsole.runs.execute.outcome import final_steps, outcome
from opsconsole.runs.record import journal
from opsconsole.runs.record import run_row as run_record
from opsconsole.runs.record.folder import RunFolder, run_folder
from opsconsole.runs.record.spec import RunSpec
from opsconsole.runs.reports.collect import read_reports
from opsconsole.runs.reports.coverage import covered
from opsconsole.runs.reports.junit import Report
from opsconsole.store import events, runs, steps, test_results
from opsconsole.store.connection import Store, open_store
from opsconsole.store.recovery.copies import is_due
from opsconsole.store.runs import RunRecord
from opsconsole.store.test_results import RunOfTests

TIDIED_EVERY = 20
"""Every so many runs, what retention does not keep goes."""

NOTES = 5
"""Complaints of coverage reports that a run keeps."""


def takers(kind: PipelineKind) -> tuple[Taker, ...]:
    """Return everyone who takes a part of such a run, in order; a build leaves no model, and does not import what reads one."""
    if kind not in {PipelineKind.TRAIN, PipelineKind.SCORE}:
        return ()
    from opsconsole.lifecycle.intake.handlers import PredictionsTaker, VersionTaker

    return (VersionTaker(), PredictionsTaker())


def take_in(root: Path, run_id: int, chosen: Sequence[Taker] | None = None, *, spoiled: str | None = None) -> bool:
    """Take a run in; False when it already had its final outcome, so nothing was done.

    Each part is taken by itself: a bad file of ``out/`` becomes a note on the run, and nothing else is lost.
    ``spoiled`` says why the intake died before: then the results of tests are taken in, and the run ends as ``error``.
    NotFoundError for an unknown run.
    """
    state = root / ".opsconsole"
    with open_store(state) as store:
        record = runs.get(store, run_id)
        if record is None:
            raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
        if record.state.final:
            return False
        run = _finished(root, record, run_folder(state, run_id))
        active = takers(run.order.plan.kind) if chosen is None else tuple(chosen)
        if spoiled is not None:
            run, active = replace(run, outcome=replace(run.outcome, state=RunState.ERROR, error=spoiled)), ()
        run, writes = _prepared(store, run, active)
        if not _committed(store, run, writes):
            return False
        run_record.follow(store, run.folder)
        for taker in active:
            try:
                contained(f"what follows from {taker.name}", partial(taker.follow_up, store, run))
            except PartError as error:
                print(error.message)  # noqa: T201 - the run's diary
    return True


def _finished(root: Path, record: RunRecord, folder: RunFolder) -> FinishedRun:
    order = RunSpec.read(folder.order)
    history = journal.read(folder.journal)
    notes: list[str] = []
    share = None
    try:
        reports = contained("the tests", lambda: read_reports(folder.out, order.plan, history))
    except PartError as error:
        reports = (Report((), error.message),)
    try:
        coverage = contained("the coverage", lambda: covered(folder.out))
        share = coverage.share
        notes += coverage.notes
    except PartError as error:
        notes.append(error.message)
    end = outcome(order, history, reports)
    note = "; ".join(filter(None, (end.note, *notes[:NOTES]))) or None
    return FinishedRun(
        root,
        record,
        folder,
        order,
        history,
        reports,
        replace(end, note=note and storable(note), error=end.error and storable(end.error)),
        share,
    )


def _prepared(store: Store, run: FinishedRun, active: Sequence[Taker]) -> tuple[FinishedRun, list[_Part]]:
    """Have everyone do the slow part; return the run as that left it, and what is to be written."""
    writes: list[_Part] = []
    for taker in active:
        try:
            write = contained(taker.name, partial(taker.prepare, store, run))
        except PartError as error:
            run = _failed(run, error)
            continue
        if write is not None:
            writes.append(_Part(taker.name, write))
    return run, writes


@dataclass(frozen=True)
class _Part:
    """What a taker writes."""

    name: str
    write: Write


def _committed(store: Store, run: FinishedRun, writes: list[_Part]) -> bool:
    """Write all of it in one transaction, anew without the part that cannot be written; False when it was done before."""
    while True:
        try:
            with store.durable() as connection:
                if not _write(connection, run):
                    return False
                for part in writes:
                    contained(part.name, partial(part.write, connection))
            return True
        except PartError as error:
            run = _failed(run, error)
            writes = [part for part in writes if part.name != error.part]


def _failed(run: FinishedRun, error: PartError) -> FinishedRun:
    """Return the run as failed by what could not be taken in; a worse outcome stays, with a note."""
    end = run.outcome
    if end.state is RunState.PASSED:
        return replace(run, outcome=replace(end, state=RunState.FAILED, error=error.message))
    return replace(run, outcome=replace(end, note="; ".join(filter(None, (end.note, error.message)))))


def _write(connection: sqlite3.Connection, run: FinishedRun) -> bool:
    record, end = run.record, run.outcome
    ended_at = run.history.ended_at or clock.now()
    if not runs.finish(
        connection,
        record.id,
        end.state,
        started_at=run.history.started_at,
        ended_at=ended_at,
        error=end.error,
        note=end.note,
        tests=end.tests,
        seconds=run.history.seconds,
        covered=run.covered,
    ):
        return False
    steps.put(connection, final_steps(run.order, run.history))
    cases = [case for report in run.reports for case in report.cases]
    numbered = [replace(case, run_id=record.id, position=position) for position, case in enumerate(cases)]
    whose = RunOfTests(record.id, record.repo, record.pipeline, record.commit, record.branch, record.purpose)
    test_results.take_in(connection, whose, numbered)
    events.record(
        connection,
        f"run.{end.state}",
        f"run {record.id}",
        detail={
            "repo": record.repo,
            "pipeline": record.pipeline,
            "commit": record.commit,
            "error": end.error,
        },
        actor=record.actor,
    )
    return True


def _tidy(root: Path) -> None:
    """Take away what retention does not keep; a configuration that cannot be read keeps everything."""
    from opsconsole.config.workspace import open_workspace
    from opsconsole.runs.record.retention import prune

    try:
        workspace = open_workspace(root)
    except ConfigError:
        return
    with open_store(workspace.state) as store:
        prune(workspace, store)


def _keep_copy(root: Path) -> None:
    """Make the store's copy of today, however large it is: nobody waits for us."""
    from opsconsole.config.workspace import open_workspace
    from opsconsole.store.recovery import copies

    try:
        workspace = open_workspace(root)
    except ConfigError:
        return
    with open_store(workspace.state) as store:
        for problem in copies.settle_daily(store, workspace.config.workspace.backups):
            sys.stderr.write(f"{problem.message}\n")


def main() -> int:
    """Take in the run named on the command line; the exit code says whether that worked."""
    umask.settle()
    root, run_id = Path(sys.argv[1]), int(sys.argv[2])
    try:
        spoiled = sys.argv[4] if sys.argv[3:4] == [TESTS_ALONE] else None
        take_in(root, run_id, spoiled=spoiled)
        if run_id % TIDIED_EVERY == 0:
            _tidy(root)
        if is_due(root / ".opsconsole"):
            _keep_copy(root)
    except OpsconsoleError as error:
        sys.stderr.write(f"{error.message}\n")
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the outermost edge: whoever started the intake keeps what it says
        traceback.print_exc()
        known = faults.explained(error)
        if known is not None:
            sys.stderr.write(f"{known.message}: {known.hint}\n")
        return int(ExitCode.STORE) if faults.passes(error) else 70
    return 0


if __name__ == "__main__":
    sys.exit(main())
