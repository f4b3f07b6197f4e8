"""The last line of a log."""

from __future__ import annotations

import re
from pathlib import Path

from opsconsole.core import text


def last_line(path: Path) -> str:
    """Return the last whole thing that a log says, harmless."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, 2) - 2048, 0))
            lines = [line for line in re.split(rb"[\r\n]+", file.read()) if line.strip()]
    except OSError:
        return ""
    return text.clean(lines[-1], limit=200).strip() if lines else ""
