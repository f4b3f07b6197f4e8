"""The paths of a version's files. Imports nothing heavy: the console uses it."""

from __future__ import annotations

from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.store.evaluations import Evaluation
from opsconsole.store.models import Version


def version_folder(workspace: Workspace, model: str, number: int) -> Path:
    """Return where a version's artifact lies."""
    return workspace.models / model / "versions" / str(number)


def evaluation_path(workspace: Workspace, evaluation: Evaluation) -> Path:
    """Return the file with an evaluation's per-row scores."""
    return workspace.evidence / evaluation.path


def evidence_folder(workspace: Workspace, version: Version) -> Path:
    """Return the folder with a version's evaluation and row ids."""
    return workspace.evidence / version.model / f"v{version.version}"
