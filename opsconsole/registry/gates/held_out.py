"""Finding the rows that two versions are judged on; they must be the same, unseen in training, and consistent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from opsconsole.config.schema import GatesConfig, ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core import text
from opsconsole.core.errors import UsageError
from opsconsole.core.files import digest_file
from opsconsole.core.nouns import Contender, GateOutcome
from opsconsole.registry.evidence import data_parts, rivals
from opsconsole.registry.evidence.score_record import Held, held_against_record
from opsconsole.registry.evidence.scored import Reading, Scored, read_evaluation, reading_of
from opsconsole.registry.gates.contest import Contest
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.names import GateName
from opsconsole.registry.gates.same_rows import SameRowsEvidence
from opsconsole.registry.places import evaluation_path, evidence_folder
from opsconsole.registry.tasks import task_of
from opsconsole.store import evaluations
from opsconsole.store.connection import Store
from opsconsole.store.evaluations import Evaluation
from opsconsole.store.models import Version

_gate = partial(Gate, GateName.SAME_ROWS)


@dataclass(frozen=True)
class Demand:
    """What a rung asks of evidence."""

    always: bool
    """Held-out rows must be there, whatever else is asked."""
    compared: bool
    """A rule compares with the champion, so that the champion's scores must be there too."""


def demand_of(config: ModelConfig, rules: GatesConfig, alias: str, champion: list[Evaluation]) -> Demand:
    """Return what a rung demands: what it says, and at the top what its champion has shown itself."""
    by_default = alias == config.ladder[-1] and bool(champion)
    return Demand(by_default if rules.evidence is None else rules.evidence, rules.not_worse is not None)


def find_contest(
    workspace: Workspace, store: Store, challenger: Version, champion: Version | None, demand: Demand
) -> tuple[Contest | None, Gate]:
    """Find the rows to judge on, and the gate that says whether they may be judged on."""
    known = evaluations.of_version(store, challenger.model, challenger.version)
    if not known:
        return None, _without_rows(store, champion, demand)
    pair = evaluations.shared(store, challenger.model, challenger.version, champion.version) if champion else None
    chosen = pair or (known[0],)
    for evaluation in chosen:
        spoiled = _spoiled(workspace, evaluation)
        if spoiled is not None:
            return None, _fail(spoiled, SameRowsEvidence(digest=evaluation.rows_digest))
    task = task_of(workspace, store, challenger.model)
    reading = reading_of(workspace.config.models.get(challenger.model), task)
    try:
        contest, held = _read(workspace, store, reading, chosen, challenger, champion)
    except UsageError as error:
        return None, _fail(f"{error.message}{f'; {error.hint}' if error.hint else ''}")
    if contest.champion is not None and (contest.champion.labels != contest.challenger.labels).any():
        return None, _fail("the two were scored against different labels")
    shown = SameRowsEvidence(rows=contest.evaluation.rows, digest=contest.evaluation.rows_digest)
    if held is not None:
        shown = replace(shown, on_record=held.rows, disagree=held.disagree)
    if contest.doubt:
        return contest, _fail(contest.doubt, shown)
    unfit = _seen(workspace, contest, challenger, champion if pair is not None else None, shown)
    if unfit is not None:
        return contest, unfit
    if champion is not None and pair is None:
        return contest, _unscored(challenger, champion, demand, shown)
    return contest, _fair(contest, challenger, champion, held, shown)


def _without_rows(store: Store, champion: Version | None, demand: Demand) -> Gate:
    """Judge a version that shows no rows: its lack is never rewarded, and no data on either side is nothing to compare."""
    theirs = bool(evaluations.of_version(store, champion.model, champion.version)) if champion is not None else False
    if champion is not None and (theirs or demand.compared):
        return _fail("it was not evaluated on held-out rows")
    if demand.always:
        return _fail("this rung demands held-out rows, and it was not evaluated on any")
    words = (
        "no held-out rows on either side"
        if champion is not None
        else "no held-out rows, and no champion to compare with"
    )
    return _gate(GateOutcome.SKIP, words)


def _read(
    workspace: Workspace,
    store: Store,
    reading: Reading,
    chosen: tuple[Evaluation, ...],
    challenger: Version,
    champion: Version | None,
) -> tuple[Contest, Held | None]:
    """Read both sides, and compare the champion's scores with those on record."""
    path = evaluation_path(workspace, chosen[0])
    inside = read_evaluation(path, reading)
    own = inside[chosen[0].contender]
    if champion is None:
        return Contest(reading, chosen[0], own, None), None
    theirs = chosen[1] if len(chosen) > 1 else None
    sides: list[tuple[Scored, Path]] = []
    if theirs is not None:
        there = evaluation_path(workspace, theirs)
        sides.append(((inside if there == path else read_evaluation(there, reading))[theirs.contender], there))
    if (
        chosen[0].contender is Contender.CHALLENGER
        and challenger.provenance.champion == champion.version
        and Contender.CHAMPION in inside
    ):
        sides.append((inside[Contender.CHAMPION], path))
    held = [held_against_record(workspace, store, champion, scored, reading, but=file) for scored, file in sides]
    worst = max(held, key=lambda one: (one.disagree, one.rows), default=None)
    contest = Contest(reading, chosen[0], own, sides[0][0] if theirs is not None else None, theirs)
    doubt = _doubt(contest, challenger, champion, worst)
    return Contest(reading, chosen[0], own, contest.champion, theirs, doubt), worst


