"""Opening the console: terminal settings are decided before Textual is imported, which reads them once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.config.workspace import locate
from opsconsole.core.errors import OpsconsoleError, UsageError

if TYPE_CHECKING:
    from opsconsole.cli.base import Session


def open_here() -> int:
    """Open the console on the workspace of the current folder; return the exit code.

    Garbage is not collected until the app has shown its first frame: nothing of a start is garbage.
    """
    try:
        _prepare_terminal()
        root = locate() or _first_run()
        return _run(root, readonly=False) if root is not None else 0
    except OpsconsoleError as error:
        from opsconsole.cli.base import report

        report(error, as_json=False)
        return int(error.exit_code)
    except OSError as error:
        from opsconsole.cli.root import failed

        return failed(error, as_json=False)


def open_console(session: Session) -> None:
    """Open the console on a session's workspace; UsageError without a terminal."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "the console needs a terminal for input, output and errors",
            hint="opsconsole status says the same in plain text",
        )
    _prepare_terminal()
    code = _run(session.workspace.root, readonly=session.readonly)
    if code:
        raise SystemExit(code)


def _prepare_terminal() -> None:
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if os.environ.get("SSH_CONNECTION"):
        os.environ.setdefault("TEXTUAL_FPS", "15")


def _first_run() -> Path | None:
    """Show what is here and make a workspace of it, if that is wanted."""
    from opsconsole.console.first_run import DEMO, FirstRun, FirstRunApp

    chosen = FirstRunApp(Path.cwd()).run(mouse=_mouse())
    if chosen is FirstRun.DEMO:
        from opsconsole.cli.demo import PORT, begin

        return begin(Path.cwd() / DEMO, PORT)
    return Path.cwd() if chosen is FirstRun.WORKSPACE else None


def _run(root: Path, *, readonly: bool) -> int:
    from opsconsole.console.shell.app import ConsoleApp

    app = ConsoleApp(root, readonly=readonly)
    app.run(mouse=_mouse())
    return app.return_code or 0


def _mouse() -> bool:
    return os.environ.get("OPSCONSOLE_MOUSE", "on") != "off"
