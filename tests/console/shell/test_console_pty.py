"""The console as its operator has it: a real process on a real terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace
from opsconsole.console.host.tabs import TABS
from opsconsole.core.nouns import RunState
from opsconsole.store import alerts, events, maintenance, runs
from opsconsole.store.connection import open_store
from tests.console.pty_terminal import ALTERNATE_SCREEN, Terminal
from tests.console.world import environment, opsconsole

CONSOLE = [sys.executable, "-m", "opsconsole"]
GOES_S = 30.0
"""Seconds in which a console that has to go is gone, also on a busy machine."""
PROJECT = Path(__file__).parents[3]
Open = Callable[..., Terminal]
WAITING_BUILD = """
[repos.app.pipelines.build]
kind = "task"
run = 'echo begun; while [ ! -e "$OPSCONSOLE_WORKSPACE/go" ]; do sleep 0.02; done; echo done'
[models.flights]
"""
HEAVY = {"sklearn", "scipy", "numpy", "pandas", "polars", "pyarrow", "git", "httpx", "skops", "lxml", "sqlite_utils"}
TELLING = """
import atexit, json, sys
from pathlib import Path
atexit.register(lambda: Path(MODULES).write_text(json.dumps(sorted(sys.modules))))
sys.argv = ["opsconsole"]
from opsconsole.__main__ import main
main()
"""
OWN_SEQUENCE = re.compile(
    rb"\x1b\[[0-9;]*[mHJKXC]"  # pen, cursor, erasing
    rb"|\x1b\[\?[0-9]+(?:[hl]|\$p)"  # modes, set and asked for
    rb"|\x1b\[[<>][0-9]*u"  # the keyboard's protocol
    rb"|\x1b\]22;[a-z-]*\x07"  # the shape of the pointer
)
HOSTILE_LINES = (
    b"\x1b]52;c;aGFja2Vk\x07 copied",
    b"\x1b]52;c;aGFja2Vk\x1b\\ copied",
    b"\x9d52;c;aGFja2Vk\x9c copied",
    b"\xc2\x9d52;c;aGFja2Vk\xc2\x9c copied",
    b"\x1bP$qm\x1b\\ \x1b_G\x1b\\ \x1b^pm\x1b\\ strings",
    b"\x1b[2J\x1b[6n\x1b[c\x1b[?1049l\x1bc\x1b[5i moved",
    b"nul \x00 bell \x07 back \x08\x08 tab\tend",
    b"progress 10 %\rprogress 99 %",
    b"bad \xff\xfe\xc3\x28 utf \xed\xa0\x80",
    b"x" * 5_000_000,
    b"[/] [bold] \xe6\x97\xa5\xe6\x9c\xac \xe2\x80\xae turned",
)
NO_OVERRIDE = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # root too is to obey the mode of a folder
os.execv(sys.executable, [sys.executable, "-m", "opsconsole", *sys.argv[1:]])
"""


@pytest.fixture
def open_terminal(world: Workspace, tmp_path: Path) -> Iterator[Open]:
    opened: list[Terminal] = []

    def terminal(*argv: str, size: tuple[int, int] = (120, 40)) -> Terminal:
        env = environment(tmp_path) | {"PYTHONPATH": str(PROJECT)}
        opened.append(Terminal(argv or CONSOLE, cwd=world.root, env=env, size=size))
        return opened[-1]

    yield terminal
    for one in opened:
        one.close()


