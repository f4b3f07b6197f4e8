"""Every act the product knows, declared once: its title, its danger, the CLI line it amounts to, and its key.

The console's keys, ``?``, palette and ``:`` line read them and run these lines as children, the CLI's verbs name the one
they carry out, ``--readonly`` refuses by their danger, and the audit trail shows their lines. A test parses each line
with the real command line.
"""

from __future__ import annotations

from opsconsole.core.errors import RefusedError
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.use_case import UseCase

_R, _W, _P = Danger.READ, Danger.WRITE, Danger.PRODUCTION
_ALL = (
    # the workspace and its store
    UseCase("status", "Overview in plain text", _R, "status"),
    UseCase("workspace.look", "Look for repos, models and data", _R, "init {directory} --dry-run"),
    UseCase("workspace.init", "Make a workspace", _W, "init {directory} --yes [--take {take}] [{bare}]"),
    UseCase("workspace.trust", "Trust a workspace", _W, "workspace trust {path}"),
    UseCase("demo.make", "Make the demo", _W, "demo {directory} --no-open"),
    UseCase("store.backup", "Back the store up", _W, "store backup {file}"),
    UseCase("store.export", "Export a view", _W, "store export {view} {file}"),
    UseCase("store.restore", "Restore the store from a copy", _P, "store restore {file}"),
    UseCase("store.rebuild", "Make the store anew", _P, "store rebuild"),
    UseCase("store.prune", "Prune old runs", _W, "store prune", word="prune"),
    # repos
    UseCase("repo.add", "Add a repo", _W, "repo add {path} [--name {name}]", word="add"),
    UseCase(
        "repo.trust",
        "Trust a repo",
        _W,
        "repo trust {repo}",
        key="t",
        word="trust",
        help="See what trusting the repo under the cursor allows, and trust it.",
    ),
    UseCase("repo.fetch", "Fetch", _W, "repo fetch {repo}", word="fetch"),
    UseCase("repo.remove", "Forget a repo", _W, "repo rm {repo} [{yes}]", word="forget"),
    UseCase(
        "repo.changes",
        "Changes",
        _R,
        "repo changes {repo} [--pipeline {pipeline}] [--rev {rev}] --diff",
        key="h",
        help="Commits and files since the last green run; o opens the patch.",
    ),
    # runs
    UseCase(
        "run.start",
        "Build",
        _W,
        "run {target} [--rev {rev}] [{yes}] --detach",
        key="b",
        word="build",
        help="Build the repo at its checked-out commit.",
    ),
    UseCase(
        "run.cancel",
        "Cancel",
        _W,
        "cancel {run}",
        key="x",
        word="cancel",
        help="End the run and everything it started; a running service asks for its name first.",
    ),
    UseCase("service.stop", "Stop the service", _P, "cancel {run} [--reason {reason}] --yes"),
    UseCase(
        "run.rerun", "Rerun", _W, "rerun {run} [{yes}] --detach", key="R", word="rerun", help="Run the whole run again."
    ),
    UseCase(
        "run.rerun_failed",
        "Rerun failed",
        _W,
        "rerun {run} --only-failed [{yes}] --detach",
        key="r",
        help="Run only the failed tests of this run again.",
    ),
    UseCase(
        "run.bisect",
        "Bisect",
        _W,
        "bisect {target} --good {good} --bad {bad} [--test {test}] --detach",
        key="i",
        help="Find the commit that broke the build, or the test under the cursor.",
    ),
    UseCase(
        "run.plan",
        "Plan",
        _R,
        "plan {target} [--rev {rev}]",
        key="P",
        word="plan",
        help="What a run would do, why, and what is missing.",
    ),
    UseCase(
        "run.compare",
        "Compare",
        _R,
        "compare {a} {b}",
        key="c",
        help="Compare the two marked runs, or this one with the one before it.",
    ),
    UseCase(
        "run.pin",
        "Keep",
        _W,
        "pin {run}",
        key="K",
        word="pin",
        help="Keep the run's logs and artifacts for good, or no longer.",
    ),
    UseCase("run.unpin", "Let a run go", _W, "unpin {run}", word="unpin"),
    UseCase(
        "tests.flaky",
        "Flaky",
        _R,
        "flaky {repo}",
        key="f",
        help="Tests of the repo that contradict themselves, with their rate.",
    ),
    UseCase(
        "tests.history",
        "History",
        _R,
        "history {repo} {test} [--pipeline {pipeline}] [--variant {variant}]",
        key="H",
        help="What the failed test under the cursor came to, run by run.",
    ),
    # models
    UseCase("model.probe", "Ask the services", _R, "model probe"),
    UseCase(
        "model.add",
        "Add a model",
        _W,
        "model add {model} [{path}] [--task {task}] [--eval-data {evaluation}] [--training-data {training}]",
        word="model add",
        takes="NAME FILE",
    ),
    UseCase("model.remove", "Forget a model", _W, "model rm {model}", word="model rm"),
    UseCase("model.register", "Register a version", _W, "model register {model} {path}", word="model register"),
    UseCase("model.gates", "Evaluate the gates", _R, "model gates {model}:{version} --to {alias}"),
    UseCase(
        "model.promote",
        "Promote",
        _P,
        "model promote {model}:{version} --to {alias} --reason {reason} [--expect {expect}] --yes",
        key="p",
        word="promote",
        takes="MODEL:VERSION",
        help="Promote the version: gates, evidence, reason, name typed.",
    ),
    UseCase(
        "model.rollback",
        "Roll back",
        _P,
        "model rollback {model} --alias {alias} --reason {reason} [--expect {expect}] [--to {to}] --yes",
        key="u",
        word="rollback",
        takes="MODEL",
        help="Go back to what was live before.",
    ),
    UseCase(
        "model.compare",
        "Compare",
        _R,
        "model compare {model}:{a} {model}:{b}",
        key="c",
        help="Compare the two marked versions, or this one with the champion.",
    ),
    UseCase("model.verify", "Verify", _R, "model verify {model}:{version}", key="v", help="Hash the artifact again."),
    UseCase(
        "model.train",
        "Train again",
        _W,
        "run {target} [{yes}] --detach",
        key="t",
        help="Run the training of this model again.",
    ),
    # monitors and alerts
    UseCase(
        "monitor.add",
        "Add a monitor",
        _W,
        "monitor add {monitor} --data {source} [--model {model}] [--reference {reference}] [--time {time}]"
        " [--label {label}] [--id {id}] [--score {score}] [--chunk {length}]",
        word="monitor add",
        takes="NAME --data FILE --reference FILE",
    ),
    UseCase("monitor.remove", "Forget a monitor", _W, "monitor rm {monitor}", word="monitor rm"),
    UseCase(
        "drift.check",
        "Check now",
        _W,
        "drift check {monitor} [--data {data}] [{no_refresh}]",
        key="c",
        word="check",
        help="Bring the next rows and check the monitor.",
    ),
    UseCase(
        "drift.labels",
        "Labels",
        _W,
        "drift labels {monitor} {file}",
        key="l",
        help="Bring labels from a file; their chunks are judged anew.",
    ),
    UseCase(
        "drift.explain",
        "Explain",
        _R,
        "drift explain {monitor} [--chunk {chunk}]",
        key="X",
        help="Let a classifier find what is different in the chunk.",
    ),
    UseCase(
        "drift.sums",
        "Sums",
        _R,
        "drift report {monitor} --per {per}",
        key="+",
        help="Sum its chunks to weeks, months, quarters or years.",
    ),
    UseCase(
        "drift.replay",
        "Replay",
        _R,
        "drift replay {monitor}",
        key="R",
        help="Say how often these settings would cry wolf.",
    ),
    UseCase(
        "drift.baseline",
        "Baseline",
        _R,
        "drift baseline {monitor}",
        key="b",
        help="What the monitor compares with, and did before.",
    ),
    UseCase(
        "drift.rebaseline",
        "Rebaseline",
        _W,
        "drift rebaseline {monitor} [--since {since}] [--until {until}] [--file {source}] [{performance}] --reason {reason}",
        key="B",
        help="Take other rows as the reference, or take that back.",
    ),
    UseCase("drift.undo_baseline", "Take the baseline back", _W, "drift rebaseline {monitor} --undo --reason {reason}"),
    UseCase(
        "alert.ack",
        "Acknowledge",
        _W,
        "alert ack {alert} [--reason {reason}]",
        key="a",
        word="ack",
        help="Say that you have seen it.",
    ),
    UseCase(
        "alert.snooze",
        "Snooze",
        _W,
        "alert snooze {alert} --for {time} [--reason {reason}]",
        key="z",
        help="Be silent about it for a while.",
    ),
    UseCase("alert.resolve", "Resolve", _W, "alert resolve {alert} [--reason {reason}]", word="resolve"),
    UseCase(
        "alert.retrain",
        "Retrain",
        _W,
        "alert retrain {alert} --detach",
        key="t",
        help="Train a candidate that answers the alert.",
    ),
)

USE_CASES: dict[str, UseCase] = {case.id: case for case in _ALL}
BY_WORD: dict[str, UseCase] = {case.word: case for case in _ALL if case.word is not None}


def command(case_id: str, **values: object) -> str:
    """Return the CLI line of a use case."""
    return USE_CASES[case_id].command(**values)


def child_argv(case_id: str, root: str, *, readonly: bool = False, **values: object) -> list[str]:
    """Return the whole command line that carries a use case out in a child process, answering in JSON."""
    from opsconsole.core.process import own_python

    flags = ["--readonly"] if readonly else []
    return own_python("opsconsole", "-C", root, *flags, *USE_CASES[case_id].argv(**values), "--json")


def permit(case_id: str, *, readonly: bool) -> None:
    """Raise RefusedError for what a read-only session may not do."""
    case = USE_CASES[case_id]
    if readonly and case.danger is not Danger.READ:
        raise RefusedError(
            f"{case.title}: refused, this session is read-only", hint="start without --readonly to change things"
        )
