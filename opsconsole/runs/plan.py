"""What would run, and why: read from the workspace's file and from the commit itself, nothing is checked out or run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from opsconsole.config.load import FILE_NAME, convert, parse
from opsconsole.config.schema import Name, PipelineConfig
from opsconsole.config.workspace import Workspace
from opsconsole.ground.errors import ConfigError, UsageError
from opsconsole.ground.git import ask
from opsconsole.repos import interpreters, registration
from opsconsole.repos.commits import read_files, resolve_rev
from opsconsole.repos.detection import detect, narrowed
from opsconsole.repos.interpreters import Interpreter
from opsconsole.repos.status import look
from opsconsole.runs.environment import steps_path
from opsconsole.runs.order import Plan, PlannedStep
from opsconsole.runs.planning import choose, missing_programs, ordered_steps
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

    ``environment`` is added for every step; ``only_tests`` narrows a detected pytest run to these node ids. A repo that
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
    steps = ordered_steps(choice)
    run = narrowed(detections[0], list(only_tests)) if only_tests and choice.runner is not None else None
    if run is not None:
        steps = (*steps[:-1], replace(steps[-1], run=run))
    interpreter = interpreters.choose(repo.path, choice.pipeline.interpreter)
    here = commit.id == status.commit
    return Plan(
        repo=name,
        repo_path=repo.path,
        pipeline=choice.name,
        kind=choice.pipeline.kind,
        commit=commit.id,
        branch=status.branch if here else _branch(repo.path, rev),
        subject=commit.subject,
        dirty=status.dirty and here,
        steps=steps,
        environment=tuple(sorted((choice.pipeline.env | dict(environment or {})).items())),
        passed_on=tuple(choice.pipeline.pass_env),
        runner=choice.runner,
        reason=choice.source,
        interpreter=interpreter.path,
        interpreter_reason=interpreter.reason,
        missing=_missing(steps, interpreter, choice.runner),
        timeout=None if choice.pipeline.timeout is None else float(choice.pipeline.timeout),
        only=only_tests if run is not None else (),
    )


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
