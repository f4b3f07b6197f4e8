"""The demo's driver: ``python -I -m opsconsole.demo.driver ROOT LOCK``, detached, one for each workspace.

It holds the lock that it was born with and writes its pid there, tells its progress in ``.opsconsole/demo.log``, and ends
when the story is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from opsconsole.ground.errors import OpsconsoleError
from opsconsole.ground.files import try_lock
from opsconsole.ground.process import own_python

DONE, FAILED = "done: ", "failed: "


def lock_path(root: Path) -> Path:
    """Return the file that the driver of a workspace holds locked."""
    return root / ".opsconsole" / "demo.lock"


def log_path(root: Path) -> Path:
    """Return where a driver tells what it does."""
    return root / ".opsconsole" / "demo.log"


def launch(root: Path) -> bool:
    """Start the driver, detached, with a log of its own; False when one is at work already."""
    lock = try_lock(lock_path(root))
    if lock is None:
        return False
    try:
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
        tell(f"{FAILED}{error.message}" + (f" ({error.hint})" if error.hint else ""))
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the outermost edge: what happened stands in the log
        traceback.print_exc()
        tell(f"{FAILED}{type(error).__name__}: {error}")
        return 70
    tell(f"{DONE}{time.monotonic() - started:.0f} s")
    return 0


def _drive(root: Path, tell: Callable[[str], None]) -> None:
    from opsconsole.config.workspace import open_workspace
    from opsconsole.demo.story import Story
    from opsconsole.lifecycle.opening import settle
    from opsconsole.store.connection import open_store

    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        settle(workspace, store)
        Story(root, store, tell).go_on()


if __name__ == "__main__":
    sys.exit(main())
