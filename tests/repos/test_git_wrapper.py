from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opsconsole.ground.errors import NotFoundError, OpsconsoleError, RefusedError, UnreachableError, UsageError
from opsconsole.ground.git import checked_rev, git
from opsconsole.repos import worktrees
from opsconsole.repos.commits import read_file, resolve_rev
from opsconsole.repos.history import changed_files, commits
from opsconsole.repos.status import look
from tests.repos.making import commit, run_git, write


def test_no_git_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="git is not installed") as missing:
        look(repo)
    assert "PATH" in missing.value.hint


def test_not_a_repo_and_no_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="not a git repository"):
        look(tmp_path)
    with pytest.raises(NotFoundError, match="no such folder"):
        look(tmp_path / "gone")


@pytest.mark.parametrize("rev", ["-x", "--upload-pack=touch /tmp/x", "", "a\nb"])
def test_what_could_be_an_option_is_no_revision(rev: str) -> None:
    with pytest.raises(UsageError, match="is no revision"):
        checked_rev(rev)


def test_a_foreign_repo_is_shown_with_the_fix(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repo)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(RefusedError, match="belongs to another user") as refused:
        look(repo)
    assert f"safe.directory {repo}" in refused.value.hint


def test_a_remote_that_wants_a_password_fails_at_once(repo: Path) -> None:
    commit(repo)
    run_git(repo, "remote", "add", "origin", "ssh://nobody@127.0.0.1:1/x.git")
    with pytest.raises(UnreachableError, match="remote did not answer"):
        git(repo, "fetch", "origin", timeout=60, trusted=True)


def test_a_git_that_hangs_is_ended_and_said(repo: Path) -> None:
    commit(repo)
    run_git(repo, "config", "alias.hang", "!sleep 600")
    with pytest.raises(UnreachableError, match="did not end within"):
        git(repo, "hang", timeout=0.3)


def test_a_callers_git_variables_do_not_lead_to_another_repo(
    repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = commit(repo)
    subprocess.run(["git", "init", "-q", str(tmp_path / "other")], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / "index"))
    assert look(repo).commit == mine


def signed(repo: Path, made: str) -> str:
    """The same commit with a signature, which git would hand to the program that the repo's configuration names."""
    head, _, body = run_git(repo, "cat-file", "commit", made).partition("\n\n")
    text = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n{body}\n"
    argv = ["git", "-C", str(repo), "hash-object", "-t", "commit", "-w", "--stdin"]
    return subprocess.run(argv, input=text.encode(), check=True, capture_output=True).stdout.decode().strip()


def test_looking_runs_nothing_that_the_repo_brings(repo: Path, tmp_path: Path) -> None:
    first = commit(repo, **{"a.txt": "one\n", ".gitattributes": "*.txt filter=evil diff=evil\n"})
    second = commit(repo, **{"a.txt": "two\n"})
    trap = tmp_path / "trap"
    said = f"echo $0 for $(tr '\\0' ' ' < /proc/$PPID/cmdline) >> {tmp_path}/sprung"
    trap.write_text(f"#!/bin/sh\n{said}\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "gpg.program",
        "core.pager",
    ):
        run_git(repo, "config", key, str(trap))
    for key in ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process"):
        run_git(repo, "config", key, str(trap))
    run_git(repo, "config", "log.showSignature", "true")
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        shutil.copy(trap, repo / ".git" / "hooks" / hook)
    os.utime(repo / "a.txt", (1, 1))
    write(repo, "a.txt", "six\n")
    assert look(repo).dirty
    assert resolve_rev(repo, "HEAD").id == second
    assert resolve_rev(repo, signed(repo, second)).subject == "Begin"
    assert read_file(repo, first, "a.txt") == b"one\n"
    assert [entry.id for entry in commits(repo)] == [second, first]
    assert [(entry.change, entry.path) for entry in changed_files(repo, first, second)] == [("M", "a.txt")]
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text(encoding="utf-8")


def test_a_work_tree_runs_no_hooks_and_goes_away_whatever_is_in_it(repo: Path, tmp_path: Path) -> None:
    first = commit(repo, **{"a.txt": "one\n"})
    commit(repo, **{"a.txt": "two\n"})
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n", encoding="utf-8")
    hook.chmod(0o755)
    target = tmp_path / "tree"
    worktrees.add(repo, first, target)
    assert (target / "a.txt").read_text(encoding="utf-8") == "one\n"
    assert not (tmp_path / "sprung").exists()
    locked = target / "deep" / "er"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0o500)
    worktrees.remove(repo, target)
    assert not target.exists()
    assert len(run_git(repo, "worktree", "list").splitlines()) == 1


def test_a_work_tree_goes_away_though_its_repo_is_gone(repo: Path, tmp_path: Path) -> None:
    first = commit(repo, **{"a.txt": "one\n"})
    worktrees.add(repo, first, tmp_path / "tree")
    shutil.rmtree(repo)
    worktrees.remove(repo, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_history_of_what_is_not_there_says_so(repo: Path, tmp_path: Path) -> None:
    commit(repo)
    for act in (lambda: commits(repo, "gone"), lambda: commits(tmp_path), lambda: changed_files(repo, "gone", "HEAD")):
        with pytest.raises(OpsconsoleError):
            act()
