"""The one git wrapper: never prompts, never runs what a repo being looked at brings, always ends.

Standard library only. A repo's own configuration can run programs (fsmonitor, hooks, filters, diff and signature
helpers); each that has a switch is switched off here. What has none waits for the operator's trust.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from opsconsole.core.errors import NotFoundError, OpsconsoleError, RefusedError, UnreachableError, UsageError
from opsconsole.core.git_version import QUIET_LEAST, fetches_when_asked_only, git_version, named, require_git
from opsconsole.core.process import MEBIBYTE, Completed, capture

SETTINGS = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("log.showSignature", "false"),
    ("protocol.ext.allow", "never"),
    ("core.quotePath", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
QUIET = ("--no-pager", "--literal-pathspecs")
Setting = tuple[str, str]
"""A key and its value; they reach git by its environment, where no sign in them means anything else."""
DIFFING = frozenset({"diff", "log", "show"})
FOREIGN = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_EXTERNAL_DIFF",
        "GIT_PAGER",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
    }
)
"""What a caller's environment (a hook, another git command) must not say about the repo we look at."""

REMOTE_COMPLAINTS = (
    "Could not read from remote",
    "unable to access",
    "terminal prompts disabled",
    "Could not resolve",
    "Authentication failed",
)
PROGRESS = ("Preparing worktree", "Updating files:", "HEAD is now at", "Cloning into", "hint: ", "warning: ")
"""Beginnings of lines that say what git does, not why it failed."""


class GitError(OpsconsoleError):
    """A valid git command failed."""

    code = "git"


def git(
    repo: Path,
    *arguments: str,
    timeout: float = 30.0,
    limit: int = 64 * MEBIBYTE,
    feed: bytes = b"",
    trusted: bool = False,
    config: tuple[Setting, ...] = (),
) -> bytes:
    """Return what git says on stdout; raise an error that says what to do when it fails.

    ``trusted`` allows what reaches out of the repo (fetching missing objects); ``config`` adds settings.
    """
    answer = ask(repo, *arguments, timeout=timeout, limit=limit, feed=feed, trusted=trusted, config=config)
    if answer.timed_out or answer.truncated or answer.exit_code != 0:
        raise explained(repo, arguments, answer, timeout=timeout)
    return answer.stdout


def ask(
    repo: Path,
    *arguments: str,
    timeout: float = 30.0,
    limit: int = 64 * MEBIBYTE,
    feed: bytes = b"",
    trusted: bool = False,
    config: tuple[Setting, ...] = (),
) -> Completed:
    """Run git and return its answer whatever the exit code; for questions where "no" is an answer."""
    command, *rest = arguments
    if command in DIFFING:
        rest = ["--no-ext-diff", "--no-textconv", *rest]
    require_git()
    environment = _environment(trusted=trusted) | settings_by_environment((*SETTINGS, *config))
    if not trusted and not fetches_when_asked_only():
        _refuse_partial_clone(repo, environment)
    argv = ["git", *QUIET, "-C", str(repo), command, *rest]
    return capture(argv, env=environment, timeout=timeout, limit=limit, feed=feed)


def settings_by_environment(settings: tuple[Setting, ...]) -> dict[str, str]:
    """Return the variables that tell git these settings, after those that the operator's own environment tells."""
    before = os.environ.get("GIT_CONFIG_COUNT", "")
    at = int(before) if before.isascii() and before.isdigit() and len(before) < 5 else 0
    variables = {"GIT_CONFIG_COUNT": str(at + len(settings))}
    for number, (key, value) in enumerate(settings, start=at):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _refuse_partial_clone(repo: Path, environment: dict[str, str]) -> None:
    """RefusedError for a clone that lacks objects: an older git would run what its configuration names to fetch them."""
    wanted = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
    argv = ["git", *QUIET, "-C", str(repo), "config", "--null", "--name-only", "--get-regexp", wanted]
    if capture(argv, env=environment, timeout=30.0).stdout:
        raise RefusedError(
            f"{repo}: a partial clone, and git {named(git_version())} cannot be kept from fetching what it lacks",
            hint=f"install git {named(QUIET_LEAST)} or newer, or clone the repo whole",
        )


def checked_rev(rev: str) -> str:
    """Return ``rev`` when it can only be read as a revision; UsageError otherwise."""
    if not rev or rev.startswith("-") or any(ord(letter) < 32 for letter in rev):
        raise UsageError(f"{rev!r} is no revision", hint="name a branch, a tag or a commit")
    return rev


def library_environment() -> dict[str, str]:
    """Return the environment that makes a library which runs git by itself as quiet as we are."""
    return _environment(trusted=False) | settings_by_environment(SETTINGS)


def _environment(*, trusted: bool) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    ssh = environment.get("GIT_SSH_COMMAND", "ssh")
    return environment | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": f"{ssh} -oBatchMode=yes -oConnectTimeout=10",
        "GIT_NO_LAZY_FETCH": "0" if trusted else "1",
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",
    }


def explained(repo: Path, arguments: tuple[str, ...], answer: Completed, *, timeout: float) -> OpsconsoleError:
    """Return git's complaint as an error that says what to do next."""
    output = answer.stderr.decode("utf-8", "replace").strip()
    shown = f"git {shlex.join(arguments[:2])}"
    if answer.timed_out:
        return UnreachableError(
            f"{repo}: {shown} did not end within {timeout:g} s",
            hint="a slow disk or an unreachable remote; try it by hand",
        )
    if answer.truncated:
        return GitError(f"{repo}: {shown} answered more than can be taken in")
    return _known_complaint(repo, output) or GitError(
        f"{repo}: {shown}: {last_line(output) or f'exit {answer.exit_code}'}"
    )


def _known_complaint(repo: Path, output: str) -> OpsconsoleError | None:
    if "dubious ownership" in output:
        return RefusedError(
            f"{repo}: git refuses a repository that belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {shlex.quote(str(repo.absolute()))}",
        )
    if "not a git repository" in output:
        return NotFoundError(f"{repo}: not a git repository", hint="name a folder that `git status` works in")
    if "cannot change to" in output:
        return NotFoundError(f"{repo}: no such folder", hint="was it moved? `opsconsole repo rm` and add it again")
    if any(words in output for words in REMOTE_COMPLAINTS):
        return UnreachableError(
            f"{repo}: the remote did not answer: {last_line(output)}",
            hint="check the network, the URL and your key or token",
        )
    return None


def last_line(text: str) -> str:
    """Return the last line that says something: git puts its verdict there, and the cause in the first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(PROGRESS)]
    if not lines:
        return ""
    verdict = lines[-1].removeprefix("fatal: ").removeprefix("error: ")
    marked = (line for line in lines[:-1] if line.startswith(("error: ", "fatal: ")))
    cause = next(marked, lines[0] if len(lines) > 1 else "")
    return f"{verdict} ({cause})"[:400] if cause else verdict[:400]
