from __future__ import annotations

from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace
from tests.console.world import copy_world, make_world


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("console") / "world"
    make_world(root)
    return root


@pytest.fixture
def world(made_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("OPSCONSOLE_ACTOR", "ops")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("OPSCONSOLE_THEME", raising=False)
    return copy_world(made_world, tmp_path / "world")
