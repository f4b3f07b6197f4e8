"""Candidates: judged against the champion, promoted, rolled back."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Any

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, RefusedError
from opsconsole.core.nouns import GateOutcome
from opsconsole.lifecycle.ladders import champion_of, require_rung
from opsconsole.lifecycle.monitors import incidents
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.gates.case import Case, Facts, TestsAtCommit
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.judging import (
    changed_predictions,
    evaluate,
    evaluate_reason,
    open_case,
    require_passed,
)
from opsconsole.registry.places import version_folder
from opsconsole.registry.promotion.links import follow_record, require_place
from opsconsole.registry.promotion.moves import Move, Moved, plan_rollback, promote, roll_back
from opsconsole.registry.versions.artifacts import verify
from opsconsole.store import judgements, models, promotions, verdicts
from opsconsole.store.connection import Store
from opsconsole.store.judgements import Changes, StoredJudgement
from opsconsole.store.models import Version
from opsconsole.store.promotions import Alias


@dataclass(frozen=True)
class Judgement:
    """A version's gates for one alias, and what the operator saw of the alias meanwhile."""

    case: Case
    held: Alias | None
    """The alias when the gates were evaluated; None: it pointed nowhere."""
    gates: list[Gate]
    changes: Changes | None

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return not any(gate.outcome.blocks for gate in self.gates)

    @property
    def champion(self) -> int | None:
        """The version it was held against."""
        return self.case.champion.version if self.case.champion is not None else None

    @property
    def seen(self) -> int | None:
        """The version that was at the alias."""
        return self.held.version if self.held is not None else None


def judge(workspace: Workspace, store: Store, model: str, version: int, alias: str) -> Judgement:
    """Evaluate the gates of an alias for a version, on the digests as they are now.

    RefusedError for the version that holds the alias.
    """
    ladder = require_rung(workspace, model, alias)
    challenger = models.version(store, model, version)
    held = promotions.alias(store, model, alias)
    champion = champion_of(store, model, ladder, alias)
    if champion is not None and champion.version == challenger.version:
        if held is not None and held.version == version:
            raise RefusedError(f"v{version} is at {model}@{alias} already", hint="there is nothing to promote")
        champion = None
    case = open_case(workspace, store, challenger, champion, alias, Facts(tests=tests_at(store, challenger)))
    return Judgement(case, held, evaluate(case), changed_predictions(case))


def promote_candidate(
    workspace: Workspace,
    store: Store,
    model: str,
    version: int,
    alias: str,
    *,
    reason: str,
    expect: str | None,
    force: tuple[str, ...] = (),
) -> tuple[Judgement, Moved]:
    """Promote a version if its gates hold (or are forced by name) and the alias still stands where it was seen.

    ``expect`` is the version the operator saw at the alias (``none`` for nothing).
    ConflictError when the alias moved, RefusedError when a gate blocks.
    """
    judgement = judge(workspace, store, model, version, alias)
    seen = str(judgement.seen) if judgement.seen is not None else "none"
    if expect is not None and expect.removeprefix("v") != seen:
        raise ConflictError(
            f"{model}@{alias} moved: you saw {expect}, it is {seen} now",
            hint="look at the gates again, against the new champion",
        )
    gates = [*judgement.gates, *evaluate_reason(judgement.case, reason)]
    require_passed(gates, force, hint=f"opsconsole model gates {model}:{version} --to {alias} shows all")
    move = Move(
        model=model,
        alias=alias,
        to_version=version,
        seen=judgement.held,
        reason=reason.strip(),
        command=" ".join(
            [
                command("model.promote", model=model, version=version, alias=alias, reason=reason.strip(), expect=seen),
                *(f"--force-gate {shlex.quote(name)}" for name in force),
            ]
        ),
    )
    require_place(workspace.models / model / alias)
    with store.durable() as connection:
        moved = promote(connection, move, gates=gates, forced=list(force))
        incidents.follow_promotion(connection, workspace, moved)
    follow_record(workspace, store, model, alias, moved.promotion)
    return judgement, moved


def roll_back_alias(
    workspace: Workspace,
    store: Store,
    model: str,
    alias: str,
    reason: str,
    *,
    expect: str | None = None,
    to: str | None = None,
) -> Moved:
    """Go back to what was live before, after its digests were read again.

    ``expect`` is the version that the operator saw there, ``to`` the one to go back to. Alerts of what is live again
    open again with it; those of what was taken back are closed. RefusedError without a reason, or for damaged files;
    ConflictError when the alias moved meanwhile.
    """
    if not reason.strip():
        raise RefusedError("a rollback needs a reason", hint="--reason WHY")
    line = command("model.rollback", model=model, alias=alias, reason=reason.strip(), expect=expect, to=to)
    move, undoes = plan_rollback(store, model, alias, reason.strip(), line, expect=expect, to=to)
    wrong = verify(version_folder(workspace, model, move.to_version), models.files(store, model, move.to_version))
    if wrong:
        raise RefusedError(
            f"v{move.to_version} cannot go live: {'; '.join(wrong[:3])}",
            hint="promote another version, or restore its files",
        )
    require_place(workspace.models / model / alias)
    with store.durable() as connection:
        moved = roll_back(connection, move, undoes)
        incidents.follow_rollback(connection, workspace, moved)
    follow_record(workspace, store, model, alias, moved.promotion)
    return moved


def remember(store: Store, judgement: Judgement) -> None:
    """Keep a judgement, so that the console can show it at once."""
    item = StoredJudgement(
        model=judgement.case.challenger.model,
        version=judgement.case.challenger.version,
        alias=judgement.case.alias,
        champion=judgement.champion,
        passed=judgement.passed,
        gates=[gate.as_json() for gate in judgement.gates],
        changes=judgement.changes,
        at=clock.now(),
    )
    with store.immediate() as connection:
        judgements.put(connection, item)


def tests_at(store: Store, version: Version) -> TestsAtCommit:
    """Return what the newest full build with tests of the version's commit came to."""
    origin = version.provenance
    if origin.repo is None or origin.commit is None:
        return TestsAtCommit()
    tested = verdicts.of_commit(store, origin.repo, origin.commit)
    run = next((item for item in tested if item.tests is not None and item.tests.total), None)
    if run is None or run.tests is None:
        return TestsAtCommit()
    return TestsAtCommit(run_id=run.id, passed=run.tests.passed, failed=run.tests.failed + run.tests.errors)


def gate_json(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as ``model gates --json`` prints it."""
    return {
        "model": judgement.case.challenger.model,
        "version": judgement.case.challenger.version,
        "alias": judgement.case.alias,
        "champion": judgement.champion,
        "expect": judgement.seen,
        "passed": judgement.passed,
        "gates": [gate.as_json() for gate in judgement.gates],
        "changes": asdict(judgement.changes) if judgement.changes is not None else None,
        "counts": {str(outcome): sum(gate.outcome is outcome for gate in judgement.gates) for outcome in GateOutcome},
    }
