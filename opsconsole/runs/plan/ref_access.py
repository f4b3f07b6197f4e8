"""What a run may access, by who owns its ref: secrets and passed variables are for the operator's own refs.

A ref of somebody else's is asked about, with how its pipeline differs, and gets nothing. So is a branch that lies here
and asks for more than what is checked out does: it may have been fetched from anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from opsconsole.config.schema import PipelineConfig
from opsconsole.core import text
from opsconsole.repos.standing import Owner, Standing
from opsconsole.runs.record.spec import PlannedStep

SHOWN = 120
"""Letters of a value that are shown of a difference."""


@dataclass(frozen=True)
class RefAccess:
    """What the run of a ref may reach, and what the operator is asked before it runs."""

    owner: Owner
    scope: str
    """Whose kept environments and results it may use and make: ``own``, or those of this very ref."""
    asks: tuple[str, ...] = ()
    """Why it is asked about, and how its pipeline differs; empty when it is not."""

    @property
    def gets_secrets(self) -> bool:
        """Whether steps get the secrets and variables that they name."""
        return not self.asks


def reach_of(
    standing: Standing, name: str, theirs: PipelineConfig, ours: Mapping[str, PipelineConfig], *, in_repo: bool
) -> RefAccess:
    """Return the reach of pipeline ``name`` as a ref has it.

    ``ours`` are the pipelines as the checked-out commit has them; ``in_repo``: the pipeline stands in the repo's own file,
    so that whoever wrote the ref wrote it, too.
    """
    if standing.owner is Owner.OWN:
        return RefAccess(standing.owner, "own")
    if standing.owner is Owner.TRUSTED:
        return RefAccess(standing.owner, f"ref {standing.ref}")
    differs = tuple(f"{name}: {line}" for line in differences(ours.get(name), theirs)) if in_repo else ()
    if standing.owner is Owner.FOREIGN:
        return RefAccess(
            standing.owner, f"ref {standing.ref}", (f"{standing.ref} is not yours: it was fetched", *differs)
        )
    more = sorted(_names(theirs) - {wanted for pipeline in ours.values() for wanted in _names(pipeline)})
    if in_repo and more:
        why = f"{standing.ref} asks for {', '.join(more)}, which nothing that is checked out asks for"
        return RefAccess(standing.owner, f"ref {standing.ref}", (why, *differs))
    return RefAccess(standing.owner, "own")


def without_secrets(steps: tuple[PlannedStep, ...]) -> tuple[PlannedStep, ...]:
    """Return the steps as they run where none may get a secret."""
    return tuple(replace(step, secrets=()) for step in steps)


def differences(ours: PipelineConfig | None, theirs: PipelineConfig) -> list[str]:
    """Return in words how a pipeline differs from ours, a line for each of its settings and steps."""
    if ours is None:
        return ["nothing of that name is checked out"]
    changes = []
    for field in PipelineConfig.__struct_fields__:
        before, after = getattr(ours, field), getattr(theirs, field)
        if field == "steps":
            changes += _step_differences({step.name: step for step in before}, {step.name: step for step in after})
        elif before != after:
            changes.append(f"{field} {_shown(before)} → {_shown(after)}")
    return changes


def _step_differences(before: Mapping[str, msgspec.Struct], after: Mapping[str, msgspec.Struct]) -> list[str]:
    changes = [f"step {text.clean(name)} is gone" for name in before.keys() - after.keys()]
    for name, step in after.items():
        was = before.get(name)
        if was is None:
            changes.append(f"step {text.clean(name)} is new: {_shown(getattr(step, 'run', ''))}")
            continue
        changes += [
            f"step {text.clean(name)}: {field} {_shown(getattr(was, field))} → {_shown(getattr(step, field))}"
            for field in step.__struct_fields__
            if getattr(was, field) != getattr(step, field)
        ]
    return changes


def _names(pipeline: PipelineConfig) -> set[str]:
    return {*pipeline.secrets, *pipeline.pass_env, *(name for step in pipeline.steps for name in step.secrets)}


def _shown(value: object) -> str:
    if value in (None, [], {}):
        return "nothing"
    plain = value if isinstance(value, str) else msgspec.json.encode(msgspec.to_builtins(value)).decode()
    return f"“{text.clean(plain, limit=SHOWN)}”"
