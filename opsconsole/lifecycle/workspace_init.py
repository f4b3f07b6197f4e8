"""Making a workspace: repos are found, their test runners detected, and a commented ``opsconsole.toml`` written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.config.load import FILE_NAME, convert, parse
from opsconsole.config.schema import Config
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConflictError, NotFoundError, OpsconsoleError, StoreError
from opsconsole.core.files import write_atomically
from opsconsole.core.text import clean
from opsconsole.lifecycle.adding.found_files import FoundData, FoundFiles, FoundModel, find_files, free_name
from opsconsole.repos.commits import resolve_rev
from opsconsole.repos.discovery import discover
from opsconsole.store.connection import Store
from opsconsole.testrunners.detection import detect


@dataclass(frozen=True)
class FoundRepo:
    """A repo below the folder, and how it would be tested."""

    name: str
    path: str
    """Relative to the workspace where it lies inside."""
    runner: str | None
    reason: str


@dataclass(frozen=True)
class Candidates:
    """What lies below a folder that could be built, promoted or watched."""

    repos: list[FoundRepo]
    files: FoundFiles

    def taking(self, paths: Sequence[str]) -> Candidates:
        """Return the part of it that bears these paths; NotFoundError for one that is not among it."""
        known = {repo.path for repo in self.repos} | self.files.paths
        for path in paths:
            if path not in known:
                raise NotFoundError(
                    f"--take {clean(path, limit=200)}: there is no such thing here",
                    hint="--dry-run lists what there is",
                )
        data = tuple(one for one in self.files.data if one.path in paths)
        models = tuple(one for one in self.files.models if one.path in paths)
        return Candidates(
            [one for one in self.repos if one.path in paths], replace(self.files, data=data, models=models)
        )


def look_around(root: Path) -> Candidates:
    """Find repos, data and model files below ``root``; nothing is run or loaded."""
    return Candidates(scout(root), find_files(root))


def add_files(workspace: Workspace, store: Store, files: FoundFiles) -> list[str]:
    """Add found models and data to a workspace by the acts that do so; return what could not be, and why."""
    from opsconsole.lifecycle.adding.add_model import add_model
    from opsconsole.lifecycle.adding.add_monitor import MonitorRequest, add_monitor
    from opsconsole.registry.versions.registration import Given

    left_out: list[str] = []

    def attempt(what: FoundModel | FoundData, act: Callable[[], object]) -> None:
        try:
            act()
        except OpsconsoleError as error:
            left_out.append(f"{what.path}: not added: {error.message}" + (f" ({error.hint})" if error.hint else ""))

    root = workspace.root
    for model in files.models:
        attempt(model, lambda one=model: add_model(workspace, store, one.name, root / one.path, Given()))  # type: ignore[misc]
    for data in files.data:
        request = MonitorRequest(data.name, data.path, reference=data.against)
        attempt(data, lambda one=request: add_monitor(workspace, store, one, base=root))  # type: ignore[misc]
    return left_out


def scout(root: Path) -> list[FoundRepo]:
    """Find the repos below ``root`` and detect their test runners; nothing of them is run."""
    repos: list[FoundRepo] = []
    taken: set[str] = set()
    for path in discover(root):
        name = free_name(path.name, taken, "repo")
        taken.add(name)
        try:
            detected = detect(path, resolve_rev(path).id)
        except OpsconsoleError as error:
            repos.append(FoundRepo(name, _relative(path, root), None, error.message))
            continue
        first = detected[0] if detected else None
        repos.append(
            FoundRepo(
                name,
                _relative(path, root),
                first.runner if first else None,
                first.reason if first else "no test runner was recognised: give it pipelines.build with `run`",
            )
        )
    return repos


def write_workspace(root: Path, repos: list[FoundRepo]) -> Path:
    """Write ``opsconsole.toml``; one that is there already is never overwritten.

    StoreError where it cannot be written.
    """
    path = root / FILE_NAME
    require_free(root)
    content = render(root.name, repos)
    convert(parse(content, FILE_NAME), Config, text=content, source=FILE_NAME)
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode(), mode=0o644)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", hint="choose a folder that you may write to") from error
    return path


def require_free(root: Path) -> None:
    """Raise ConflictError for a folder that is a workspace already."""
    path = root / FILE_NAME
    if path.exists():
        raise ConflictError(f"{path} is there already", hint="edit it; opsconsole config validate checks it")


def render(name: str, repos: list[FoundRepo]) -> str:
    """Return the file as an operator would like to find it."""
    slots = os.cpu_count() or 1
    lines = [
        "# An opsconsole workspace. Every key has a default; `opsconsole config schema` lists them all.",
        "",
        "[workspace]",
        f"name = {_quoted(name)}",
        f"# slots = {slots}            # runs at once; default: the number of cores",
        "",
    ]
    for repo in repos:
        lines += [
            f"[repos.{_quoted(repo.name) if '.' in repo.name else repo.name}]",
            f"path = {_quoted(repo.path)}",
            f"# {_comment(repo.runner or 'no runner')}: {_comment(repo.reason)}",
            "",
        ]
    if not repos:
        lines += ["# [repos.NAME]", '# path = "…"', ""]
    lines += [
        "# A pipeline of your own, instead of the detected build or beside it:",
        "# [repos.NAME.pipelines.train]",
        '# kind = "train"               # build, train, score, evaluate, task',
        '# run  = "python -m package.train"',
        '# timeout = "20m"',
        '# on   = { alert = "MONITOR" }  # t on an alert of this monitor runs it',
        "",
        "# A model whose versions the trainings register:",
        "# [models.NAME]",
        '# task   = "binary"            # binary, multiclass, regression, ranking',
        '# ladder = ["candidate", "staging", "production"]',
        "# [models.NAME.gates.production]",
        '# not_worse = { metric = "auc", margin = 0.005 }',
        "# tests     = true",
        "",
        "# What to watch of it:",
        "# [monitors.NAME]",
        '# model   = "NAME@production"',
        '# current = "data/production/*.parquet"',
        '# time    = "at"',
        '# label   = "outcome"',
        '# chunk   = "month"',
        '# performance = { metric = "auc", floor = "reference - 0.05", for = 2 }',
        "",
    ]
    return "\n".join(lines)


def _relative(path: Path, root: Path) -> str:
    """Return a path as the file names it; a name that begins with ``~`` must not be taken for a home folder."""
    if not path.is_relative_to(root):
        return str(path)
    inside = str(path.relative_to(root))
    return f"./{inside}" if inside.startswith("~") else inside


def _quoted(text: str) -> str:
    import json

    quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return quoted.replace("\x7f", "\\u007f")  # the one character that JSON allows and TOML does not


def _comment(text: str) -> str:
    from opsconsole.core.text import clean

    return clean(text)
