"""The command line is an API: its verbs, the keys of their JSON, their exit codes, and what read-only refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from opsconsole.cli.root import COMMANDS, root_command, run
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.usecases import USE_CASES
from tests.model_workspace import opsconsole

VERSION = {"version", "digest", "metrics", "params", "signature", "commit", "run", "data", "created_at"}
MODEL = {"name", "versions", "aliases"}
REPO = {"name", "path", "branch", "commit", "dirty", "ahead", "behind", "runner", "last_run"}
RUN = {
    "id", "repo", "pipeline", "kind", "commit", "outcome", "duration_s", "steps", "tests", "created_at", "started_at",
    "ended_at", "reason", "supervisor",
}  # fmt: skip
ALERT = {"id", "monitor", "model", "version", "severity", "state", "opened_at", "evidence"}
MOVED = {"model", "alias", "from", "to", "promotion"}
GATES = {"passed", "gates"}
CHUNK = {"start", "end", "rows", "columns", "score", "estimated", "realised"}
COLUMN = {
    "name", "kind", "psi", "js", "hellinger", "ks", "ks_p", "wasserstein", "chi2", "chi2_p", "l_infinity", "missing",
    "unseen", "drifted", "severity",
}  # fmt: skip


@dataclass(frozen=True)
class Verb:
    """One command line, what it may do, and what it answers."""

    line: str
    danger: Danger
    keys: frozenset[str]
    code: int = 0
    items: bool = False
    """The answer is a list of such objects."""

    @property
    def words(self) -> list[str]:
        return [word.replace("\u00a0", " ") for word in self.line.split(" ")]


def read(line: str, keys: set[str], *, code: int = 0, items: bool = False) -> Verb:
    return Verb(line, Danger.READ, frozenset(keys), code, items)


def write(line: str, keys: set[str], *, code: int = 0, danger: Danger = Danger.WRITE, items: bool = False) -> Verb:
    return Verb(line, danger, frozenset(keys), code, items)


VERBS = [
    read("status", {"workspace", "repos", "models", "alerts", "running", "agent"}),
    read("config path", {"path"}),
    read("config show", {"workspace", "repos", "models", "monitors"}),
    read("config validate", {"path", "valid"}),
    read("config schema", {"$defs"}),
    read("doctor", {"checks"}),
    read("repo ls", REPO, items=True),
    read("repo show app", {*REPO, "branches", "tags", "worktrees"}),
    read("repo changes app", {"since", "commits", "files", "diff"}),
    read("repo changes app --rev broken --diff", {"since", "commits", "files", "diff"}),
    read("plan app", {"steps", "runner", "reason", "environment", "missing"}),
    read("runs", RUN, items=True),
    read("runs --repo app --limit 2 --state failed", RUN, items=True),
    read("show 2", RUN),
    read("log 1", {"step", "path", "bytes"}, items=True),
    read("tests 2", {"id", "outcome", "duration_s", "message"}, items=True),
    read("tests 2 --failed", {"id", "outcome", "duration_s", "message"}, items=True),
    read("tests 2 --slowest 3", {"id", "seconds", "before"}, items=True),
    read("flaky app", {"id", "flips", "rate", "last_seen"}, items=True),
    read("history app tests/test_app.py::test_broken", {"run", "commit", "outcome", "duration_s"}, items=True),
    read("compare 1 2", {"broken", "mended", "added", "gone", "slower"}),
    read("artifacts 3", {"path", "bytes", "digest"}, items=True),
    read("run app/build --dry-run", {"steps", "runner", "reason", "environment", "missing"}),
    read("store prune --dry-run", {"runs", "bytes"}),
    read("model ls", MODEL, items=True),
    read("model show m", MODEL),
    read("model show m:1", VERSION),
    read("model show m@production", VERSION),
    read("model compare m:1 m:2", {"a", "b", "rows", "metrics", "params", "plots"}),
    read("model gates m:2 --to production", GATES),
    read("model history m", MOVED, items=True),
    read("model verify", {"model", "version", "outcome", "files"}, items=True),
    read("model verify m:1", {"model", "version", "outcome", "files"}, items=True),
    read("drift compare data/now/2013-02.csv data/now/2013-03.csv", {"rows", "columns"}, code=1),
    read("drift monitors", {"name", "model", "version", "severity"}, items=True),
    read("monitor ls", {"name", "model", "version", "severity"}, items=True),
    read("drift report watch", CHUNK, items=True),
    read("alert ls", ALERT, items=True),
    read("alert show 1", ALERT),
    read("events", {"id", "at", "actor", "kind", "subject", "reason", "command"}, items=True),
    read("store check", {"good", "problems", "rows"}),
    read("store query SELECT\u00a0id\u00a0FROM\u00a0runs", {"id"}, items=True),
    write("store export runs out.csv", {"view", "file", "rows"}),
    read("help", {"topic", "title"}, items=True),
    read("help drift", {"topic", "title", "text"}),
    write("store backup copy.db", {"file", "bytes"}),
    write("init elsewhere", {"workspace", "repos", "models", "data"}),
    read("init elsewhere --dry-run", {"workspace", "repos", "models", "data"}),
    write("repo add more", REPO),
    write("repo trust app", REPO),
    write("repo fetch app", REPO),
    write("repo rm app", {"error"}, code=6),
    write("run app/build", RUN),
    write("run app --rev broken", RUN, code=1),
    write("run app/build --detach", RUN),
    write("rerun 2 --only-failed", RUN, code=1),
    write("rerun 1 --detach", RUN),
    write("cancel 1", {"error"}, code=5),
    write("bisect app --good good --bad broken", {"first_bad", "subject", "author", "steps"}),
    write("bisect app --good good --bad broken --detach", RUN),
    write("pin 1", {*RUN, "pinned"}),
    write("unpin 1", {*RUN, "pinned"}),
    write("store prune", {"runs", "bytes"}),
    write("store restore copy.db", {"error"}, code=4, danger=Danger.PRODUCTION),
    write("store rebuild", {"error"}, code=6, danger=Danger.PRODUCTION),
    write("model register m repos/app/train.py --metric k=1 --param p=x", {"model", "version", "digest"}),
    write("model add second --task regression", {"name", "path", "changed", "diff", "choices", "version", "next"}),
    write("model rm m", {"error"}, code=6),
    write("model promote m:2 --to production --reason r --yes", {*MOVED, "gates"}, danger=Danger.PRODUCTION),
    write("model rollback m --alias production --reason r --yes", {"error"}, code=6, danger=Danger.PRODUCTION),
    write(
        "monitor add second --model m --data data/now/*.csv", {"name", "path", "changed", "diff", "choices", "notes"}
    ),
    write("monitor rm watch", {"error"}, code=6),
    write("drift check watch", {"monitor", "chunks", "alerts", "severity"}, code=1),
    read("drift replay watch", {"chunks", "would_alert", "expected_false_alarms_per_week", "words"}),
    read("drift explain watch", {"auc", "low", "high", "columns", "words"}),
    read("drift baseline watch", {"monitor", "baselines"}),
    write("drift rebaseline watch --since 2013-02-01 --until 2013-03-01 --reason r", {"monitor", "baselines"}),
    write("drift labels watch data/labels.csv", {"labels", "monitor", "chunks", "alerts", "severity"}, code=1),
    write("alert ack 1", ALERT),
    write("alert snooze 1 --for 2h", ALERT),
    write("alert resolve 1 --reason r", ALERT),
    write("alert retrain 1", {*RUN, "alert"}),
]
NOW = [
    "demo",
    "init",
    "status",
    "config",
    "doctor",
    "repo",
    "run",
    "runs",
    "show",
    "log",
    "tests",
    "flaky",
    "history",
    "compare",
    "artifacts",
    "cancel",
    "rerun",
    "bisect",
    "pin",
    "unpin",
    "events",
    "store.prune",
    "model.ls",
    "model.show",
    "model.register",
    "model.compare",
    "model.gates",
    "model.promote",
    "model.rollback",
    "model.history",
    "model.verify",
    "drift.compare",
    "drift.monitors",
    "drift.check",
    "drift.report",
    "drift.replay",
    "drift.explain",
    "drift.baseline",
    "drift.labels",
    "alert.ls",
    "alert.show",
    "alert.ack",
    "alert.snooze",
    "alert.resolve",
    "alert.retrain",
    "store.check",
    "store.backup",
    "workspace.trust",
]
OPTIONAL = {
    "yes",
    "data",
    "no_refresh",
    "performance",
    "rev",
    "name",
    "expect",
    "pipeline",
    "variant",
    "chunk",
    "until",
    "task",
    "evaluation",
    "training",
    "reference",
    "label",
    "id",
    "score",
    "length",
    "take",
}
ELSEWHERE = {
    "completion": Danger.READ,
    "demo": Danger.WRITE,
    "workspace.trust": Danger.WRITE,
    "model.probe": Danger.READ,
}
"""Walked by tests of its own."""
BY_PURPOSE = {"cancel": {Danger.PRODUCTION}}
"""What an act is besides, where it depends on what the run is for: ending a service is an act on production."""


@dataclass
class Cli:
    """Runs command lines in this process, and answers with exit code and streams."""

    root: Path
    capture: pytest.CaptureFixture[bytes]

    def __call__(self, *words: str, where: bool = True) -> tuple[int, bytes, bytes]:
        self.capture.readouterr()
        code = run([*(["-C", str(self.root)] if where else []), *words])
        said = self.capture.readouterr()
        return code, said.out, said.err

    def json(self, *words: str) -> tuple[int, Any]:
        code, out, _ = self(*words, "--json")
        assert len(out.splitlines()) == 1, "more than one document"
        return code, json.loads(out)


@pytest.fixture
def cli(mill: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(mill)
    return Cli(mill, capfdbinary)


def tree(group: click.Group, prefix: str = "") -> Iterator[str]:
    """Every verb that the real command line has."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from tree(found, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def verb_of(words: list[str]) -> str:
    found = root_command.get_command(click.Context(root_command), words[0])
    return f"{words[0]}.{words[1]}" if isinstance(found, click.Group) else words[0]


