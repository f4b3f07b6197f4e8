"""Registering the operator's own artifact: its task, its provenance, and its first rung."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.actor import current_actor
from opsconsole.core.errors import NotFoundError, UsageError
from opsconsole.lifecycle.ladders import champion_of, ladder_of
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.promotion.links import sync_link
from opsconsole.registry.promotion.moves import nominate
from opsconsole.registry.versions.ledger import record
from opsconsole.registry.versions.registration import Given, Prepared, insert, prepare_path
from opsconsole.repos import registration
from opsconsole.repos.commits import resolve_rev
from opsconsole.store.connection import Store
from opsconsole.store.models import Provenance, Version


@dataclass(frozen=True)
class Registered:
    """A version that was registered, and where its task comes from."""

    version: Version
    prepared: Prepared
    champion: int | None
    """The version that held the highest rung then: whose scores an evaluation's ``champion`` rows are."""


def register_path(
    workspace: Workspace,
    store: Store,
    name: str,
    path: Path,
    given: Given | None = None,
    *,
    repo: str | None = None,
    commit: str | None = None,
) -> Registered:
    """Register a file or a folder; ``commit`` is any revision of a known repo, and must be there."""
    given = given or Given()
    origin = commit_of(workspace, store, repo, commit)
    prepared = prepare_path(workspace, store, name, path, given)
    champion = champion_of(store, name, ladder_of(workspace, name))
    provenance = Provenance(
        actor=current_actor(),
        repo=origin[0] if origin else None,
        commit=origin[1] if origin else None,
        champion=champion.version if champion is not None else None,
    )
    line = " ".join([command("model.register", model=name, path=str(path)), *_options(given, repo, commit)])
    rung = ladder_of(workspace, name)[0]
    with store.immediate() as connection:
        version = insert(connection, workspace, prepared, provenance, command=line)
        nominate(connection, name, rung, version.version, "registered by hand", provenance.actor)
    sync_link(workspace, store, name, rung)
    record(workspace, store)
    return Registered(version, prepared, provenance.champion)


def commit_of(workspace: Workspace, store: Store, repo: str | None, rev: str | None) -> tuple[str, str] | None:
    """Return the repo and the commit that an artifact was made from; None when neither was named.

    Without ``repo`` it is the one that knows the revision. NotFoundError when none does, UsageError when several do.
    """
    if rev is None:
        if repo is not None:
            raise UsageError("--repo without --commit says nothing", hint="--commit REV: what it was made from")
        return None
    if repo is not None:
        known_repo = registration.named(workspace, store, repo)
        return known_repo.name, resolve_rev(known_repo.path, rev).id
    known = registration.known(workspace, store)
    holding: list[tuple[str, str]] = []
    for one in known:
        try:
            holding.append((one.name, resolve_rev(one.path, rev).id))
        except NotFoundError:
            continue
    if not holding:
        names = ", ".join(one.name for one in known) or "none; opsconsole repo add PATH"
        raise NotFoundError(f"--commit {rev}: no repo has this revision", hint=f"known repos: {names}")
    if len(holding) > 1:
        raise UsageError(f"--commit {rev}: {' and '.join(name for name, _ in holding)} have it", hint="--repo NAME")
    return holding[0]


def _options(given: Given, repo: str | None, commit: str | None) -> list[str]:
    """Return the options as they were given, for the audit trail."""
    single = (
        ("--task", given.task),
        ("--eval-data", given.evaluation),
        ("--training-data", given.training_data),
        ("--training-ids", given.training_ids),
        ("--signature", given.signature),
        ("--repo", repo),
        ("--commit", commit),
    )
    words = [f"{option} {shlex.quote(str(value))}" for option, value in single if value is not None]
    words += [f"--metric {shlex.quote(f'{key}={value:g}')}" for key, value in given.metrics.items()]
    return [*words, *(f"--param {shlex.quote(f'{key}={value}')}" for key, value in given.params.items())]
