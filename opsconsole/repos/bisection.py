"""Choosing the commits that a bisect tries next: pure, on any history, several at once.

A commit is bad when something it builds on is bad; the first bad one is looked for between what is known to be good and
what is known to be bad. Trying k commits at once leaves one part in k + 1 of a straight history, where git's own bisect
leaves a half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsconsole.core.errors import ConflictError, UsageError
from opsconsole.core.git import checked_rev, git

MOST = 20_000
"""Commits between good and bad, beyond which only the first parents are looked at."""


@dataclass(frozen=True)
class Bisection:
    """What is known so far."""

    bad: str
    parents: Mapping[str, tuple[str, ...]]
    """The commits of which one is the first bad, each with its parents among them; ``bad`` is one of them."""
    skipped: frozenset[str] = field(default=frozenset())
    """Commits that gave no verdict."""

    @property
    def first_bad(self) -> str | None:
        """Return the first bad commit, when only one is left."""
        return self.bad if len(self.parents) == 1 else None

    @property
    def stuck(self) -> bool:
        """Whether all that is left to try was skipped."""
        return self.first_bad is None and not self.next(1)

    def next(self, count: int) -> list[str]:
        """Return at most ``count`` commits to try, spread evenly over what is left."""
        sizes = {commit: line.bit_count() for commit, line in self._lines().items() if commit != self.bad}
        free = [commit for commit in sizes if commit not in self.skipped]
        chosen: list[str] = []
        for part in range(1, count + 1):
            wanted = len(self.parents) * part / (count + 1)
            left = [commit for commit in free if commit not in chosen]
            if left:
                chosen.append(min(left, key=lambda commit: (abs(sizes[commit] - wanted), commit)))
        return chosen

    def after(self, commit: str, *, bad: bool) -> Bisection:
        """Return what is known once a commit was found good or bad; one that is out of question changes nothing.

        ConflictError when no commit is left that may be the first bad one.
        """
        if commit not in self.parents:
            return self
        order = list(self.parents)
        line = self._lines()[commit]
        inside = {name for at, name in enumerate(order) if line >> at & 1}
        kept = inside if bad else set(order) - inside
        if not kept:
            raise ConflictError(f"{commit[:12]} is good, although it comes after {self.bad[:12]}, which is bad")
        return Bisection(
            bad=commit if bad else self.bad,
            parents={name: tuple(p for p in self.parents[name] if p in kept) for name in order if name in kept},
            skipped=self.skipped & frozenset(kept),
        )

    def without(self, commit: str) -> Bisection:
        """Return what is known when a commit gave no verdict."""
        return Bisection(self.bad, self.parents, self.skipped | {commit})

    def _lines(self) -> dict[str, int]:
        """Return for each commit the set of commits it builds on, itself too, as bits in the order of ``parents``."""
        place = {commit: at for at, commit in enumerate(self.parents)}
        lines: dict[str, int] = {}
        for commit in _oldest_first(self.parents):
            line = 1 << place[commit]
            for parent in self.parents[commit]:
                line |= lines[parent]
            lines[commit] = line
        return lines


def between(repo: Path, good: Sequence[str], bad: str) -> Bisection:
    """Return the search between good commits and a bad one; UsageError when no good one leads to it."""
    words = ["rev-list", "--topo-order", "--parents", checked_rev(bad), "--not", *map(checked_rev, good)]
    lines = git(repo, *words).decode("ascii").splitlines()
    if len(lines) > MOST:
        lines = git(repo, *words[:1], "--first-parent", *words[1:]).decode("ascii").splitlines()[: 50 * MOST]
    if not lines:
        raise UsageError(
            f"{bad[:12]} holds nothing that {', '.join(name[:12] for name in good)} does not",
            hint="--good names what worked, --bad what came after it and does not",
        )
    pairs = [line.split() for line in lines]
    inside = {commit for commit, *_ in pairs}
    parents = {commit: tuple(parent for parent in rest if parent in inside) for commit, *rest in pairs}
    return Bisection(bad=pairs[0][0], parents=parents)


def _oldest_first(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the commits so that each comes after what it builds on."""
    done: dict[str, None] = {}
    for start in parents:
        waiting = [start]
        while waiting:
            commit = waiting[-1]
            missing = [parent for parent in parents[commit] if parent not in done]
            if missing:
                waiting += missing
            else:
                waiting.pop()
                done.setdefault(commit)
    return list(done)
