"""A workspace with one monitored model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.drift.monitors import Subject
from opsconsole.store.connection import open_store
from tests.drift.drift_world import CONFIG, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return an empty world."""
    (tmp_path / "opsconsole.toml").write_text(CONFIG)
    workspace = open_workspace(tmp_path)
    with open_store(workspace.state) as store:
        yield World(tmp_path, store, workspace)


@pytest.fixture
def subject(world: World) -> Subject:
    """Return a version that was evaluated on January."""
    return world.version(1, world.month(1), at=1)