def wait_until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something that no screen shows."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def cpu_ticks(pid: int) -> int | None:
    """Return the processor time that a process has used; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[11]) + int(fields[12])


def run_state(world: Workspace, run_id: int) -> RunState | None:
    with open_store(world.state) as store:
        found = runs.get(store, run_id)
    return found.state if found else None


def begin_waiting_build(world: Workspace, terminal: Terminal) -> None:
    """Start by key a build that ends when the file ``go`` is there, and see it at work."""
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("RUNS  1")
    terminal.press("b")
    terminal.until("running  #2")
    terminal.until("begun")


def with_waiting_build(world: Workspace) -> None:
    said = world.file.read_text(encoding="utf-8")
    world.file.write_text(said.replace("[models.flights]\n", WAITING_BUILD, 1), encoding="utf-8")


def test_it_starts_follows_the_terminals_size_and_leaves_it_as_it_was(open_terminal: Open) -> None:
    terminal = open_terminal()
    terminal.until("WAITING FOR YOU")
    assert ALTERNATE_SCREEN in terminal.screen.mode
    assert "  ".join(f"{spec.key} {spec.title}" for spec in TABS) in terminal.screen.display[0]
    terminal.press("2")
    terminal.until(lambda text: "LOG  " in text and "│" in text)
    terminal.resize(80, 24)
    terminal.until(lambda text: "│" not in text and "LOG  " in text and "q quit" in text.splitlines()[-1])
    terminal.resize(120, 40)
    terminal.until(lambda text: "│" in text and "LOG  " in text and "q quit" in text.splitlines()[-1])
    terminal.press("q")
    assert terminal.wait() == 0
    assert ALTERNATE_SCREEN not in terminal.screen.mode
    assert not terminal.screen.cursor.hidden


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_leave_ends_it_as_q_does(open_terminal: Open, sent: signal.Signals) -> None:
    terminal = open_terminal()
    terminal.until("WAITING FOR YOU")
    terminal.process.send_signal(sent)
    assert terminal.wait(GOES_S) == 0
    assert ALTERNATE_SCREEN not in terminal.screen.mode
    assert not terminal.screen.cursor.hidden


@pytest.mark.parametrize("how", ["hang-up", "kill -9"])
def test_the_run_goes_on_when_the_console_is_gone(world: Workspace, open_terminal: Open, how: str) -> None:
    with_waiting_build(world)
    terminal = open_terminal()
    begin_waiting_build(world, terminal)
    pid = terminal.process.pid
    if how == "hang-up":
        terminal.hang_up()
    else:
        terminal.process.kill()
    terminal.process.wait(GOES_S)
    assert cpu_ticks(pid) is None
    assert run_state(world, 2) is RunState.RUNNING
    (world.root / "go").touch()
    wait_until(lambda: run_state(world, 2) is RunState.PASSED)
    with open_store(world.state) as store:
        assert maintenance.check(store).problems == []
    again = open_terminal()
    again.until("WAITING FOR YOU")
    again.press("2")
    again.until("passed  #2")
    again.until("done")


def test_with_hang_up_ignored_it_still_goes_when_the_terminal_does(open_terminal: Open) -> None:
    terminal = open_terminal("/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', *CONSOLE)
    terminal.until("WAITING FOR YOU")
    terminal.hang_up()
    terminal.process.wait(GOES_S)


def test_after_every_tab_a_compare_and_a_promotion_nothing_heavy_was_imported(
    open_terminal: Open, tmp_path: Path
) -> None:
    told = tmp_path / "modules.json"
    terminal = open_terminal(sys.executable, "-c", TELLING.replace("MODULES", repr(str(told))))
    terminal.until("WAITING FOR YOU")
    for key, wanted in (("2", "LOG  "), ("4", "ALERTS"), ("5", "run failed"), ("3", "candidate")):
        terminal.press(key)
        terminal.until(wanted)
    terminal.press("c")
    terminal.until(lambda text: "v1 and v2" in text and "rows that both scored" in text)
    terminal.press("escape")
    terminal.until(lambda text: "v1 and v2" not in text)
    terminal.press("p")
    terminal.until("refused by same rows")
    terminal.press("escape")
    terminal.until(lambda text: "refused by same rows" not in text)
    terminal.press("q")
    assert terminal.wait() == 0
    loaded = {name.partition(".")[0] for name in json.loads(told.read_text(encoding="utf-8"))}
    assert {"textual", "opsconsole"} <= loaded
    assert loaded & HEAVY == set()


def test_no_sequence_of_a_log_or_a_commit_reaches_the_terminal(world: Workspace, open_terminal: Open) -> None:
    log = next((world.runs / "1").glob("*.log"))
    log.write_bytes(b"\n".join((*HOSTILE_LINES, b"the end of it\n")))
    terminal = open_terminal()
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("the end of it")
    assert terminal.text.count("[/] [bold]") == 2  # the commit's subject, and the log
    terminal.press("tab", "tab", "home", "end")
    for key, wanted in (("4", "ALERTS"), ("5", "run failed"), ("1", "WAITING FOR YOU")):
        terminal.press(key)
        terminal.until(wanted)
    terminal.press("q")
    assert terminal.wait() == 0
    received = bytes(terminal.received)
    rest = OWN_SEQUENCE.sub(b"", received)
    assert re.findall(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f].{0,20}", rest) == []
    assert re.search("[\x80-\x9f\u202a-\u202e]", rest.decode("utf-8")) is None


def test_two_consoles_and_a_command_line_work_on_one_workspace_at_once(world: Workspace, open_terminal: Open) -> None:
    with_waiting_build(world)
    one, other = open_terminal(), open_terminal()
    begin_waiting_build(world, one)
    other.until("WAITING FOR YOU")
    other.press("2")
    other.until("running  #2")
    (world.root / "go").touch()
    for terminal in (one, other):
        terminal.press("b")
    answer = opsconsole(world.root, "run", "app", "--json")
    assert answer.returncode == 0, answer.stderr.decode()
    with open_store(world.state) as store:
        wait_until(lambda: runs.count(store, repo="app") == 5 and not runs.live(store))
        assert [run.state for run in runs.page(store, repo="app")] == [RunState.PASSED] * 4 + [RunState.FAILED]
    assert opsconsole(world.root, "alert", "ack", "1").returncode == 0
    for terminal in (one, other):
        terminal.until("RUNS  5")
        terminal.press("5")
        terminal.until("alert acknowledged")
        assert "locked" not in terminal.text
        terminal.press("q")
        assert terminal.wait() == 0
        assert b"locked" not in terminal.received


def test_a_folder_that_cannot_be_written_can_be_looked_at_read_only(world: Workspace, open_terminal: Open) -> None:
    with open_store(world.state) as store:
        found = len(events.events(store))
    world.state.chmod(0o555)
    (world.state / "store.db").chmod(0o444)
    try:
        terminal = open_terminal(sys.executable, "-c", NO_OVERRIDE, "--readonly")
        terminal.until(lambda text: "WAITING FOR YOU" in text and "read-only" in text)
        terminal.press("4")
        terminal.until("ALERTS")
        terminal.press("a")
        terminal.until("this session is read-only")
        terminal.press("q")
        assert terminal.wait() == 0
        refused = open_terminal(sys.executable, "-c", NO_OVERRIDE)
        refused.until("--readonly still works")
        assert refused.wait() == 7
        assert ALTERNATE_SCREEN not in refused.screen.mode
        assert b"Traceback" not in refused.received
    finally:
        world.state.chmod(0o700)
        (world.state / "store.db").chmod(0o600)
    with open_store(world.state) as store:
        assert len(events.events(store)) == found
        assert [alert.state for alert in alerts.alerts(store)] == ["open"]


STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("in front of it", flush=True)
from pathlib import Path
Path(sys.argv[1]).write_text(str(os.getpid()), encoding="ascii")
time.sleep(60)
"""


