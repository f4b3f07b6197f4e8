"""Remake every screenshot from a demo workspace: ``python screenshots/make.py WORKSPACE``.

SVG by the console itself, at 120×40 and 80×24; PNG beside each when ``rsvg-convert`` and the font Fira Code are there.
The workspace is only looked at: nothing is promoted, started or written.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("OPSCONSOLE_ACTOR", "ops")

from rich.cells import cell_len

from opsconsole.console.shell.app import ConsoleApp
from opsconsole.core.nouns import RunState
from opsconsole.store import runs

HERE = Path(__file__).parent
SCREENS: dict[str, tuple[str, ...]] = {
    "overview": (),
    "builds": ("2", "colon", *"run ", "FAILED", "enter"),
    "plan": ("2", "P"),
    "changes": ("2", "colon", *"run ", "FAILED", "enter", "h"),
    "models": ("3",),
    "promotion": ("3", "p"),
    "drift": ("4",),
    "alert": ("4", "enter"),
    "columns": ("4", "enter", "G", *("k",) * 21),
    "explain": ("4", "X"),
    "sums": ("4", "plus"),
    "activity": ("5",),
    "keys": ("?",),
}
ASKED = {"gates", "run.plan", "repo.changes", "drift.explain", "drift.sums"}
"""Questions to the command line whose answers a screenshot shows."""
SIZES = {"": (120, 40), "-80x24": (80, 24)}


def failed_run(app: ConsoleApp) -> int:
    """Return the newest run that failed, the first when none did."""
    found = runs.page(app.store, state=RunState.FAILED, limit=1)
    return found[0].id if found else 1


async def take(root: Path, name: str, keys: tuple[str, ...], suffix: str, size: tuple[int, int]) -> None:
    """Take one screenshot."""
    app = ConsoleApp(root)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.3)
        for key in keys:
            wanted = str(failed_run(app)) if key == "FAILED" else [key]
            await pilot.press(*wanted)
            await pilot.pause(0.3 if len(key) > 1 else 0.1)
        await pilot.pause(0.5)
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.name in ASKED])
        await pilot.pause(0.3)
        svg = HERE / f"{name}{suffix}.svg"
        svg.write_text(placed(app.export_screenshot(title="opsconsole")), encoding="utf-8")
        app.exit()
    convert = shutil.which("rsvg-convert")
    if convert is not None:
        subprocess.run([convert, "-w", "1300", str(svg), "-o", str(svg.with_suffix(".png"))], check=True)
    print(svg.name)


_TEXT = re.compile(
    r'<text(?P<before>[^>]*?)x="(?P<x>[\d.]+)"(?P<between>[^>]*?)textLength="(?P<length>[\d.]+)"(?P<after>[^>]*)>(?P<text>[^<]*)</text>'
)
_PIECE = re.compile(r"[\x21-\x7e]+|([─━╌█░▒])\1*|[^\s]")
"""What is placed by itself: a word of ASCII, a run of one sign that the font has, any other sign alone."""


def placed(svg: str) -> str:
    """Give every word and every sign its own place.

    A sign that the font lacks comes from another font, in another width, and would push what follows it off the edge;
    some renderers drop leading blanks besides.
    """

    def split(found: re.Match[str]) -> str:
        said = html.unescape(found["text"]).replace("\xa0", " ")
        cells = cell_len(said)
        if not cells:
            return ""
        cell, x = float(found["length"]) / cells, float(found["x"])
        return "".join(
            f'<text{found["before"]}x="{x + cell_len(said[: piece.start()]) * cell:.1f}"{found["between"]}'
            f'textLength="{cell_len(piece[0]) * cell:.1f}"{found["after"]}>{html.escape(piece[0], quote=False)}</text>'
            for piece in _PIECE.finditer(said)
        )

    return _TEXT.sub(split, svg)


async def main(root: Path) -> None:
    """Take them all."""
    for suffix, size in SIZES.items():
        for name, keys in SCREENS.items():
            await take(root, name, keys, suffix, size)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve()))
