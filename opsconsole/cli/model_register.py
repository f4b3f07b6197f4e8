"""``opsconsole model register``: an artifact of the operator's own becomes a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import Contender, ModelTask

if TYPE_CHECKING:
    from opsconsole.lifecycle.models.registering import Registered

FILE = click.Path(path_type=Path)
TASK_SOURCES = {
    "inferred": "by its evaluation; --task says otherwise",
    "assumed": "assumed, since nothing tells; --task says otherwise",
}


@click.command("register")
@click.argument("name")
@click.argument("path", type=FILE)
@click.option("--task", type=click.Choice([str(task) for task in ModelTask]), help="What it predicts.")
@click.option("--metric", "metric", multiple=True, metavar="K=V")
@click.option("--param", "param", multiple=True, metavar="K=V")
@click.option("--eval-data", type=FILE, help="Per-row scores: row_id, label, score or probability_CLASS, contender.")
@click.option("--training-data", type=FILE, help="The rows it was trained on, CSV or Parquet with a row_id.")
@click.option("--training-ids", type=FILE, help="Their ids alone, one a line, plain or .gz.")
@click.option("--signature", type=FILE, help="Its columns: TOML or JSON with inputs and output, or an MLmodel.")
@click.option("--repo", help="The repo it was made from.")
@click.option("--commit", metavar="REV", help="The commit it was made from; it must be there.")
@json_option
@pass_session
def register(
    session: Session,
    name: str,
    path: Path,
    task: str | None,
    metric: tuple[str, ...],
    param: tuple[str, ...],
    eval_data: Path | None,
    training_data: Path | None,
    training_ids: Path | None,
    signature: Path | None,
    repo: str | None,
    commit: str | None,
    as_json: bool,
) -> None:
    """Register an artifact of your own: a file, a folder, or a folder laid out as a training leaves it.

    What lies beside model/ (model.toml, metrics.json, params.json, data.json, evaluation.*) and an MLmodel are read as
    what they are; options go before them.
    """
    from opsconsole.lifecycle.models.registering import register_path
    from opsconsole.registry.versions.registration import Given

    session.permit("model.register")
    if training_data is not None and training_ids is not None:
        raise UsageError("--training-data and --training-ids say the same twice", hint="give one of them")
    given = Given(
        metrics={key: _number(key, value) for key, value in _pairs("--metric", metric)},
        params=dict(_pairs("--param", param)),
        task=None if task is None else ModelTask(task),
        evaluation=eval_data,
        training_data=training_data,
        training_ids=training_ids,
        signature=signature,
    )
    made = register_path(session.workspace, session.store, name, path, given, repo=repo, commit=commit)
    emit(*_registered_words(made), as_json=as_json)


def _registered_words(made: Registered) -> tuple[dict[str, Any], list[str]]:
    version, prepared = made.version, made.prepared
    scored = any(item.contender is Contender.CHAMPION for item in prepared.evaluations)
    data = {
        "model": version.model,
        "version": version.version,
        "digest": version.digest,
        "task": prepared.task.task,
        "task_by": prepared.task.by,
        "metrics": version.metrics,
        "data": version.data,
        "commit": version.provenance.commit,
        "champion": made.champion if scored else None,
    }
    lines = [f"{version.model} v{version.version}  {version.digest}"]
    if prepared.task.by in TASK_SOURCES:
        lines.append(f"task {prepared.task.task}: {TASK_SOURCES[prepared.task.by]}")
    return data, lines


def _pairs(option: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{option}: {value!r} is no K=V")
        pairs.append((key, rest))
    return pairs


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise UsageError(f"--metric: {key}: {value!r} is no number") from error
