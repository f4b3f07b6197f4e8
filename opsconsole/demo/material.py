"""The demo's material: the configuration, two repos with a history, the months. Each part is whole or absent."""

from __future__ import annotations

import errno
import shutil
import socket
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from opsconsole.config.load import FILE_NAME
from opsconsole.core import clock
from opsconsole.core.belonging import make_ours
from opsconsole.core.errors import RefusedError, StoreError
from opsconsole.core.files import locked, write_atomically
from opsconsole.core.git import git

HERE = Path(str(files("opsconsole.demo")))
REPOS = ("flights", "flights-api")
PORT = 8013
TRAINING = ("2013-01", "2013-02")
IDENTITY = "opsconsole demo <demo@opsconsole.invalid>"
"""Who commits in the demo's repos, beside the authors; never the operator's own identity."""


@dataclass(frozen=True)
class Commit:
    """One commit of a repo's history, as ``history.toml`` describes it."""

    folder: Path
    subject: str
    body: str
    author: str
    hours: float
    """How long before the demo it was made."""
    build: bool
    """The demo builds it."""
    breaks: tuple[str, ...]
    """Tests that fail at it."""
    delete: tuple[str, ...]
    mark: str
    """A name by which the demo finds it."""

    @property
    def message(self) -> str:
        """The whole message."""
        return f"{self.subject}\n\n{self.body}\n" if self.body else f"{self.subject}\n"


def history(repo: str) -> list[Commit]:
    """Return a repo's commits, the oldest first."""
    folder = HERE / "repos" / repo
    commits = tomllib.loads((folder / "history.toml").read_text(encoding="utf-8"))["commit"]
    return [
        Commit(
            folder=folder / item["folder"],
            subject=item["subject"],
            body=item.get("body", ""),
            author=item["author"],
            hours=float(item["hours"]),
            build=item.get("build", False),
            breaks=tuple(item.get("breaks", ())),
            delete=tuple(item.get("delete", ())),
            mark=item.get("mark", ""),
        )
        for item in commits
    ]


def lay_out(root: Path, port: int = PORT) -> None:
    """Write the configuration and make the repos, as far as they are not there; RefusedError for a foreign folder.

    ``port`` is where the demo's service shall answer; any free one is taken when somebody has it, or when it is 0.
    """
    claim(root)
    with locked(root / ".opsconsole" / "layout.lock"):
        if not (root / FILE_NAME).exists():
            text = (HERE / "workspace.toml").read_text(encoding="utf-8").replace("@PORT@", str(free_port(port)))
            write_atomically(root / FILE_NAME, text.encode(), mode=0o644)
        for name in REPOS:
            make_repo(root / "repos" / name, history(name), clock.now())


def claim(root: Path) -> None:
    """Make the folder ours. RefusedError for one that holds something else, StoreError for one that cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in root.iterdir() if path.name != ".opsconsole")
        if strangers and not (root / ".opsconsole" / "demo.lock").exists():
            raise RefusedError(
                f"{root} holds other things ({', '.join(strangers[:3])}), and the demo wants a folder of its own",
                hint="opsconsole demo NEW_FOLDER",
            )
        make_ours(root / ".opsconsole")
        (root / ".opsconsole" / "demo.lock").touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"{root}: {error.strerror}", hint="choose a folder that you may write to") from error


def free_port(wanted: int) -> int:
    """Return the wanted port of the loopback, or any free one when somebody has that."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            return int(probe.getsockname()[1])
    return wanted


def make_repo(path: Path, commits: list[Commit], now: datetime) -> None:
    """Make a repo with its history in one stream of commits, then move it into place; nothing if it is there."""
    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    git(unfinished, "init", "--quiet", "--template=", "--initial-branch=main")
    git(unfinished, "fast-import", "--quiet", feed=stream(commits, now))
    git(unfinished, "reset", "--quiet", "--hard", "main", config=(("core.autocrlf", "false"),))
    unfinished.rename(path)


def stream(commits: list[Commit], now: datetime) -> bytes:
    """Return the history in the language of ``git fast-import``."""
    parts: list[bytes] = []
    for commit in commits:
        when = f"{int((now - timedelta(hours=commit.hours)).timestamp())} +0000"
        message = commit.message.encode()
        parts.append(f"commit refs/heads/main\nauthor {commit.author} {when}\n".encode())
        parts.append(f"committer {IDENTITY} {when}\ndata {len(message)}\n".encode() + message + b"\n")
        for file in sorted(commit.folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                name = file.relative_to(commit.folder).as_posix()
                parts.append(f"M 100644 inline {name}\ndata {len(content)}\n".encode() + content + b"\n")
        parts += [f"D {name}\n".encode() for name in commit.delete]
    return b"".join(parts)


def commit_ids(path: Path) -> list[str]:
    """Return the repo's commits, the oldest first."""
    return git(path, "rev-list", "--reverse", "--first-parent", "main").decode().split()


def spread_months(data: Path) -> list[str]:
    """Split the year by months, the first two to learn from, the others upstream; return which were written now.

    A month that lies anywhere below ``data`` already is left where it is: it may have arrived.
    """
    wanted = [f"2013-{month:02}" for month in range(1, 13)]
    absent = [month for month in wanted if not any(data.glob(f"*/{month}.parquet"))]
    if not absent:
        return []
    import pyarrow.compute as pc
    from pyarrow import parquet

    year = parquet.read_table(HERE / "data" / "flights-2013.parquet")
    months = pc.strftime(year.column("sched_dep"), "%Y-%m")
    for month in absent:
        folder = data / ("training" if month in TRAINING else "upstream")
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{month}.unfinished"
        parquet.write_table(year.filter(pc.equal(months, month)), unfinished, compression="zstd")
        unfinished.rename(folder / f"{month}.parquet")
    return absent
