from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.repos import registration
from opsconsole.runs.execute.slots import is_live
from opsconsole.runs.process.process_tree import end_marked
from opsconsole.runs.steps.environment import marker
from opsconsole.store.connection import open_store
from tests.runs.bench import Bench, commit_all, until


@pytest.fixture(autouse=True)
def own_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "workspace"
    repo = root / "repos" / "app"
    repo.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    (repo / "README").write_text("app\n", encoding="utf-8")
    commit_all(repo, "Begin")
    (root / "opsconsole.toml").write_text('[repos.app]\npath = "repos/app"\n', encoding="utf-8")
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        registration.trust(workspace, store, "app")
        made = Bench(root, workspace, store)
        yield made
        for run_id in made.started:
            supervisor = made.history(run_id).supervisor
            end_marked(marker(made.folder(run_id)), [] if supervisor is None else [supervisor])
        until(lambda: not any(is_live(workspace.state, run_id) for run_id in made.started))  # its folder goes next