def test_every_verb_there_is_is_walked_here_and_every_promised_one_is_there() -> None:
    there = set(tree(root_command))
    assert there == {verb_of(verb.words) for verb in VERBS} | ELSEWHERE.keys()
    groups = {name.partition(".")[0] for name in there}
    assert {name for name in NOW if name not in there | groups} == set()
    assert set(COMMANDS) == groups


@pytest.mark.parametrize("verb", VERBS, ids=[verb.line for verb in VERBS])
def test_each_verb_answers_one_json_document_with_its_keys_and_exit_code(cli: Cli, verb: Verb) -> None:
    code, answer = cli.json(*verb.words)
    assert code == verb.code, answer
    found = answer if verb.items else [answer]
    assert found
    for item in found:
        assert set(item) >= verb.keys
    if "error" in verb.keys:
        assert set(answer["error"]) == {"code", "message", "hint"}


def written(root: Path) -> tuple[bytes, list[str]]:
    """What is in the store's files, and which runs and versions there are."""
    state = root / ".opsconsole"
    logs = [path.read_bytes() for path in (state / "store.db", state / "store.db-wal") if path.exists()]
    return b"".join(logs), sorted(str(path) for path in (*state.glob("runs/*"), *root.glob("models/*/*/*")))


@pytest.mark.parametrize("verb", VERBS, ids=[verb.line for verb in VERBS])
def test_read_only_refuses_what_changes_things_and_nothing_else(cli: Cli, verb: Verb) -> None:
    before = written(cli.root)
    code, answer = cli.json("--readonly", *verb.words)
    if verb.danger is Danger.READ:
        assert code == verb.code, answer
    else:
        assert (code, answer["error"]["code"]) == (6, "refused")
        assert "refused, this session is read-only" in answer["error"]["message"], "by permit, before it did anything"
        assert not (cli.root / "elsewhere").exists()
    assert written(cli.root) == before


