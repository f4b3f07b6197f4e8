"""``repo add``: a repo is registered, with or without trust, and stands in ``opsconsole.toml`` from then on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.config.editing import Edit, Section, Setting, add_sections
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import OpsconsoleError
from opsconsole.repos import registration
from opsconsole.repos.cloning import Source, name_of, require_no_password
from opsconsole.repos.registration import KnownRepo
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class AddedRepo:
    """A repo, and what was written of it; ``repo`` is None where nothing was to be done yet."""

    name: str
    edit: Edit
    repo: KnownRepo | None


def add_repo(
    workspace: Workspace, store: Store, path: Path, *, name: str | None, trust: bool, dry_run: bool = False
) -> AddedRepo:
    """Register the repo at ``path``; one that stands in the file already is not written again."""
    top, chosen = registration.place_and_name(path, name)
    settings = {"path": Setting(_placed(workspace, top))}
    if dry_run:
        return AddedRepo(chosen, _written(workspace, chosen, settings, dry_run=True), None)
    known = {repo.name for repo in registration.known(workspace, store)}
    registration.add(workspace, store, top, name=chosen, trust=trust)
    return _into_the_file(workspace, store, chosen, settings, new=chosen not in known)


def add_clone(
    workspace: Workspace, store: Store, source: Source, *, name: str | None, trust: bool, dry_run: bool = False
) -> AddedRepo:
    """Clone a repo from its URL and register it; the file says where it came from. UsageError for a URL with a password."""
    require_no_password(source.url)
    chosen = name or name_of(source.url)
    settings = {"url": Setting(source.url)} | ({} if source.depth is None else {"depth": Setting(source.depth)})
    if dry_run:
        return AddedRepo(chosen, _written(workspace, chosen, settings, dry_run=True), None)
    registration.add_url(workspace, store, source, name=chosen, trust=trust)
    return _into_the_file(workspace, store, chosen, settings, new=True)


def _into_the_file(
    workspace: Workspace, store: Store, name: str, settings: dict[str, Setting], *, new: bool
) -> AddedRepo:
    """Write the table; where that cannot be, a repo that was new is forgotten again."""
    try:
        edit = _written(workspace, name, settings, dry_run=False)
    except OpsconsoleError:
        if new:
            registration.remove(workspace, store, name)
        raise
    return AddedRepo(name, edit, registration.named(replace(workspace, config=edit.config), store, name))


def _written(workspace: Workspace, name: str, settings: dict[str, Setting], *, dry_run: bool) -> Edit:
    sections = [] if name in workspace.config.repos else [Section("repos", name, settings)]
    return add_sections(workspace.file, sections, dry_run=dry_run)


def _placed(workspace: Workspace, top: Path) -> str:
    """Return a folder as the file names it; one that begins with ``~`` must not be taken for a home folder."""
    if not top.is_relative_to(workspace.root):
        return str(top)
    inside = str(top.relative_to(workspace.root))
    return f"./{inside}" if inside.startswith("~") else inside
