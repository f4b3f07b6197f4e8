"""Repos of every kind: cloned from a URL, bare, shallow, with submodules, by SHA-256, large ones used again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import ConflictError, NotFoundError, UnreachableError, UsageError
from opsconsole.repos import pool, registration
from opsconsole.repos.cloning import Source, is_url, name_of
from opsconsole.repos.commits import changed_paths, list_blobs, list_files, resolve_rev
from opsconsole.repos.discovery import discover, fingerprint
from opsconsole.repos.history import ChangedFile, changed_files, commits, difference, refs, worktrees_of
from opsconsole.repos.remotes import fetch
from opsconsole.repos.status import look
from opsconsole.repos.worktrees import add, remove
from opsconsole.store.connection import Store, open_store
from tests.repos.making import commit, run_git, write


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Path, Store]:
    root = tmp_path / "ws"
    root.mkdir()
    (root / "opsconsole.toml").write_text("", encoding="utf-8")
    return root, open_store(root / ".opsconsole")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/b-c.git", "b-c"),
        ("git@example.com:team/tool.git", "tool"),
        ("ssh://git@example.com:22/x/y", "y"),
        ("file:///srv/git/odd name.git".replace(" ", "_"), "odd_name"),
    ],
)
def test_urls_are_known_and_suggest_a_name(url: str, name: str) -> None:
    assert is_url(url)
    assert name_of(url) == name


@pytest.mark.parametrize("text", ["repos/app", "/srv/app", "--upload-pack=x", "ext::sh -c id", "", "a b://c"])
def test_folders_and_commands_are_no_urls(text: str) -> None:
    assert not is_url(text)


def test_a_url_is_cloned_bare_fetched_and_built_from(repo: Path, opened: tuple[Path, Store], tmp_path: Path) -> None:
    root, store = opened
    first = commit(repo, a="1")
    run_git(repo, "tag", "v1")
    with store:
        workspace = open_workspace(root)
        added = registration.add_url(workspace, store, Source(f"file://{repo}"), name="mirror", trust=True)
        assert added.path == root / ".opsconsole" / "repos" / "mirror"
        status = look(added.path)
        assert (status.branch, status.commit, status.dirty, status.bare) == ("main", first, False, True)
        before = fingerprint(added.path)
        second = commit(repo, "Second", b="2")
        run_git(repo, "tag", "-f", "v1")
        fetch(added)
        assert look(added.path).commit == second
        assert fingerprint(added.path) != before
        assert [ref.commit for ref in refs(added.path, "tags")] == [second]
        target = tmp_path / "tree"
        add(added.path, second, target)
        assert (target / "b").read_text(encoding="utf-8") == "2"
        assert worktrees_of(added.path) == [str(target)]
        remove(added.path, target)
        assert [entry.subject for entry in commits(added.path, since=first)] == ["Second"]
        with pytest.raises(ConflictError):
            registration.add_url(workspace, store, Source(f"file://{repo}"), name="mirror")
    assert added.path in discover(root / ".opsconsole" / "repos")


def test_a_shallow_clone_has_as_many_commits_as_asked(repo: Path, opened: tuple[Path, Store]) -> None:
    root, store = opened
    for number in range(5):
        commit(repo, f"c{number}")
    with store:
        made = registration.add_url(open_workspace(root), store, Source(f"file://{repo}", depth=2), name="s")
        assert [entry.subject for entry in commits(made.path)] == ["c4", "c3"]
        assert changed_paths(made.path, "0" * 40, look(made.path).commit or "") == []


def test_a_clone_that_fails_leaves_nothing_and_says_what_to_do(opened: tuple[Path, Store], tmp_path: Path) -> None:
    root, store = opened
    with store:
        workspace = open_workspace(root)
        with pytest.raises((UnreachableError, NotFoundError)) as failed:
            registration.add_url(workspace, store, Source(f"file://{tmp_path}/nothing.git"))
        assert failed.value.hint
        with pytest.raises(UsageError):
            registration.add_url(workspace, store, Source("ext::sh -c id"), name="x")
        assert registration.known(workspace, store) == []
    assert list((root / ".opsconsole" / "repos").iterdir()) == []


def test_a_repo_that_the_configuration_names_by_url_is_cloned_by_its_first_fetch(
    repo: Path, opened: tuple[Path, Store]
) -> None:
    root, store = opened
    made = commit(repo)
    (root / "opsconsole.toml").write_text(f'[repos.app]\nurl = "file://{repo}"\n', encoding="utf-8")
    with store:
        named = registration.named(open_workspace(root), store, "app")
        assert not named.path.exists()
        assert fetch(named).commit == made


def test_sha256_repos_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sha"
    subprocess.run(["git", "init", "-q", "-b", "main", "--object-format=sha256", str(path)], check=True)
    first, second = commit(path, "One", a="1"), commit(path, "Two [/]", b="2")
    assert len(first) == 64
    assert resolve_rev(path).id == second
    assert [entry.subject for entry in commits(path)] == ["Two [/]", "One"]
    assert commits(path)[0].parents == (first,)
    assert changed_paths(path, first, second) == ["b"]
    assert changed_files(path, first, second) == [ChangedFile("b", "A")]
    assert len(list_blobs(path, second)["a"]) == 64
    target = tmp_path / "tree"
    add(path, second, target)
    assert (target / "b").exists()


def test_paths_that_are_no_utf8_are_listed_checked_out_and_compared(repo: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9 \xff.txt")
    first = commit(repo)
    (repo / odd).write_text("x", encoding="utf-8")
    second = commit(repo, "Odd")
    assert odd in list_files(repo, second)
    assert odd in list_blobs(repo, second)
    assert changed_paths(repo, first, second) == [odd]
    assert b"diff --git" in difference(repo, first, second)
    target = tmp_path / "tree"
    add(repo, second, target)
    assert (target / odd).exists()


def test_submodules_come_with_the_tree_when_asked_for(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "-q", "-b", "main", str(inner)], check=True)
    commit(inner, "Inner", x="1")
    run_git(repo, "submodule", "add", "-q", str(inner), "deps/inner")
    made = commit(repo, "Take it in")
    for also, there in (("", False), ("submodules", True)):
        target = tmp_path / f"tree-{also}"
        add(repo, made, target, also=also)
        assert (target / "deps" / "inner" / "x").exists() is there


def test_a_pooled_tree_is_used_again_as_clean_as_a_new_one(repo: Path, tmp_path: Path) -> None:
    first = commit(repo, "One", a="1", gone="x", **{".gitignore": "ignored/\n"})
    (repo / "gone").unlink()
    second = commit(repo, "Two", a="2", **{".gitignore": ""})
    state = tmp_path / "state"
    lock = pool.take(state, "app", repo, first, tmp_path / "t1")
    tree = (tmp_path / "t1").resolve()
    inode = (tree / ".git").stat().st_ino
    other = pool.take(state, "app", repo, second, tmp_path / "t2")
    assert (tmp_path / "t2").resolve() != tree, "a tree in use is nobody else's"
    write(tree, "a", "spoiled")
    write(tree, "ignored/left", "x")
    write(tree, "nested/.git/HEAD", "x")
    (Path(run_git(tree, "rev-parse", "--absolute-git-dir")) / "index.lock").touch()
    os.close(lock)
    lock = pool.take(state, "app", repo, second, tmp_path / "t3")
    assert (tmp_path / "t3").resolve() == tree
    assert (tree / ".git").stat().st_ino == inode, "it was not made anew"
    assert sorted(path.name for path in tree.iterdir()) == [".git", ".gitignore", "a"]
    assert (tree / "a").read_text(encoding="utf-8") == "2"
    os.close(lock)
    os.close(other)
    (tree / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")
    lock = pool.take(state, "app", repo, first, tmp_path / "t4")
    assert (tree / "gone").exists()
    os.close(lock)