def test_the_demo_is_refused_read_only_before_it_makes_anything(cli: Cli) -> None:
    code, answer = cli.json("--readonly", "demo", "there", "--no-open")
    assert (code, answer["error"]["code"]) == (6, "refused")
    assert not (cli.root / "there").exists()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.danger is Danger.READ], ids=lambda verb: verb.line)
def test_words_for_people_carry_no_colour_and_no_escape(cli: Cli, verb: Verb) -> None:
    code, out, err = cli(*verb.words)
    assert code == verb.code
    assert out.strip()
    if verb.words[0] != "log":
        assert b"\x1b" not in out + err
        assert b"\x07" not in out + err
    out.decode("utf-8")


@pytest.mark.parametrize("case", USE_CASES.values(), ids=USE_CASES.keys())
def test_each_use_case_is_a_line_the_command_line_understands(case: Any) -> None:
    values = {
        "target": "app/build", "rev": "HEAD", "run": 1, "path": "/x", "name": "n", "repo": "app", "model": "m",
        "version": 2, "alias": "production", "a": 1, "b": 2, "reason": "it's --new; $(rm)", "expect": "none",
        "monitor": "watch", "alert": 1, "time": "2h", "good": "HEAD~1", "bad": "HEAD", "test": "t::x",
        "pipeline": "build", "variant": "3.12", "file": "/x.csv", "chunk": "Feb 2013", "since": "2013-02-01",
        "until": "2013-03-01", "source": "y.parquet", "per": "quarter", "directory": "there", "view": "runs",
        "task": "binary", "evaluation": "e.csv", "training": "t.csv", "reference": "r.csv",
        "label": "y", "id": "i", "score": "s", "length": "day", "take": ["a", "b"],
    }  # fmt: skip
    for given in (
        values,
        {name: value for name, value in values.items() if name not in OPTIONAL},
    ):
        words = case.argv(**given)
        assert not any("{" in word or "[" in word for word in words)
        name = verb_of(words)
        command: click.Command = root_command
        for depth, part in enumerate(name.split(".")):
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), part)
            assert found is not None
            command, rest = found, words[depth + 1 :]
        context = command.make_context(name, list(rest), parent=click.Context(root_command))
        if "reason" in context.params and "{reason}" in case.line:
            assert context.params["reason"] == values["reason"], "a hostile reason stays one word"
    looks = "--dry-run" in words
    dangers = {verb.danger for verb in VERBS if verb_of(verb.words) == name and ("--dry-run" in verb.words) is looks}
    if name in BY_PURPOSE:
        assert case.danger in dangers | BY_PURPOSE[name]
    else:
        assert (dangers or {ELSEWHERE.get(name, Danger.READ)}) == {case.danger}, (
            "the console's gate and the verb's are one"
        )


