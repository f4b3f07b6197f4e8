"""A workspace: a folder with ``opsconsole.toml``, and its state in ``.opsconsole/`` beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.load import FILE_NAME, load
from opsconsole.config.schema import Config
from opsconsole.core.errors import NotFoundError
from opsconsole.core.files import expanded


@dataclass(frozen=True)
class Workspace:
    """Where a workspace lies and what its file says."""

    root: Path
    config: Config

    @property
    def name(self) -> str:
        """The name on screen; the folder's when the file gives none."""
        return self.config.workspace.name or self.root.name

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self.root / FILE_NAME

    @property
    def state(self) -> Path:
        """The private folder with store, runs, evidence and logs."""
        return self.root / ".opsconsole"

    @property
    def runs(self) -> Path:
        """The folder that holds a folder for each run."""
        return self.state / "runs"

    @property
    def clones(self) -> Path:
        """The folder of the repos that were cloned from a URL."""
        return self.state / "repos"

    @property
    def models(self) -> Path:
        """The folder that consumers read: versions, and a link for each alias."""
        return self.root / "models"

    @property
    def evidence(self) -> Path:
        """The folder with each version's per-row predictions and row ids."""
        return self.state / "evidence"

    def repo_path(self, name: str) -> Path:
        """Return the folder of a repo of the configuration."""
        configured = self.config.repos[name]
        path = expanded(configured.path) if configured.path else self.clones / name
        return (self.root / path).resolve()


def locate(start: Path | None = None) -> Path | None:
    """Return the root of the workspace that holds ``start``: ``OPSCONSOLE_WORKSPACE``, else the nearest folder up."""
    named = os.environ.get("OPSCONSOLE_WORKSPACE")
    if start is None and named:
        return expanded(named).resolve()
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)


def open_workspace(root: Path) -> Workspace:
    """Load the workspace whose root is ``root``."""
    return Workspace(root=root.resolve(), config=load(root / FILE_NAME))


def find(start: Path | None = None) -> Workspace:
    """Load the workspace that holds ``start`` (default: the current folder). NotFoundError where none does."""
    root = locate(start)
    if root is None:
        raise NotFoundError(
            f"no {FILE_NAME} in {(start or Path.cwd()).resolve()} or above",
            hint="opsconsole init makes a workspace here; -C names another; opsconsole demo makes one to look at",
        )
    return open_workspace(root)
