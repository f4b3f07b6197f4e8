"""Runs and their production scores, from run folders: the record, ``run.json``, the journal and the reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import OpsconsoleError, StoreError
from opsconsole.core.nouns import RunState
from opsconsole.lifecycle.intake.containment import PartError, contained
from opsconsole.runs.execute.launch import purpose_of
from opsconsole.runs.execute.outcome import Outcome, final_steps, outcome
from opsconsole.runs.record import journal, run_row
from opsconsole.runs.record.folder import RunFolder, run_folder
from opsconsole.runs.record.journal import RunHistory
from opsconsole.runs.record.spec import RunSpec, SpecError
from opsconsole.runs.reports.collect import read_reports
from opsconsole.runs.reports.coverage import covered
from opsconsole.runs.reports.junit import Report
from opsconsole.store import baselines, repos, steps, test_results
from opsconsole.store.events import PastEvent
from opsconsole.store.recovery import records
from opsconsole.store.recovery.records import Row
from opsconsole.store.runs import RunRecord
from opsconsole.store.test_results import RunOfTests

if TYPE_CHECKING:
    from opsconsole.lifecycle.recovery.refilled import Refilled

UNKNOWN_ACTOR = "unknown"


def folders(workspace: Workspace) -> Iterator[RunFolder]:
    """Yield the folder of each run, oldest first."""
    try:
        names = [path.name for path in workspace.runs.iterdir()]
    except OSError:
        return
    for number in sorted(int(name) for name in names if name.isdecimal() and name.isascii()):
        yield run_folder(workspace.state, number)


def ordered(workspace: Workspace) -> Iterator[tuple[RunFolder, RunSpec]]:
    """Yield each run's folder with what ``run.json`` says, where that can be read."""
    for folder in folders(workspace):
        try:
            yield folder, RunSpec.read(folder.order)
        except StoreError:
            continue


def runs(workspace: Workspace, connection: sqlite3.Connection, done: Refilled) -> None:
    """Write every run that has a folder and no row, or a row from before its end."""
    orders: dict[str, Path] = {}
    for folder in folders(workspace):
        state = records.state_of_run(connection, folder.run_id)
        if state is None or (not state.final and _ended(folder)):
            try:
                order = _one(connection, folder, done)
            except OpsconsoleError as error:
                why = error.why if isinstance(error, SpecError) else error.message
                done.unknown.append(f"run {folder.run_id}: {why}")
                continue
            orders[order.plan.repo] = order.plan.repo_path
    _repos(workspace, connection, orders, done)


def _ended(folder: RunFolder) -> bool:
    row = run_row.read(folder)
    return row is not None and str(row.get("state")) in {state for state in RunState if state.final}


def _one(connection: sqlite3.Connection, folder: RunFolder, done: Refilled) -> RunSpec:
    """Write one run as its record has it, or as its journal and its reports say."""
    order = RunSpec.read(folder.order)
    history = journal.read(folder.journal)
    try:
        reports = contained("the tests", lambda: read_reports(folder.out, order.plan, history))
    except PartError as error:
        reports = (Report((), error.message),)
        done.unknown.append(f"run {folder.run_id}: {error.message}")
    row = run_row.read(folder)
    if row is None:
        row = _derived(folder, order, history, outcome(order, history, reports))
        done.unknown.append(f"run {folder.run_id}: who asked for it, and why, is not known")
    run = records.put_run(connection, row)
    done.runs += 1
    if not run.state.final:
        return order  # whoever settles the workspace next takes it in, from its journal
    steps.put(connection, final_steps(order, history))
    if run.tests is not None:
        cases = [case for report in reports for case in report.cases]
        numbered = [replace(case, run_id=run.id, position=position) for position, case in enumerate(cases)]
        whose = RunOfTests(run.id, run.repo, run.pipeline, run.commit, run.branch, run.purpose)
        test_results.take_in(connection, whose, numbered)
    _tell(run, done)
    return order


def _derived(folder: RunFolder, order: RunSpec, history: RunHistory, end: Outcome) -> Row:
    """Return a run's row as an older program's folder tells it: a run that is not over was lost."""
    plan, lost = order.plan, not history.complete
    born = datetime.fromtimestamp(folder.order.stat().st_mtime, UTC)
    tests = None if lost else end.tests
    counts = (None,) * 4 if tests is None else (tests.passed, tests.failed, tests.skipped, tests.errors)
    return {
        "id": folder.run_id,
        "repo": plan.repo,
        "pipeline": plan.pipeline,
        "kind": str(plan.kind),
        "state": str(RunState.LOST if lost else end.state),
        "commit_id": plan.commit,
        "branch": plan.branch,
        "subject": plan.subject,
        "dirty": int(plan.dirty),
        "actor": UNKNOWN_ACTOR,
        "error": "nobody saw it to its end, and the store was lost meanwhile" if lost else end.error,
        "note": end.note,
        "purpose": str(purpose_of(plan)),
        "created_at": clock.to_text(born),
        "started_at": None if history.started_at is None else clock.to_text(history.started_at),
        "ended_at": clock.to_text(history.ended_at or born),
        "seconds": history.seconds,
        "covered": None if lost else _share(folder),
        **dict(zip(("tests_passed", "tests_failed", "tests_skipped", "tests_errors"), counts, strict=True)),
    }


def _share(folder: RunFolder) -> float | None:
    try:
        return contained("the coverage", lambda: covered(folder.out)).share
    except PartError:
        return None


def _tell(run: RunRecord, done: Refilled) -> None:
    detail: dict[str, object] = {"repo": run.repo, "pipeline": run.pipeline, "commit": run.commit}
    subject = f"run {run.id}"
    done.past.append(PastEvent(run.created_at, run.actor, "run.queued", subject, run.reason, detail))
    if run.ended_at is not None:
        done.past.append(
            PastEvent(run.ended_at, run.actor, f"run.{run.state}", subject, detail=detail | {"error": run.error})
        )


def _repos(workspace: Workspace, connection: sqlite3.Connection, paths: dict[str, Path], done: Refilled) -> None:
    """Know the repos again that runs were of; trust is the operator's to give, and is not taken from a file."""
    for name, path in sorted(paths.items()):
        if repos.find(connection, name) is None:
            if name not in workspace.config.repos:
                repos.put(connection, name, path, trusted=False)
            done.repos.append(name)


def scores(workspace: Workspace, connection: sqlite3.Connection, done: Refilled) -> None:
    """Write the production scores that runs left, and whose version their order names."""
    from opsconsole.core.files import digest_file
    from opsconsole.lifecycle.intake.handlers import rows_of

    for path in sorted((workspace.evidence / "predictions").glob("*/run-*.*")):
        number = path.stem.removeprefix("run-")
        if not number.isdecimal() or records.has_scores(connection, int(number)):
            continue
        name = f"scores {path.parent.name}/{path.name}"
        try:
            variables = dict(RunSpec.read(run_folder(workspace.state, int(number)).order).environment)
            version = variables.get("OPSCONSOLE_CHAMPION_VERSION", "")
            if not version.isdecimal():
                raise StoreError("its run names no version")
            baselines.record_predictions(
                connection,
                model=path.parent.name,
                version=int(version),
                run_id=int(number),
                path=str(path.relative_to(workspace.evidence)),
                file_digest=digest_file(path),
                rows=rows_of(path),
            )
            done.scores += 1
        except OpsconsoleError:
            done.unknown.append(f"{name}: which version made them is not known")
