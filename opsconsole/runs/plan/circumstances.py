"""The inputs of one plan (commit, ref, trust, interpreter), and its steps: conditions, cache keys, secrets."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.config.schema import ConditionConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core.globs import matches
from opsconsole.repos.commits import changed_paths, list_blobs
from opsconsole.repos.interpreters import Interpreter
from opsconsole.repos.standing import Owner
from opsconsole.runs.analyse.changes import last_green
from opsconsole.runs.plan.cache_keys import Wanted, with_keys
from opsconsole.runs.plan.ref_access import RefAccess, without_secrets
from opsconsole.runs.plan.steps import Choice, ordered_steps, wanted_caches
from opsconsole.runs.record.secrets import readable
from opsconsole.runs.record.spec import Pairs, PlannedSecret, PlannedStep
from opsconsole.runs.steps.environment import steps_path
from opsconsole.store.connection import Store
from opsconsole.testrunners.detection import narrowed

OWN_REACH = RefAccess(Owner.OWN, "own")


@dataclass(frozen=True)
class Circumstances:
    """What decides the steps of one plan."""

    workspace: Workspace
    store: Store
    repo: str
    path: Path
    commit: str
    branch: str | None
    choice: Choice
    interpreter: Interpreter
    environment: Pairs
    only: tuple[str, ...] = ()
    """Tests that the run is to be narrowed to."""
    trusted: bool = True
    """Commands of the repo's may be run: the operator trusted it."""
    reach: RefAccess = OWN_REACH

    def steps(self) -> tuple[PlannedStep, ...]:
        """Return the steps with what is known of them before anything runs: conditions and keys of kept results."""
        steps = self._decided(ordered_steps(self.choice))
        run = self.narrowed()
        if run is not None:
            steps = (*steps[:-1], replace(steps[-1], run=run))
        if not self.reach.gets_secrets:
            steps = without_secrets(steps)
        wanted = self._wanted(steps)
        if not wanted:
            return steps
        blobs = list_blobs(self.path, self.commit)
        context = f"{self.environment} {self.interpreter.path} {self.reach.scope}"
        return with_keys(steps, wanted, blobs, self._search_path(), context, ask_tools=self.trusted)

    def _wanted(self, steps: tuple[PlannedStep, ...]) -> dict[str, Wanted]:
        """Return what is kept; of a ref that is asked about, nothing that only its own commands could tell."""
        wanted = wanted_caches(self.choice, steps)
        if self.reach.gets_secrets or self.choice.detection is not None:
            return wanted
        return {name: item for name, item in wanted.items() if not item.versions}

    def narrowed(self) -> str | None:
        """Return the test step's command for the wanted tests alone; None when all run, or its runner cannot do it."""
        if not self.only or self.choice.detection is None:
            return None
        return narrowed(self.choice.detection, list(self.only))

    def secrets(self, steps: tuple[PlannedStep, ...]) -> tuple[PlannedSecret, ...]:
        """Return where the secrets that the steps name come from."""
        known = self.workspace.config.secrets
        names = dict.fromkeys(name for step in steps for name in step.secrets)
        return tuple(
            PlannedSecret(name, known[name].env, known[name].file) if name in known else PlannedSecret(name, name)
            for name in names
        )

    def absent(self, secrets: tuple[PlannedSecret, ...]) -> tuple[str, ...]:
        """Return what is surely needed and not here: programs of a detected runner, secrets that cannot be read."""
        needed = self.choice.detection.programs if self.choice.detection is not None else ()
        path = self._search_path()
        programs = [f"{program}: not found on PATH" for program in needed if shutil.which(program, path=path) is None]
        return (*programs, *readable(secrets, os.environ)[1])

    def _search_path(self) -> str:
        return steps_path(self.interpreter.path, os.environ)

    def _decided(self, steps: tuple[PlannedStep, ...]) -> tuple[PlannedStep, ...]:
        """Leave out the steps whose condition on branch or files says no."""
        rules = {
            step.name: step.condition
            for step in self.choice.pipeline.steps
            if isinstance(step.condition, ConditionConfig)
        }
        if not rules:
            return steps
        return tuple(
            replace(step, skip=self._refused(rules[name]))
            if (name := step.name if step.name in rules else step.name.partition(".")[0]) in rules
            else step
            for step in steps
        )

    def _refused(self, rule: ConditionConfig) -> str | None:
        """Return why a step is left out; None when all of its rule holds."""
        if rule.branch and not matches(self.branch or "", rule.branch):
            return f"branch {self.branch or '(detached)'} is not {' or '.join(rule.branch)}"
        if rule.changed:
            green = last_green(self.store, self.repo, self.path, self.choice.name, self.commit)
            changed = changed_paths(self.path, green.commit if green is not None else None, self.commit)
            if not any(matches(path, rule.changed) for path in changed):
                since = f"run {green.id}" if green is not None else "the commit before"
                return f"nothing that matches {' or '.join(rule.changed)} changed since {since}"
        return None
