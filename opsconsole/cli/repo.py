"""``opsconsole repo``: the repositories that the workspace builds."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, table
from opsconsole.cli.edits import dry_run_option, edit_json, edit_lines, removed
from opsconsole.cli.shown import repo_json
from opsconsole.core import clock, text
from opsconsole.repos import history, registration, remotes
from opsconsole.repos.cloning import Source, is_url
from opsconsole.store.repos import trusted_refs


@click.group("repo")
def repo_command() -> None:
    """The repositories that the workspace builds."""


@repo_command.command("ls")
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the repos and where they stand."""
    data = [
        repo_json(session.workspace, session.store, repo)
        for repo in registration.known(session.workspace, session.store)
    ]
    rows = [
        (
            item["name"],
            item["branch"] or ("detached" if item["commit"] else "–"),
            item["commit"][:7] if item["commit"] else (item["error"] or "no commit yet")[:40],
            "dirty" if item["dirty"] else "",
            item["runner"] or "–",
            _built(item),
            "" if item["trusted"] else "not trusted",
        )
        for item in data
    ]
    head = ("repo", "branch", "commit", "", "runner", "last build", "")
    emit(data, table(head, rows) if rows else "no repos yet: opsconsole repo add PATH", as_json=as_json)


@repo_command.command("add")
@click.argument("path", metavar="PATH|URL")
@click.option("--name", help="Its name here; default: the folder's, or what the URL ends in.")
@click.option("--trust", is_flag=True, help="Let its pipelines run on this machine.")
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Of a URL: clone only the last N commits.")
@dry_run_option
@json_option
@pass_session
def add(
    session: Session, path: str, name: str | None, trust: bool, depth: int | None, dry_run: bool, as_json: bool
) -> None:
    """Register a git repository of this machine, or clone one from its URL; nothing of it is run.

    It stands in opsconsole.toml from then on; one that stands there already is not written again.
    """
    from opsconsole.lifecycle.adding.add_repo import add_clone, add_repo

    session.permit("repo.add")
    workspace, store = session.workspace, session.store
    if is_url(path):
        added = add_clone(workspace, store, Source(path, depth), name=name, trust=trust, dry_run=dry_run)
    else:
        added = add_repo(workspace, store, Path(path), name=name, trust=trust, dry_run=dry_run)
    edited = edit_json(added.edit, dry_run=dry_run)
    if added.repo is None:
        emit({"name": added.name, **edited}, edit_lines(added.edit, dry_run=dry_run), as_json=as_json)
        return
    lines = [f"{added.name}  {added.repo.path}", *edit_lines(added.edit, dry_run=dry_run)]
    if not added.repo.trusted:
        lines.append(f"not trusted yet: {registration.trust_command(added.repo)}")
    emit({**repo_json(workspace, store, added.repo), **edited}, lines, as_json=as_json)


@repo_command.command("show")
@click.argument("name")
@json_option
@pass_session
def show(session: Session, name: str, as_json: bool) -> None:
    """Show a repo: where it stands, branches, tags, work trees."""
    repo = registration.named(session.workspace, session.store, name)
    document = repo_json(session.workspace, session.store, repo)
    branches, tags = history.refs(repo.path, "heads"), history.refs(repo.path, "tags")
    data = {
        **document,
        "branches": [_ref_json(ref) for ref in branches],
        "tags": [_ref_json(ref) for ref in tags],
        "worktrees": history.worktrees_of(repo.path),
        "trusted_refs": trusted_refs(session.store, name),
    }
    now = clock.now()
    lines = [
        f"{name}  {repo.path}",
        f"  {document['branch'] or 'detached'} {str(document['commit'] or '')[:7]} “{document['subject'] or ''}”",
        f"  {_built(document)}",
        *(f"  trusted {text.clean(pattern)}" for pattern in data["trusted_refs"]),
        *(f"  branch  {text.clean(ref.name)}  {ref.commit[:7]}  {text.age(ref.at, now)}" for ref in branches[:20]),
        *(f"  tag     {text.clean(ref.name)}  {ref.commit[:7]}  {text.age(ref.at, now)}" for ref in tags[:20]),
    ]
    emit(data, lines, as_json=as_json)


