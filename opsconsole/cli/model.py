"""``opsconsole model``: versions, gates, promotion, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, confirm, emit, json_option, pass_session, table, yes_option
from opsconsole.config.workspace import Workspace
from opsconsole.ground import clock, text
from opsconsole.ground.errors import ExitCode, NotFoundError, UsageError
from opsconsole.ground.nouns import Danger, GateOutcome
from opsconsole.store import models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

MARKS = {
    GateOutcome.PASS: "✓",
    GateOutcome.WARN: "△",
    GateOutcome.INCONCLUSIVE: "≈",
    GateOutcome.FAIL: "✗",
    GateOutcome.SKIP: "–",
}


@click.group("model")
def model_command() -> None:
    """Model versions, their evidence, and the rungs they stand on."""


@model_command.command("ls")
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the models with their rungs."""
    data = [_model(session.store, item.name) for item in models.models(session.store)]
    rows = [
        (
            item["name"],
            len(item["versions"]),
            ", ".join(f"{alias} v{number}" for alias, number in item["aliases"].items()),
        )
        for item in data
    ]
    emit(data, table(("model", "versions", "rungs"), rows, right=(1,)) if rows else "no models yet", as_json=as_json)


@model_command.command("show")
@click.argument("target", metavar="NAME[:VERSION|@ALIAS]")
@json_option
@pass_session
def show(session: Session, target: str, as_json: bool) -> None:
    """Show a model, or one version of it."""
    store = session.store
    if ":" in target or "@" in target:
        version = resolve(store, target)
        emit(_version(version), _version_lines(store, version), as_json=as_json)
        return
    known = {item.name for item in models.models(store)}
    if target not in known:
        raise NotFoundError(f"there is no model `{target}`", hint=f"known: {', '.join(sorted(known)) or 'none'}")
    data = _model(store, target)
    held: dict[int, list[str]] = {}
    for alias, number in data["aliases"].items():
        held.setdefault(number, []).append(alias)
    rows = [
        (
            f"v{item['version']}",
            ", ".join(held.get(item["version"], [])),
            text.decimals(item["metrics"].get("auc")),
            (item["commit"] or "")[:7],
            item["run"] or "",
            item["created_at"],
        )
        for item in data["versions"]
    ]
    emit(data, table(("version", "rung", "AUC", "commit", "run", "made"), rows), as_json=as_json)


@model_command.command("register")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--metric", "metric", multiple=True, metavar="K=V")
@click.option("--param", "param", multiple=True, metavar="K=V")
@click.option("--eval-data", type=click.Path(path_type=Path), help="Per-row scores: row_id, label, score.")
@click.option("--commit", help="The commit the artifact was made from.")
@json_option
@pass_session
def register(
    session: Session,
    name: str,
    path: Path,
    metric: tuple[str, ...],
    param: tuple[str, ...],
    eval_data: Path | None,
    commit: str | None,
    as_json: bool,
) -> None:
    """Register an artifact of your own: a file or a folder."""
    from opsconsole.lifecycle.taking import register_path

    session.permit(Danger.WRITE, "Register a version")
    version = register_path(
        session.workspace,
        session.store,
        name,
        path,
        metrics={key: _number(key, value) for key, value in _pairs("--metric", metric)},
        params=dict(_pairs("--param", param)),
        evaluation=eval_data,
        commit=commit,
    )
    data = {"model": version.model, "version": version.version, "digest": version.digest}
    emit(data, f"{version.model} v{version.version}  {version.digest}", as_json=as_json)


@model_command.command("compare")
@click.argument("a", metavar="NAME:A")
@click.argument("b", metavar="NAME:B")
@json_option
@pass_session
def compare(session: Session, a: str, b: str, as_json: bool) -> None:
    """Compare two versions on the rows both scored; B is the challenger."""
    from opsconsole.registry.compare import compare as compare_versions

    first, second = resolve(session.store, a), resolve(session.store, b)
    if first.model != second.model:
        raise UsageError("two versions of one model can be compared, not of two")
    found = compare_versions(session.workspace, session.store, first, second)
    data = {**as_dict(found), "a": _version(first), "b": _version(second)}
    rows = [
        (
            row["name"],
            text.decimals(row["a"]),
            text.decimals(row["b"]),
            text.decimals(row["difference"], signed=True),
            f"{text.decimals(row['low'], signed=True)} to {text.decimals(row['high'], signed=True)}"
            if row["low"] is not None
            else "",
        )
        for row in found.metrics
    ]
    head = ("metric", f"v{first.version}", f"v{second.version}", "better by", "95 % CI")
    emit(data, [f"{found.rows:,} rows both scored", *table(head, rows, right=(1, 2, 3))], as_json=as_json)


