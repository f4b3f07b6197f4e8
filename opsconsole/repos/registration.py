"""Which repos this workspace knows, and which the operator trusted: a repo's pipelines run only after that."""

from __future__ import annotations

import difflib
import re
import shlex
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.actor import current_actor
from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError, UsageError
from opsconsole.core.files import expanded
from opsconsole.repos.cloning import Source, clone, name_of
from opsconsole.repos.identity import RepoIdentity, identity_of, is_still
from opsconsole.repos.status import top_level
from opsconsole.store import events
from opsconsole.store import repos as rows
from opsconsole.store.connection import Store
from opsconsole.store.repos import RepoRecord

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class KnownRepo:
    """A repo by its name: from the configuration, or added by the operator."""

    name: str
    path: Path
    trusted: bool
    """Trust was given to this name, at this very path, and it is still that repo."""
    configured: bool
    """It stands in ``opsconsole.toml``."""
    source: Source | None = None
    """Where it is cloned from, when the configuration says so."""
    was_trusted: bool = False
    """Trust was given under this name, if to another repo."""


def known(workspace: Workspace, store: Store) -> list[KnownRepo]:
    """Return every repo of the workspace, by name; the configuration's path wins over the stored one."""
    recorded = {record.name: record for record in rows.all_repos(store)}
    return [_known(workspace, name, recorded.get(name)) for name in sorted({*recorded, *workspace.config.repos})]


def named(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Return one repo; NotFoundError names the nearest right spelling."""
    recorded = {record.name: record for record in rows.all_repos(store)}
    names = {*recorded, *workspace.config.repos}
    if name in names:
        return _known(workspace, name, recorded.get(name))
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
    known_names = ", ".join(sorted(names)) or "none; opsconsole repo add PATH"
    raise NotFoundError(
        f"there is no repo {name!r}", hint=f"did you mean {near[0]!r}?" if near else f"known: {known_names}"
    )


def is_trusted(workspace: Workspace, record: RepoRecord) -> bool:
    """Whether a trusted repo is still the one that trust was given to: at its path, by its first commit and origin."""
    if not record.trusted:
        return False
    if record.name in workspace.config.repos:
        url = workspace.config.repos[record.name].url
        if record.path != workspace.repo_path(record.name):
            return False
        if url is not None and record.origin is not None and url != record.origin:
            return False
    return is_still(record, record.path)


def _known(workspace: Workspace, name: str, record: RepoRecord | None) -> KnownRepo:
    configured = name in workspace.config.repos
    if configured:
        path = workspace.repo_path(name)
    else:
        assert record is not None
        path = record.path
    trusted = record is not None and is_trusted(workspace, record)
    given = record is not None and record.trusted
    return KnownRepo(name, path, trusted, configured, _source(workspace, name) if configured else None, given)


def add_url(
    workspace: Workspace, store: Store, source: Source, *, name: str | None = None, trust: bool = False
) -> KnownRepo:
    """Clone a repo into the workspace's state and register it; what a failed clone left is gone.

    ConflictError when the name is taken, UnreachableError when the other side does not answer.
    UsageError for a name that cannot be one.
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
    UsageError for a name that cannot be one.
    """
    top, chosen = place_and_name(path, name)
    if chosen in workspace.config.repos and workspace.repo_path(chosen) != top:
        raise _taken(chosen, workspace.repo_path(chosen))
    who = identity_of(top) if trust else RepoIdentity(None, None)
    with store.immediate() as connection:
        record = rows.find(connection, chosen)
        if record is not None and record.path != top and chosen not in workspace.config.repos:
            raise _taken(chosen, record.path)
        kept = record if record is not None and record.path == top else None
        trusted = trust or (kept is not None and kept.trusted and is_trusted(workspace, kept))
        if kept is None:
            options = ["--trust"] if trust else []
            command = shlex.join(["opsconsole", "repo", "add", str(top), "--name", chosen, *options])
            events.record(connection, "repo.added", f"repo {chosen}", command=command, detail={"path": str(top)})
        if trust:
            _record_trust(connection, chosen, top)
        if kept is None or trust or kept.trusted != trusted:
            rows.put(connection, chosen, top, trusted=trusted, root=who.root, origin=who.origin)
    return KnownRepo(name=chosen, path=top, trusted=trusted, configured=chosen in workspace.config.repos)


def place_and_name(path: Path, name: str | None) -> tuple[Path, str]:
    """Return a repo's folder and the name it is to have; NotFoundError for no repo, UsageError for no name."""
    top = top_level(expanded(path).resolve()).resolve()
    chosen = name or re.sub(r"[^A-Za-z0-9._-]+", "-", top.name).strip("-._") or "repo"
    if not _NAME.fullmatch(chosen):
        raise UsageError(f"{chosen!r} is no name for a repo", hint="letters, digits, `.`, `_`, `-`, at most 64")
    return top, chosen


def trust(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Let the repo's pipelines run from now on: the operator's act, kept in the store."""
    repo = named(workspace, store, name)
    return repo if repo.trusted else add(workspace, store, repo.path, name=name, trust=True)


def remove(workspace: Workspace, store: Store, name: str) -> KnownRepo:
    """Forget a repo that was added (trust goes with it); its runs stay. One of the configuration is edited there."""
    repo = named(workspace, store, name)
    with store.immediate() as connection:
        known = rows.delete(connection, name)
        if known or repo.configured:
            command = shlex.join(["opsconsole", "repo", "rm", name])
            events.record(connection, "repo.removed", f"repo {name}", command=command, detail={"path": str(repo.path)})
    return repo


def trust_refs(workspace: Workspace, store: Store, name: str, patterns: list[str], *, trusted: bool) -> KnownRepo:
    """Let other people's refs of these names or patterns run as the operator's own do, with secrets; or no longer."""
    repo = named(workspace, store, name)
    require_trust(repo)
    option = "--ref" if trusted else "--forget-ref"
    with store.immediate() as connection:
        for pattern in patterns:
            change = (
                rows.trust_ref(connection, name, pattern, current_actor())
                if trusted
                else rows.distrust_ref(connection, name, pattern)
            )
            if change:
                command = shlex.join(["opsconsole", "repo", "trust", name, option, pattern])
                kind = "repo.ref_trusted" if trusted else "repo.ref_distrusted"
                events.record(connection, kind, f"repo {name}", command=command, detail={"ref": pattern})
    return repo


def bind(store: Store, repo: KnownRepo) -> None:
    """Say which repo it is that was trusted, where trust is older than that, or older than the first commit."""
    record = rows.get(store, repo.name)
    if record is None or record.root is not None or not repo.trusted:
        return
    who = identity_of(repo.path)
    if who.root is not None:
        with store.immediate() as connection:
            rows.bind(connection, repo.name, who.root, who.origin)


def require_trust(repo: KnownRepo) -> None:
    """RefusedError, with the command that trusts it, unless the operator trusted the repo, and it is still that one."""
    if not repo.trusted and repo.was_trusted:
        raise RefusedError(
            f"repo {repo.name} ({repo.path}) is not the repo that was trusted: its first commit or its origin is another",
            hint=trust_command(repo),
        )
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
