"""The newest verdict of a branch, a commit, or a pipeline that is no build, each by an index.

A verdict is a run that is over and says something: not a cancelled one, and of builds only a full one. Each query speaks
in the very words of its partial index, so that a million probes and reruns cost it nothing. Standard library only.
"""

from __future__ import annotations

from opsconsole.core.nouns import VERDICT_RUN_STATES, RunState
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord, record_of

VERDICTS = "state IN ({})".format(", ".join(f"'{state}'" for state in sorted(VERDICT_RUN_STATES)))
FULL = f"purpose = 'full' AND {VERDICTS}"
OTHER = f"purpose IN ('deploy', 'evaluate', 'score', 'task', 'train') AND {VERDICTS}"


def of_branch(store: Store, repo: str, branch: str | None) -> list[RunRecord]:
    """Return, for each pipeline that built a branch, the newest verdict on the commit that was built last; newest first.

    An old commit that was run again says nothing of the branch: a rerun counts only where nothing newer was built.
    """
    newest = []
    for pipeline in _pipelines(store, repo, branch):
        last = _newest(store, repo, branch, pipeline, "AND rerun_of IS NULL")
        if last is not None:
            again = _newest(store, repo, branch, pipeline, "AND commit_id = ?", last.commit)
            newest.append(again or last)
    return sorted(newest, key=lambda run: -run.id)


def of_commit(store: Store, repo: str, commit: str, *, limit: int = 50) -> list[RunRecord]:
    """Return the full builds of a commit that have a verdict, newest first, whatever branch they were asked for on."""
    rows = store.rows(
        f"SELECT * FROM runs INDEXED BY runs_by_commit WHERE repo = ? AND commit_id = ? AND {FULL}"  # noqa: S608 - our words
        " ORDER BY id DESC LIMIT ?",
        (repo, commit, limit),
    )
    return [record_of(row) for row in rows]


def branch_built_last(store: Store, repo: str) -> str | None:
    """Return the branch of the newest full build of a repo: what it stands for where the repo itself cannot be asked."""
    rows = store.rows(
        f"SELECT branch FROM runs WHERE repo = ? AND branch IS NOT NULL AND {FULL} ORDER BY id DESC LIMIT 1",  # noqa: S608
        (repo,),
    )
    return None if not rows else str(rows[0]["branch"])


def green(
    store: Store, repo: str, pipeline: str, *, branch: str | None, before: int | None = None, limit: int = 1
) -> list[RunRecord]:
    """Return the newest full builds of a pipeline on a branch that passed, newest first; ``before`` is a run's id."""
    return _history(store, repo, branch, pipeline, f"AND state = '{RunState.PASSED}'", before=before, limit=limit)


def recent(store: Store, repo: str, pipeline: str, *, branch: str | None, limit: int = 20) -> list[RunRecord]:
    """Return the newest verdicts of a pipeline on a branch, newest first: the points of a sparkline."""
    return _history(store, repo, branch, pipeline, "", before=None, limit=limit)


def of_other_pipelines(store: Store, repo: str) -> list[RunRecord]:
    """Return the newest verdict of each pipeline that builds nothing: trainings, scorings, tasks."""
    rows = store.rows(
        f"WITH RECURSIVE known (pipeline) AS (SELECT min(pipeline) FROM runs WHERE repo = :repo AND {OTHER} UNION ALL"  # noqa: S608
        f" SELECT (SELECT min(pipeline) FROM runs WHERE repo = :repo AND pipeline > known.pipeline AND {OTHER}) FROM known"
        " WHERE known.pipeline IS NOT NULL)"
        " SELECT runs.* FROM known CROSS JOIN runs ON runs.id = (SELECT id FROM runs WHERE repo = :repo"
        f" AND pipeline = known.pipeline AND {OTHER} ORDER BY id DESC LIMIT 1)",
        {"repo": repo},
    )
    return [record_of(row) for row in rows]


def _pipelines(store: Store, repo: str, branch: str | None) -> list[str]:
    """Return the pipelines that ever built a branch, by one look-up for each."""
    rows = store.rows(
        "WITH RECURSIVE known (pipeline) AS"  # noqa: S608 - our words
        f" (SELECT min(pipeline) FROM runs WHERE repo = :repo AND branch IS :branch AND {FULL} UNION ALL"
        " SELECT (SELECT min(pipeline) FROM runs WHERE repo = :repo AND branch IS :branch"
        f" AND pipeline > known.pipeline AND {FULL}) FROM known WHERE known.pipeline IS NOT NULL)"
        " SELECT pipeline FROM known WHERE pipeline IS NOT NULL",
        {"repo": repo, "branch": branch},
    )
    return [row["pipeline"] for row in rows]


def _newest(
    store: Store, repo: str, branch: str | None, pipeline: str, also: str, *parameters: object
) -> RunRecord | None:
    runs = _history(store, repo, branch, pipeline, also, *parameters, before=None, limit=1)
    return runs[0] if runs else None


def _history(
    store: Store,
    repo: str,
    branch: str | None,
    pipeline: str,
    also: str,
    *parameters: object,
    before: int | None,
    limit: int,
) -> list[RunRecord]:
    rows = store.rows(
        f"SELECT * FROM runs INDEXED BY runs_full_verdicts WHERE repo = ? AND branch IS ? AND pipeline = ? AND {FULL}"  # noqa: S608
        f" {also} AND id < ? ORDER BY id DESC LIMIT ?",
        (repo, branch, pipeline, *parameters, 1 << 62 if before is None else before, limit),
    )
    return [record_of(row) for row in rows]