@model_command.command("gates")
@click.argument("target", metavar="NAME:VERSION")
@click.option("--to", "alias", required=True, metavar="ALIAS")
@json_option
@pass_session
def gates(session: Session, target: str, alias: str, as_json: bool) -> int:
    """Evaluate the gates of a rung for a version; exit code 1 when one blocks."""
    from opsconsole.lifecycle.candidates import gate_json, judge, remember

    version = resolve(session.store, target)
    judgement = judge(session.workspace, session.store, version.model, version.version, alias)
    if not session.readonly:
        remember(session.store, judgement)
    lines = [f"{MARKS[gate.outcome]} {gate.name:<12} {text.clean(gate.detail)}" for gate in judgement.gates]
    emit(gate_json(judgement), lines, as_json=as_json)
    return int(ExitCode.OK if judgement.passed else ExitCode.NO)


@model_command.command("promote")
@click.argument("target", metavar="NAME:VERSION")
@click.option("--to", "alias", required=True, metavar="ALIAS")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option(
    "--expect", metavar="VERSION", help="The version you saw at the alias (none: nothing); conflicts if it moved."
)
@click.option("--force-gate", "force", multiple=True, metavar="GATE", help="Let one blocking gate through, on record.")
@yes_option
@json_option
@pass_session
def promote(
    session: Session,
    target: str,
    alias: str,
    reason: str,
    expect: str | None,
    force: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Move a rung to a version, if its gates hold and nobody moved it meanwhile."""
    from opsconsole.lifecycle.candidates import promote_candidate
    from opsconsole.lifecycle.probing import probe

    session.permit(Danger.PRODUCTION, "Promote")
    version = resolve(session.store, target)
    confirm(version.model, f"Promote v{version.version} of {version.model} to {alias}", yes=yes)
    judgement, moved = promote_candidate(
        session.workspace,
        session.store,
        version.model,
        version.version,
        alias,
        reason=reason,
        expect=expect,
        force=force,
    )
    serving = probe(session.workspace, session.store, version.model, alias)
    data = {
        **_moved(moved),
        "gates": [gate.as_json() for gate in judgement.gates],
        "serving": as_dict(serving) if serving else None,
    }
    lines = [f"{moved.model}@{moved.alias}: {_shown(moved.from_version)} → v{moved.to_version}"]
    emit(data, [*lines, *([serving.sentence] if serving else [])], as_json=as_json)


@model_command.command("rollback")
@click.argument("name")
@click.option("--alias", required=True)
@click.option("--reason", required=True, help="Why; it is kept.")
@yes_option
@json_option
@pass_session
def rollback(session: Session, name: str, alias: str, reason: str, yes: bool, as_json: bool) -> None:
    """Go back to what was live before, along the recorded chain."""
    from opsconsole.lifecycle.candidates import roll_back_alias
    from opsconsole.lifecycle.probing import probe

    session.permit(Danger.PRODUCTION, "Roll back")
    confirm(name, f"Roll back {name}@{alias}", yes=yes)
    moved = roll_back_alias(session.workspace, session.store, name, alias, reason)
    serving = probe(session.workspace, session.store, name, alias)
    data = {**_moved(moved), "serving": as_dict(serving) if serving else None}
    lines = [f"{moved.model}@{moved.alias}: {_shown(moved.from_version)} → v{moved.to_version}"]
    emit(data, [*lines, *([serving.sentence] if serving else [])], as_json=as_json)


@model_command.command("history")
@click.argument("name")
@json_option
@pass_session
def history(session: Session, name: str, as_json: bool) -> None:
    """List every move of the model's rungs."""
    found = promotions.history(session.store, name)
    data = [{**as_dict(item), "from": item.from_version, "to": item.to_version, "promotion": item.id} for item in found]
    rows = [
        (
            clock.to_text(item.at)[:16],
            item.kind,
            item.alias,
            _shown(item.from_version),
            f"v{item.to_version}",
            item.actor,
            item.reason,
        )
        for item in found
    ]
    emit(data, table(("at", "kind", "rung", "from", "to", "by", "reason"), rows), as_json=as_json)


@model_command.command("verify")
@click.argument("target", metavar="[NAME[:VERSION]]", required=False)
@json_option
@pass_session
def verify(session: Session, target: str | None, as_json: bool) -> int:
    """Hash artifacts again; exit code 1 when one changed."""
    from opsconsole.registry.artifacts import verify as verify_folder
    from opsconsole.registry.places import version_folder

    data: list[dict[str, Any]] = []
    for version in _chosen(session.workspace, session.store, target):
        manifest = models.files(session.store, version.model, version.version)
        wrong = verify_folder(version_folder(session.workspace, version.model, version.version), manifest)
        told = {line.partition(": ")[0]: line.partition(": ")[2] for line in wrong}
        listed = [{"path": file.path, "digest": file.digest, "problem": told.get(file.path)} for file in manifest]
        listed += [
            {"path": path, "digest": None, "problem": problem}
            for path, problem in told.items()
            if path not in {file.path for file in manifest}
        ]
        data.append(
            {
                "model": version.model,
                "version": version.version,
                "outcome": "fail" if wrong else "pass",
                "files": listed,
            }
        )
    lines = [
        f"{'✗' if item['outcome'] == 'fail' else '✓'} {item['model']} v{item['version']}"
        + "".join(
            f"\n    {text.clean(str(file['path']))}: {file['problem']}" for file in item["files"] if file["problem"]
        )
        for item in data
    ]
    emit(data, lines or "no versions yet", as_json=as_json)
    return int(ExitCode.NO if any(item["outcome"] == "fail" for item in data) else ExitCode.OK)


def resolve(store: Store, target: str) -> Version:
    """Return the version that ``NAME:VERSION`` or ``NAME@ALIAS`` names."""
    if "@" in target:
        name, _, alias = target.partition("@")
        held = promotions.alias(store, name, alias)
        if held is None:
            raise NotFoundError(f"{target} points nowhere", hint=f"opsconsole model show {name} lists its rungs")
        return models.version(store, name, held.version)
    name, _, number = target.partition(":")
    if not number.removeprefix("v").isdigit():
        raise UsageError(f"not a version: {target!r}", hint="NAME:VERSION or NAME@ALIAS, such as flights:2")
    return models.version(store, name, int(number.removeprefix("v")))


def _chosen(workspace: Workspace, store: Store, target: str | None) -> list[Version]:
    if target is not None and (":" in target or "@" in target):
        return [resolve(store, target)]
    names = [item.name for item in models.models(store)]
    if target is not None and target not in names:
        raise NotFoundError(
            f"there is no model `{target}` in {workspace.name}", hint=f"known: {', '.join(names) or 'none'}"
        )
    return [
        version for name in names if target in {None, name} for version in models.versions(store, name, limit=100_000)
    ]


def _model(store: Store, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "versions": [_version(version) for version in models.versions(store, name)],
        "aliases": {row.alias: row.version for row in promotions.aliases(store, name)},
    }


def _version(version: Version) -> dict[str, Any]:
    found = as_dict(version)
    origin = found.pop("provenance")
    return {**found, **origin, "run": version.provenance.run_id, "alert": version.provenance.alert_id}


def _version_lines(store: Store, version: Version) -> list[str]:
    origin = version.provenance
    rungs = [row.alias for row in promotions.aliases(store, version.model) if row.version == version.version]
    lines = [
        f"{version.model} v{version.version}  {', '.join(rungs) or 'no rung'}",
        f"digest   {version.digest}  {text.size(version.size)}",
        f"from     run {origin.run_id or '–'}, {origin.repo or '–'} {(origin.commit or '–')[:12]}, alert {origin.alert_id or '–'}, by {text.clean(origin.actor)}",
        f"artifact {version.audit.format}, {text.plural(version.audit.types, 'type')}",
    ]
    lines += [
        f"data     {part.name}: {part.rows:,} rows of {', '.join(text.clean(path) for path in part.paths)}"
        for part in version.data
    ]
    lines += table(
        ("metric", "value"),
        [(name, text.decimals(value)) for name, value in sorted(version.metrics.items())],
        right=(1,),
    )
    lines += [
        f"file     {file.path}  {text.size(file.size)}  {file.digest}"
        for file in models.files(store, version.model, version.version)
    ]
    return lines


def _moved(moved: Any) -> dict[str, Any]:
    return {
        "model": moved.model,
        "alias": moved.alias,
        "from": moved.from_version,
        "to": moved.to_version,
        "promotion": moved.promotion,
    }


def _shown(version: int | None) -> str:
    return f"v{version}" if version is not None else "–"


def _pairs(option: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{option}: {value!r} is no K=V")
        found.append((key, rest))
    return found


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise UsageError(f"--metric: {key}: {value!r} is no number") from error