@repo_command.command("changes")
@click.argument("name")
@click.option("--pipeline", default="build", show_default=True, help="Whose last green run counts.")
@click.option("--rev", help="Up to this revision; default: what is checked out.")
@click.option("--diff", "with_diff", is_flag=True, help="With the patch.")
@json_option
@pass_session
def changes(session: Session, name: str, pipeline: str, rev: str | None, with_diff: bool, as_json: bool) -> None:
    """Show the commits and files that changed since the last green run."""
    from opsconsole.runs.analyse.changes import since_green

    repo = registration.named(session.workspace, session.store, name)
    change = since_green(session.store, repo, pipeline=pipeline, rev=rev or "HEAD")
    patch = text.clean_lines(change.patch(repo.path)) if with_diff else None
    data = {
        "repo": name,
        "since": None if change.green is None else {"run": change.green, "commit": change.base},
        "commit": change.head,
        "commits": [
            {
                "id": entry.id,
                "subject": text.clean(entry.subject),
                "author": text.clean(entry.author),
                "at": clock.to_text(entry.committed_at.astimezone(UTC)),
            }
            for entry in change.commits
        ],
        "files": [{"path": text.clean(item.path), "change": item.change} for item in change.files],
        "diff": patch,
    }
    since = f"run {change.green}, {change.base[:7]}" if change.green is not None and change.base else "the beginning"
    lines = [
        f"{text.plural(len(change.commits), 'commit')} since {since}",
        *(f"  {entry.id[:7]}  {text.clean(entry.subject)}  {text.clean(entry.author)}" for entry in change.commits),
        *(f"  {item.change}  {text.clean(item.path)}" for item in change.files),
        *([patch] if patch is not None else []),
    ]
    emit(data, lines, as_json=as_json)


def _built(item: dict[str, Any]) -> str:
    """Return what the builds of the branch say in words; of another commit than the one checked out, of which."""
    last, since = item["last_run"], item["broken_since"]
    if last is None:
        return "not built"
    at = f" at {last['commit'][:7]}" if last["commit"] != item["commit"] else ""
    return f"{last['outcome']}{at}" + (f" since {since['commit'][:7]}, found by bisect" if since else "")


def _ref_json(ref: history.Ref) -> dict[str, str]:
    return {"name": text.clean(ref.name), "commit": ref.commit, "at": clock.to_text(ref.at)}


@repo_command.command("trust")
@click.argument("name")
@click.option("--ref", "refs", multiple=True, metavar="PATTERN", help="Let a ref that is not yours have secrets.")
@click.option("--forget-ref", "forgotten", multiple=True, metavar="PATTERN", help="No longer.")
@json_option
@pass_session
def trust(session: Session, name: str, refs: tuple[str, ...], forgotten: tuple[str, ...], as_json: bool) -> None:
    """Let a repo's pipelines run on this machine, as it is known by its first commit and its origin.

    What is checked out, branches made here and the origin's default branch get the secrets they name. Any other ref is
    asked about and gets none, unless it was trusted by name or pattern (--ref 'release/*').
    """
    session.permit("repo.trust")
    repo = registration.trust(session.workspace, session.store, name)
    if refs:
        registration.trust_refs(session.workspace, session.store, name, list(refs), trusted=True)
    if forgotten:
        registration.trust_refs(session.workspace, session.store, name, list(forgotten), trusted=False)
    emit(repo_json(session.workspace, session.store, repo), f"{repo.name} is trusted", as_json=as_json)


@repo_command.command("rm")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Also where its table says more than where the repo is.")
@dry_run_option
@json_option
@pass_session
def rm(session: Session, name: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Forget a repo and take it out of opsconsole.toml; its runs and its folder stay."""
    from opsconsole.lifecycle.adding.remove import remove_repo

    session.permit("repo.remove")
    done = remove_repo(session.workspace, session.store, name, yes=yes, dry_run=dry_run)
    emit(*removed(done, dry_run=dry_run), as_json=as_json)


@repo_command.command("fetch")
@click.argument("name", required=False)
@json_option
@pass_session
def fetch(session: Session, name: str | None, as_json: bool) -> None:
    """Fetch a repo's remotes, or those of all."""
    session.permit("repo.fetch")
    known = registration.known(session.workspace, session.store)
    chosen = [registration.named(session.workspace, session.store, name)] if name else known
    for repo in chosen:
        remotes.fetch(repo)
    data = [repo_json(session.workspace, session.store, repo) for repo in chosen]
    rows = [
        (
            item["name"],
            item["ahead"] if item["ahead"] is not None else "–",
            item["behind"] if item["behind"] is not None else "–",
        )
        for item in data
    ]
    emit(data if name is None else data[0], table(("repo", "ahead", "behind"), rows, right=(1, 2)), as_json=as_json)
