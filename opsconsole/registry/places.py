"""Where a version's files lie. Imports nothing heavy: the console asks for it."""

from __future__ import annotations

from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.store.models import Evaluation


def version_folder(workspace: Workspace, model: str, number: int) -> Path:
    """Return where a version's artifact lies."""
    return workspace.models / model / "versions" / str(number)


def evaluation_path(workspace: Workspace, evaluation: Evaluation) -> Path:
    """Return the file with an evaluation's per-row scores."""
    return workspace.evidence / evaluation.path
