from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError, RefusedError
from opsconsole.repos.commits import list_files, read_file, read_files, resolve_rev
from opsconsole.repos.discovery import discover, fingerprint
from opsconsole.repos.registration import KnownRepo
from opsconsole.repos.remotes import fetch
from opsconsole.repos.status import look
from tests.repos.making import commit, run_git, write


def test_an_empty_repo_has_a_branch_and_no_commit(repo: Path) -> None:
    status = look(repo)
    assert (status.branch, status.commit, status.subject, status.dirty) == ("main", None, "", False)
    with pytest.raises(NotFoundError, match="there is no commit yet"):
        resolve_rev(repo)
    with pytest.raises(NotFoundError, match="there is no commit yet"):
        resolve_rev(repo, "main")


def test_a_detached_head_has_a_commit_and_no_branch(repo: Path) -> None:
    first = commit(repo)
    commit(repo, "Second")
    run_git(repo, "checkout", "-q", "--detach", first)
    status = look(repo)
    assert (status.branch, status.commit) == (None, first)


@pytest.mark.parametrize("change", ["changed", "staged", "untracked", "deleted"])
def test_any_difference_from_the_commit_is_dirty(repo: Path, change: str) -> None:
    commit(repo, **{"a": "1", ".gitignore": "ignored\n"})
    write(repo, "ignored", "x")
    assert not look(repo).dirty
    if change == "deleted":
        (repo / "a").unlink()
    else:
        write(repo, "new" if change == "untracked" else "a", "22")
    if change == "staged":
        run_git(repo, "add", "-A")
    assert look(repo).dirty


def test_ahead_and_behind_count_from_the_upstream(repo: Path, tmp_path: Path) -> None:
    commit(repo)
    assert (look(repo).ahead, look(repo).behind) == (None, None)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repo), str(clone)], check=True)
    commit(repo, "Theirs")
    commit(clone, "Ours one")
    commit(clone, "Ours two")
    assert (look(clone).ahead, look(clone).behind) == (2, 0)
    fetched = fetch(KnownRepo("clone", clone, trusted=True, configured=False))
    assert (fetched.ahead, fetched.behind) == (2, 1)
    with pytest.raises(RefusedError, match="not trusted"):
        fetch(KnownRepo("clone", clone, trusted=False, configured=False))


def test_hostile_subjects_branches_and_paths_are_read(repo: Path) -> None:
    run_git(repo, "checkout", "-q", "-b", "feature/]-日本")
    (Path(bytes(repo).decode()) / "x").touch()
    name = bytes(repo) + b"/bad-\xff\n\x1b[31m"
    with open(name, "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"content")
    run_git(repo, "config", "core.quotePath", "true")
    made = commit(repo, "[/] \x1b]52;c;aGk=\x07 日本語\n\nbody")
    status = look(repo)
    assert status.branch == "feature/]-日本"
    assert status.subject == "[/] \x1b]52;c;aGk=\x07 日本語"
    paths = list_files(repo, made)
    assert len(paths) == 2
    assert read_file(repo, made, "x") == b""
    assert read_file(repo, made, "gone") is None


def test_a_wrong_revision_names_the_nearest(repo: Path) -> None:
    commit(repo)
    run_git(repo, "branch", "release-1")
    with pytest.raises(NotFoundError, match="there is no revision 'relaese-1'") as missing:
        resolve_rev(repo, "relaese-1")
    assert missing.value.hint == "did you mean 'release-1'?"
    assert resolve_rev(repo, "release-1").subject == "Begin"


def test_files_are_read_raw_at_a_commit(repo: Path) -> None:
    first = commit(repo, **{"a": "one\n", "dir/b": "", "c": "x" * 100})
    commit(repo, a="two\n")
    found = read_files(repo, first, ["a", "dir/b", "dir", "gone", "c"])
    assert found == {"a": b"one\n", "dir/b": b"", "c": b"x" * 100}


def test_repos_are_found_below_a_folder_but_not_inside_each_other(tmp_path: Path) -> None:
    for name in ("b/deep/repo", "a", "a/nested", ".hidden/repo", "node_modules/repo"):
        subprocess.run(["git", "init", "-q", str(tmp_path / name)], check=True)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert discover(tmp_path) == [tmp_path / "a", tmp_path / "b/deep/repo"]
    assert discover(tmp_path, depth=1) == [tmp_path / "a"]
    assert discover(tmp_path / "a") == [tmp_path / "a"]


def test_the_fingerprint_changes_when_anything_git_knows_changes(repo: Path, tmp_path: Path) -> None:
    seen = [fingerprint(repo)]

    def changed() -> None:
        assert fingerprint(repo) not in seen
        seen.append(fingerprint(repo))
        assert fingerprint(repo) == seen[-1]

    commit(repo, a="1")
    changed()
    run_git(repo, "branch", "other")
    changed()
    run_git(repo, "checkout", "-q", "other")
    changed()
    write(repo, "a", "22")
    run_git(repo, "add", "a")
    changed()
    run_git(repo, "tag", "v1")
    changed()
    assert fingerprint(tmp_path) == "none"
    run_git(repo, "worktree", "add", "-q", str(tmp_path / "tree"))
    before = fingerprint(tmp_path / "tree")
    commit(tmp_path / "tree", "In the work tree")
    assert fingerprint(tmp_path / "tree") != before
