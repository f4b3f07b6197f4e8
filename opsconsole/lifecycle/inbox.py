"""What waits for the operator, worst first: alerts, decisions, broken builds. Read from the store alone, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from opsconsole.config import metrics
from opsconsole.config.workspace import Workspace
from opsconsole.core import text
from opsconsole.core.nouns import Address, AlertState, GateOutcome, RunPurpose, RunState, Severity
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.lifecycle.models.serving import unserved
from opsconsole.lifecycle.monitors.whereabouts import where
from opsconsole.lifecycle.software.repo_state import cause, repo_state
from opsconsole.store import alerts, judgements, promotions, repos, verdicts
from opsconsole.store.connection import Store
from opsconsole.store.judgements import StoredJudgement
from opsconsole.store.repos import RepoRecord
from opsconsole.store.runs import RunRecord

GIVEN_UP = timedelta(days=90)
"""A pipeline that last ran so long before the newest run of its repo is no longer waited for."""


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for the operator."""

    kind: Literal["alert", "decision", "broken", "service", "untrusted"]
    target: Address
    """Where to go: ``alert 3``, ``model flights:2``, ``run 42``."""
    rank: int
    """Its order, least first."""
    word: str
    title: str
    text: str
    since: datetime


def waiting(workspace: Workspace, store: Store) -> list[Waiting]:
    """Return everything that waits, worst first, the newest first among equals."""
    known = {repo.name: repo for repo in repos.all_repos(store)}
    names = sorted({*workspace.config.repos, *known})
    items = [
        *_services(workspace, store),
        *_alerts(store),
        *_decisions(workspace, store),
        *_broken(workspace, store, names),
        *_untrusted(workspace, known, names),
    ]
    return sorted(items, key=lambda item: (item.rank, -item.since.timestamp()))


def _services(workspace: Workspace, store: Store) -> list[Waiting]:
    """Return what is in production and has nobody who answers for it."""
    return [
        Waiting(
            kind="service",
            target=Address("run", str(item.run_id))
            if item.run_id is not None
            else Address("model", f"{item.model}@{item.alias}"),
            rank=0,
            word="down",
            title=item.what or f"{item.model}@{item.alias}",
            text=f"nobody answers for {item.model}@{item.alias} since {text.moment(item.since)}: {item.why}",
            since=item.since,
        )
        for item in unserved(workspace, store)
    ]


def _untrusted(workspace: Workspace, known: dict[str, RepoRecord], names: list[str]) -> list[Waiting]:
    """Return the repos that nothing is run of before the operator says so."""
    written = datetime.fromtimestamp(workspace.file.stat().st_mtime, UTC)
    return [
        Waiting(
            kind="untrusted",
            target=Address("repo", name),
            rank=4,
            word="trust",
            title=name,
            text="nothing of it runs before you say so",
            since=known[name].added_at if name in known else written,
        )
        for name in names
        if name not in known or not known[name].trusted
    ]


def _alerts(store: Store) -> list[Waiting]:
    ranks = {Severity.CRITICAL: 0, Severity.WARN: 2, Severity.INFO: 5}
    return [
        Waiting(
            kind="alert",
            target=Address("alert", str(item.id)),
            rank=ranks.get(item.severity, 5),
            word=str(item.severity),
            title=where(store, item),
            text=item.title,
            since=item.opened_at,
        )
        for item in alerts.alerts(store, live=True)
        if item.state is AlertState.OPEN and item.severity is not Severity.INFO
    ]


def _decisions(workspace: Workspace, store: Store) -> list[Waiting]:
    """Return the candidates that are newer than what production holds and were judged fit."""
    decisions: list[Waiting] = []
    for name in workspace.config.models:
        ladder = ladder_of(workspace, name)
        held = {row.alias: row for row in promotions.aliases(store, name)}
        candidate, production = held.get(ladder[0]), held.get(ladder[-1])
        if candidate is None or len(ladder) < 2 or (production and candidate.version <= production.version):
            continue
        judged = judgements.get(store, name, candidate.version, ladder[-1])
        if judged is None or not judged.passed or judged.champion != (production.version if production else None):
            continue
        if any(
            move.from_version == candidate.version for move in promotions.history(store, name, ladder[-1], limit=50)
        ):
            continue
        decisions.append(
            Waiting(
                kind="decision",
                target=Address("model", f"{name}:{candidate.version}"),
                rank=1,
                word="decide",
                title=f"{name} v{candidate.version}, {ladder[0]}",
                text=verdict(judged),
                since=candidate.moved_at,
            )
        )
    return decisions


def verdict(judged: StoredJudgement) -> str:
    """Return a judgement in one line: ``beats v2 by .040 AUC (CI .031–.049) · 7 of 7 gates pass``."""
    from opsconsole.registry.gates.gate import evidence_of  # the console's start has seldom one to tell
    from opsconsole.registry.gates.not_worse import NotWorseEvidence
    from opsconsole.registry.gates.stored import read_gates

    gates = read_gates(judged.gates)
    counted = [gate for gate in gates if gate.outcome is not GateOutcome.SKIP]
    passing = f"{sum(not gate.outcome.blocks for gate in counted)} of {len(counted)} gates pass"
    compared = evidence_of(gates, NotWorseEvidence)
    if judged.champion is None or compared is None or compared.measured is None:
        return passing
    measured = compared.measured
    word = "beats" if measured.low > 0 else "falls behind" if measured.high < 0 else "differs from"
    metric = metrics.short(compared.metric)
    joint = "–" if measured.low >= 0 else " to "
    interval = f"CI {text.decimals(measured.low)}{joint}{text.decimals(measured.high)}"
    return f"{word} v{judged.champion} by {text.decimals(abs(measured.difference))} {metric} ({interval}) · {passing}"


def _broken(workspace: Workspace, store: Store, names: list[str]) -> list[Waiting]:
    return [_broken_item(store, run) for name in names for run in _last_verdicts(workspace, store, name) if run.broken]


def _last_verdicts(workspace: Workspace, store: Store, repo: str) -> list[RunRecord]:
    """Return the newest verdict of each pipeline, save those that were given up while others went on."""
    builds = [*repo_state(workspace, store, repo).builds, *verdicts.of_other_pipelines(store, repo)]
    newest = max((run.created_at for run in builds), default=None)
    return [run for run in builds if newest is not None and newest - run.created_at <= GIVEN_UP]


def _broken_item(store: Store, run: RunRecord) -> Waiting:
    return Waiting(
        kind="broken",
        target=Address("run", str(run.id)),
        rank=3,
        word="broken" if run.state is RunState.FAILED else run.state.replace("_", " "),
        title=f"{run.repo}/{run.pipeline} #{run.id}",
        text=_broken_text(store, run),
        since=run.ended_at or run.created_at,
    )


def _broken_text(store: Store, run: RunRecord) -> str:
    bisection = cause(store, run) if run.purpose is RunPurpose.FULL else None
    at = f"at {run.commit[:7]} “{text.clean(run.subject, limit=50)}”"
    if bisection is not None:
        at = f"since {bisection.first_bad[:7]} “{text.clean(bisection.subject, limit=50)}”, found by bisect"
    if run.tests is not None and run.tests.failed + run.tests.errors:
        return f"{run.tests.failed + run.tests.errors} of {run.tests.total} tests {at}"
    return f"{run.error or 'a step failed'} {at}"
