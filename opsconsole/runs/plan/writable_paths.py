"""Paths that the steps of a plan may write besides their own folders, from the configuration."""

from __future__ import annotations

import shutil
from pathlib import Path

from opsconsole.config.schema import RepoConfig, Sandboxing
from opsconsole.config.workspace import Workspace
from opsconsole.core.files import expanded
from opsconsole.core.nouns import PipelineKind
from opsconsole.runs.process.sandbox import available

CACHES = (
    ("~/.cache", None),
    ("~/.npm", "npm"),
    ("~/.yarn", "yarn"),
    ("~/.local/share/pnpm", "pnpm"),
    ("~/.local/state/pnpm", "pnpm"),
    ("~/.cargo", "cargo"),  # its lock lies at the top
    ("~/go/pkg", "go"),
    ("~/.m2", "mvn"),
    ("~/.gradle", "gradle"),
    ("~/.nuget/packages", "dotnet"),
    ("~/.composer", "composer"),
    ("~/.bundle/cache", "bundle"),
)
"""Caches of the usual ecosystems, and whose they are: what builds fill, and nothing is run from by us."""


def writable_of(workspace: Workspace, configured: RepoConfig, kind: PipelineKind) -> tuple[str, ...] | None:
    """Return the folders and files that steps may write besides their own; None: they are not confined.

    A deploy is meant to change what is outside. What the operator names is made when it is not there.
    """
    mode = configured.sandbox or workspace.config.workspace.sandbox
    if mode is Sandboxing.OFF or kind is PipelineKind.DEPLOY or not available().confines:
        return None
    named = workspace.config.workspace.caches
    caches = [_place(workspace.root, name) for name in named] if named is not None else _usual_caches()
    return tuple(map(str, [*caches, *(_place(workspace.root, name) for name in configured.writes)]))


def _usual_caches() -> list[Path]:
    folders = []
    for name, program in CACHES:
        path = expanded(name)
        if program is None or path.is_dir() or shutil.which(program) is not None:
            folders.append(path)
    return folders


def _place(root: Path, name: str) -> Path:
    return root / expanded(name)
