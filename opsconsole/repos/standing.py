"""Who owns a ref: the operator, somebody who was trusted by name or pattern, or a stranger.

The operator's own are what is checked out, the branches made here, and the branch that the origin builds on, with all
that these contain. Everything else was fetched: a branch of another's, a pull request, a tag on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opsconsole.core.git import ask
from opsconsole.core.globs import matches
from opsconsole.repos.status import is_bare


class Owner(StrEnum):
    """Whose a ref is."""

    OWN = "own"
    """Checked out, or contained in what is; or in the branch that the origin builds on."""
    LOCAL = "local"
    """Of another branch that lies here: made here, or checked out once from somebody's."""
    TRUSTED = "trusted"
    """Somebody else's, and trusted by name or pattern."""
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Standing:
    """What a run of a ref may reach."""

    owner: Owner
    ref: str
    """The ref as it is known by: what was asked for, or the commit."""


def standing_of(repo: Path, rev: str | None, commit: str, patterns: Sequence[str]) -> Standing:
    """Return whose ``rev`` (None: what is checked out), which is ``commit``, is; ``patterns`` are those trusted."""
    ref = rev or commit
    if (
        rev in {None, "HEAD"}
        or _contained(repo, commit, "HEAD")
        or _contained(repo, commit, "refs/remotes/origin/HEAD")
    ):
        return Standing(Owner.OWN, ref)
    if not is_bare(repo) and _on_a_branch_here(repo, commit):
        return Standing(Owner.LOCAL, ref)
    names = {ref, ref.removeprefix("origin/")} if rev is not None else set()
    return Standing(Owner.TRUSTED if any(matches(name, list(patterns)) for name in names) else Owner.FOREIGN, ref)


def _contained(repo: Path, commit: str, ref: str) -> bool:
    tip = ask(repo, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").stdout.decode("ascii", "replace").strip()
    return bool(tip) and (tip == commit or ask(repo, "merge-base", "--is-ancestor", commit, tip).exit_code == 0)


def _on_a_branch_here(repo: Path, commit: str) -> bool:
    answer = ask(repo, "for-each-ref", "--count=1", f"--contains={commit}", "--format=%(refname)", "refs/heads/")
    return answer.exit_code == 0 and bool(answer.stdout.strip())
