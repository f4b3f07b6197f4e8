"""The gates before a promotion: each a check with a verdict, one sentence, and the evidence in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.config.metrics import SMALLER_IS_BETTER
from opsconsole.config.schema import GatesConfig, ModelConfig, NotWorseGate
from opsconsole.config.workspace import Workspace
from opsconsole.ground import text
from opsconsole.ground.errors import UsageError
from opsconsole.ground.nouns import GateOutcome
from opsconsole.registry import rivals
from opsconsole.registry.artifacts import verify
from opsconsole.registry.audit import KNOWN_TYPES
from opsconsole.registry.contest import Contest, demand_of, find_contest
from opsconsole.registry.places import version_folder
from opsconsole.registry.statistics import Difference
from opsconsole.registry.verdicts import Gate, TestsAtCommit
from opsconsole.store import models
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

__all__ = ["Evaluated", "Gate", "TestsAtCommit", "evaluate"]


@dataclass(frozen=True)
class Evaluated:
    """Every gate of a rung, and the predictions that change sides."""

    gates: list[Gate]
    changes: dict[str, int] | None


def evaluate(
    workspace: Workspace, store: Store, challenger: Version, champion: Version | None, alias: str, tests: TestsAtCommit
) -> Evaluated:
    """Evaluate every gate of ``alias`` for a version against the champion (None: nobody holds a rung yet)."""
    config = workspace.config.models.get(challenger.model, ModelConfig())
    rules = config.gates.get(alias, GatesConfig())
    shown = models.evaluations(store, challenger.model, champion.version) if champion is not None else []
    contest, rows_gate = find_contest(workspace, store, challenger, champion, demand_of(config, rules, alias, shown))
    gates = [
        digest_gate(workspace, store, challenger),
        artifact_gate(challenger, config),
        signature_gate(challenger, champion),
        rows_gate,
        floor_gate(rules, contest),
        not_worse_gate(rules, challenger, champion, contest),
        tests_gate(rules, challenger, tests),
    ]
    both = contest is not None and contest.champion is not None
    return Evaluated(gates, rivals.changes(contest.champion, contest.challenger) if both else None)  # type: ignore[union-attr, arg-type]


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


def not_worse_gate(rules: GatesConfig, challenger: Version, champion: Version | None, contest: Contest | None) -> Gate:
    """Test on the same rows that the challenger is not worse than the champion by more than the margin."""
    rule = rules.not_worse
    if rule is None:
        return Gate("not worse", GateOutcome.SKIP, "no margin is set")
    if champion is None:
        return Gate("not worse", GateOutcome.SKIP, "there is no champion yet")
    if contest is None or contest.champion is None:
        return Gate("not worse", GateOutcome.FAIL, f"v{champion.version} was not scored on the same rows")
    if contest.doubt:
        return Gate("not worse", GateOutcome.FAIL, f"nothing to go by: {contest.doubt}", {"metric": rule.metric})
    if challenger.digest == champion.digest and rivals.same_scores(contest.challenger, contest.champion):
        return Gate("not worse", GateOutcome.PASS, f"the same artifact as v{champion.version}", {"metric": rule.metric})
    try:
        difference = rivals.compare_scores(contest.task, rule.metric, contest.champion, contest.challenger)
    except UsageError as error:
        return Gate("not worse", GateOutcome.FAIL, f"{error.message}; {error.hint}", {"metric": rule.metric})
    return _judged(rule, difference) if difference is not None else _too_few(rule, contest)


def _judged(rule: NotWorseGate, difference: Difference) -> Gate:
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
        return Gate("not worse", GateOutcome.INCONCLUSIVE, f"{detail}; {_would_decide(needed)}", told)
    return Gate("not worse", GateOutcome.PASS if verdict else GateOutcome.FAIL, detail, told)


def _too_few(rule: NotWorseGate, contest: Contest) -> Gate:
    assert contest.champion is not None
    needed = rivals.rows_that_would_decide(rule.metric, rule.margin, contest.champion, contest.challenger)
    rows = contest.evaluation.rows
    detail = f"{text.plural(rows, 'row is', 'rows are')} too few to compare {rule.metric}; {_would_decide(needed)}"
    told = {"metric": rule.metric, "margin": rule.margin, "rows": rows, "rows_needed": needed}
    return Gate("not worse", GateOutcome.INCONCLUSIVE, detail, told)


def _would_decide(rows: int) -> str:
    return f"about {rows:,} rows would decide" if rows else "no number of such rows would decide"


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
