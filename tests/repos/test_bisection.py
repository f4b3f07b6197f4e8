from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.errors import ConflictError
from opsconsole.repos.bisection import Bisection


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], str, set[str]]:
    """Any history with one head, the commit that broke it, and the commits that are bad for it."""
    count = draw(st.integers(1, 40))
    parents: dict[str, tuple[str, ...]] = {"c0": ()}
    for at in range(1, count):
        chosen = draw(st.sets(st.integers(max(0, at - 6), at - 1), min_size=1, max_size=2))
        parents[f"c{at}"] = tuple(f"c{parent}" for parent in chosen)
    head = f"c{count - 1}"
    reached, waiting = {head}, [head]
    while waiting:
        for parent in parents[waiting.pop()]:
            if parent not in reached:
                reached.add(parent)
                waiting.append(parent)
    parents = {name: parents[name] for name in reversed(list(parents)) if name in reached}
    first = draw(st.sampled_from(sorted(reached)))
    bad = {first}
    for name in reversed(list(parents)):
        if bad & set(parents[name]):
            bad.add(name)
    return parents, first, bad


@given(histories(), st.integers(1, 4))
def test_the_first_bad_commit_of_any_history_is_found(
    history: tuple[dict[str, tuple[str, ...]], str, set[str]], at_once: int
) -> None:
    parents, first, bad = history
    search = Bisection(next(iter(parents)), parents)
    tried = 0
    while search.first_bad is None:
        chosen = search.next(at_once)
        assert chosen
        for commit in chosen:
            search = search.after(commit, bad=commit in bad)
            tried += 1
        assert tried <= 200
    assert search.first_bad == first


@given(histories(), st.data())
def test_skipped_commits_never_make_it_wrong(
    history: tuple[dict[str, tuple[str, ...]], str, set[str]], data: st.DataObject
) -> None:
    parents, first, bad = history
    search = Bisection(next(iter(parents)), parents)
    while search.first_bad is None and not search.stuck:
        (commit,) = search.next(1)
        skip = data.draw(st.booleans())
        search = search.without(commit) if skip else search.after(commit, bad=commit in bad)
    assert first in search.parents
    if search.first_bad is not None:
        assert search.first_bad == first


@pytest.mark.parametrize(("at_once", "rounds"), [(1, 10), (2, 7), (3, 5)])
def test_trying_more_at_once_takes_fewer_rounds(at_once: int, rounds: int) -> None:
    names = [f"c{at}" for at in range(1000)]
    parents = {name: (names[at - 1],) if at else () for at, name in reversed(list(enumerate(names)))}
    search, done = Bisection("c999", parents), 0
    while search.first_bad is None:
        for commit in search.next(at_once):
            search = search.after(commit, bad=int(commit[1:]) >= 617)
        done += 1
    assert search.first_bad == "c617"
    assert done <= rounds


def test_a_good_head_contradicts() -> None:
    search = Bisection("b", {"b": ("a",), "a": ()})
    with pytest.raises(ConflictError, match="is good, although"):
        search.after("b", bad=False)
