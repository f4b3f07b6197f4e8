"""``opsconsole runs | show | artifacts | pin``: what ran, and what is kept of it."""

from __future__ import annotations

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, table
from opsconsole.cli.shown import run_json, run_line, the_run
from opsconsole.core import clock, text
from opsconsole.core.errors import NotFoundError
from opsconsole.core.files import digest_file
from opsconsole.core.nouns import RunState
from opsconsole.lifecycle.usecases import command
from opsconsole.runs.analyse.description import Breakage, breakage, waiting_of, waiting_words
from opsconsole.runs.execute.slots import QueueLook
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import pruning, runs

FAILED_SHOWN = 10
"""Failed tests that ``show`` names."""


@click.command("runs")
@click.option("--repo", help="Only of this repo.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--state", type=click.Choice([str(state) for state in RunState]), help="Only in this state.")
@json_option
@pass_session
def runs_command(session: Session, repo: str | None, limit: int, state: str | None, as_json: bool) -> None:
    """List runs, newest first."""
    listed = runs.page(session.store, repo=repo, state=RunState(state) if state else None, limit=limit)
    if as_json:
        queue = QueueLook(session.workspace.state)
        emit([run_json(session.workspace, session.store, run, queue) for run in listed], "", as_json=True)
        return
    now = clock.now()
    rows = [
        (
            f"#{run.id}",
            f"{run.repo}/{run.pipeline}",
            run.state,
            run.commit[:7],
            text.duration(run.duration_s),
            text.age(run.created_at, now),
            run.subject,
        )
        for run in listed
    ]
    head = ("run", "pipeline", "state", "commit", "took", "ago", "subject")
    emit(None, table(head, rows, right=(0, 4, 5)) if rows else "no runs yet", as_json=False)


@click.command("show")
@click.argument("run", type=int)
@json_option
@pass_session
def show_command(session: Session, run: int, as_json: bool) -> None:
    """Show a run with its steps and tests."""
    record = the_run(session.store, run)
    broken = breakage(session.store, record, limit=FAILED_SHOWN)
    waits = waiting_of(QueueLook(session.workspace.state), record)
    data = run_json(session.workspace, session.store, record) | {
        "failed_step": broken.step,
        "failed_tests": [
            {"id": case.test_id, "variant": case.variant, "message": case.message} for case in broken.tests
        ],
    }
    steps = [
        (
            step["name"],
            step["outcome"],
            text.duration(step["duration_s"]),
            "–" if step["cpu_s"] is None else f"{step['cpu_s']:.1f} s",
            text.size(step["peak_bytes"]),
            step["note"] or "",
        )
        for step in data["steps"]
    ]
    lines = [
        run_line(record),
        f"“{text.clean(record.subject)}”",
        *([f"lines covered {text.percent(record.covered, 1)}"] if record.covered is not None else []),
        *([f"made {data['model']} v{data['version']}"] if data["version"] is not None else []),
        *([waiting_words(waits)] if waits is not None else []),
        *table(("step", "outcome", "took", "cpu", "memory", ""), steps, right=(2, 3, 4)),
        *_failed_lines(broken),
    ]
    emit(data, lines, as_json=as_json)


def _failed_lines(broken: Breakage) -> list[str]:
    """Return the failed tests of a run, the first of many."""
    if not broken.tests:
        return []
    rows = [(case.test_id, case.variant, case.message or "") for case in broken.tests]
    more = f"and {broken.more:,} more: `opsconsole tests RUN --failed` lists them" if broken.more else ""
    return [*table(("failed test", "", ""), rows), *([more] if more else [])]


@click.command("artifacts")
@click.argument("run", type=int)
@json_option
@pass_session
def artifacts_command(session: Session, run: int, as_json: bool) -> None:
    """List what a run's steps left to be kept, with digests."""
    record = the_run(session.store, run)
    if record.pruned_at is not None:
        raise NotFoundError(f"run {run} was pruned on {record.pruned_at:%Y-%m-%d}: its artifacts are gone")
    home = run_folder(session.workspace.state, run).out / "artifacts"
    files = sorted(path for path in home.rglob("*") if path.is_file())
    data = [
        {
            "path": str(path.relative_to(home)),
            "file": str(path),
            "bytes": path.stat().st_size,
            "digest": digest_file(path),
        }
        for path in files
    ]
    rows = [(item["path"], text.size(int(str(item["bytes"]))), str(item["digest"])[:19]) for item in data]
    emit(data, table(("artifact", "size", "digest"), rows, right=(1,)) if rows else "no artifacts", as_json=as_json)


@click.command("pin")
@click.argument("run", type=int)
@json_option
@pass_session
def pin_command(session: Session, run: int, as_json: bool) -> None:
    """Keep a run's logs, reports and artifacts for good."""
    _pin(session, run, pinned=True, as_json=as_json)


@click.command("unpin")
@click.argument("run", type=int)
@json_option
@pass_session
def unpin_command(session: Session, run: int, as_json: bool) -> None:
    """Let retention have a run again."""
    _pin(session, run, pinned=False, as_json=as_json)


def _pin(session: Session, run: int, *, pinned: bool, as_json: bool) -> None:
    name = "run.pin" if pinned else "run.unpin"
    session.permit(name)
    pruning.pin(session.store, run, pinned=pinned, command=command(name, run=run))
    record = the_run(session.store, run)
    word = "is kept" if pinned else "may be pruned"
    emit(run_json(session.workspace, session.store, record), f"run {run} {word}", as_json=as_json)
