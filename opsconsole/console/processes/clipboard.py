"""Copying, with its target: tmux's buffer inside tmux, else the terminal by OSC 52, a file when it is too large."""

from __future__ import annotations

import os
import shutil
import subprocess

from opsconsole.console.host.host import Host
from opsconsole.core.files import write_atomically
from opsconsole.core.text import clean_lines

LIMIT = 70_000
"""Bytes that terminals accept in one OSC 52."""


def copy(app: Host, wanted: str) -> str:
    """Copy harmless text; return a sentence on where it is now."""
    safe = clean_lines(wanted)
    if os.environ.get("TMUX") and shutil.which("tmux"):
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"], input=safe.encode(), check=False, capture_output=True, timeout=5
        )
        if done.returncode == 0:
            return f"copied {len(safe):,} characters to tmux's buffer and the terminal's clipboard"
    if len(safe.encode()) <= LIMIT:
        app.copy_to_clipboard(safe)
        return f"sent {len(safe):,} characters to the terminal's clipboard (OSC 52; some terminals refuse it)"
    path = app.workspace.state / "copied.txt"
    write_atomically(path, safe.encode())
    return f"too long for the terminal: written to {path}"
