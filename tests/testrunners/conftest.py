from __future__ import annotations

from tests.repos.conftest import repo
from tests.runs.conftest import bench, own_git

__all__ = ["bench", "own_git", "repo"]
