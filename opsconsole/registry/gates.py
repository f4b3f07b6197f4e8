"""The gates before a promotion: each a check with a verdict, one sentence, and the evidence in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsconsole.config.schema import GatesConfig, ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.ground import text
from opsconsole.ground.errors import UsageError
from opsconsole.ground.files import digest_file
from opsconsole.ground.nouns import GateOutcome
from opsconsole.registry import evidence
from opsconsole.registry.artifacts import verify
from opsconsole.registry.audit import KNOWN_TYPES
from opsconsole.registry.places import evaluation_path, version_folder
from opsconsole.registry.statistics import Difference, auc_difference, mean_loss_difference, row_losses
from opsconsole.store import models
from opsconsole.store.connection import Store
from opsconsole.store.models import Evaluation, Version


@dataclass(frozen=True)
class Gate:
    """One gate's verdict."""

    name: str
    outcome: GateOutcome
    detail: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the promotion keeps it."""
        return {"name": self.name, "outcome": str(self.outcome), "detail": self.detail, "evidence": self.evidence}


@dataclass(frozen=True)
class TestsAtCommit:
    """What is known of the tests at a version's commit; told by whoever knows the runs."""

    __test__ = False

    run_id: int | None = None
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Contest:
    """The rows that two versions scored, side by side, in one order."""

    evaluation: Evaluation
    challenger: evidence.Scored
    champion: evidence.Scored | None


def evaluate(
    workspace: Workspace, store: Store, challenger: Version, champion: Version | None, alias: str, tests: TestsAtCommit
) -> list[Gate]:
    """Evaluate every gate of ``alias`` for a version against the champion (None: nobody holds a rung yet)."""
    config = workspace.config.models.get(challenger.model, ModelConfig())
    rules = config.gates.get(alias, GatesConfig())
    contest, rows_gate = _contest(workspace, store, challenger, champion)
    return [
        digest_gate(workspace, store, challenger),
        artifact_gate(challenger, config),
        signature_gate(challenger, champion),
        rows_gate,
        floor_gate(rules, contest),
        not_worse_gate(rules, champion, contest),
        tests_gate(rules, challenger, tests),
    ]


def changes(contest: Contest | None) -> dict[str, int] | None:
    """Count the predictions that change sides at one half, and whether they turn right or wrong; None: nothing to compare."""
    if contest is None or contest.champion is None:
        return None
    labels = contest.challenger.labels > 0.5
    new, old = contest.challenger.scores >= 0.5, contest.champion.scores >= 0.5
    moved = new != old
    right = int((moved & (new == labels)).sum())
    return {"rows": len(labels), "changed": int(moved.sum()), "to_right": right, "to_wrong": int(moved.sum()) - right}


def contest_of(workspace: Workspace, store: Store, challenger: Version, champion: Version | None) -> Contest | None:
    """Return the rows both versions scored, or the challenger's alone when there is no champion."""
    return _contest(workspace, store, challenger, champion)[0]


def digest_gate(workspace: Workspace, store: Store, version: Version) -> Gate:
    """Hash every file of the artifact again and hold it against the registration."""
    manifest = models.files(store, version.model, version.version)
    wrong = verify(version_folder(workspace, version.model, version.version), manifest)
    if wrong:
        return Gate(
            "digest", GateOutcome.FAIL, f"changed since it was registered: {'; '.join(wrong[:3])}", {"wrong": wrong}
        )
    short = version.digest.removeprefix("sha256:")[:8]
    files = text.plural(len(manifest), "file")
    return Gate(
        "digest",
        GateOutcome.PASS,
        f"sha256:{short}…, {files}, {text.size(version.size)}, read again just now",
        {"digest": version.digest, "files": len(manifest), "bytes": version.size},
    )