def test_the_line_of_a_use_case_reads_as_one_would_type_it() -> None:
    from opsconsole.lifecycle.usecases import child_argv, command

    assert command("run.start", target="app") == "opsconsole run app --detach"
    assert command("run.start", target="app", rev="a b") == "opsconsole run app --rev 'a b' --detach"
    assert command("alert.resolve", alert=1, reason="") == "opsconsole alert resolve 1"
    argv = child_argv("alert.ack", "/root", readonly=True, alert=1)
    assert argv[argv.index("-m") + 1 :] == ["opsconsole", "-C", "/root", "--readonly", "alert", "ack", "1", "--json"]


NOES = [
    ("frobnicate", 2, "usage", ""),
    ("stats", 2, "usage", "did you mean `status`?"),
    ("status --colour", 2, "usage", "--help shows how"),
    ("model", 2, "usage", ""),
    ("run", 2, "usage", ""),
    ("show x", 2, "usage", ""),
    ("runs --state nonsense", 2, "usage", ""),
    ("runs --limit 0", 2, "usage", ""),
    ("model show m:x", 2, "usage", "NAME:VERSION or NAME@ALIAS"),
    ("model compare m:1 m", 2, "usage", ""),
    ("model register m repos --metric auc", 2, "usage", ""),
    ("model register m repos --metric auc=x", 2, "usage", ""),
    ("model register m repos/app/train.py --eval-data absent.csv", 2, "usage", ""),
    ("model register n/m repos/app/train.py", 2, "usage", "letters, digits"),
    ("alert snooze 1 --for soon", 2, "usage", ""),
    ("events --since yesterday", 2, "usage", "2026-11-24"),
    ("run app --env novalue", 2, "usage", ""),
    ("show 99", 4, "not_found", "opsconsole runs"),
    ("log 99", 4, "not_found", "opsconsole runs"),
    ("log 1 --step nothing", 4, "not_found", "steps: "),
    ("tests 99", 4, "not_found", ""),
    ("cancel 99", 4, "not_found", ""),
    ("rerun 99", 4, "not_found", ""),
    ("run nothing", 4, "not_found", ""),
    ("run app/nothing", 4, "not_found", ""),
    ("run app --rev nothing", 4, "not_found", ""),
    ("run app --only-failed 99", 4, "not_found", ""),
    ("repo rm nothing", 4, "not_found", ""),
    ("repo fetch nothing", 4, "not_found", ""),
    ("repo add absent", 4, "not_found", ""),
    ("model show n", 4, "not_found", "known: m"),
    ("model show m:9", 4, "not_found", "it has v2, v1"),
    ("model show m@staging", 4, "not_found", "lists its rungs"),
    ("model gates m:2 --to staging", 4, "not_found", "its ladder: candidate, production"),
    ("model verify n", 4, "not_found", "known: m"),
    ("model rollback n --alias production --reason r --yes", 4, "not_found", "known: m"),
    ("model show n@production", 4, "not_found", "known: m"),
    ("model register m absent", 4, "not_found", ""),
    ("drift check nothing", 4, "not_found", "known: watch"),
    ("drift report nothing", 4, "not_found", ""),
    ("alert show 9", 4, "not_found", "alert ls"),
    ("alert ack 9", 4, "not_found", ""),
    ("alert retrain 9", 4, "not_found", ""),
    ("cancel 1", 5, "conflict", ""),
    ("init .", 5, "conflict", "config validate"),
    ("model promote m:2 --to production --reason r --expect none --yes", 5, "conflict", "look at the gates again"),
    ("model promote m:2 --to production --reason r", 6, "refused", "--yes"),
    ("model promote m:1 --to production --reason r --yes", 6, "refused", "nothing to promote"),
    ("model rollback m --alias production --reason r", 6, "refused", "--yes"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "kind", "hint"), NOES, ids=[no[0] for no in NOES])
