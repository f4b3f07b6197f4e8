"""Making a workspace: repos are found, their test runners detected, and a commented ``opsconsole.toml`` written."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.load import FILE_NAME, convert, parse
from opsconsole.config.schema import Config
from opsconsole.core.errors import ConflictError, OpsconsoleError, StoreError
from opsconsole.core.files import write_atomically
from opsconsole.repos.commits import resolve_rev
from opsconsole.repos.discovery import discover
from opsconsole.testrunners.detection import detect


@dataclass(frozen=True)
class FoundRepo:
    """A repo below the folder, and how it would be tested."""

    name: str
    path: str
    """Relative to the workspace where it lies inside."""
    runner: str | None
    reason: str


def scout(root: Path) -> list[FoundRepo]:
    """Find the repos below ``root`` and detect their test runners; nothing of them is run."""
    found: list[FoundRepo] = []
    taken: set[str] = set()
    for path in discover(root):
        name = _free_name(path.name, taken)
        taken.add(name)
        try:
            detected = detect(path, resolve_rev(path).id)
        except OpsconsoleError as error:
            found.append(FoundRepo(name, _relative(path, root), None, error.message))
            continue
        first = detected[0] if detected else None
        found.append(
            FoundRepo(
                name,
                _relative(path, root),
                first.runner if first else None,
                first.reason if first else "no test runner was recognised: give it pipelines.build with `run`",
            )
        )
    return found


def found_workspace(root: Path, repos: list[FoundRepo]) -> Path:
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


def _free_name(wanted: str, taken: set[str]) -> str:
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-._")[:60] or "repo"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


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
