"""What would run, and why: read from the workspace's file and from the commit itself, nothing is checked out or run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from opsconsole.config.load import FILE_NAME, convert, parse
from opsconsole.config.schema import PipelineConfig, RepoConfig
from opsconsole.config.table import Name
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConfigError, UsageError
from opsconsole.repos import interpreters, pool, registration
from opsconsole.repos.commits import branch_named, list_files, read_files, resolve_rev
from opsconsole.repos.interpreters import Interpreter
from opsconsole.repos.registration import KnownRepo
from opsconsole.repos.standing import Owner, standing_of
from opsconsole.repos.status import look
from opsconsole.runs.plan.circumstances import Circumstances
from opsconsole.runs.plan.ref_access import RefAccess, reach_of
from opsconsole.runs.plan.steps import Choice, choose, missing_programs, planned_services
from opsconsole.runs.plan.writable_paths import writable_of
from opsconsole.runs.record.spec import Plan, PlannedStep
from opsconsole.runs.steps.environment import steps_path
from opsconsole.store import repos
from opsconsole.store.connection import Store
from opsconsole.testrunners.detection import detect_in


def plan(
    workspace: Workspace,
    store: Store,
    target: str,
    *,
    rev: str | None = None,
    environment: Mapping[str, str] | None = None,
    only_tests: tuple[str, ...] = (),
    branch: str | None = None,
) -> Plan:
    """Return what a run of ``REPO`` or ``REPO/PIPELINE`` would do at ``rev`` (default: what is checked out).

    ``environment`` is added for every step; ``only_tests`` narrows a detected run to these tests, where its runner can. A
    repo that was not trusted can be planned (nothing of it runs), but not started. The run's branch is the one that
    ``rev`` names, as git resolves it, or else ``branch``: that of the run that is run again. NotFoundError for an unknown
    repo, revision or pipeline and for an empty repo; ConfigError for a pipeline that cannot be used as it stands.
    """
    name, _, pipeline = target.partition("/")
    repo = registration.named(workspace, store, name)
    commit = resolve_rev(repo.path, rev or "HEAD")
    status = look(repo.path, trusted=repo.trusted)
    here = commit.id == status.commit
    configured = workspace.config.repos.get(name, RepoConfig(path=str(repo.path)))
    files = list_files(repo.path, commit.id)
    sources = [(f"{FILE_NAME} of the workspace", configured.pipelines), *own_pipelines(repo.path, commit.id)]
    interpreter = interpreters.choose(repo.path)
    isolated = configured.isolated and not interpreter.of_repo
    detections = detect_in(files, lambda paths: read_files(repo.path, commit.id, paths), isolated=isolated)
    choice = choose(name, pipeline or None, sources, detections)
    if choice.pipeline.interpreter is not None:
        interpreter = interpreters.choose(repo.path, choice.pipeline.interpreter)
    reach = _reach(store, repo, rev, commit.id, choice, in_repo=choice.name not in configured.pipelines)
    circumstances = Circumstances(
        workspace=workspace,
        store=store,
        repo=name,
        path=repo.path,
        commit=commit.id,
        branch=branch or branch_named(repo.path, rev or "HEAD"),
        choice=choice,
        interpreter=interpreter,
        environment=tuple(sorted((choice.pipeline.env | dict(environment or {})).items())),
        only=only_tests,
        trusted=repo.trusted,
        reach=reach,
    )
    return _planned(circumstances, configured, subject=commit.subject, dirty=status.dirty and here, files=files)


def _planned(
    circumstances: Circumstances, configured: RepoConfig, *, subject: str, dirty: bool, files: list[str]
) -> Plan:
    choice, pipeline = circumstances.choice, circumstances.choice.pipeline
    steps = circumstances.steps()
    secrets = circumstances.secrets(steps)
    return Plan(
        repo=circumstances.repo,
        repo_path=circumstances.path,
        pipeline=choice.name,
        kind=pipeline.kind,
        model=pipeline.model,
        commit=circumstances.commit,
        branch=circumstances.branch,
        subject=subject,
        dirty=dirty,
        steps=steps,
        environment=circumstances.environment,
        passed_on=tuple(pipeline.pass_env) if circumstances.reach.gets_secrets else (),
        runner=choice.runner,
        reason=choice.source,
        interpreter=circumstances.interpreter.path,
        interpreter_reason=circumstances.interpreter.reason,
        missing=(
            *_missing(steps, circumstances.interpreter, choice),
            *_large_files(circumstances.path, circumstances.commit, files),
        ),
        absent=circumstances.absent(secrets),
        timeout=None if pipeline.timeout is None else float(pipeline.timeout),
        parallel=pipeline.parallel,
        services=planned_services(pipeline),
        secrets=secrets,
        log_limit=circumstances.workspace.config.workspace.log_limit,
        slots=configured.slots,
        supersede=pipeline.supersede,
        checkout="submodules" if configured.submodules else "",
        pooled=len(files) >= pool.LARGE,
        only=circumstances.only if circumstances.narrowed() is not None else (),
        writable=writable_of(circumstances.workspace, configured, pipeline.kind),
        root=circumstances.workspace.root,
        serves=pipeline.serves,
        owner=circumstances.reach.owner,
        asks=circumstances.reach.asks,
    )


def _reach(store: Store, repo: KnownRepo, rev: str | None, commit: str, choice: Choice, *, in_repo: bool) -> RefAccess:
    """Return what a run of the commit may reach; the pipelines as they are checked out are read only when it matters."""
    standing = standing_of(repo.path, rev, commit, repos.trusted_refs(store, repo.name))
    ours: dict[str, PipelineConfig] = {}
    if standing.owner in {Owner.LOCAL, Owner.FOREIGN}:
        for _, pipelines in own_pipelines(repo.path, resolve_rev(repo.path).id):
            ours = pipelines | ours
    return reach_of(standing, choice.name, choice.pipeline, ours, in_repo=in_repo and choice.detection is None)


def own_pipelines(repo: Path, commit: str) -> list[tuple[str, dict[str, PipelineConfig]]]:
    """Return the pipelines that the repo itself brings at a commit, with the file each set stands in.

    ConfigError for a file that is not UTF-8, or is wrong.
    """
    sets = []
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
        sets.append((source, convert(data, dict[Name, PipelineConfig], text=text, source=source, prefix=prefix)))
    return sets


def operator_environment(pairs: list[str]) -> dict[str, str]:
    """Read ``K=V`` words of a command line; UsageError on one without ``=``."""
    passed = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{pair!r} is no variable", hint="write NAME=VALUE")
        passed[key] = value
    return passed


def _missing(steps: tuple[PlannedStep, ...], interpreter: Interpreter, choice: Choice) -> tuple[str, ...]:
    """Return what a first look at the commands misses; what a detection needs in any case is checked elsewhere."""
    missing = missing_programs(steps, steps_path(interpreter.path, os.environ))
    if choice.detection is not None:
        missing = tuple(program for program in missing if program not in choice.detection.programs)
    home = interpreter.environment
    isolated = any(step.environment is not None for step in steps)
    if choice.runner == "pytest" and home is not None and not isolated and not _has_pytest(home):
        missing += (f"pytest in {home}",)
    return missing


def _large_files(repo: Path, commit: str, files: list[str]) -> tuple[str, ...]:
    """Return what is missing for files that a commit keeps in Git LFS: without it steps find pointers in their place."""
    attributes = read_files(repo, commit, [name for name in files if name == ".gitattributes"])
    if b"filter=lfs" in attributes.get(".gitattributes", b"") and shutil.which("git-lfs") is None:
        return ("git-lfs, in which the commit keeps large files (steps find pointers in their place)",)
    return ()


def _has_pytest(environment: Path) -> bool:
    if any(environment.glob("lib/python*/site-packages/pytest")):
        return True
    settings = (environment / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").replace(" ", "").lower()
    return "include-system-site-packages=true" in settings