def test_each_no_has_its_exit_code_one_document_and_words_on_stderr(
    cli: Cli, line: str, code: int, kind: str, hint: str
) -> None:
    found, out, err = cli(*line.split(), "--json")
    answer = json.loads(out)
    assert (found, answer["error"]["code"]) == (code, kind), answer
    assert answer["error"]["message"]
    assert hint in answer["error"]["hint"]
    assert err.decode().startswith(f"opsconsole: {answer['error']['message'].splitlines()[0]}")
    assert b"Traceback" not in err
    assert cli(*line.split())[:2] == (code, b""), "without --json nothing goes to stdout"


def test_gates_that_do_not_hold_answer_1_and_a_refused_promotion_6(cli: Cli) -> None:
    path = cli.root / "opsconsole.toml"
    path.write_text(path.read_text().replace("at_least = 0.6", "at_least = 0.99"))
    code, answer = cli.json("model", "gates", "m:2", "--to", "production")
    assert (code, answer["passed"]) == (1, False)
    assert {gate["name"] for gate in answer["gates"] if gate["outcome"] == "fail"} == {"floor"}
    assert all(set(gate) == {"name", "outcome", "detail", "evidence"} for gate in answer["gates"])
    code, answer = cli.json("model", "promote", "m:2", "--to", "production", "--reason", "r", "--yes")
    assert (code, answer["error"]["code"]) == (6, "refused")
    assert "floor: AUC" in answer["error"]["message"]
    words = ("model", "promote", "m:2", "--to", "production", "--reason", "r", "--force-gate", "floor", "--yes")
    code, answer = cli.json(*words)
    assert (code, answer["from"], answer["to"]) == (0, 1, 2)


def test_a_changed_byte_is_found_by_verify(cli: Cli) -> None:
    folder = cli.root / "models" / "m" / "versions" / "1"
    folder.chmod(0o755)
    (folder / "weights.txt").chmod(0o644)
    (folder / "weights.txt").write_bytes(b"1 2 4\n")
    (folder / "extra").touch()
    code, answer = cli.json("model", "verify")
    assert (code, [item["outcome"] for item in answer]) == (1, ["pass", "fail"])
    problems = {file["path"]: file["problem"] for file in answer[1]["files"]}
    assert problems == {"weights.txt": "the content changed", "extra": "was never registered"}
    assert cli.json("model", "verify", "m:2")[0] == 0


