"""``opsconsole repo``: the repositories that the workspace builds."""

from __future__ import annotations

from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, table
from opsconsole.cli.shown import repo_json
from opsconsole.ground.errors import RefusedError
from opsconsole.ground.nouns import Danger
from opsconsole.repos import registration, remotes


@click.group("repo")
def repo_command() -> None:
    """The repositories that the workspace builds."""


@repo_command.command("ls")
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the repos and where they stand."""
    data = [repo_json(session.store, repo) for repo in registration.known(session.workspace, session.store)]
    rows = [
        (
            item["name"],
            item["branch"] or ("detached" if item["commit"] else "–"),
            item["commit"][:7] if item["commit"] else (item["error"] or "no commit yet")[:40],
            "dirty" if item["dirty"] else "",
            item["runner"] or "–",
            item["last_run"]["outcome"] if item["last_run"] else "not built",
            "" if item["trusted"] else "not trusted",
        )
        for item in data
    ]
    head = ("repo", "branch", "commit", "", "runner", "last run", "")
    emit(data, table(head, rows) if rows else "no repos yet: opsconsole repo add PATH", as_json=as_json)


@repo_command.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Its name here; default: the folder's.")
@click.option("--trust", is_flag=True, help="Let its pipelines run on this machine.")
@json_option
@pass_session
def add(session: Session, path: Path, name: str | None, trust: bool, as_json: bool) -> None:
    """Register a git repository of this machine."""
    session.permit(Danger.WRITE, "Add a repo")
    repo = registration.add(session.workspace, session.store, path, name=name, trust=trust)
    line = f"{repo.name}  {repo.path}" + (
        "" if repo.trusted else f"\nnot trusted yet: {registration.trust_command(repo)}"
    )
    emit(repo_json(session.store, repo), line, as_json=as_json)


@repo_command.command("trust")
@click.argument("name")
@json_option
@pass_session
def trust(session: Session, name: str, as_json: bool) -> None:
    """Let a repo's pipelines run on this machine."""
    session.permit(Danger.WRITE, "Trust a repo")
    repo = registration.trust(session.workspace, session.store, name)
    emit(repo_json(session.store, repo), f"{repo.name} is trusted", as_json=as_json)


@repo_command.command("rm")
@click.argument("name")
@json_option
@pass_session
def rm(session: Session, name: str, as_json: bool) -> None:
    """Forget a repo that was added; its runs stay."""
    session.permit(Danger.WRITE, "Forget a repo")
    repo = registration.named(session.workspace, session.store, name)
    if repo.configured:
        raise RefusedError(f"repo {name} stands in {session.workspace.file}", hint=f"take [repos.{name}] out there")
    registration.remove(session.workspace, session.store, name)
    emit({"name": name, "removed": True}, f"{name} is forgotten; its runs stay", as_json=as_json)


@repo_command.command("fetch")
@click.argument("name", required=False)
@json_option
@pass_session
def fetch(session: Session, name: str | None, as_json: bool) -> None:
    """Fetch a repo's remotes, or those of all."""
    session.permit(Danger.WRITE, "Fetch")
    known = registration.known(session.workspace, session.store)
    chosen = [registration.named(session.workspace, session.store, name)] if name else known
    for repo in chosen:
        remotes.fetch(repo)
    data = [repo_json(session.store, repo) for repo in chosen]
    rows = [
        (
            item["name"],
            item["ahead"] if item["ahead"] is not None else "–",
            item["behind"] if item["behind"] is not None else "–",
        )
        for item in data
    ]
    emit(data if name is None else data[0], table(("repo", "ahead", "behind"), rows, right=(1, 2)), as_json=as_json)
