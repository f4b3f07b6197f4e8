"""How a command line ends: by signals, in front of a terminal, without a reader, by a failure nobody thought of."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsconsole.cli import status
from opsconsole.cli.root import run
from opsconsole.core.nouns import RunState
from opsconsole.runs.execute.slots import is_live
from opsconsole.store import runs
from opsconsole.store.connection import open_store
from tests.model_workspace import opsconsole
from tests.runs.bench import until

ARGV = [sys.executable, "-m", "opsconsole"]


def state_of(root: Path, run_id: int) -> RunState | None:
    with open_store(root / ".opsconsole", readonly=True) as store:
        found = runs.get(store, run_id)
    return None if found is None else found.state


def follow(root: Path, *more: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a run that waits for a file ``go``, in the foreground, and return once its step is up."""
    argv = [*ARGV, "-C", str(root), "run", "app/wait", "--json", *more]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    found = re.fullmatch(rb"run (\d+)\n", first)
    assert found is not None, first
    assert process.stderr.readline() == b"up\n", "the log is followed on stderr"
    return process, int(found[1])


def test_ctrl_c_cancels_the_run_and_exits_130(mill: Path) -> None:
    process, run_id = follow(mill)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    answer = json.loads(out)
    assert (answer["id"], answer["outcome"]) == (run_id, "cancelled")
    assert b"cancelling; again kills" in err
    assert state_of(mill, run_id) is RunState.CANCELLED


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_a_hang_up_leaves_the_run_to_itself(mill: Path, number: signal.Signals) -> None:
    process, run_id = follow(mill)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert is_live(mill / ".opsconsole", run_id)
    (mill / "go").touch()
    until(lambda: state_of(mill, run_id) is RunState.PASSED)


def test_ctrl_c_ends_a_look_at_a_log_and_leaves_the_run_alone(mill: Path) -> None:
    process, run_id = follow(mill)
    looker = subprocess.Popen([*ARGV, "-C", str(mill), "log", str(run_id), "-f"], stdout=subprocess.PIPE, stderr=-1)
    assert looker.stdout is not None
    assert looker.stdout.readline() == b"up\n"
    looker.send_signal(signal.SIGINT)
    _, err = looker.communicate(timeout=60)
    assert (looker.returncode, err.strip()) == (130, b"opsconsole: interrupted")
    assert is_live(mill / ".opsconsole", run_id)
    (mill / "go").touch()
    assert process.wait(60) == 0
    process.communicate()


def test_an_interrupt_is_one_document_too(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "waiting", interrupted)
    assert run(["--readonly", "-C", str(filled), "status", "--json"]) == 130
    assert json.loads(capfdbinary.readouterr().out)["error"]["code"] == "interrupted"


