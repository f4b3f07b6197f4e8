"""The words of an empty list: what it would hold, a line to paste, and the key that does it."""

from __future__ import annotations

from opsconsole.console.host.host import Host
from opsconsole.console.widgets.rows import Example, Row, nothing_yet
from opsconsole.lifecycle.usecases import command


def no_repos() -> list[Row]:
    """Say how a repo comes here."""
    return nothing_yet(
        ("No repos yet. Here stand their builds: steps, tests, logs.",),
        Example(command("repo.add", path="PATH"), "add "),
        "y copies it; Enter begins :add PATH, a folder or a URL",
    )


def no_runs(app: Host, repo: str) -> list[Row]:
    """Say how a repo is built, or trusted first."""
    if not app.repo_trusted(repo):
        return nothing_yet(
            (f"No run of {repo} yet: nothing of it runs untrusted.",),
            Example(command("repo.trust", repo=repo), f"trust {repo}"),
            f"y copies it; Enter begins :trust {repo}",
        )
    return nothing_yet(
        (f"No run of {repo} yet.",),
        Example(f"opsconsole run {repo}", f"build {repo}"),
        "y copies it; b builds it, P shows what that would do",
    )


def no_models() -> list[Row]:
    """Say how a model comes here."""
    return nothing_yet(
        ("No models yet. Here stand versions, metrics, gates and rungs.",),
        Example(command("model.add", model="churn", path="model.skops"), "model add "),
        "y copies it; Enter begins :model add NAME FILE, with your own",
    )


def no_version(model: str) -> list[Row]:
    """Say how a model gets its first version."""
    return nothing_yet(
        (), Example(command("model.register", model=model, path="model.skops"), f"model register {model} "),
        "No version yet: y copies this, Enter begins it; a run of kind train makes one, too",
    )  # fmt: skip


def no_monitors(app: Host) -> list[Row]:
    """Say how data come to be watched."""
    model = next(iter(app.workspace.config.models), None)
    line = (
        command("monitor.add", monitor="intake", source="today.csv", reference="then.csv")
        if model is None
        else command("monitor.add", monitor=model, source="data/*.csv", model=f"{model}@production")
    )
    return nothing_yet(
        ("Nothing is watched yet. Here stand alerts, and how data and models do.",),
        Example(line, "monitor add "),
        "y copies it; Enter begins :monitor add, and c checks what is watched",
    )


def no_events() -> list[Row]:
    """Say what the audit trail is made of."""
    return nothing_yet(
        ("Nothing happened yet. Every act is written here: who, why, and its command.",),
        Example(command("repo.add", path="PATH"), "add "),
        "y copies it; Enter begins :add PATH, which would be the first",
    )