def artifact_gate(version: Version, config: ModelConfig) -> Gate:
    """Refuse what would run unknown code when loaded; the trust list is the workspace's, never the artifact's."""
    audit = version.audit
    if audit.format == "pickle":
        allowed = config.allow_pickle
        detail = "a pickle runs code when it is loaded; " + (
            "allowed for this model by allow_pickle" if allowed else "write skops, or set allow_pickle for this model"
        )
        return Gate("artifact", GateOutcome.WARN if allowed else GateOutcome.FAIL, detail, {"format": "pickle"})
    if audit.format == "other":
        return Gate("artifact", GateOutcome.PASS, "no skops and no pickle in it", {"format": "other"})
    strangers = sorted(set(audit.untrusted) - set(config.trust) - KNOWN_TYPES)
    told = {"format": "skops", "types": audit.types, "untrusted": strangers}
    if strangers:
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        detail = f"skops, not trusted: {', '.join(text.clean(name) for name in strangers[:3])}{more}"
        return Gate("artifact", GateOutcome.FAIL, detail, told)
    return Gate("artifact", GateOutcome.PASS, f"skops, {text.plural(audit.types, 'type')}, all known", told)


def signature_gate(version: Version, champion: Version | None) -> Gate:
    """Hold the inputs against the champion's: what production sends today must do for the new version too."""
    if champion is None or not champion.signature.inputs:
        if not version.signature.inputs:
            return Gate("signature", GateOutcome.SKIP, "none declared")
        return Gate("signature", GateOutcome.PASS, f"{text.plural(len(version.signature.inputs), 'column')} declared")
    if not version.signature.inputs:
        return Gate("signature", GateOutcome.FAIL, f"v{champion.version} declares its columns, this version does not")
    now = {column.name: column.type for column in version.signature.inputs}
    before = {column.name: column.type for column in champion.signature.inputs}
    wanted = sorted(set(now) - set(before))
    retyped = sorted(name for name in now if name in before and now[name] != before[name])
    dropped = sorted(set(before) - set(now))
    told = {"new": wanted, "retyped": retyped, "dropped": dropped}
    if wanted or retyped:
        names = ", ".join(text.clean(name) for name in [*wanted, *retyped][:4])
        return Gate(
            "signature", GateOutcome.FAIL, f"wants columns that v{champion.version} does not get: {names}", told
        )
    rest = f"; no longer uses {', '.join(text.clean(name) for name in dropped[:4])}" if dropped else ""
    return Gate(
        "signature", GateOutcome.PASS, f"{text.plural(len(now), 'column')} as production sends them{rest}", told
    )


def floor_gate(rules: GatesConfig, contest: Contest | None) -> Gate:
    """Hold the metric on the held-out rows against an absolute floor."""
    rule = rules.floor
    if rule is None:
        return Gate("floor", GateOutcome.SKIP, "no floor is set")
    if contest is None:
        return Gate("floor", GateOutcome.FAIL, "a floor is set, but there are no held-out rows to judge on")
    value = contest.evaluation.metrics.get(rule.metric)
    told = {"metric": rule.metric, "value": value, "at_least": rule.at_least, "rows": contest.evaluation.rows}
    name = metric_name(rule.metric)
    if value is None:
        known = ", ".join(sorted(contest.evaluation.metrics)) or "none"
        return Gate("floor", GateOutcome.FAIL, f"{name} was not measured; measured: {known}", told)
    holds = value <= rule.at_least if rule.metric in SMALLER_IS_BETTER else value >= rule.at_least
    word = "at least" if rule.metric not in SMALLER_IS_BETTER else "at most"
    detail = f"{name} {text.decimals(value)}, {word} {text.decimals(rule.at_least)}"
    return Gate("floor", GateOutcome.PASS if holds else GateOutcome.FAIL, detail, told)


