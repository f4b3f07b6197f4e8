"""Acts and heavy answers: the CLI twin with ``--json`` as a child, so the console process stays light and replaceable."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import msgspec

from opsconsole.lifecycle.usecases import child_argv

LIMIT = 64 << 20


@dataclass(frozen=True)
class Answer:
    """What the child said."""

    code: int
    data: Any
    """Its JSON document; None when it printed none."""
    problem: str
    """What went wrong, in words; empty when nothing did."""
    hint: str = ""

    @property
    def good(self) -> bool:
        """Whether it answered the question, also with no (exit code 1)."""
        return not self.problem


async def ask(name: str, root: str, *, readonly: bool, **values: object) -> Answer:
    """Carry a use case out in a child of its own session: it goes on when the terminal is gone."""
    process = await asyncio.create_subprocess_exec(
        *child_argv(name, root, readonly=readonly, **values),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=LIMIT,
        env={**os.environ, "OPSCONSOLE_ORIGIN": "console", "NO_COLOR": "1"},
    )
    out, err = await process.communicate()
    code = process.returncode if process.returncode is not None else 1
    try:
        data = msgspec.json.decode(out) if out.strip() else None
    except msgspec.DecodeError:
        data = None
    if isinstance(data, dict) and isinstance(data.get("error"), dict):
        return Answer(code, None, str(data["error"]["message"]), str(data["error"]["hint"]))
    if data is None:
        last = err.decode("utf-8", "replace").strip().splitlines()
        return Answer(code, None, last[-1] if last else f"exit code {code}")
    return Answer(code, data, "")
