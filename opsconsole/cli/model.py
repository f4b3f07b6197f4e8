"""``opsconsole model``: versions, gates, promotion, rollback."""

from __future__ import annotations

import select
import sys
from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.cli.model_add import add, rm
from opsconsole.cli.model_moves import gates, history, promote, rollback
from opsconsole.cli.model_register import register
from opsconsole.cli.model_views import (
    model_json,
    model_lines,
    resolve,
    version_json,
    version_lines,
)
from opsconsole.core import text
from opsconsole.core.errors import ExitCode, UsageError
from opsconsole.store import models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

PAGE = 200
"""Versions of one page."""
ALL = 1 << 40
limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=PAGE, show_default=True, help="Versions of a page."
)


@click.group("model")
def model_command() -> None:
    """Model versions, their evidence, and the rungs they stand on."""


@click.command("probe")
@click.option("--watch", type=click.FloatRange(0.1), metavar="SECONDS", help="Ask again and again, until stdin ends.")
@json_option
@pass_session
def probe(session: Session, watch: float | None, as_json: bool) -> int:
    """Ask the service of each model in production which version it answers with; what changed is kept.

    Exit code 1 when one does not answer, or with another version than production holds.
    """
    from opsconsole.lifecycle.models.serving import ask_all

    answers = ask_all(session.workspace, session.store)
    if watch is not None:
        while not select.select([sys.stdin], [], [], watch)[0]:
            answers = ask_all(session.workspace, session.store)
    data = [{**as_dict(item), "answers": item.problem is None} for item in answers]
    lines = [f"{item.model}  " + (item.problem or f"answers with v{item.version}") for item in answers]
    emit(data, lines or "no model in production has a probe", as_json=as_json)
    return int(ExitCode.OK if all(item.problem is None for item in answers) else ExitCode.NO)


for command in (add, rm, probe, gates, history, promote, rollback, register):
    model_command.add_command(command)


@model_command.command("ls")
@limit_option
@json_option
@pass_session
def ls(session: Session, limit: int, as_json: bool) -> None:
    """List the models with their rungs; of each the newest versions, and how many there are."""
    data = [model_json(session.store, item, before=None, limit=limit) for item in models.models(session.store)]
    rows = [
        (
            item["name"],
            f"{item['count']:,}",
            ", ".join(f"{alias} v{number}" for alias, number in item["aliases"].items()),
        )
        for item in data
    ]
    emit(data, table(("model", "versions", "rungs"), rows, right=(1,)) if rows else "no models yet", as_json=as_json)


@model_command.command("show")
@click.argument("target", metavar="NAME[:VERSION|@ALIAS]")
@limit_option
@click.option("--before", type=click.IntRange(min=1), metavar="VERSION", help="Versions older than this one.")
@json_option
@pass_session
def show(session: Session, target: str, limit: int, before: int | None, as_json: bool) -> None:
    """Show a model with a page of its versions, or one version with the gates of its promotions."""
    store = session.store
    if ":" in target or "@" in target:
        version = resolve(store, target)
        moves = promotions.of_version(store, version.model, version.version)
        promoted = [{**as_dict(item), "from": item.from_version, "to": item.to_version} for item in moves]
        emit({**version_json(version), "promotions": promoted}, version_lines(store, version, moves), as_json=as_json)
        return
    data = model_json(store, models.model(store, target), before=before, limit=limit)
    emit(data, model_lines(store, data), as_json=as_json)


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
    comparison = compare_versions(session.workspace, session.store, first, second)
    data = {**as_dict(comparison), "a": version_json(first), "b": version_json(second)}
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
        for row in comparison.metrics
    ]
    one, other = f"v{first.version}", f"v{second.version}"
    lines = [f"not comparable: {comparison.why}"]
    if comparison.comparable:
        lines = [
            f"{comparison.rows:,} rows both scored",
            *table(("metric", one, other, "better by", "95 % CI"), rows, right=(1, 2, 3)),
        ]
        lines += [f"not to be believed: {comparison.why}"] if comparison.why else []
    if comparison.own:
        each = [(row["name"], text.decimals(row["a"]), text.decimals(row["b"])) for row in comparison.own]
        lines += ["", "not comparable: each on rows of its own", *table(("metric", one, other), each, right=(1, 2))]
    emit(data, lines, as_json=as_json)


@model_command.command("verify")
@click.argument("target", metavar="[NAME[:VERSION]]", required=False)
@json_option
@pass_session
def verify(session: Session, target: str | None, as_json: bool) -> int:
    """Hash artifacts again; exit code 1 when one changed."""
    from opsconsole.registry.places import version_folder
    from opsconsole.registry.versions.artifacts import damages

    data: list[dict[str, Any]] = []
    for version in _chosen(session.store, target):
        manifest = models.files(session.store, version.model, version.version)
        wrong = damages(version_folder(session.workspace, version.model, version.version), manifest)
        damaged = {damage.path: damage.problem for damage in wrong}
        listed = [
            {"path": file.path, "digest": file.digest, "problem": damaged.pop(file.path, None)} for file in manifest
        ]
        listed += [{"path": path, "digest": None, "problem": problem} for path, problem in damaged.items()]
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


def _chosen(store: Store, target: str | None) -> list[Version]:
    if target is not None and (":" in target or "@" in target):
        return [resolve(store, target)]
    known = models.models(store) if target is None else [models.model(store, target)]
    return [version for model in known for version in models.versions(store, model.name, limit=ALL)]