def not_worse_gate(rules: GatesConfig, champion: Version | None, contest: Contest | None) -> Gate:
    """Test on the same rows that the challenger is not worse than the champion by more than the margin."""
    rule = rules.not_worse
    if rule is None:
        return Gate("not worse", GateOutcome.SKIP, "no margin is set")
    if champion is None:
        return Gate("not worse", GateOutcome.SKIP, "there is no champion yet")
    if contest is None or contest.champion is None:
        return Gate("not worse", GateOutcome.FAIL, f"v{champion.version} was not scored on the same rows")
    difference = compare_scores(rule.metric, contest)
    if difference is None:
        return Gate(
            "not worse",
            GateOutcome.INCONCLUSIVE,
            f"{contest.evaluation.rows} rows are too few to compare {rule.metric}",
        )
    verdict = difference.not_worse(rule.margin)
    told = {
        "metric": rule.metric,
        "champion": difference.champion,
        "challenger": difference.challenger,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
        "margin": rule.margin,
        "rows": difference.rows,
        "method": difference.method,
    }
    detail = (
        f"{metric_name(rule.metric)} {text.decimals(difference.challenger)} vs {text.decimals(difference.champion)}, "
        f"{difference.method.split(',')[0]} {text.p_value(difference.p)}, margin {text.decimals(rule.margin)}"
    )
    if verdict is None:
        needed = difference.rows_needed(rule.margin)
        told["rows_needed"] = needed
        return Gate("not worse", GateOutcome.INCONCLUSIVE, f"{detail}; about {needed:,} rows would decide", told)
    return Gate("not worse", GateOutcome.PASS if verdict else GateOutcome.FAIL, detail, told)


def tests_gate(rules: GatesConfig, version: Version, tests: TestsAtCommit) -> Gate:
    """Ask for a run with passing tests at the commit the version was made from."""
    if not rules.tests:
        return Gate("tests", GateOutcome.SKIP, "not asked for")
    commit = version.provenance.commit
    if commit is None:
        return Gate("tests", GateOutcome.FAIL, "the version names no commit")
    told = {"commit": commit, "run": tests.run_id, "passed": tests.passed, "failed": tests.failed}
    if tests.run_id is None:
        return Gate("tests", GateOutcome.FAIL, f"nothing was tested at {commit[:7]}: opsconsole run builds it", told)
    total = tests.passed + tests.failed
    detail = f"{tests.passed} of {total} at {commit[:7]}, run {tests.run_id}"
    return Gate("tests", GateOutcome.PASS if tests.failed == 0 and tests.passed > 0 else GateOutcome.FAIL, detail, told)


def reason_gate(reason: str) -> Gate:
    """Ask why."""
    given = reason.strip()
    return Gate("reason", GateOutcome.PASS if given else GateOutcome.FAIL, text.clean(given) or "none was given")


SMALLER_IS_BETTER = frozenset({"brier", "log_loss", "mae", "mse", "rmse", "ece"})
"""Metrics of which less is better."""
_NAMES = {
    "auc": "AUC",
    "brier": "Brier",
    "ece": "ECE",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "f1": "F1",
}


def metric_name(metric: str) -> str:
    """Return a metric's name as it is written in prose."""
    return _NAMES.get(metric, metric.replace("_", " "))


def compare_scores(metric: str, contest: Contest) -> Difference | None:
    """Compare the two contenders in one metric; None while the rows are too few. Unknown metrics are refused."""
    if contest.champion is None:
        return None
    labels, champion, challenger = contest.challenger.labels, contest.champion.scores, contest.challenger.scores
    if metric == "auc":
        return auc_difference(labels, champion, challenger)
    first, second = row_losses(metric, labels, champion), row_losses(metric, labels, challenger)
    if first is None or second is None:
        raise UsageError(
            f"gates: not_worse: metric {metric!r} cannot be compared row by row",
            hint="use auc, accuracy, brier, log_loss, mae or mse",
        )
    return mean_loss_difference(first[0], second[0], gain=first[1])


