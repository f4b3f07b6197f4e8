"""Choosing the next step: pure, from the plan and the states of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsconsole.core.nouns import StepState
from opsconsole.runs.record.spec import PlannedStep
from opsconsole.runs.steps.protocol import StepEnd

GOOD = frozenset({StepState.PASSED, StepState.CACHED, StepState.SKIPPED})
"""What lets those who need a step go on."""
AT_WORK = frozenset({StepState.QUEUED, StepState.RUNNING})


@dataclass(frozen=True)
class Decision:
    """What to do now."""

    start: tuple[PlannedStep, ...]
    over: tuple[tuple[PlannedStep, StepEnd], ...]
    """Steps that will not run, and why."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.start or self.over)


def decide(
    steps: Sequence[PlannedStep], states: Mapping[str, StepState], *, parallel: int, cancelled: bool, killed: bool
) -> Decision:
    """Return which steps start now, at most ``parallel`` at work, and which are over without having run.

    ``states`` knows the steps that began (``running``) or are over. After a cancel only ``always`` steps still start;
    after a second one (``killed``) none does.
    """
    room = parallel - sum(state in AT_WORK for state in states.values())
    start: list[PlannedStep] = []
    over: list[tuple[PlannedStep, StepEnd]] = []
    for step in steps:
        if step.name in states:
            continue
        end = _left_out(step, states, cancelled=cancelled, killed=killed)
        if end is not None:
            over.append((step, end))
        elif _ready(step, states) and room > 0:
            start.append(step)
            room -= 1
    return Decision(tuple(start), tuple(over))


def _left_out(step: PlannedStep, states: Mapping[str, StepState], *, cancelled: bool, killed: bool) -> StepEnd | None:
    """Return the end of a step that will never run; None when it may yet."""
    if killed or (cancelled and not step.always):
        return StepEnd(StepState.NOT_REACHED)
    bad = next((need for need in step.needs if states.get(need, StepState.QUEUED) not in GOOD | AT_WORK), None)
    if bad is not None and not step.always:
        return StepEnd(StepState.NOT_REACHED, note=f"{bad} did not pass")
    if step.skip is not None and _ready(step, states):
        return StepEnd(StepState.SKIPPED, note=step.skip)
    return None


def _ready(step: PlannedStep, states: Mapping[str, StepState]) -> bool:
    """Whether all that it needs is over; whether that was good was asked before."""
    return all(need in states and states[need] not in AT_WORK for need in step.needs)
