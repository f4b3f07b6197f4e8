from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError, OpsconsoleError, RefusedError, UnreachableError, UsageError
from opsconsole.core.git import checked_rev, git, last_line
from opsconsole.repos import worktrees
from opsconsole.repos.commits import read_file, resolve_rev
from opsconsole.repos.history import changed_files, commits, refs
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


@pytest.mark.parametrize("name", ["a=b", "a.b", "é", "a b=c.d", '"', "x\\ny", ""])
@pytest.mark.parametrize("kind", ["clean", "process"])
def test_a_filter_of_any_name_stays_off_in_a_repo_that_was_not_trusted(
    repo: Path, tmp_path: Path, name: str, kind: str
) -> None:
    commit(repo, **{"a.txt": "one\n"})
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    with (repo / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(f'[filter "{quoted}"]\n\t{kind} = {trap}\n\trequired = true\n')
    (repo / ".git" / "info" / "attributes").write_text(f'*.txt filter={name or "x"}\n*.txt "filter={name}"\n')
    os.utime(repo / "a.txt", (1, 1))
    assert not look(repo).dirty
    assert not (tmp_path / "sprung").exists()


def old_git(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    real = shutil.which("git")
    folder.mkdir()
    script = f'#!/bin/sh\n[ "$1" = --version ] && echo git version {version} || exec {real} "$@"\n'
    (folder / "git").write_text(script, encoding="utf-8")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("version", "refused"),
    [("2.30.9", True), ("2.34.1", True), ("2.39.3", True), ("2.39.4", False), ("2.44.0", True), ("2.45.1", False)],
)
def test_a_git_that_would_fetch_by_itself_is_refused_for_a_partial_clone(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, refused: bool
) -> None:
    commit(repo)
    run_git(repo, "config", "remote.origin.promisor", "true")
    old_git(tmp_path / "old", monkeypatch, version)
    if refused:
        with pytest.raises(RefusedError, match=r"git .* (cannot be kept|is too old)"):
            look(repo)
    else:
        assert look(repo).commit is not None


def test_a_git_too_old_for_settings_by_environment_is_refused_and_others_are_fine(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo)
    old_git(tmp_path / "old", monkeypatch, "2.30.9")
    with pytest.raises(RefusedError, match="too old") as refused:
        look(repo)
    assert "2.31" in refused.value.hint
    old_git(tmp_path / "newer", monkeypatch, "2.31.0")
    assert look(repo).commit is not None


def test_a_sparse_checkout_leaves_nothing_out_of_a_work_tree(repo: Path, tmp_path: Path) -> None:
    made = commit(repo, **{"core/a": "1", "extra/b": "2"})
    for number, how in enumerate(("--cone", "--no-cone")):
        run_git(repo, "sparse-checkout", "set", how, "core")
        assert not (repo / "extra").exists()
        tree = tmp_path / f"tree{number}"
        worktrees.add(repo, made, tree)
        assert (tree / "extra" / "b").read_text() == "2"
        assert run_git(tree, "status", "--porcelain") == ""
        run_git(tree, "checkout", "--force", "HEAD")
        run_git(tree, "reset", "--hard", "-q")
        assert (tree / "extra" / "b").exists(), "git itself would leave it out there"
        assert not (repo / "extra").exists(), "the operator's own stays as it was"


@pytest.mark.parametrize("at", ["253402300800 +0000", "253402300799 +1400", "9223372036854775807 +0000", "0 +0000"])
def test_commits_of_any_date_are_listed(repo: Path, at: str) -> None:
    first = commit(repo)
    made = written(repo, first, f"author a <a@e> {at}\ncommitter a <a@e> {at}\n\nfar\n".encode())
    run_git(repo, "update-ref", "refs/heads/main", made)
    assert [(entry.id, entry.subject) for entry in commits(repo)] == [(made, "far"), (first, "Begin")]
    assert refs(repo, "heads")[0].commit == made
    for entry in commits(repo):
        entry.committed_at.astimezone()


@pytest.mark.parametrize("at", ["-1 +0000", "-62135596801 +0000", "nonsense", "1 +9999999"])
def test_a_date_that_is_none_hides_no_commit(repo: Path, at: str) -> None:
    first = commit(repo)
    made = written(repo, first, f"author a <a@e> {at}\ncommitter a <a@e> {at}\n\nodd\n".encode())
    run_git(repo, "update-ref", "refs/heads/main", made)
    assert {entry.id for entry in commits(repo)} == {made, first}


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "Shift_JIS", "no-such-encoding"])
def test_commits_of_other_encodings_are_listed(repo: Path, encoding: str) -> None:
    first = commit(repo)
    head = "author é <a@e> 1 +0000\ncommitter é <a@e> 1 +0000\n".encode("latin-1")
    made = written(repo, first, head + f"encoding {encoding}\n\ncaf".encode() + b"\xe9\x0c\x85 x\n")
    run_git(repo, "update-ref", "refs/heads/main", made)
    found = commits(repo)
    assert [entry.id for entry in found] == [made, first]
    assert found[0].subject.startswith("caf")


def written(repo: Path, parent: str, rest: bytes) -> str:
    tree = run_git(repo, "rev-parse", f"{parent}^{{tree}}")
    argv = ["git", "-C", str(repo), "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    text = f"tree {tree}\nparent {parent}\n".encode() + rest
    return subprocess.run(argv, input=text, check=True, capture_output=True).stdout.decode().strip()


@pytest.mark.skipif(shutil.which("git-lfs") is not None, reason="git-lfs is here")
def test_without_git_lfs_pointers_stand_in_place_of_large_files(repo: Path, tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{7:064}\nsize 12\n"
    made = commit(repo, **{"big.bin": pointer, ".gitattributes": "*.bin filter=lfs -text\n"})
    for key in ("process", "smudge", "clean"):
        run_git(repo, "config", f"filter.lfs.{key}", f"git-lfs {key}")
    run_git(repo, "config", "filter.lfs.required", "true")
    worktrees.add(repo, made, tmp_path / "tree")
    assert (tmp_path / "tree" / "big.bin").read_text() == pointer
    os.utime(repo / "big.bin", (1, 1))
    assert not look(repo, trusted=True).dirty


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("git-lfs: not found\nfatal: the remote end hung up unexpectedly\n", "unexpectedly (git-lfs: not found)"),
        ("Preparing worktree (detached HEAD 1)\nerror: disk\nfatal: no\n", "no (error: disk)"),
        ("Preparing worktree (detached HEAD 1)\nfatal: no\n", "no"),
        ("", ""),
    ],
)
def test_git_s_complaint_keeps_its_first_line(said: str, shown: str) -> None:
    assert last_line(said).endswith(shown)