def _doubt(contest: Contest, challenger: Version, champion: Version, held: Held | None) -> str:
    if held is not None and held.disagree:
        return (
            f"v{champion.version}'s scores here are not those on record: {held.disagree:,} of {held.rows:,} rows that stand"
            f" in {text.clean(held.source, limit=60)} too have others there"
        )
    theirs = contest.champion
    if theirs is None or challenger.digest == champion.digest or not rivals.same_scores(contest.challenger, theirs):
        return ""
    return (
        f"v{challenger.version} and v{champion.version} have the same scores to the last bit on all"
        f" {contest.evaluation.rows:,} rows, and are different artifacts: one of the two was not scored"
    )


def _spoiled(workspace: Workspace, evaluation: Evaluation) -> str | None:
    """Say what is wrong with an evaluation's file: declared but absent, or changed, is evidence of nothing."""
    path = evaluation_path(workspace, evaluation)
    if not path.is_file():
        return f"{path.name} is gone: restore the evidence folder from a backup, or train again"
    if digest_file(path) != evaluation.file_digest:
        return f"{path.name} changed since it was taken in"
    return None


def _seen(
    workspace: Workspace, contest: Contest, challenger: Version, champion: Version | None, shown: SameRowsEvidence
) -> Gate | None:
    """Block evidence whose rows a contender was trained on, or whose parts are not named; None: nobody saw them."""
    judged = contest.challenger.row_ids
    for contender in (challenger, champion):
        if contender is None:
            continue
        who = f"v{contender.version}"
        part = contender.part(data_parts.TRAINING)
        if part is None or part.ids is None:
            return _fail(f"{who} does not name the rows it was trained on", shown)
        others = [item for item in contender.data if item.name != data_parts.EVALUATION and item.ids is not None]
        if not any(item.rows for item in others if item.name == data_parts.TRAINING):
            return _fail(f"{who} says it was trained on no rows at all, so that nothing is known to be unseen", shown)
        for item in others:
            try:
                trained = data_parts.read_part(item, evidence_folder(workspace, contender) / str(item.ids))
            except UsageError as error:
                return _fail(f"{who}: {error.message}", shown)
            common = data_parts.overlap(judged, trained)
            if common:
                word = (
                    "trained on"
                    if item.name == data_parts.TRAINING
                    else f"fitted with ({text.clean(item.name, limit=24)})"
                )
                return _fail(
                    f"{who} was {word} {common:,} of the {len(judged):,} rows it is judged on",
                    replace(shown, overlap=common),
                )
    return None


def _unscored(challenger: Version, champion: Version, demand: Demand, shown: SameRowsEvidence) -> Gate:
    """Judge rows that the champion has no scores on: a rung that compares, or demands evidence, blocks."""
    judged = challenger.provenance.champion
    moved = f"it was judged against v{judged}; the champion moved since"
    words = f"v{champion.version} has no scores on its held-out rows: " + (
        "not scored" if judged in {None, champion.version} else moved
    )
    outcome = GateOutcome.FAIL if demand.compared or demand.always else GateOutcome.WARN
    return _gate(outcome, words, shown)


def _fair(
    contest: Contest, challenger: Version, champion: Version | None, held: Held | None, shown: SameRowsEvidence
) -> Gate:
    whom = "both" if champion is not None else "it"
    short = contest.evaluation.rows_digest.removeprefix("sha256:")[:4]
    detail = f"{contest.evaluation.rows:,} rows{_source(challenger)}, unseen by {whom}, sha256:{short}…"
    if held is not None and champion is not None:
        known = "as on record" if held.rows else "nothing on record to hold them against"
        detail += f"; v{champion.version}'s scores: {known}"
    return _gate(GateOutcome.PASS, detail, shown)


def _source(version: Version) -> str:
    part = version.part(data_parts.EVALUATION)
    if part is None or not part.paths:
        return ""
    names = [Path(path).stem for path in part.paths]
    return f" of {text.clean(names[0], limit=24)}" if len(names) == 1 else f" of {len(names)} files"


def _fail(detail: str, shown: SameRowsEvidence | None = None) -> Gate:
    return _gate(GateOutcome.FAIL, detail, shown)