def test_what_cannot_be_cut_short_is_whole(cli: Cli) -> None:
    """The promised inner keys, on the real thing."""
    _, status = cli.json("status")
    assert status["agent"] == {"running": False}
    assert status["alerts"][0]["severity"] == "critical"
    _, broken = cli.json("show", "2")
    assert broken["tests"] == {"passed": 3, "failed": 1, "skipped": 0, "errors": 0}
    assert set(broken["steps"][0]) >= {"name", "outcome", "exit_code", "duration_s"}
    assert broken["supervisor"] == {"pid": None, "alive": False}
    _, trained = cli.json("show", "3")
    assert trained["tests"] is None, "nothing is known of tests"
    _, report = cli.json("drift", "report", "watch")
    assert set(report[0]["realised"]) >= {"metric", "value", "low", "high", "label_coverage"}
    _, compared = cli.json("drift", "compare", "data/now/2013-02.csv", "data/now/2013-02.csv")
    assert all(set(column) >= COLUMN for column in compared["columns"])
    _, shown = cli.json("model", "show", "m")
    assert shown["aliases"] == {"candidate": 2, "production": 1}
    assert all(set(version) >= VERSION for version in shown["versions"])
    _, checks = cli.json("doctor")
    assert all(set(check) == {"name", "outcome", "detail"} for check in checks["checks"])
    _, events = cli.json("events", "--limit", "3", "--kind", "model.")
    assert [event["kind"].partition(".")[0] for event in events] == ["model"] * 3


def test_an_alert_s_answer_is_a_candidate_that_knows_where_it_comes_from(cli: Cli) -> None:
    code, answer = cli.json("alert", "retrain", "1")
    assert (code, answer["alert"], answer["version"]) == (0, 1, 3)
    _, version = cli.json("model", "show", "m:3")
    assert (version["alert"], version["run"], version["champion"]) == (1, answer["id"], 1)
    assert cli.json("alert", "show", "1")[1]["answers"] == [3]
    code, out, _ = cli("log", str(answer["id"]))
    assert b"champion 1 alert 1 until 2013-04-01T00:00:00.000000Z" in out


def test_nowhere_says_4_and_how_to_begin(tmp_path: Path) -> None:
    said = opsconsole(tmp_path, "status", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "not_found")
    assert "opsconsole init" in said.err
    here = opsconsole(None, "status", OPSCONSOLE_WORKSPACE=str(tmp_path))
    assert here.code == 3


def test_the_environment_names_the_workspace(filled: Path, tmp_path: Path) -> None:
    said = opsconsole(None, "--readonly", "status", "--json", OPSCONSOLE_WORKSPACE=str(filled))
    assert (said.code, said.json["workspace"]) == (0, "mill")


def test_bare_without_a_terminal_says_what_to_do(filled: Path) -> None:
    said = opsconsole(filled)
    assert (said.code, said.out) == (2, b"")
    assert "opsconsole status" in said.err


def test_version_and_help_need_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert opsconsole(None, "--version").out.startswith(b"opsconsole, version ")
    helped = opsconsole(None, "--help")
    assert helped.code == 0
    assert all(name.encode() in helped.out for name in COMMANDS)
    assert opsconsole(None, "model", "promote", "--help").code == 0


AUDITED = [
    ("run app --env A=1 --env B=x --reason because --detach", ["--env", "A=1", "B=x", "--reason", "because"]),
    ("run app --only-failed 2 --detach", ["--only-failed", "2"]),
    ("rerun 2 --only-failed --detach", ["rerun", "2", "--only-failed"]),
    ("alert ack 1 --reason seen", ["ack", "1", "--reason", "seen"]),
    ("alert snooze 1 --for 2h --reason later", ["--for", "2h", "--reason", "later"]),
    ("drift check watch --no-refresh", ["check", "watch", "--no-refresh"]),
    ("repo add repos/app --name again --trust", ["--name", "again", "--trust"]),
    ("repo trust app --ref release/*", ["trust", "app", "--ref", "release/*"]),
    ("pin 2", ["pin", "2"]),
]


@pytest.mark.parametrize(("line", "words"), AUDITED, ids=[line for line, _ in AUDITED])
def test_the_audit_trail_repeats_all_that_an_act_was_told(cli: Cli, mill: Path, line: str, words: list[str]) -> None:
    import shlex

    before = max((event["id"] for event in cli.json("events", "--limit", "1")[1]), default=0)
    cli(*(str(mill / word) if word.startswith("repos/") else word for word in line.split()))
    told = [event for event in cli.json("events", "--limit", "50")[1] if event["id"] > before and event["command"]]
    said = [shlex.split(event["command"]) for event in told]
    assert any(all(word in command for word in words) for command in said), said
