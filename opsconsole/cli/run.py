"""``opsconsole run | plan | cancel | rerun``: start work, and end it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from types import FrameType

import click

from opsconsole.cli.base import Session, confirm, emit, json_option, pass_session, say, yes_option
from opsconsole.cli.planned import emit_plan
from opsconsole.cli.shown import run_json, run_line, the_run
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConfirmationError, ExitCode, OpsconsoleError, RefusedError, UsageError
from opsconsole.core.nouns import RunPurpose, RunState
from opsconsole.runs.record.log_reader import LogPiece
from opsconsole.store.connection import open_store


@click.command("run")
@click.argument("target", metavar="REPO[/PIPELINE]")
@click.option("--rev", help="The revision to build; default: what is checked out.")
@click.option("--branch", help="Build the revision as a commit of this branch, which must contain it.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--env", "environment", multiple=True, metavar="K=V", help="Set a variable for every step.")
@click.option("--only-failed", type=int, metavar="RUN", help="Only the tests that failed in a run.")
@click.option("--reason", help="Why; it is kept.")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option("--yes", is_flag=True, help="Run a ref that is not yours, without secrets.")
@json_option
@pass_session
def run_command(
    session: Session,
    target: str,
    rev: str | None,
    branch: str | None,
    detach: bool,
    environment: tuple[str, ...],
    only_failed: int | None,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Build a repo, or run one of its pipelines, and follow the log on stderr.

    Ctrl-C cancels the run, twice kills it; a hang-up leaves it to itself.
    """
    from opsconsole.lifecycle.software.building import start_run
    from opsconsole.runs.plan.planner import operator_environment, plan
    from opsconsole.runs.plan.rerun import failed_ids

    if branch is not None:
        _require_contained(session, target, rev, branch)
    only: tuple[str, ...] = ()
    if only_failed is not None:
        the_run(session.store, only_failed)
        only = failed_ids(session.store, only_failed)
    variables = operator_environment(list(environment))
    if dry_run:
        planned = plan(
            session.workspace, session.store, target, rev=rev, environment=variables, only_tests=only, branch=branch
        )
        emit_plan(planned, as_json=as_json)
        return int(ExitCode.OK)
    session.permit("run.start")

    begin = partial(
        start_run,
        session.workspace,
        session.store,
        target,
        rev=rev,
        branch=branch,
        environment=variables,
        only_tests=only,
        reason=reason,
        failed_of=only_failed,
    )
    run_id = _asking(begin, yes=yes)
    return _report(session, run_id, detach=detach, as_json=as_json)


@click.command("rerun")
@click.argument("run", type=int)
@click.option("--only-failed", is_flag=True, help="Only its failed tests.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--yes", is_flag=True, help="Run a ref that is not yours, without secrets.")
@json_option
@pass_session
def rerun_command(session: Session, run: int, only_failed: bool, detach: bool, yes: bool, as_json: bool) -> int:
    """Run a run again at its commit."""
    from opsconsole.lifecycle.software.building import start_rerun

    session.permit("run.rerun_failed" if only_failed else "run.rerun")
    run_id = _asking(partial(start_rerun, session.workspace, session.store, run, only_failed=only_failed), yes=yes)
    return _report(session, run_id, detach=detach, as_json=as_json)


@click.command("cancel")
@click.argument("run", type=int)
@click.option("--reason", help="Why; it is kept.")
@yes_option
@json_option
@pass_session
def cancel_command(session: Session, run: int, reason: str | None, yes: bool, as_json: bool) -> None:
    """End a run and everything it started; a second time ends it at once.

    On a terminal, a service that answers for production is ended only when its name is typed.
    """
    from opsconsole.runs.execute.cancel import cancel

    record = the_run(session.store, run)
    serves = record.purpose is RunPurpose.SERVE
    session.permit("service.stop" if serves else "run.cancel")
    if serves and not record.state.final and sys.stdin.isatty():
        confirm(f"{record.repo}/{record.pipeline}", f"run {run} serves production", yes=yes)
    cancel(session.workspace, session.store, run, reason=reason)
    record = the_run(session.store, run)
    emit(run_json(session.workspace, session.store, record), f"run {run} is asked to end", as_json=as_json)


