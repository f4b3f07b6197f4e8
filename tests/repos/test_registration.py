from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError, UsageError
from opsconsole.repos import registration
from opsconsole.store import events
from opsconsole.store.connection import Store, open_store
from tests.repos.making import commit


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "opsconsole.toml").write_text('[repos.named]\npath = "elsewhere"\n', encoding="utf-8")
    return open_workspace(tmp_path)


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with open_store(workspace.state) as opened:
        yield opened


def test_a_repo_is_added_once_under_its_folders_name_and_not_trusted(
    workspace: Workspace, store: Store, repo: Path
) -> None:
    commit(repo)
    added = registration.add(workspace, store, repo)
    assert (added.name, added.path, added.trusted) == ("app", repo, False)
    assert registration.add(workspace, store, repo) == added
    assert [event.kind for event in events.events(store)] == ["repo.added"]
    with pytest.raises(RefusedError) as refused:
        registration.require_trust(added)
    assert refused.value.hint == "opsconsole repo trust app"


def test_a_repo_named_like_another_is_a_conflict(
    workspace: Workspace, store: Store, repo: Path, tmp_path: Path
) -> None:
    registration.add(workspace, store, repo)
    other = tmp_path / "deeper" / "app"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    with pytest.raises(ConflictError, match="the name 'app' belongs to") as taken:
        registration.add(workspace, store, other)
    assert "--name" in taken.value.hint
    with pytest.raises(ConflictError):
        registration.add(workspace, store, other, name="named")
    assert registration.add(workspace, store, other, name="app2").name == "app2"
    assert [known.name for known in registration.known(workspace, store)] == ["app", "app2", "named"]


def test_trust_is_the_operators_recorded_act_and_stays(workspace: Workspace, store: Store, repo: Path) -> None:
    registration.add(workspace, store, repo)
    assert registration.trust(workspace, store, "app").trusted
    assert registration.add(workspace, store, repo).trusted
    registration.require_trust(registration.named(workspace, store, "app"))
    assert [event.kind for event in events.events(store)] == ["repo.trusted", "repo.added"]


def test_trust_belongs_to_a_place_not_to_a_name(workspace: Workspace, store: Store, repo: Path, tmp_path: Path) -> None:
    repo.rename(tmp_path / "elsewhere")
    assert registration.trust(workspace, store, "named").trusted
    subprocess.run(["git", "init", "-q", str(tmp_path / "new")], check=True)
    (tmp_path / "opsconsole.toml").write_text('[repos.named]\npath = "new"\n', encoding="utf-8")
    assert not registration.named(open_workspace(tmp_path), store, "named").trusted


def test_what_is_no_repo_or_no_name_is_refused(workspace: Workspace, store: Store, repo: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="not a git repository"):
        registration.add(workspace, store, tmp_path)
    with pytest.raises(UsageError, match="is no name"):
        registration.add(workspace, store, repo, name="../x")
    with pytest.raises(NotFoundError) as missing:
        registration.named(workspace, store, "nmaed")
    assert missing.value.hint == "did you mean 'named'?"


def test_a_removed_repo_is_forgotten_with_its_trust(workspace: Workspace, store: Store, repo: Path) -> None:
    registration.add(workspace, store, repo, trust=True)
    registration.remove(workspace, store, "app")
    assert [known.name for known in registration.known(workspace, store)] == ["named"]
    assert not registration.add(workspace, store, repo).trusted
    kinds = [event.kind for event in events.events(store)]
    assert kinds == ["repo.added", "repo.removed", "repo.trusted", "repo.added"]