def test_a_failure_nobody_thought_of_goes_to_the_log_whose_path_is_shown(
    mill: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("[/] \x1b]52;c;x\x07 unheard of")

    monkeypatch.setattr(status, "waiting", broken)
    monkeypatch.chdir(mill)
    assert run(["status", "--json"]) == 1
    said = capfdbinary.readouterr()
    answer = json.loads(said.out)["error"]
    log = mill / ".opsconsole" / "opsconsole.log"
    assert (answer["code"], answer["hint"]) == ("error", f"the traceback is in {log}")
    assert b"Traceback" not in said.out + said.err
    assert b"\x1b" not in said.err
    assert str(log).encode() in said.err
    assert "RuntimeError: [/]" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0, "what goes wrong may name secrets"


def test_without_a_workspace_the_log_is_in_the_operator_s_own_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def broken() -> None:
        raise RuntimeError("unheard of")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("opsconsole.config.schema.json_schema", broken)
    assert run(["config", "schema"]) == 1
    assert f"{os.environ['XDG_STATE_HOME']}/opsconsole/opsconsole.log".encode() in capfdbinary.readouterr().err


def test_nobody_reads_on_and_nothing_is_said(filled: Path) -> None:
    for words in (("events", "--limit", "100"), ("events", "--limit", "100", "--json"), ("model", "ls")):
        process = subprocess.Popen(
            [*ARGV, "--readonly", "-C", str(filled), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(60) == 0


def test_what_is_no_text_is_refused_as_usage(filled: Path) -> None:
    answer = subprocess.run([*[word.encode() for word in ARGV], b"show", b"\xff"], check=False, capture_output=True)
    assert (answer.returncode, answer.stdout) == (2, b"")
    assert answer.stderr.startswith(b"opsconsole: not UTF-8: ?")


def in_terminal(*argv: str, typed: bytes = b"", after: bytes = b"") -> tuple[int, bytes]:
    """Run a command line on a terminal of its own; type something once ``after`` was seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(argv[0], list(argv))
    heard, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                block = os.read(terminal, 65536)
            except OSError:
                break
            if not block:
                break
            heard += block
        if typed and after in heard:
            os.write(terminal, typed)
            typed = b""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return code, heard


def test_a_log_on_a_terminal_is_harmless_and_raw_in_a_pipe(mill: Path) -> None:
    folder = mill / ".opsconsole" / "runs" / "2"
    (log,) = folder.glob("*.log")
    log.write_bytes(b"before \x1b]52;c;aGFja2Vk\x07\x1b[31mred\x1b[0m\x00 [/] after\n")
    code, heard = in_terminal(*ARGV, "-C", str(mill), "log", "2")
    assert code == 0
    assert heard.replace(b"\r\n", b"\n").strip() == b"before red [/] after"
    assert opsconsole(mill, "log", "2").out == log.read_bytes()
    assert opsconsole(mill, "log", "2", "--tail", "0").out == b""


def test_production_asks_for_the_name_on_a_terminal(mill: Path) -> None:
    argv = [*ARGV, "-C", str(mill), "model", "promote", "m:2", "--to", "production", "--reason", "better"]
    code, heard = in_terminal(*argv, typed=b"\n", after=b"Type m to go on")
    assert code == 6
    assert b"not confirmed; nothing was done" in heard
    assert opsconsole(mill, "model", "show", "m@production", "--json").json["version"] == 1
    code, heard = in_terminal(*argv, typed=b"m\n", after=b"Type m to go on")
    assert code == 0, heard
    assert opsconsole(mill, "model", "show", "m@production", "--json").json["version"] == 2


def test_hostile_names_reach_no_terminal_from_any_list(mill: Path) -> None:
    for words in (("runs",), ("show", "2"), ("tests", "2"), ("status",), ("plan", "app"), ("repo", "ls"), ("events",)):
        code, heard = in_terminal(*ARGV, "-C", str(mill), *words)
        assert code == 0
        assert b"\x1b" not in heard
        assert b"\x07" not in heard


def test_two_writers_and_a_reader_at_once_all_succeed(mill: Path) -> None:
    lines = [
        ["alert", "ack", "1"],
        ["drift", "check", "watch", "--no-refresh"],
        ["status"],
        ["events"],
        ["repo", "ls"],
    ] * 2
    started = [
        subprocess.Popen([*ARGV, "-C", str(mill), *line, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in lines
    ]
    answers = [process.communicate(timeout=60) for process in started]
    codes = [process.returncode for process in started]
    assert codes == [0, 1, 0, 0, 0] * 2, answers
    assert all(json.loads(out) is not None for out, _ in answers)


def test_store_check_says_no_for_a_damaged_store(mill: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(mill / ".opsconsole" / "store.db")
    connection.execute("DELETE FROM versions WHERE version = 1")
    connection.commit()
    connection.close()
    said = opsconsole(mill, "--readonly", "store", "check", "--json")
    assert (said.code, said.json["good"]) == (1, False)
    assert any("is gone" in problem for problem in said.json["problems"])


def test_a_backup_opens_as_a_store(mill: Path, tmp_path: Path) -> None:
    target = tmp_path / "other" / ".opsconsole" / "store.db"
    target.parent.mkdir(parents=True)
    assert opsconsole(mill, "--readonly", "store", "backup", str(target)).code == 6
    assert not target.exists()
    said = opsconsole(mill, "store", "backup", str(target), "--json")
    assert (said.code, said.json["bytes"]) == (0, target.stat().st_size)
    assert opsconsole(mill, "store", "backup", str(target)).code == 5
    assert opsconsole(mill, "store", "backup", str(tmp_path / "no" / "x.db")).code == 7
    (tmp_path / "other" / "opsconsole.toml").write_text((mill / "opsconsole.toml").read_text())
    assert opsconsole(tmp_path / "other", "--readonly", "model", "show", "m:2").code == 6
    assert opsconsole(tmp_path, "workspace", "trust", str(tmp_path / "other")).code == 0
    assert opsconsole(tmp_path / "other", "--readonly", "model", "show", "m:2").code == 0


def test_doctor_says_no_without_git_and_stays_whole_without_a_workspace(tmp_path: Path) -> None:
    said = opsconsole(tmp_path, "doctor", "--json", PATH="/nowhere")
    outcomes = {check["name"]: check["outcome"] for check in said.json["checks"]}
    assert (said.code, outcomes["git"], outcomes["workspace"]) == (1, "fail", "warn")
    assert opsconsole(tmp_path, "doctor").code == 0


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no folder here is in memory")
def test_doctor_warns_of_a_temporary_folder_that_is_in_memory(mill: Path) -> None:
    said = opsconsole(mill, "doctor", "--json", TMPDIR="/dev/shm")
    [check] = [check for check in said.json["checks"] if check["name"] == "temp folder"]
    assert check["outcome"] == "warn"
    assert check["detail"].startswith("/dev/shm is in memory")


def test_init_finds_repos_writes_what_loads_and_never_overwrites(tmp_path: Path) -> None:
    root = tmp_path / "new"
    for name, content in (("one", "def test_x(): pass\n"), ("two", "")):
        repo = root / "src" / name
        repo.mkdir(parents=True)
        (repo / "test_x.py").write_text(content) if content else (repo / "README").write_text("x")
        subprocess.run(["git", "-C", str(repo), "init", "-q", "-b", "main"], check=True)
        subprocess.run(["git", "-C", str(repo), "add", "-A"], check=True)
        subprocess.run(["git", "-C", str(repo), "commit", "-q", "-m", "Begin"], check=True)
    said = opsconsole(None, "init", str(root), "--json")
    assert said.code == 0
    assert {(repo["name"], repo["runner"]) for repo in said.json["repos"]} == {("one", "pytest"), ("two", None)}
    written = (root / "opsconsole.toml").read_text()
    assert "# " in written
    assert opsconsole(root, "config", "validate").code == 0
    assert opsconsole(root, "run", "one", "--json").json["error"]["code"] == "refused", "nobody trusted it yet"
    assert opsconsole(root, "repo", "trust", "one").code == 0
    assert opsconsole(root, "run", "one", "--json").json["tests"]["passed"] == 1
    again = opsconsole(None, "init", str(root), "--json")
    assert (again.code, again.json["error"]["code"]) == (5, "conflict")
    assert (root / "opsconsole.toml").read_text() == written
    assert opsconsole(None, "init", str(tmp_path / "not" / "yet"), "--yes").code == 0
    assert opsconsole(None, "init", "/proc/nothing", "--yes", "--json").code == 7


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(mill: Path, shell: str) -> None:
    said = opsconsole(mill, "completion", shell)
    assert said.code == 0, said.err
    assert b"_OPSCONSOLE_COMPLETE" in said.out
    found = opsconsole(None, _OPSCONSOLE_COMPLETE="bash_complete", COMP_WORDS="opsconsole model ", COMP_CWORD="2")
    assert {"plain,promote", "plain,rollback"} <= set(found.out.decode().split())
