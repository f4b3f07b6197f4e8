"""Which repos this workspace knows, and which the operator trusted: a repo's pipelines run only after that."""

from __future__ import annotations

import difflib
import re
import shlex
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.ground.errors import ConflictError, NotFoundError, RefusedError, UsageError
from opsconsole.repos.cloning import Source, clone, name_of
from opsconsole.repos.status import top_level
from opsconsole.store import events
from opsconsole.store import repos as rows
from opsconsole.store.connection import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class KnownRepo:
    """A repo by its name: from the configuration, or added by the operator."""

    name: str
    path: Path
    trusted: bool
    """Trust was given to this name at this very path."""
    configured: bool
    """It stands in ``opsconsole.toml``."""
    source: Source | None = None
    """Where it is cloned from, when the configuration says so."""


def known(workspace: Workspace, store: Store) -> list[KnownRepo]:
    """Return every repo of the workspace, by name; the configuration's path wins over the stored one."""
    recorded = {record.name: record for record in rows.all_repos(store)}
    found = []
    for name in sorted(recorded.keys() | workspace.config.repos.keys()):
        record = recorded.get(name)
        configured = name in workspace.config.repos
        path = workspace.repo_path(name) if configured else recorded[name].path
        trusted = record is not None and record.trusted and record.path == path
        found.append(KnownRepo(name, path, trusted, configured, _source(workspace, name) if configured else None))
    return found


def named(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Return one repo; NotFoundError names the nearest right spelling."""
    repos = {repo.name: repo for repo in known(workspace, store)}
    if name in repos:
        return repos[name]
    near = difflib.get_close_matches(name, list(repos), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(repos) or 'none; opsconsole repo add PATH'}"
    raise NotFoundError(f"there is no repo {name!r}", hint=hint)


def add_url(
    workspace: Workspace, store: Store, source: Source, *, name: str | None = None, trust: bool = False
) -> KnownRepo:
    """Clone a repo into the workspace's state and register it; what a failed clone left is gone.

    ConflictError when the name is taken, UnreachableError when the other side does not answer.
    """
    chosen = name or name_of(source.url)
    if not _NAME.fullmatch(chosen):
        raise UsageError(f"{chosen!r} is no name for a repo", hint="letters, digits, `.`, `_`, `-`, at most 64")
    taken = next((repo for repo in known(workspace, store) if repo.name == chosen), None)
    if taken is not None:
        raise _taken(chosen, taken.path)
    target = workspace.clones / chosen
    clone(source, target)
    return add(workspace, store, target, name=chosen, trust=trust)


def add(workspace: Workspace, store: Store, path: Path, *, name: str | None = None, trust: bool = False) -> KnownRepo:
    """Register the repo at ``path`` under a name of its own; the same path and name again is no change.

    NotFoundError when it is no repo, ConflictError when the name belongs to another repo.
    """
    top = top_level(path.expanduser().resolve()).resolve()
    chosen = name or re.sub(r"[^A-Za-z0-9._-]+", "-", top.name).strip("-._") or "repo"
    if not _NAME.fullmatch(chosen):
        raise UsageError(f"{chosen!r} is no name for a repo", hint="letters, digits, `.`, `_`, `-`, at most 64")
    if chosen in workspace.config.repos and workspace.repo_path(chosen) != top:
        raise _taken(chosen, workspace.repo_path(chosen))
    with store.immediate() as connection:
        record = rows.find(connection, chosen)
        if record is not None and record.path != top and chosen not in workspace.config.repos:
            raise _taken(chosen, record.path)
        kept = record if record is not None and record.path == top else None
        trusted = trust or (kept is not None and kept.trusted)
        if kept is None:
            command = shlex.join(["opsconsole", "repo", "add", str(top), "--name", chosen])
            events.record(connection, "repo.added", f"repo {chosen}", command=command, detail={"path": str(top)})
        if trusted and not (kept is not None and kept.trusted):
            _record_trust(connection, chosen, top)
        if kept is None or kept.trusted != trusted:
            rows.put(connection, chosen, top, trusted=trusted)
    return KnownRepo(name=chosen, path=top, trusted=trusted, configured=chosen in workspace.config.repos)


def trust(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Let the repo's pipelines run from now on: the operator's act, kept in the store."""
    repo = named(workspace, store, name)
    return repo if repo.trusted else add(workspace, store, repo.path, name=name, trust=True)


def remove(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Forget a repo that was added (trust goes with it); its runs stay. One of the configuration is edited there."""
    repo = named(workspace, store, name)
    with store.immediate() as connection:
        if rows.delete(connection, name):
            command = shlex.join(["opsconsole", "repo", "rm", name])
            events.record(connection, "repo.removed", f"repo {name}", command=command, detail={"path": str(repo.path)})
    return repo


def require_trust(repo: KnownRepo) -> None:
    """RefusedError, with the command that trusts it, unless the operator trusted the repo."""
    if not repo.trusted:
        raise RefusedError(
            f"repo {repo.name} ({repo.path}) was not trusted: its pipelines run programs it brings",
            hint=trust_command(repo),
        )


def trust_command(repo: KnownRepo) -> str:
    """Return the command line that trusts a repo."""
    return shlex.join(["opsconsole", "repo", "trust", repo.name])


def _source(workspace: Workspace, name: str) -> Source | None:
    configured = workspace.config.repos[name]
    return None if configured.url is None else Source(configured.url, configured.depth)


def _record_trust(connection: sqlite3.Connection, name: str, path: Path) -> None:
    command = shlex.join(["opsconsole", "repo", "add", str(path), "--name", name, "--trust"])
    events.record(connection, "repo.trusted", f"repo {name}", command=command, detail={"path": str(path)})


def _taken(name: str, path: Path) -> ConflictError:
    return ConflictError(f"the name {name!r} belongs to {path}", hint="give this one another: --name NAME")
