"""What would run, and why: read from the workspace's file and from the commit itself, nothing is checked out or run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.config.load import FILE_NAME, convert, parse
from opsconsole.config.schema import ConditionConfig, Name, PipelineConfig
from opsconsole.config.workspace import Workspace
from opsconsole.ground.errors import ConfigError, UsageError
from opsconsole.ground.git import ask
from opsconsole.ground.globs import matches
from opsconsole.ground.nouns import RunState
from opsconsole.repos import interpreters, pool, registration
from opsconsole.repos.commits import changed_paths, list_blobs, list_files, read_files, resolve_rev
from opsconsole.repos.detection import detect, narrowed
from opsconsole.repos.interpreters import Interpreter
from opsconsole.repos.status import look
from opsconsole.runs.environment import steps_path
from opsconsole.runs.keys import with_keys
from opsconsole.runs.order import Pairs, Plan, PlannedSecret, PlannedStep
from opsconsole.runs.planning import Choice, choose, missing_programs, ordered_steps, planned_services, wanted_caches
from opsconsole.runs.secrets import readable
from opsconsole.store import runs
from opsconsole.store.connection import Store


def plan(
    workspace: Workspace,
    store: Store,
    target: str,
    *,
    rev: str | None = None,
    environment: Mapping[str, str] | None = None,
    only_tests: tuple[str, ...] = (),
) -> Plan:
    """Return what a run of ``REPO`` or ``REPO/PIPELINE`` would do at ``rev`` (default: what is checked out).

    ``environment`` is added for every step; ``only_tests`` narrows a detected test run to these ids. A repo that
    was not trusted can be planned (nothing of it runs), but not started. NotFoundError for an unknown repo, revision or
    pipeline and for an empty repo; ConfigError for a pipeline that cannot be used as it stands.
    """
    name, _, pipeline = target.partition("/")
    repo = registration.named(workspace, store, name)
    commit = resolve_rev(repo.path, rev or "HEAD")
    status = look(repo.path, trusted=repo.trusted)
    configured = workspace.config.repos.get(name)
    sources = [(f"{FILE_NAME} of the workspace", configured.pipelines if configured else {})]
    sources += own_pipelines(repo.path, commit.id)
    detections = detect(repo.path, commit.id, isolated=False)
    choice = choose(name, pipeline or None, sources, detections)
    interpreter = interpreters.choose(repo.path, choice.pipeline.interpreter)
    here = commit.id == status.commit
    branch = status.branch if here else _branch(repo.path, rev)
    settings = _Settings(
        workspace=workspace,
        store=store,
        repo=name,
        path=repo.path,
        commit=commit.id,
        branch=branch,
        choice=choice,
        interpreter=interpreter,
        environment=tuple(sorted((choice.pipeline.env | dict(environment or {})).items())),
    )
    steps = settings.steps()
    run = narrowed(detections[0], list(only_tests)) if only_tests and choice.runner is not None else None
    if run is not None:
        steps = (*steps[:-1], replace(steps[-1], run=run))
    secrets = settings.secrets(steps)
    return Plan(
        repo=name,
        repo_path=repo.path,
        pipeline=choice.name,
        kind=choice.pipeline.kind,
        commit=commit.id,
        branch=branch,
        subject=commit.subject,
        dirty=status.dirty and here,
        steps=steps,
        environment=settings.environment,
        passed_on=tuple(choice.pipeline.pass_env),
        runner=choice.runner,
        reason=choice.source,
        interpreter=interpreter.path,
        interpreter_reason=interpreter.reason,
        missing=_missing(steps, interpreter, choice.runner),
        absent=tuple(readable(secrets, os.environ)[1]),
        timeout=None if choice.pipeline.timeout is None else float(choice.pipeline.timeout),
        parallel=choice.pipeline.parallel,
        services=planned_services(choice.pipeline),
        secrets=secrets,
        log_limit=workspace.config.workspace.log_limit,
        slots=configured.slots if configured else None,
        supersede=choice.pipeline.supersede,
        checkout="submodules" if configured is not None and configured.submodules else "",
        pooled=len(list_files(repo.path, commit.id)) >= pool.LARGE,
        only=only_tests if run is not None else (),
    )


@dataclass(frozen=True)
class _Settings:
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

    def steps(self) -> tuple[PlannedStep, ...]:
        """Return the steps with what is known of them before anything runs: conditions and keys of kept results."""
        steps = self._decided(ordered_steps(self.choice))
        wanted = wanted_caches(self.choice.pipeline, steps)
        if not wanted:
            return steps
        blobs = list_blobs(self.path, self.commit)
        path = steps_path(self.interpreter.path, os.environ)
        return with_keys(steps, wanted, blobs, path, f"{self.environment} {self.interpreter.path}")

    def secrets(self, steps: tuple[PlannedStep, ...]) -> tuple[PlannedSecret, ...]:
        """Return where the secrets that the steps name come from."""
        known = self.workspace.config.secrets
        names = dict.fromkeys(name for step in steps for name in step.secrets)
        return tuple(
            PlannedSecret(name, known[name].env, known[name].file) if name in known else PlannedSecret(name, name)
            for name in names
        )

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
            green = runs.latest(self.store, self.repo, pipeline=self.choice.name, state=RunState.PASSED)
            base = green.commit if green is not None else None
            changed = changed_paths(self.path, base, self.commit)
            if not any(matches(path, rule.changed) for path in changed):
                since = f"run {green.id}" if green is not None else "the commit before"
                return f"nothing that matches {' or '.join(rule.changed)} changed since {since}"
        return None


def own_pipelines(repo: Path, commit: str) -> list[tuple[str, dict[str, PipelineConfig]]]:
    """Return the pipelines that the repo itself brings at a commit, with the file each set stands in."""
    found = []
    for file, content in read_files(repo, commit, [FILE_NAME, "pyproject.toml"]).items():
        source = f"{file} at {commit[:12]}"
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{source}: {error}") from error
        prefix = ("pipelines",) if file == FILE_NAME else ("tool", "opsconsole", "pipelines")
        data: object = parse(text, source)
        for key in prefix:
            data = data.get(key, {}) if isinstance(data, dict) else {}
        found.append((source, convert(data, dict[Name, PipelineConfig], text=text, source=source, prefix=prefix)))
    return found


def operator_environment(pairs: list[str]) -> dict[str, str]:
    """Read ``K=V`` words of a command line; UsageError on one without ``=``."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{pair!r} is no variable", hint="write NAME=VALUE")
        found[key] = value
    return found


def _branch(repo: Path, rev: str | None) -> str | None:
    if rev is None:
        return None
    answer = ask(repo, "show-ref", "--verify", "--quiet", f"refs/heads/{rev}")
    return rev if answer.exit_code == 0 else None


def _missing(steps: tuple[PlannedStep, ...], interpreter: Interpreter, runner: str | None) -> tuple[str, ...]:
    missing = missing_programs(steps, steps_path(interpreter.path, os.environ))
    home = interpreter.environment
    if runner == "pytest" and home is not None and not _has_pytest(home):
        missing += (f"pytest in {home}",)
    return missing


def _has_pytest(environment: Path) -> bool:
    if any(environment.glob("lib/python*/site-packages/pytest")):
        return True
    settings = (environment / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").replace(" ", "").lower()
    return "include-system-site-packages=true" in settings
