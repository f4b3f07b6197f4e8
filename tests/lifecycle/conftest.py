"""A workspace whose repo trains, and whose intake a test decides on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.repos import registration
from opsconsole.store.connection import open_store
from tests.full_workspace import make
from tests.runs.bench import Bench


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Bench]:
    """The mill before anything ran in it."""
    root = tmp_path / "works"
    make(root)
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        registration.trust(workspace, store, "app")
        yield Bench(root, workspace, store)
