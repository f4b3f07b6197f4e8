"""``opsconsole runs | show | tests``: what ran, and what it came to."""

from __future__ import annotations

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.cli.shown import run_json, run_line, the_run
from opsconsole.ground import clock, text
from opsconsole.ground.nouns import RunState
from opsconsole.store import runs, test_results


@click.command("runs")
@click.option("--repo", help="Only of this repo.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--state", type=click.Choice([str(state) for state in RunState]), help="Only in this state.")
@json_option
@pass_session
def runs_command(session: Session, repo: str | None, limit: int, state: str | None, as_json: bool) -> None:
    """List runs, newest first."""
    found = runs.page(session.store, repo=repo, state=RunState(state) if state else None, limit=limit)
    if as_json:
        emit([run_json(session.workspace, session.store, run) for run in found], "", as_json=True)
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
        for run in found
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
    data = run_json(session.workspace, session.store, record)
    steps = [
        (step["name"], step["outcome"], text.duration(step["duration_s"]), step["note"] or "") for step in data["steps"]
    ]
    lines = [
        run_line(record),
        f"“{text.clean(record.subject)}”",
        *table(("step", "outcome", "took", ""), steps, right=(2,)),
    ]
    emit(data, lines, as_json=as_json)


@click.command("tests")
@click.argument("run", type=int)
@click.option("--failed", is_flag=True, help="Only those that failed.")
@json_option
@pass_session
def tests_command(session: Session, run: int, failed: bool, as_json: bool) -> None:
    """List the test cases of a run."""
    the_run(session.store, run)
    found = (
        test_results.failed(session.store, run) if failed else test_results.of_run(session.store, run, limit=1_000_000)
    )
    data = [{"id": case.test_id, **as_dict(case)} for case in found]
    rows = [
        (
            case.outcome,
            case.test_id,
            text.duration(case.duration_s),
            (case.message or "").splitlines()[0] if case.message else "",
        )
        for case in found
    ]
    emit(
        data,
        table(("outcome", "test", "took", "message"), rows, right=(2,)) if rows else "no tests reported",
        as_json=as_json,
    )
