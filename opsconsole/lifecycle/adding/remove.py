"""``monitor rm``, ``model rm``, ``repo rm``: a section is taken out of ``opsconsole.toml``; what it left in the store stays."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.config.editing import Edit, remove_section
from opsconsole.config.workspace import Workspace
from opsconsole.core import toml
from opsconsole.core.errors import ConfirmationError, NotFoundError, RefusedError
from opsconsole.core.nouns import PipelineKind
from opsconsole.core.text import listed, plural
from opsconsole.lifecycle.usecases import command
from opsconsole.repos import registration
from opsconsole.store import alerts, chunks, events, models, promotions, runs
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Removed:
    """What was taken out, and what stays."""

    name: str
    edit: Edit | None
    """None where it stood in the store alone."""
    stays: tuple[str, ...]


def remove_monitor(workspace: Workspace, store: Store, name: str, *, dry_run: bool = False) -> Removed:
    """Take a monitor out; its chunks, alerts and baselines stay. RefusedError while a pipeline answers its alerts."""
    asking = [
        f"{repo}/{pipeline}"
        for repo, config in workspace.config.repos.items()
        for pipeline, one in config.pipelines.items()
        if one.on.alert == name
    ]
    if asking:
        raise RefusedError(
            f"monitor {name} is named by {listed(asking)}: on = {{ alert = … }}", hint="take that out of the file first"
        )
    edit = _without(workspace, "monitors", name, dry_run=dry_run)
    standing = len(alerts.alerts(store, monitor=name, live=True))
    stays = [plural(chunks.number(store, name), "judged chunk")]
    stays += (
        [f"{plural(standing, 'alert')} that no check will resolve: opsconsole alert resolve ID"] if standing else []
    )
    _tell(store, edit, "monitor", name, dry_run=dry_run)
    return Removed(name, edit, tuple(stays))


def remove_model(workspace: Workspace, store: Store, name: str, *, dry_run: bool = False) -> Removed:
    """Take a model's table out; its versions, rungs and history stay in the store.

    RefusedError while something names it: a monitor, a pipeline, or a run that is about to make it a version.
    """
    config = workspace.config
    watching = [one for one, monitor in config.monitors.items() if monitor.watched == name]
    feeding = [
        f"{repo}/{pipeline}"
        for repo, one in config.repos.items()
        for pipeline, settings in one.pipelines.items()
        if settings.model == name
    ]
    training = [f"run {run.id}" for run in runs.live(store) if run.kind is PipelineKind.TRAIN]
    if watching:
        raise RefusedError(
            f"model {name} is watched by {listed(watching)}", hint=f"opsconsole monitor rm {watching[0]}"
        )
    if feeding:
        raise RefusedError(f"model {name} is named by {listed(feeding)}", hint="take that out of the file first")
    if training:
        raise RefusedError(f"{listed(training)} may be training {name}", hint="wait, or cancel it, and try again")
    edit = _without(workspace, "models", name, dry_run=dry_run)
    held = {row.alias: row.version for row in promotions.aliases(store, name)}
    kept = next((one.versions for one in models.models(store) if one.name == name), 0)
    rungs = ", ".join(f"{alias} v{version}" for alias, version in held.items())
    stays = [
        plural(kept, "version") + (f" on their rungs ({rungs}), and the links that consumers read" if held else "")
    ]
    _tell(store, edit, "model", name, dry_run=dry_run)
    return Removed(name, edit, tuple(stays))


WRITTEN = frozenset({"path", "url", "depth"})
"""What ``repo add`` writes of a repo."""


def remove_repo(workspace: Workspace, store: Store, name: str, *, yes: bool = False, dry_run: bool = False) -> Removed:
    """Forget a repo with the trust it had, and take its table out; its runs and its folder stay.

    RefusedError while a monitor is refreshed by it; ConfirmationError where the table says more than where the repo is,
    unless the operator said ``yes``.
    """
    repo = registration.named(workspace, store, name)
    fed = [
        one for one, monitor in workspace.config.monitors.items() if (monitor.refresh or "").partition("/")[0] == name
    ]
    if fed:
        raise RefusedError(f"repo {name} refreshes {listed(fed)}", hint=f"opsconsole monitor rm {fed[0]}")
    edit = None
    if repo.configured:
        more = sorted(set(toml.loads(workspace.file.read_text(encoding="utf-8"))["repos"][name]) - WRITTEN)
        if more and not yes:
            raise ConfirmationError(
                f"[repos.{name}] in {workspace.file} says {listed(more)} besides, which would go too", hint="add --yes"
            )
        edit = _without(workspace, "repos", name, dry_run=dry_run)
    if not dry_run:
        registration.remove(workspace, store, name)
    return Removed(name, edit, (plural(runs.count(store, repo=name), "run"), f"the folder {repo.path}"))


def _without(workspace: Workspace, table: str, name: str, *, dry_run: bool) -> Edit:
    known = getattr(workspace.config, table)
    if name not in known:
        kind = table.removesuffix("s")
        raise NotFoundError(
            f"there is no {kind} `{name}` in {workspace.file}", hint=f"it has: {', '.join(sorted(known)) or 'none'}"
        )
    return remove_section(workspace.file, table, name, dry_run=dry_run)


def _tell(store: Store, edit: Edit, noun: str, name: str, *, dry_run: bool) -> None:
    if dry_run or not edit.changed:
        return
    with store.immediate() as connection:
        line = command(f"{noun}.remove", **{noun: name})
        events.record(connection, f"{noun}.removed", f"{noun} {name}", command=line)
