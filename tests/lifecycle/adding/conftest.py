"""An own workspace with nothing in it but a comment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.store.connection import Store, open_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "opsconsole.toml").write_text("# mine\n", encoding="utf-8")
    return folder


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with open_store(open_workspace(root).state) as found:
        yield found