def _contest(
    workspace: Workspace, store: Store, challenger: Version, champion: Version | None
) -> tuple[Contest | None, Gate]:
    """Find the rows to judge on, and the gate that says whether they may be judged on."""
    known = models.evaluations(store, challenger.model, challenger.version)
    if not known:
        if champion is None:
            return None, Gate("same rows", GateOutcome.SKIP, "no held-out rows, and no champion to compare with")
        return None, Gate("same rows", GateOutcome.FAIL, "it was not evaluated on held-out rows")
    pair = models.shared_evaluation(store, challenger.model, challenger.version, champion.version) if champion else None
    chosen = pair or (known[0],)
    for evaluation in chosen:
        spoiled = _spoiled(workspace, evaluation)
        if spoiled is not None:
            return None, Gate("same rows", GateOutcome.FAIL, spoiled, {"digest": evaluation.rows_digest})
    contest = Contest(chosen[0], *(_read(workspace, item) for item in chosen), *([None] if pair is None else []))
    if contest.champion is not None and (contest.champion.labels != contest.challenger.labels).any():
        return None, Gate("same rows", GateOutcome.FAIL, "the two were scored against different labels")
    if champion is not None and pair is None:
        return contest, Gate("same rows", GateOutcome.FAIL, _not_scored(challenger, champion))
    return contest, _rows_gate(workspace, contest, challenger, champion)


def _not_scored(challenger: Version, champion: Version) -> str:
    judged = challenger.provenance.champion
    moved = f"it was judged against v{judged}; the champion moved since"
    return f"v{champion.version} has no scores on its held-out rows: " + (
        "not scored" if judged in {None, champion.version} else moved
    )


def _spoiled(workspace: Workspace, evaluation: Evaluation) -> str | None:
    """Say what is wrong with an evaluation's file: declared but absent, or changed, is evidence of nothing."""
    path = evaluation_path(workspace, evaluation)
    if not path.is_file():
        return f"{path.name} is gone: restore the evidence folder from a backup, or train again"
    if digest_file(path) != evaluation.file_digest:
        return f"{path.name} changed since it was taken in"
    return None


def _rows_gate(workspace: Workspace, contest: Contest, challenger: Version, champion: Version | None) -> Gate:
    """Block evidence whose rows a contender was trained on, or whose parts are not named."""
    told: dict[str, Any] = {"rows": contest.evaluation.rows, "digest": contest.evaluation.rows_digest}
    judged = set(contest.challenger.row_ids)
    for contender in (challenger, champion):
        if contender is None:
            continue
        part = contender.part("training")
        if part is None or part.ids is None:
            detail = f"v{contender.version} does not name the rows it was trained on"
            return Gate("same rows", GateOutcome.FAIL, detail, told)
        try:
            trained = evidence.read_part(part, evidence_folder(workspace, contender) / part.ids)
        except UsageError as error:
            return Gate("same rows", GateOutcome.FAIL, f"v{contender.version}: {error.message}", told)
        overlap = len(judged.intersection(trained))
        if overlap:
            told["overlap"] = overlap
            detail = f"v{contender.version} was trained on {overlap:,} of the {len(judged):,} rows it is judged on"
            return Gate("same rows", GateOutcome.FAIL, detail, told)
    whom = "both" if champion is not None else "it"
    source = _source(challenger)
    short = contest.evaluation.rows_digest.removeprefix("sha256:")[:4]
    return Gate(
        "same rows",
        GateOutcome.PASS,
        f"{contest.evaluation.rows:,} rows{source}, unseen by {whom}, sha256:{short}…",
        told,
    )


def evidence_folder(workspace: Workspace, version: Version) -> Path:
    """Return the folder with a version's evaluation and row ids."""
    return workspace.evidence / version.model / f"v{version.version}"


def _source(version: Version) -> str:
    part = version.part("evaluation")
    if part is None or not part.paths:
        return ""
    names = [Path(path).stem for path in part.paths]
    return f" of {text.clean(names[0], limit=24)}" if len(names) == 1 else f" of {len(names)} files"


def _read(workspace: Workspace, evaluation: Evaluation) -> evidence.Scored:
    return evidence.read_evaluation(evaluation_path(workspace, evaluation))[evaluation.contender]
