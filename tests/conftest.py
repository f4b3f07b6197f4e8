"""What holds for every test: nothing of the developer's machine is read or written, and the operator has a name."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from opsconsole.config.workspace import open_workspace
from opsconsole.core import belonging
from opsconsole.core.files import locked
from opsconsole.repos import registration
from opsconsole.store.connection import open_store
from tests.full_workspace import fill
from tests.model_workspace import CONFIG, Shop

settings.register_profile("suite", deadline=None)  # a slow machine is no counterexample
settings.load_profile("suite")

ROOM = 6 << 30
"""Bytes that must be free in memory for the tests' folders."""
OUTSIDE = ("SSH_CONNECTION", "SUDO_USER", "NO_COLOR", "COLUMNS", "LINES", "VIRTUAL_ENV", "PYTHONUNBUFFERED")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory where there is room: they wait for a disk half of their time."""
    shared = Path("/dev/shm")
    if config.option.basetemp is None and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(shared))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test, wherever chance had put it: last, it would leave the other cores without work."""
    items.sort(key=lambda item: "test_demo_loop" not in item.nodeid)


def pytest_collection_finish() -> None:
    """Leave what was collected to itself: looking through it for garbage again and again costs minutes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own, for fixtures of any scope and for every child process."""
    home, own = tmp_path_factory.mktemp("home"), tmp_path_factory.getbasetemp()
    shared = own.parent if own.name.startswith("popen-") else own
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("OPSCONSOLE_", "XDG_", "GIT_")) or name in OUTSIDE:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for kind in ("CONFIG", "CACHE", "STATE", "DATA", "RUNTIME"):
            patch.setenv(f"XDG_{kind}_HOME" if kind != "RUNTIME" else "XDG_RUNTIME_DIR", str(home / kind.lower()))
        patch.setenv("XDG_STATE_HOME", str(shared / "state"))  # the workers share workspaces, so they are one user
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        patch.setenv("OPSCONSOLE_ACTOR", "tess")
        yield home


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A workspace with one model whose versions a test makes."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "opsconsole.toml").write_text(CONFIG, encoding="utf-8")
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        yield Shop(root, workspace, store)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, own_machine: Path) -> Path:
    """The workspace as the first worker that came made it; nobody changes it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if own.name.startswith("popen-") else own
    root = shared / "filled-mill"
    with locked(shared / "filled-mill.lock"):
        if not (root / "whole").exists():
            fill(root)
            (root / "whole").touch()
    return root


@pytest.fixture
def mill(filled: Path, tmp_path: Path) -> Path:
    """A copy to do anything with."""
    root = tmp_path / "mill"
    shutil.copytree(filled, root, symlinks=True)
    workspace = open_workspace(root)
    belonging.trust(root)
    with open_store(workspace.state) as store:
        registration.trust(workspace, store, "app")  # trust was given to the other path
    return root
