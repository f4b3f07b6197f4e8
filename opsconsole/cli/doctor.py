"""``opsconsole doctor``: checks that this machine has what the console needs."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sqlite3
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.config.workspace import Workspace
from opsconsole.core.actor import current_user
from opsconsole.core.errors import ExitCode, OpsconsoleError
from opsconsole.core.git_version import LEAST, QUIET_LEAST, fetches_when_asked_only, git_version, named
from opsconsole.core.process import capture
from opsconsole.runs.process.control_group import new_group
from opsconsole.runs.process.sandbox import available

PACKAGES = (
    "textual",
    "httpx",
    "gitpython",
    "scikit-learn",
    "sqlite-utils",
    "skops",
    "pyarrow",
    "lxml",
    "msgspec",
    "click",
    "pytest",
)
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"})
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
MARKS = {"pass": "✓", "warn": "△", "fail": "✗"}


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    outcome: str
    """``pass``, ``warn`` or ``fail``."""
    detail: str


@click.command("doctor")
@json_option
@pass_session
def doctor_command(session: Session, as_json: bool) -> int:
    """Check what the console needs; exit code 1 when something is missing."""
    checks = [
        _system(),
        _python(),
        _git(),
        _sqlite(),
        *_packages(),
        _terminal(),
        _logout(),
        _groups(),
        _sandbox(),
        *_workspace(session),
    ]
    data = {"checks": [check._asdict() for check in checks], "good": all(check.outcome != "fail" for check in checks)}
    emit(data, [f"{MARKS[check.outcome]} {check.name:<14} {check.detail}" for check in checks], as_json=as_json)
    return int(ExitCode.OK if data["good"] else ExitCode.NO)


def _system() -> Check:
    linux = sys.platform == "linux" and Path("/proc/self/stat").exists()
    return Check(
        "system",
        "pass" if linux else "fail",
        f"{platform.system()} {platform.release()}" + ("" if linux else ": needs Linux with /proc"),
    )


def _python() -> Check:
    good = sys.version_info >= (3, 11)
    return Check("python", "pass" if good else "fail", f"{platform.python_version()} at {sys.executable}")


def _git() -> Check:
    if shutil.which("git") is None:
        return Check("git", "fail", f"not found: install git {named(LEAST)} or newer")
    here = named(git_version())
    if git_version() < LEAST:
        return Check("git", "fail", f"{here}: needs {named(LEAST)}")
    if not fetches_when_asked_only():
        return Check("git", "warn", f"{here}: partial clones need {named(QUIET_LEAST)}")
    return Check("git", "pass", here)


def _sqlite() -> Check:
    good = sqlite3.sqlite_version_info >= (3, 37)
    return Check(
        "sqlite", "pass" if good else "fail", sqlite3.sqlite_version + ("" if good else ": needs 3.37 (strict tables)")
    )


def _packages() -> list[Check]:
    checks: list[Check] = []
    for name in PACKAGES:
        try:
            checks.append(Check(name, "pass", version(name)))
        except PackageNotFoundError:
            checks.append(Check(name, "fail", "not installed"))
    return checks


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", "pass", "none: the command line needs none")
    size = shutil.get_terminal_size()
    small = size.columns < 80 or size.lines < 24
    depth = os.environ.get("COLORTERM") or os.environ.get("TERM", "")
    return Check(
        "terminal",
        "warn" if small else "pass",
        f"{size.columns}×{size.lines}, {depth}" + (": 80×24 is the least" if small else ""),
    )


def _logout() -> Check:
    """Whether runs survive the end of the session that started them: systemd may kill all that a user leaves behind."""
    if shutil.which("busctl") is None or not Path("/run/systemd/system").is_dir():
        return Check("logout", "pass", "no systemd here: runs go on when you log out")
    words = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "KillUserProcesses"]
    output = capture(["busctl", "--system", "get-property", *words], timeout=5).stdout.strip()
    user = current_user()
    return logout_check(kills=output == b"b true", lingers=Path("/var/lib/systemd/linger", user).exists(), user=user)


def logout_check(*, kills: bool, lingers: bool, user: str) -> Check:
    """Judge what happens to runs at the end of a session."""
    if not kills:
        return Check("logout", "pass", "systemd leaves what you started alone when you log out")
    if lingers:
        return Check("logout", "pass", f"{user} lingers: runs go on when you log out")
    return Check("logout", "warn", f"systemd ends your runs when you log out: loginctl enable-linger {user}")


def _groups() -> Check:
    group = new_group("doctor")
    try:
        if group.door is None:
            return Check("control groups", "pass", "none that we may make: steps are ended by rounds of signals")
        return Check("control groups", "pass", "cgroup v2: a step and all it started end at once")
    finally:
        group.close()


def _sandbox() -> Check:
    confinement = available()
    return Check("sandbox", "pass" if confinement.confines else "warn", confinement.detail)


def _workspace(session: Session) -> list[Check]:
    try:
        workspace = session.workspace
    except OpsconsoleError as error:
        return [Check("workspace", "warn", error.message)]
    checks = [Check("workspace", "pass", f"{workspace.name} at {workspace.root}")]
    kind = _file_system(workspace.root)
    local = kind not in NETWORK_FILE_SYSTEMS
    checks.append(
        Check(
            "file system", "pass" if local else "fail", kind + ("" if local else ": the store's WAL needs a local disk")
        )
    )
    free = shutil.disk_usage(workspace.root).free
    checks.append(Check("disk", "pass" if free > 1 << 30 else "warn", f"{free / 1e9:.1f} GB free"))
    try:
        checks.append(Check("store", "pass", f"{session.store.path}"))
    except OpsconsoleError as error:
        checks.append(Check("store", "fail", error.message))
    if workspace.config.monitors:
        checks.append(_temporary())
    return [*checks, *(_monitor(workspace, name) for name in workspace.config.monitors)]


def _temporary() -> Check:
    """Whether there is room to sort the rows of a check, outside of memory."""
    label = "temp folder"
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:
        return Check(label, "fail", "no folder can be written to: point TMPDIR to one")
    free, hint = shutil.disk_usage(folder).free, "checks of many rows sort them there: point TMPDIR elsewhere"
    if _file_system(folder) in IN_MEMORY:
        return Check(label, "warn", f"{folder} is in memory, and {hint}")
    if free < 1 << 30:
        return Check(label, "warn", f"{folder} has {free / 1e9:.1f} GB free, and {hint}")
    return Check(label, "pass", f"{folder}, {free / 1e9:.1f} GB free")


def _monitor(workspace: Workspace, name: str) -> Check:
    """Whether a monitor's rows are where its configuration says; nothing of them is read."""
    from opsconsole.drift.data.places import find_files

    label, current = f"monitor {name}", workspace.config.monitors[name].current
    if current.startswith("command:"):
        program = shlex.split(current.removeprefix("command:"))[:1]
        there = (
            bool(program)
            and shutil.which(program[0], path=f"{os.environ.get('PATH', '')}:{workspace.root}") is not None
        )
        return Check(label, "pass" if there else "warn", current if there else f"{current}: there is no such program")
    if current.startswith("sqlite:"):
        file = workspace.root / current.removeprefix("sqlite:").partition("?")[0]
        return Check(label, "pass" if file.is_file() else "warn", str(file) + ("" if file.is_file() else ": not there"))
    try:
        files = find_files(current, base=workspace.root)
    except OpsconsoleError as error:
        return Check(label, "warn", error.message)
    return Check(label, "pass", f"{len(files.paths)} files of {current}")


def _file_system(path: Path) -> str:
    """Return the type of the file system that holds a path, from the longest mount point above it."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, file_system, *_ = line.split(" ")
        if (str(path) + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best):
            best, kind = mount, file_system
    return kind
