"""``opsconsole tests | flaky | history | compare``: test cases of a run, and over runs."""

from __future__ import annotations

from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.cli.shown import the_run
from opsconsole.core import clock, text
from opsconsole.core.errors import NotFoundError
from opsconsole.repos import registration
from opsconsole.runs.analyse.comparison import Comparison, Test, compare
from opsconsole.store import runs, test_history, test_results

EVERY = 1_000_000


@click.command("tests")
@click.argument("run", type=int)
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--slowest", type=click.IntRange(1), metavar="N", help="The N slowest, with what they took before.")
@json_option
@pass_session
def tests_command(session: Session, run: int, failed: bool, slowest: int | None, as_json: bool) -> None:
    """List the test cases of a run."""
    the_run(session.store, run)
    if slowest is not None:
        _slowest(session, run, slowest, as_json=as_json)
        return
    listed = test_results.failed(session.store, run) if failed else test_results.of_run(session.store, run, limit=EVERY)
    data = [{"id": case.test_id, **as_dict(case)} for case in listed]
    rows = [
        (
            case.outcome,
            f"{case.test_id}{f' [{case.variant}]' if case.variant else ''}",
            text.duration(case.duration_s),
            (case.message or "").splitlines()[0] if case.message else "",
        )
        for case in listed
    ]
    head = ("outcome", "test", "took", "message")
    emit(data, table(head, rows, right=(2,)) if rows else "no tests reported", as_json=as_json)


@click.command("flaky")
@click.argument("repo")
@json_option
@pass_session
def flaky_command(session: Session, repo: str, as_json: bool) -> None:
    """List the tests of a repo that contradict themselves: both outcomes at one commit, or back and forth."""
    registration.named(session.workspace, session.store, repo)
    listed = test_history.flaky(session.store, repo)
    data = [
        {
            "id": test.name,
            "pipeline": test.pipeline,
            "variant": test.variant,
            "flips": test.flips,
            "contradictions": test.flaky,
            "rate": round(test.rate, 4),
            "runs": test.runs,
            "failed": test.bad,
            "last_seen": _last_seen(session, test),
        }
        for test in listed
    ]
    rows = [
        (text.percent(test.rate, 1), test.flaky, test.flips, f"{test.bad} of {test.runs}", test.name) for test in listed
    ]
    head = ("rate", "at one commit", "flips", "failed", "test")
    emit(data, table(head, rows, right=(0, 1, 2, 3)) if rows else "no flaky tests are known", as_json=as_json)


@click.command("history")
@click.argument("repo")
@click.argument("test")
@click.option("--pipeline", default="build", show_default=True)
@click.option("--variant", default="", help="Of a matrix.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@pass_session
def history_command(
    session: Session, repo: str, test: str, pipeline: str, variant: str, limit: int, as_json: bool
) -> None:
    """Show what one test came to, run by run, newest first."""
    known = test_history.find(session.store, repo, test, pipeline=pipeline, variant=variant)
    if known is None:
        raise NotFoundError(f"{repo}/{pipeline} has no test {test!r}", hint="opsconsole tests RUN lists their names")
    listed = test_history.history(session.store, known.id, limit=limit)
    data = []
    for case in listed:
        record = the_run(session.store, case.run_id)
        data.append(
            {
                "run": case.run_id,
                "commit": record.commit,
                "at": clock.to_text(record.created_at),
                "outcome": case.outcome,
                "duration_s": case.duration_s,
                "message": case.message,
            }
        )
    rows = [
        (
            f"#{item['run']}",
            str(item["commit"])[:7],
            item["outcome"],
            text.duration(case.duration_s),
            case.message or "",
        )
        for item, case in zip(data, listed, strict=True)
    ]
    emit(data, table(("run", "commit", "outcome", "took", "message"), rows, right=(0, 3)), as_json=as_json)


@click.command("compare")
@click.argument("before", type=int)
@click.argument("after", type=int)
@json_option
@pass_session
def compare_command(session: Session, before: int, after: int, as_json: bool) -> None:
    """Compare two runs: what broke, was mended, came, went, grew slow."""
    for run in (before, after):
        the_run(session.store, run)
    comparison = compare(test_history.outcomes(session.store, before), test_history.outcomes(session.store, after))
    emit(_comparison_json(before, after, comparison), _comparison_lines(before, after, comparison), as_json=as_json)


def _slowest(session: Session, run: int, count: int, *, as_json: bool) -> None:
    slowest = test_history.slowest(session.store, run, limit=count)
    data = [
        {"id": test.name, "variant": test.variant, "seconds": test.seconds, "before": test.before} for test in slowest
    ]
    rows = [
        (text.duration(test.seconds), "" if test.before is None else text.duration(test.before), test.name)
        for test in slowest
    ]
    emit(data, table(("took", "before", "test"), rows, right=(0, 1)) if rows else "no times reported", as_json=as_json)


def _last_seen(session: Session, test: test_history.TestRecord) -> str | None:
    if test.flaky_at is not None:
        return clock.to_text(test.flaky_at)
    last = runs.get(session.store, test.last_run) if test.last_run is not None else None
    return clock.to_text(last.created_at) if last is not None else None


def _comparison_json(before: int, after: int, comparison: Comparison) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "broken": [_named(test) for test in comparison.broken],
        "mended": [_named(test) for test in comparison.mended],
        "still_broken": [_named(test) for test in comparison.still_broken],
        "added": [_named(test) for test in comparison.added],
        "gone": [_named(test) for test in comparison.gone],
        "slower": [
            {"id": _named(item.test), "before_s": item.before, "after_s": item.after} for item in comparison.slower
        ],
    }


def _comparison_lines(before: int, after: int, comparison: Comparison) -> list[str]:
    lines = [f"run {before} → run {after}"]
    for word in ("broken", "mended", "still_broken", "added", "gone"):
        tests: tuple[Test, ...] = getattr(comparison, word)
        if tests:
            lines.append(f"{word.replace('_', ' ')}  {len(tests)}")
            lines += [f"  {text.clean(_named(test))}" for test in tests[:20]]
            lines += [f"  … and {len(tests) - 20} more"] if len(tests) > 20 else []
    if comparison.slower:
        lines.append(f"slower  {len(comparison.slower)}")
        lines += [
            f"  {text.duration(item.before)} → {text.duration(item.after)}  {text.clean(_named(item.test))}"
            for item in comparison.slower[:20]
        ]
    return lines if len(lines) > 1 else [*lines, "no test differs"]


def _named(test: Test) -> str:
    variant, name = test
    return f"{name} [{variant}]" if variant else name