@click.command("plan")
@click.argument("target", metavar="REPO[/PIPELINE]")
@click.option("--rev", help="The revision; default: what is checked out.")
@json_option
@pass_session
def plan_command(session: Session, target: str, rev: str | None, as_json: bool) -> None:
    """Show what would run, and why."""
    from opsconsole.runs.plan.planner import plan

    emit_plan(plan(session.workspace, session.store, target, rev=rev), as_json=as_json)


def _require_contained(session: Session, target: str, rev: str | None, branch: str) -> None:
    """UsageError for a branch that does not contain the revision."""
    from opsconsole.repos import registration
    from opsconsole.repos.commits import is_contained, resolve_rev

    repo = registration.named(session.workspace, session.store, target.partition("/")[0])
    commit = resolve_rev(repo.path, rev or "HEAD").id
    if not is_contained(repo.path, commit, branch):
        raise UsageError(
            f"branch {branch!r} does not contain {commit[:12]}", hint="leave --branch out, or name one that does"
        )


def _asking(begin: Callable[..., int], *, yes: bool) -> int:
    """Start a run; what is asked about is asked on a terminal, and refused where there is none."""
    try:
        return begin(asked=yes)
    except ConfirmationError as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        say(error.message, err=True)
        if not click.confirm("Run it without secrets?", default=False, err=True):
            raise RefusedError("nothing was started") from error
        return begin(asked=True)


def _report(session: Session, run_id: int, *, detach: bool, as_json: bool) -> int:
    if not detach:
        say(f"run {run_id}", err=True)
        interrupted = _watch(session, run_id)
        record = the_run(session.store, run_id)
        emit(run_json(session.workspace, session.store, record), run_line(record), as_json=as_json)
        if interrupted:
            return int(ExitCode.INTERRUPTED)
        return int(ExitCode.OK if record.state is RunState.PASSED else ExitCode.NO)
    record = the_run(session.store, run_id)
    emit(run_json(session.workspace, session.store, record), f"run {run_id} started", as_json=as_json)
    return int(ExitCode.OK)


def _watch(session: Session, run_id: int) -> bool:
    """Follow a run to its end; return whether the operator interrupted it."""
    from opsconsole.runs.execute.follow import follow

    with _interrupts(session, run_id) as asked:
        follow(session.workspace, session.store, run_id, on_output=show_piece)
    return bool(asked)


@contextmanager
def _interrupts(session: Session, run_id: int) -> Iterator[list[int]]:
    """Turn Ctrl-C into a cancel of the run; a hang-up or TERM ends only this process.

    The handler itself only notes that it was asked: it may come in the middle of a write or a query of ours. A thread
    with a store of its own does the rest.
    """
    asked: list[int] = []
    requests: SimpleQueue[int | None] = SimpleQueue()

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's signature
        asked.append(number)
        requests.put(len(asked))

    before = signal.signal(signal.SIGINT, interrupt)
    canceller = threading.Thread(target=_cancel_when_asked, args=(session.workspace, run_id, requests), daemon=True)
    canceller.start()
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
        requests.put(None)
        canceller.join()


def _cancel_when_asked(workspace: Workspace, run_id: int, requests: SimpleQueue[int | None]) -> None:
    from opsconsole.runs.execute.cancel import cancel

    while (count := requests.get()) is not None:
        say("cancelling; again kills" if count == 1 else "killing", err=True)
        try:
            with open_store(workspace.state) as store:
                cancel(workspace, store, run_id)
        except OpsconsoleError as error:
            say(error.message, err=True)


def show_piece(piece: LogPiece) -> None:
    """Write a piece of a log to stderr; harmless when that is a terminal, raw when it is not."""
    if sys.stderr.isatty():
        say(piece.data, err=True, nl=False)
    else:
        sys.stderr.buffer.write(piece.data)
        sys.stderr.buffer.flush()
