"""``opsconsole model gates``, ``promote``, ``rollback``, ``history``: moves of an alias."""

from __future__ import annotations

from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, confirm, emit, json_option, pass_session, table, yes_option
from opsconsole.cli.model_views import gate_line, gates_line, resolve, shown_version
from opsconsole.core import clock
from opsconsole.core.errors import ExitCode
from opsconsole.store import models, promotions


@click.command("gates")
@click.argument("target", metavar="NAME:VERSION")
@click.option("--to", "alias", required=True, metavar="ALIAS")
@json_option
@pass_session
def gates(session: Session, target: str, alias: str, as_json: bool) -> int:
    """Evaluate the gates of a rung for a version; exit code 1 when one blocks."""
    from opsconsole.lifecycle.models.candidates import gate_json, judge, remember

    version = resolve(session.store, target)
    judgement = judge(session.workspace, session.store, version.model, version.version, alias)
    if not session.readonly:
        remember(session.store, judgement)
    lines = [gate_line(gate) for gate in judgement.gates]
    emit(gate_json(judgement), lines, as_json=as_json)
    return int(ExitCode.OK if judgement.passed else ExitCode.NO)


@click.command("promote")
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
    from opsconsole.lifecycle.models.candidates import promote_candidate
    from opsconsole.lifecycle.models.serving_check import probe

    session.permit("model.promote")
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
    lines = [f"{moved.model}@{moved.alias}: {shown_version(moved.from_version)} → v{moved.to_version}"]
    emit(data, [*lines, *([serving.sentence] if serving else [])], as_json=as_json)


@click.command("rollback")
@click.argument("name")
@click.option("--alias", required=True)
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--expect", metavar="VERSION", help="The version you saw at the alias; conflicts if it moved.")
@click.option("--to", "target", metavar="VERSION", help="The version to go back to; it must have been live before.")
@yes_option
@json_option
@pass_session
def rollback(
    session: Session,
    name: str,
    alias: str,
    reason: str,
    expect: str | None,
    target: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Go back to what was live before, along the recorded chain, if nobody moved the rung meanwhile."""
    from opsconsole.lifecycle.models.candidates import roll_back_alias
    from opsconsole.lifecycle.models.serving_check import probe

    session.permit("model.rollback")
    confirm(name, f"Roll back {name}@{alias}", yes=yes)
    moved = roll_back_alias(session.workspace, session.store, name, alias, reason, expect=expect, to=target)
    serving = probe(session.workspace, session.store, name, alias)
    data = {**_moved(moved), "serving": as_dict(serving) if serving else None}
    lines = [f"{moved.model}@{moved.alias}: {shown_version(moved.from_version)} → v{moved.to_version}"]
    emit(data, [*lines, *([serving.sentence] if serving else [])], as_json=as_json)


@click.command("history")
@click.argument("name")
@json_option
@pass_session
def history(session: Session, name: str, as_json: bool) -> None:
    """List every move of the model's rungs, with the gates as they were then."""
    models.model(session.store, name)
    moves = promotions.history(session.store, name, limit=None)
    data = [{**as_dict(item), "from": item.from_version, "to": item.to_version, "promotion": item.id} for item in moves]
    rows = [
        (
            clock.to_text(item.at)[:16],
            item.kind,
            item.alias,
            shown_version(item.from_version),
            f"v{item.to_version}",
            gates_line(item),
            item.actor,
            item.reason,
        )
        for item in moves
    ]
    emit(data, table(("at", "kind", "rung", "from", "to", "gates", "by", "reason"), rows), as_json=as_json)


def _moved(moved: Any) -> dict[str, Any]:
    return {
        "model": moved.model,
        "alias": moved.alias,
        "from": moved.from_version,
        "to": moved.to_version,
        "promotion": moved.promotion,
    }