@pytest.fixture
def pager(tmp_path: Path) -> Iterator[Path]:
    """A pager that hears no signal; its own number stands in the file."""
    told, program = tmp_path / "pager.pid", tmp_path / "pager.py"
    program.write_text(STUBBORN, encoding="utf-8")
    yield told
    if told.exists():
        with suppress(ProcessLookupError):
            os.kill(int(told.read_text(encoding="ascii")), signal.SIGKILL)


@pytest.mark.parametrize("how", ["hang-up", "SIGTERM", "SIGHUP"])
def test_a_console_behind_a_pager_goes_when_it_is_told_to(open_terminal: Open, pager: Path, how: str) -> None:
    words = f"{sys.executable} {pager.with_name('pager.py')} {pager}"
    terminal = open_terminal("/usr/bin/env", f"PAGER={words}", *CONSOLE)
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("LOG  ")
    terminal.press("o")
    terminal.until("in front of it")
    assert ALTERNATE_SCREEN not in terminal.screen.mode
    if how == "hang-up":
        terminal.hang_up()
    else:
        terminal.process.send_signal(signal.Signals[how])
    assert terminal.process.wait(GOES_S) == 0


def test_a_pager_that_ends_gives_the_screen_back(open_terminal: Open) -> None:
    terminal = open_terminal("/usr/bin/env", "PAGER=head -n 1", *CONSOLE)
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("LOG  ")
    terminal.press("o")
    terminal.until(lambda text: "RUNS  1" in text and ALTERNATE_SCREEN in terminal.screen.mode)
    terminal.press("1")
    terminal.until("WAITING FOR YOU")
    terminal.press("q")
    assert terminal.wait() == 0


def test_an_editor_that_is_not_there_is_named(open_terminal: Open) -> None:
    terminal = open_terminal("/usr/bin/env", "PAGER=no-such-pager", *CONSOLE)
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("LOG  ")
    terminal.press("o")
    terminal.until("no-such-pager is not installed")


def test_what_the_terminal_answers_and_bytes_that_are_no_text_are_no_keys(
    world: Workspace, open_terminal: Open
) -> None:
    terminal = open_terminal()
    terminal.until("WAITING FOR YOU")
    terminal.press("2")
    terminal.until("RUNS")
    for sent in (b"\x1b]11;rgb:1a1a/1b1b/2626\x1b\\", b"\x1bP>|xterm-b(1)\x1b\\", b"\xff\xfe\xe9", b"\x1b[?62;22c"):
        terminal.send(sent)
    terminal.press(":")
    terminal.until(lambda text: text.splitlines()[-1].partition("Tab completes")[0].strip() == ":")
    terminal.press("\x1b")
    terminal.until("q quit")
    with open_store(world.state, readonly=True) as store:
        assert runs.live(store) == []
