"""``opsconsole bisect``: which commit broke it."""

from __future__ import annotations

from typing import Any

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, say
from opsconsole.cli.shown import run_json, the_run
from opsconsole.core import text
from opsconsole.core.errors import ExitCode


@click.command("bisect")
@click.argument("target", metavar="REPO[/PIPELINE]")
@click.option("--good", required=True, metavar="REV", help="A revision that worked.")
@click.option("--bad", required=True, metavar="REV", help="A later one that does not.")
@click.option("--test", metavar="ID", help="Only this test decides; default: the whole build.")
@click.option("--detach", is_flag=True, help="Search in a run of its own, and do not wait for it.")
@json_option
@pass_session
def bisect_command(
    session: Session, target: str, good: str, bad: str, test: str | None, detach: bool, as_json: bool
) -> int:
    """Find the first commit that is bad, trying several at once; what ran before is used again.

    Exit code 1 when only commits of which nothing can be told are left.
    """
    from opsconsole.lifecycle.software.bisecting import asked, bisect, start_bisect

    session.permit("run.bisect")
    question = asked(session.workspace, session.store, target, good=good, bad=bad, test=test)
    if detach:
        run_id = start_bisect(session.workspace, session.store, question)
        record = the_run(session.store, run_id)
        emit(run_json(session.workspace, session.store, record), f"run {run_id} searches", as_json=as_json)
        return int(ExitCode.OK)
    verdict = bisect(session.workspace, session.store, question, lambda line: say(line, err=True))
    data: dict[str, Any] = {
        "first_bad": verdict.first_bad,
        "subject": text.clean(verdict.subject),
        "author": text.clean(verdict.author),
        "steps": [
            {"commit": probe.commit, "run": probe.run, "verdict": probe.verdict, "known": probe.known}
            for probe in verdict.probes
        ],
        "candidates": list(verdict.candidates),
    }
    if verdict.first_bad is None:
        lines = ["one of these, of which nothing can be told:", *(f"  {commit}" for commit in verdict.candidates)]
    else:
        lines = [
            f"{verdict.first_bad[:12]} is the first bad commit",
            f"  “{text.clean(verdict.subject)}”",
            f"  by {text.clean(verdict.author)}",
            f"  {text.plural(len(verdict.probes), 'commit')} tried",
        ]
    emit(data, lines, as_json=as_json)
    return int(ExitCode.OK if verdict.first_bad else ExitCode.NO)
