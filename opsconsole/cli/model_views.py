"""A model and its versions as JSON and text, and parsing ``NAME:VERSION`` and ``NAME@ALIAS``."""

from __future__ import annotations

from typing import Any

from opsconsole.cli.base import as_dict, table
from opsconsole.config import metrics
from opsconsole.core import clock, text
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import GateOutcome, Rung
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.stored import read_gates
from opsconsole.store import evaluations, models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.models import Model, Version
from opsconsole.store.promotions import Promotion

MARKS = {
    GateOutcome.PASS: "✓",
    GateOutcome.WARN: "△",
    GateOutcome.INCONCLUSIVE: "≈",
    GateOutcome.FAIL: "✗",
    GateOutcome.SKIP: "–",
}


def resolve(store: Store, target: str) -> Version:
    """Return the version that ``NAME:VERSION`` or ``NAME@ALIAS`` names. UsageError for anything else."""
    if "@" in target:
        rung = Rung.of(target)
        return models.version(store, rung.model, promotions.holder(store, rung.model, rung.alias).version)
    name, _, number = target.partition(":")
    if not number.removeprefix("v").isdigit():
        raise UsageError(f"not a version: {target!r}", hint="NAME:VERSION or NAME@ALIAS, such as flights:2")
    return models.version(store, name, int(number.removeprefix("v")))


def model_json(store: Store, model: Model, *, before: int | None, limit: int) -> dict[str, Any]:
    """Return a model with one page of its versions, newest first, and how many there are in all."""
    page = models.versions(store, model.name, before=before, limit=limit)
    older = page[-1].version if page and page[-1].version > 1 and len(page) == limit else None
    return {
        "name": model.name,
        "task": model.task,
        "count": model.versions,
        "versions": [version_json(version) for version in page],
        "before": older,
        "aliases": {row.alias: row.version for row in promotions.aliases(store, model.name)},
    }


def model_lines(store: Store, data: dict[str, Any]) -> list[str]:
    """Return a model's versions as a table; a metric stands with the rows it was measured on."""
    held: dict[int, list[str]] = {}
    for alias, number in data["aliases"].items():
        held.setdefault(number, []).append(alias)
    main = metrics.main(data["task"])
    rows_of = evaluations.own_rows(store, data["name"])
    rows = [
        (
            f"v{item['version']}",
            ", ".join(held.get(item["version"], [])),
            text.decimals(item["metrics"].get(main)) if main is not None else "–",
            _rows_words(rows_of.get(item["version"])),
            (item["commit"] or "")[:7],
            item["run"] or "",
            item["created_at"],
        )
        for item in data["versions"]
    ]
    lines = table(("version", "rung", metrics.short(main) or "–", "on its own rows", "commit", "run", "made"), rows)
    shown, count = len(rows), data["count"]
    more = f"; opsconsole model show {data['name']} --before {data['before']} shows the next" if data["before"] else ""
    return [
        *lines,
        f"{shown:,} of {text.plural(count, 'version')}{more}" if shown != count else text.plural(count, "version"),
    ]


def _rows_words(evaluated: tuple[int, str] | None) -> str:
    """Return how many rows, and a sign that is the same where the rows are."""
    return f"{evaluated[0]:,} rows #{evaluated[1].removeprefix('sha256:')[:4]}" if evaluated is not None else "–"


def version_json(version: Version) -> dict[str, Any]:
    """Return a version as every verb tells it."""
    document = as_dict(version)
    origin = document.pop("provenance")
    return {**document, **origin, "run": version.provenance.run_id, "alert": version.provenance.alert_id}


def version_lines(store: Store, version: Version, moves: list[Promotion]) -> list[str]:
    """Return a version whole, with the gates of its promotions as they were."""
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
    for move in moves:
        lines.append(
            f"{move.kind:<8} {clock.to_text(move.at)[:16]}  {_move(move)}  by {text.clean(move.actor)}: {text.clean(move.reason)}"
        )
        lines += [f"         {gate_line(gate)}" for gate in read_gates(move.gates)]
    return lines


def gate_line(gate: Gate) -> str:
    """Return one gate."""
    return f"{MARKS[gate.outcome]} {gate.name:<12} {text.clean(gate.detail)}"


def gates_line(move: Promotion) -> str:
    """Return the gates of a move in a few words, as they were then."""
    judged = [gate for gate in read_gates(move.gates) if gate.outcome is not GateOutcome.SKIP]
    if not judged:
        return ""
    good = sum(not gate.outcome.blocks for gate in judged)
    forced = f", forced {', '.join(text.clean(name) for name in move.forced)}" if move.forced else ""
    return f"{good} of {len(judged)}{forced}"


def shown_version(version: int | None) -> str:
    """Return a version as one says it."""
    return f"v{version}" if version is not None else "–"


def _move(move: Promotion) -> str:
    return f"{move.alias}: {shown_version(move.from_version)} → v{move.to_version}"
