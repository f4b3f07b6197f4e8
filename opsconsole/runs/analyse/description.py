"""A run in words: which pipeline of which repo, at which step it broke, in which test, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.core import text
from opsconsole.core.nouns import RunState, StepState
from opsconsole.runs.execute.slots import QueueLook, Waiting
from opsconsole.store import steps, test_results
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord
from opsconsole.store.test_results import TestResult

BROKEN = (StepState.ERROR, StepState.TIMED_OUT, StepState.FAILED, StepState.LOST)
NAMED = 3
"""Runs that are named of those that hold what another waits for."""


@dataclass(frozen=True)
class Breakage:
    """Where a run broke."""

    step: str | None
    """The first step that went wrong; None when none did."""
    tests: tuple[TestResult, ...]
    """The first failed tests."""
    more: int
    """Failed tests besides those."""


def breakage(store: Store, run: RunRecord, *, limit: int = 10) -> Breakage:
    """Return the step and the tests that broke a run."""
    own = steps.of_run(store, run.id)
    step = next((item.name for item in own if item.state in BROKEN), None)
    bad = 0 if run.tests is None else run.tests.failed + run.tests.errors
    shown = tuple(test_results.failed(store, run.id, limit=limit)) if bad else ()
    return Breakage(step, shown, max(bad - len(shown), 0))


def run_words(store: Store, run: RunRecord) -> str:
    """Return a run in one line: ``api/build #31: step test, tests/test_a.py::test_x and 2 more``."""
    name = f"{run.repo}/{run.pipeline} #{run.id}"
    if not run.state.final or run.state is RunState.PASSED:
        return name
    broken = breakage(store, run, limit=1)
    parts = [f"step {broken.step}"] if broken.step else []
    if broken.tests:
        more = f" and {broken.more} more" if broken.more else ""
        parts.append(f"{text.clean(broken.tests[0].test_id, limit=80)}{more}")
    return f"{name}: {', '.join(parts)}" if parts else name


def waiting_of(look: QueueLook, run: RunRecord) -> Waiting | None:
    """Return what a queued run waits for; None for any other, and for one that waits for nothing."""
    return look.of(run.id) if run.state is RunState.QUEUED else None


def waiting_words(waiting: Waiting) -> str:
    """Return what a run waits for in words: ``waits for the slot of api: #31 at work, 2 runs before it``."""
    what = "the slot" if waiting.slots == 1 else f"one of {waiting.slots} slots"
    of = f" of {waiting.repo}" if waiting.repo is not None else ""
    names = [f"#{run}" for run in waiting.holders[:NAMED]]
    if len(waiting.holders) > NAMED:
        names.append(f"{len(waiting.holders) - NAMED} more")
    why = [f"{text.listed(names)} at work"] if names else []
    why += [f"{text.plural(len(waiting.before), 'run')} before it"] if waiting.before else []
    return f"waits for {what}{of}{': ' if why else ''}{', '.join(why)}"
