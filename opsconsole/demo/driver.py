"""The demo's driver: ``python -I -m opsconsole.demo.driver ROOT LOCK``, detached, one for each workspace.

It holds the lock that it was born with and writes its pid there, tells its progress in ``.opsconsole/demo.log``, and ends
when the story is at its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import try_lock, write_atomically
from opsconsole.core.process import own_python


@dataclass(frozen=True)
class Outcome:
    """How a driver ended."""

    done: bool
    reason: str = ""
    """Why it did not come to the end."""


def lock_path(root: Path) -> Path:
    """Return the file that the driver of a workspace holds locked."""
    return root / ".opsconsole" / "demo.lock"


def log_path(root: Path) -> Path:
    """Return where a driver tells what it does."""
    return root / ".opsconsole" / "demo.log"


def outcome_path(root: Path) -> Path:
    """Return where a driver leaves how it ended."""
    return root / ".opsconsole" / "demo.outcome.json"


def outcome_of(root: Path) -> Outcome | None:
    """Return how the last driver ended; None when it was ended without a word."""
    try:
        document = json.loads(outcome_path(root).read_bytes())
        return Outcome(done=bool(document["done"]), reason=str(document["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def launch(root: Path) -> bool:
    """Start the driver, detached, with a log of its own; False when one is at work already."""
    lock = try_lock(lock_path(root))
    if lock is None:
        return False
    try:
        outcome_path(root).unlink(missing_ok=True)
        with log_path(root).open("wb") as log:
            driver = subprocess.Popen(
                own_python("opsconsole.demo.driver", str(root), str(lock)),
                cwd="/",
                env={**os.environ, "OPSCONSOLE_ORIGIN": "demo"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )
    finally:
        os.close(lock)
    driver.returncode = 0  # detached on purpose: whoever starts it does not wait for it
    return True


def at_work(root: Path) -> bool:
    """Whether a driver holds the lock."""
    held = try_lock(lock_path(root), shared=True)
    if held is None:
        return True
    os.close(held)
    return False


def main() -> int:
    """Tell the story from where it stands; the exit code says whether it came to its end."""
    root, lock = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock, False)  # noqa: FBT003 - the standard library asks for it so
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    started = time.monotonic()

    def tell(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    try:
        _drive(root, tell)
    except OpsconsoleError as error:
        _leave(root, tell, error.message + (f" ({error.hint})" if error.hint else ""))
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the outermost edge: what happened stands in the log
        traceback.print_exc()
        _leave(root, tell, f"{type(error).__name__}: {error}")
        return 70
    tell(f"done: {time.monotonic() - started:.0f} s")
    write_atomically(outcome_path(root), json.dumps(asdict(Outcome(done=True))).encode())
    return 0


def _leave(root: Path, tell: Callable[[str], None], reason: str) -> None:
    """Say why the story does not come to its end, to who reads the log and to who waits."""
    tell(f"failed: {reason}")
    write_atomically(outcome_path(root), json.dumps(asdict(Outcome(done=False, reason=reason))).encode())


def _drive(root: Path, tell: Callable[[str], None]) -> None:
    from opsconsole.config.workspace import open_workspace
    from opsconsole.demo.story import Story
    from opsconsole.lifecycle.startup_repair import settle
    from opsconsole.store.connection import open_store

    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        settle(workspace, store)
        Story(root, store, tell).go_on()


if __name__ == "__main__":
    sys.exit(main())
