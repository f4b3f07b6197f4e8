"""A workspace with a real repo, and ways to look at what its runs do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core.process import Identity, alive, identity
from opsconsole.runs.execute.finalize import intake_command
from opsconsole.runs.execute.follow import wait
from opsconsole.runs.execute.launch import start
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.record import journal
from opsconsole.runs.record.folder import RunFolder, run_folder
from opsconsole.runs.record.journal import RunHistory
from opsconsole.runs.steps.environment import marker
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord

SANDBOX = 'sandbox = "off"\n'
"""Steps of tests leave their marks beside the workspace; the sandbox has tests of its own."""
DEADLINE_S = 60.0
PLAIN_PYTEST = " ".join(f"-p no:{name}" for name in ("asyncio", "hypothesispytest", "randomly", "timeout", "xdist"))
"""Options of a repo that is built with pytest: importing our own plugins takes longer than all of its tests."""
PYTEST_INI = f"[pytest]\naddopts = {PLAIN_PYTEST}\n"


def until(condition: Callable[[], bool], *, seconds: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def waits_for(pid: int, lock: Path) -> bool:
    """Whether a process stands in line for a lock, as the kernel has it."""
    inode = lock.stat().st_ino
    waiting = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines() if "->" in line]
    return any(line[6].endswith(f":{inode}") and line[5] == str(pid) for line in waiting)


def commit_all(repo: Path, message: str) -> str:
    subprocess.run(["git", "-C", str(repo), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(repo), "commit", "-q", "--allow-empty", "-m", message], check=True)
    answer = subprocess.run(["git", "-C", str(repo), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


@dataclass
class Bench:
    """A workspace with one trusted repo ``app`` whose pipelines a test writes."""

    root: Path
    workspace: Workspace
    store: Store
    started: list[int] = field(default_factory=list)

    @property
    def repo(self) -> Path:
        return self.root / "repos" / "app"

    def pipelines(self, text: str, *, slots: int = 2, workspace: str = "") -> None:
        head = f'[workspace]\nslots = {slots}\n{SANDBOX}{workspace}\n[repos.app]\npath = "repos/app"\n'
        (self.root / "opsconsole.toml").write_text(head + text, encoding="utf-8")
        self.workspace = open_workspace(self.root)

    def task(self, run: str, more: str = "", *, name: str = "job", slots: int = 2) -> None:
        self.pipelines(f"[repos.app.pipelines.{name}]\nrun = {json.dumps(run)}\n{more}", slots=slots)

    def start(self, target: str = "app/job", *, taken_in_by: list[str] | None = None) -> int:
        planned = plan(self.workspace, self.store, target)
        run_id = start(self.workspace, self.store, planned, intake=taken_in_by or intake_command(self.root))
        self.started.append(run_id)
        return run_id

    def wait(self, run_id: int) -> RunRecord:
        return wait(self.workspace, self.store, run_id, timeout=DEADLINE_S)

    def run(self, target: str = "app/job") -> RunRecord:
        return self.wait(self.start(target))

    def folder(self, run_id: int) -> RunFolder:
        return run_folder(self.workspace.state, run_id)

    def history(self, run_id: int) -> RunHistory:
        return journal.read(self.folder(run_id).journal)

    def log(self, run_id: int, step: str = "job") -> bytes:
        path = self.folder(run_id).log(step)
        return path.read_bytes() if path.exists() else b""

    def until_log(self, run_id: int, text: bytes, step: str = "job") -> None:
        until(lambda: text in self.log(run_id, step))

    def supervisor(self, run_id: int) -> Identity:
        until(lambda: self.history(run_id).supervisor is not None)
        found = self.history(run_id).supervisor
        assert found is not None
        return found

    def keeper(self, run_id: int) -> Identity:
        stat = Path(f"/proc/{self.supervisor(run_id).pid}/stat").read_text(encoding="utf-8")
        found = identity(int(stat.rpartition(")")[2].split()[1]))
        assert found is not None
        return found

    def marked(self, run_id: int) -> list[int]:
        """The living processes that carry this run in their environment: steps and what they started."""
        wanted = marker(self.folder(run_id))
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if identity(pid) is not None]


def kill(who: Identity) -> None:
    os.kill(who.pid, signal.SIGKILL)
    until(lambda: not alive(who))
