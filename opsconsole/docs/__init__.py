"""The reference that README leads to: pages of Markdown, shown by ``opsconsole help TOPIC`` and ``:help TOPIC``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files

from opsconsole.core.errors import NotFoundError


@dataclass(frozen=True)
class Topic:
    """One page."""

    name: str
    title: str
    """What it tells, in a line."""

    def text(self) -> str:
        """Return the page as Markdown."""
        return files(__name__).joinpath(f"{self.name}.md").read_text(encoding="utf-8")


TOPICS: tuple[Topic, ...] = (
    Topic("pipelines", "How a repo is built: detection, steps, kept results, secrets, the sandbox, trust."),
    Topic("results", "What runs came to: tests over many runs, bisect, logs, what is kept."),
    Topic("models", "Models and gates: what a training leaves, the ladder, promotion, rollback, serving."),
    Topic("drift", "Monitors and alerts: sources, verdicts, estimated performance, replay."),
    Topic("console", "The console and its keys, the `:` line."),
    Topic("command-line", "Every command, exit codes, JSON, variables, completion."),
    Topic("config", "Every key of opsconsole.toml."),
    Topic("operations", "Operations and security: where things lie, backups, a lost store, trust."),
    Topic("architecture", "For who changes the code: rooms, rules, five changes as worked examples."),
    Topic("contributing", "Setting up, tests, style, releases."),
)


def topic(name: str) -> Topic:
    """Return a page by its name, or by how it begins; NotFoundError names those there are."""
    chosen = [item for item in TOPICS if item.name == name] or [item for item in TOPICS if item.name.startswith(name)]
    if len(chosen) == 1:
        return chosen[0]
    names = [item.name for item in TOPICS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(names)}"
    raise NotFoundError(f"there is no topic `{name}`", hint=hint)
