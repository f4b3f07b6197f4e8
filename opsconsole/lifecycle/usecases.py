"""Every act the product knows, declared once: its danger, and the CLI line it amounts to.

The console's actions run these lines as children, the CLI's verbs carry these names, ``--readonly`` refuses by their
danger, and the audit trail shows them. A test parses each line with the real command line.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from opsconsole.ground.errors import RefusedError
from opsconsole.ground.nouns import Danger


@dataclass(frozen=True)
class UseCase:
    """One act."""

    name: str
    title: str
    danger: Danger
    line: str
    """The command line with ``{placeholders}``; a part in ``[…]`` is left out when its placeholder is not given."""

    def argv(self, **values: object) -> list[str]:
        """Return the arguments behind ``opsconsole`` with the placeholders filled."""
        words: list[str] = []
        for part in _parts(self.line):
            optional, names = part.optional, part.names
            if optional and any(values.get(name) in {None, ""} for name in names):
                continue
            words.extend(word.format(**values) for word in part.words)
        return words

    def command(self, **values: object) -> str:
        """Return the line as the operator would type it."""
        return shlex.join(["opsconsole", *self.argv(**values)])


@dataclass(frozen=True)
class _Part:
    words: tuple[str, ...]
    optional: bool

    @property
    def names(self) -> list[str]:
        return [word.strip("{}") for word in self.words if word.startswith("{")] + [
            name for word in self.words if not word.startswith("{") for name in _inner(word)
        ]


def _inner(word: str) -> list[str]:
    return [piece.split("}")[0] for piece in word.split("{")[1:]]


def _parts(line: str) -> list[_Part]:
    found: list[_Part] = []
    for index, piece in enumerate(line.replace("]", "[").split("[")):
        words = tuple(piece.split())
        if words:
            found.append(_Part(words, optional=index % 2 == 1))
    return found


_ALL = (
    UseCase("status", "Overview in plain text", Danger.READ, "status"),
    UseCase("run.start", "Build", Danger.WRITE, "run {target} [--rev {rev}] [{yes}] --detach"),
    UseCase("run.cancel", "Cancel the run", Danger.WRITE, "cancel {run}"),
    UseCase("service.stop", "Stop the service", Danger.PRODUCTION, "cancel {run} [--reason {reason}] --yes"),
    UseCase("model.probe", "Ask the services", Danger.READ, "model probe"),
    UseCase("run.rerun", "Run again", Danger.WRITE, "rerun {run} [{yes}] --detach"),
    UseCase(
        "run.rerun_failed", "Run the failed tests again", Danger.WRITE, "rerun {run} --only-failed [{yes}] --detach"
    ),
    UseCase(
        "run.bisect",
        "Find the commit that broke it",
        Danger.WRITE,
        "bisect {target} --good {good} --bad {bad} [--test {test}] --detach",
    ),
    UseCase("run.plan", "Plan", Danger.READ, "plan {target} [--rev {rev}]"),
    UseCase("run.compare", "Compare two runs", Danger.READ, "compare {a} {b}"),
    UseCase("tests.flaky", "Flaky tests", Danger.READ, "flaky {repo}"),
    UseCase(
        "tests.history",
        "History of a test",
        Danger.READ,
        "history {repo} {test} [--pipeline {pipeline}] [--variant {variant}]",
    ),
    UseCase("run.pin", "Keep a run", Danger.WRITE, "pin {run}"),
    UseCase("run.unpin", "Let a run go", Danger.WRITE, "unpin {run}"),
    UseCase("store.restore", "Restore the store from a copy", Danger.PRODUCTION, "store restore {file}"),
    UseCase("store.rebuild", "Make the store anew", Danger.PRODUCTION, "store rebuild"),
    UseCase("store.prune", "Prune old runs", Danger.WRITE, "store prune"),
    UseCase("repo.add", "Add a repo", Danger.WRITE, "repo add {path} [--name {name}]"),
    UseCase(
        "repo.changes",
        "Changes since the last green run",
        Danger.READ,
        "repo changes {repo} [--pipeline {pipeline}] [--rev {rev}] --diff",
    ),
    UseCase("repo.trust", "Trust a repo's pipelines", Danger.WRITE, "repo trust {repo}"),
    UseCase("repo.fetch", "Fetch", Danger.WRITE, "repo fetch {repo}"),
    UseCase("repo.remove", "Forget a repo", Danger.WRITE, "repo rm {repo}"),
    UseCase("model.register", "Register a version", Danger.WRITE, "model register {model} {path}"),
    UseCase("model.gates", "Evaluate the gates", Danger.READ, "model gates {model}:{version} --to {alias}"),
    UseCase("model.compare", "Compare two versions", Danger.READ, "model compare {model}:{a} {model}:{b}"),
    UseCase("model.verify", "Verify digests", Danger.READ, "model verify {model}:{version}"),
    UseCase(
        "model.promote",
        "Promote",
        Danger.PRODUCTION,
        "model promote {model}:{version} --to {alias} --reason {reason} [--expect {expect}] --yes",
    ),
    UseCase(
        "model.rollback",
        "Roll back",
        Danger.PRODUCTION,
        "model rollback {model} --alias {alias} --reason {reason} [--expect {expect}] [--to {to}] --yes",
    ),
    UseCase("drift.check", "Check a monitor", Danger.WRITE, "drift check {monitor} [--data {data}] [{no_refresh}]"),
    UseCase("drift.labels", "Bring labels", Danger.WRITE, "drift labels {monitor} {file}"),
    UseCase("drift.explain", "Explain a chunk", Danger.READ, "drift explain {monitor} [--chunk {chunk}]"),
    UseCase("drift.sums", "Sum chunks", Danger.READ, "drift report {monitor} --per {per}"),
    UseCase("drift.replay", "Replay the settings", Danger.READ, "drift replay {monitor}"),
    UseCase("drift.baseline", "Baselines", Danger.READ, "drift baseline {monitor}"),
    UseCase(
        "drift.rebaseline",
        "Take another baseline",
        Danger.WRITE,
        "drift rebaseline {monitor} [--since {since}] [--until {until}] [--file {source}] [{performance}] --reason {reason}",
    ),
    UseCase(
        "drift.undo_baseline",
        "Take the baseline back",
        Danger.WRITE,
        "drift rebaseline {monitor} --undo --reason {reason}",
    ),
    UseCase("alert.ack", "Acknowledge", Danger.WRITE, "alert ack {alert} [--reason {reason}]"),
    UseCase("alert.snooze", "Snooze", Danger.WRITE, "alert snooze {alert} --for {time} [--reason {reason}]"),
    UseCase("alert.resolve", "Resolve", Danger.WRITE, "alert resolve {alert} [--reason {reason}]"),
    UseCase("alert.retrain", "Retrain", Danger.WRITE, "alert retrain {alert} --detach"),
)

USE_CASES: dict[str, UseCase] = {case.name: case for case in _ALL}


def command(name: str, **values: object) -> str:
    """Return the CLI line of a use case."""
    return USE_CASES[name].command(**values)


def child_argv(name: str, root: str, *, readonly: bool = False, **values: object) -> list[str]:
    """Return the whole command line that carries a use case out in a child process, answering in JSON."""
    from opsconsole.ground.process import own_python

    flags = ["--readonly"] if readonly else []
    return own_python("opsconsole", "-C", root, *flags, *USE_CASES[name].argv(**values), "--json")


def permit(danger: Danger, *, readonly: bool, title: str) -> None:
    """Refuse what a read-only session may not do."""
    if readonly and danger is not Danger.READ:
        raise RefusedError(
            f"{title}: refused, this session is read-only", hint="start without --readonly to change things"
        )
