"""Bisecting: runs between a good and a bad commit, several at once, judged by one test or by the whole build.

Each probe is a run like any other (clean checkout, log, cancel), so what was learned before is used again, and what is
learned here stays. The search itself can be a run too, so that it outlives the terminal.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, NotFoundError, StoreError
from opsconsole.core.nouns import PipelineKind, RunCause, RunPurpose, RunState, TestOutcome
from opsconsole.core.process import own_python
from opsconsole.lifecycle.software.building import start_run
from opsconsole.lifecycle.usecases import command
from opsconsole.repos import registration
from opsconsole.repos.bisection import between
from opsconsole.repos.commits import author_of, resolve_rev
from opsconsole.repos.status import subject_of
from opsconsole.runs.execute.cancel import cancel
from opsconsole.runs.execute.finalize import intake_command
from opsconsole.runs.execute.follow import wait
from opsconsole.runs.execute.launch import start
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.record.folder import run_folder
from opsconsole.runs.record.spec import Plan, PlannedStep, RunSpec
from opsconsole.store import bisections, events, runs, test_history
from opsconsole.store.bisections import Bisection
from opsconsole.store.connection import Store
from opsconsole.store.runs import Cause, RunRecord

AT_ONCE = 4
PIPELINE = "bisect"


@dataclass(frozen=True)
class Question:
    """What is asked."""

    repo: str
    pipeline: str
    good: tuple[str, ...]
    """Full commit names."""
    bad: str
    test: str | None
    """None: a commit is bad when its build fails."""


@dataclass(frozen=True)
class Probe:
    """The verdict on one commit."""

    commit: str
    run: int
    verdict: str
    """``good``, ``bad``, ``skip``."""
    known: bool
    """It had run before."""


@dataclass(frozen=True)
class Verdict:
    """The answer."""

    first_bad: str | None
    """None when only skipped commits are left: one of ``candidates`` it is."""
    candidates: tuple[str, ...]
    subject: str
    author: str
    probes: tuple[Probe, ...]


def asked(workspace: Workspace, store: Store, target: str, *, good: str, bad: str, test: str | None) -> Question:
    """Return the question with its revisions as commits; NotFoundError for one that is none, and for an unknown test."""
    name, _, pipeline = target.partition("/")
    repo = registration.named(workspace, store, name)
    registration.require_trust(repo)
    ends = resolve_rev(repo.path, good).id, resolve_rev(repo.path, bad).id
    planned = plan(workspace, store, target, rev=bad)
    question = Question(name, pipeline or planned.pipeline, (ends[0],), ends[1], test)
    if test is not None:
        _require_test(store, question, test)
    return question


def _require_test(store: Store, question: Question, test: str) -> None:
    """NotFoundError for a test that no run of a pipeline whose tests are known ever reported, with the nearest name."""
    known = test_history.names(store, question.repo, question.pipeline)
    if known and test not in known:
        near = difflib.get_close_matches(test, known, n=1, cutoff=0.5)
        raise _unknown_test(question, f"did you mean {near[0]!r}?" if near else "opsconsole tests RUN lists a run's")


def _unknown_test(question: Question, hint: str) -> NotFoundError:
    where = f"{question.repo}/{question.pipeline}"
    return NotFoundError(f"no run of {where} ever reported a test {question.test!r}", hint=hint)


def bisect(workspace: Workspace, store: Store, question: Question, tell: Callable[[str], None]) -> Verdict:
    """Find the first bad commit; ``tell`` hears what happens, a line at a time.

    ConflictError when what is known of the two ends contradicts the question. Interrupted, it cancels its probes.
    """
    repo = registration.named(workspace, store, question.repo)
    search = between(repo.path, question.good, question.bad)
    _refuse_contradictions(workspace, store, question)
    probes: list[Probe] = []
    at_once = min(AT_ONCE, workspace.config.workspace.slots, os.cpu_count() or 1)
    if question.test is not None and not test_history.names(store, question.repo, question.pipeline):
        (end,) = _try(workspace, store, question, [question.bad], tell)
        if end.verdict == "skip":
            raise _unknown_test(question, f"run {end.run} of the bad end does not report it")
        probes.append(end)
    while search.first_bad is None and not search.stuck:
        tell(f"{len(search.parents):,} commits are left; {len(probes)} tried")
        for probe in _try(workspace, store, question, search.next(at_once), tell):
            probes.append(probe)
            search = (
                search.without(probe.commit)
                if probe.verdict == "skip"
                else search.after(probe.commit, bad=probe.verdict == "bad")
            )
    first_bad = search.first_bad
    verdict = Verdict(
        first_bad=first_bad,
        candidates=tuple(search.parents),
        subject=subject_of(repo.path, first_bad or search.bad),
        author=author_of(repo.path, first_bad or search.bad),
        probes=tuple(probes),
    )
    _record(workspace, store, question, verdict)
    return verdict


def start_bisect(workspace: Workspace, store: Store, question: Question) -> int:
    """Start the search as a run of its own, which goes on without us; return its id."""
    repo = registration.named(workspace, store, question.repo)
    words = ["bisect", f"{question.repo}/{question.pipeline}", "--good", question.good[0], "--bad", question.bad]
    words += ["--test", question.test] if question.test is not None else []
    line = shlex.join(own_python("opsconsole", "-C", str(workspace.root), *words))
    python = Path(own_python("opsconsole")[0])
    planned = Plan(
        repo=question.repo,
        repo_path=repo.path,
        pipeline=PIPELINE,
        kind=PipelineKind.TASK,
        commit=question.bad,
        branch=None,
        subject=subject_of(repo.path, question.bad),
        dirty=False,
        steps=(PlannedStep(PIPELINE, line),),
        environment=(),
        passed_on=("XDG_STATE_HOME",),
        runner=None,
        reason="asked for",
        interpreter=python,
        interpreter_reason="the one that runs opsconsole",
        missing=(),
    )
    return start(
        workspace,
        store,
        planned,
        intake=intake_command(workspace.root),
        reason=_asked_line(question),
        purpose=RunPurpose.SEARCH,
    )


def last_good(store: Store, repo: str, pipeline: str, bad: RunRecord, test: str | None) -> str | None:
    """Return the commit of the newest run before a bad one that was good: where a search begins."""
    if test is None:
        green = runs.page(
            store, repo=repo, pipeline=pipeline, state=RunState.PASSED, whole=True, before=bad.id, limit=1
        )
        return green[0].commit if green else None
    known = test_history.find(store, repo, test, pipeline=pipeline)
    if known is None:
        return None
    past = test_history.history(store, known.id, before=bad.id, limit=200)
    passed = next((case for case in past if case.outcome is TestOutcome.PASSED), None)
    record = runs.get(store, passed.run_id) if passed is not None else None
    return record.commit if record is not None else None


def _refuse_contradictions(workspace: Workspace, store: Store, question: Question) -> None:
    for commit, wanted in ((question.bad, "bad"), *((good, "good") for good in question.good)):
        known = _known(workspace, store, question, commit)
        if known is not None and known.verdict not in {wanted, "skip"}:
            raise ConflictError(
                f"{commit[:12]} was named as {wanted}, but run {known.run} says {known.verdict}",
                hint=f"opsconsole show {known.run}; name other ends",
            )


def _try(
    workspace: Workspace, store: Store, question: Question, commits: list[str], tell: Callable[[str], None]
) -> list[Probe]:
    probes = [probe for commit in commits if (probe := _known(workspace, store, question, commit)) is not None]
    known = {probe.commit for probe in probes}
    started: dict[str, int] = {}
    try:
        for commit in commits:
            if commit not in known:
                started[commit] = _start(workspace, store, question, commit)
        for commit, run_id in started.items():
            wait(workspace, store, run_id)
            probes.append(_verdict_of(store, question, commit, run_id, known=False))
    except BaseException:
        _cancel_all(workspace, store, list(started.values()))
        raise
    for probe in probes:
        again = " (known)" if probe.known else ""
        tell(f"{probe.commit[:12]}  {probe.verdict:<4}  run {probe.run}{again}")
    return probes


def _start(workspace: Workspace, store: Store, question: Question, commit: str) -> int:
    only = (question.test,) if question.test is not None else ()
    target = f"{question.repo}/{question.pipeline}"
    return start_run(
        workspace,
        store,
        target,
        rev=commit,
        only_tests=only,
        reason=_asked_line(question),
        cause=Cause(RunCause.BISECT),
        purpose=RunPurpose.PROBE,
    )


def _cancel_all(workspace: Workspace, store: Store, started: list[int]) -> None:
    for run_id in started:
        record = runs.get(store, run_id)
        if record is not None and not record.state.final:
            cancel(workspace, store, run_id, reason="the search was interrupted")


def _known(workspace: Workspace, store: Store, question: Question, commit: str) -> Probe | None:
    """Return what a run of before says of a commit; None when none says anything."""
    for record in runs.page(store, repo=question.repo, pipeline=question.pipeline, commit=commit, limit=20):
        if record.state.final and (question.test is not None or _was_whole(workspace, record)):
            probe = _verdict_of(store, question, commit, record.id, known=True)
            if probe.verdict != "skip":
                return probe
    return None


def _was_whole(workspace: Workspace, record: RunRecord) -> bool:
    """Whether a run built all of the pipeline: a probe may have been narrowed to one test."""
    if record.purpose is not RunPurpose.PROBE:
        return record.purpose is RunPurpose.FULL
    try:
        return not RunSpec.read(run_folder(workspace.state, record.id).order).plan.only
    except StoreError:
        return False  # its folder was pruned


def _verdict_of(store: Store, question: Question, commit: str, run_id: int, *, known: bool) -> Probe:
    record = runs.get(store, run_id)
    assert record is not None
    verdict = "skip"
    if question.test is not None:
        outcomes = {name: outcome for (_, name), (outcome, _) in test_history.outcomes(store, run_id).items()}
        outcome = outcomes.get(question.test)
        if outcome in {TestOutcome.FAILED, TestOutcome.ERROR}:
            verdict = "bad"
        elif outcome is TestOutcome.PASSED:
            verdict = "good"
    elif record.state is RunState.PASSED:
        verdict = "good"
    elif record.state is RunState.FAILED:
        verdict = "bad"
    return Probe(commit, run_id, verdict, known)


def _asked_line(question: Question) -> str:
    what = question.test or f"{question.repo}/{question.pipeline}"
    return f"which commit broke {what}"


def _own_run(workspace: Workspace) -> int | None:
    """Return the run that this search is; None when a terminal asked."""
    number, root = os.environ.get("OPSCONSOLE_RUN_ID", ""), os.environ.get("OPSCONSOLE_WORKSPACE")
    return int(number) if number.isdigit() and root == str(workspace.root) else None


def _record(workspace: Workspace, store: Store, question: Question, verdict: Verdict) -> None:
    bisection = None
    if verdict.first_bad is not None:
        bisection = Bisection(
            repo=question.repo,
            pipeline=question.pipeline,
            test=question.test,
            good=question.good[0],
            bad=question.bad,
            first_bad=verdict.first_bad,
            subject=verdict.subject,
            author=verdict.author,
            run_id=_own_run(workspace),
            found_at=clock.now(),
        )
    values = {"target": f"{question.repo}/{question.pipeline}", "good": question.good[0], "bad": question.bad}
    with store.immediate() as connection:
        if bisection is not None:
            bisections.put(connection, bisection)
        events.record(
            connection,
            "bisect.found" if verdict.first_bad else "bisect.narrowed",
            f"repo {question.repo}",
            command=command("run.bisect", test=question.test or "", **values),
            detail={"first_bad": verdict.first_bad, "test": question.test, "probes": len(verdict.probes)},
        )
