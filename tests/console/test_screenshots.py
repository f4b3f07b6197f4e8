"""The screenshots' script: every word and sign stands where the terminal has it, whatever font draws it."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from rich.cells import cell_len

SCRIPT = Path(__file__).parents[2] / "screenshots" / "make.py"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots_make", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("line", ["  a ★ v2 Δ .05   end", "⠒⠤⡀ plot ──── edge", "日本 x < y & z", "▁▂▃ 12 %"])
def test_every_piece_is_placed_by_the_cells_before_it(make: ModuleType, line: str) -> None:
    width, start = 12.2, 100.0
    told = html.escape(line).replace(" ", "&#160;")
    svg = f'<text class="r1" x="{start}" y="20" textLength="{cell_len(line) * width:.1f}" clip-path="url(#l0)">{told}</text>'
    pieces = re.findall(
        r'x="([\d.]+)" y="20" textLength="([\d.]+)" clip-path="url\(#l0\)">([^<]*)</text>', make.placed(svg)
    )
    assert "".join(html.unescape(text) for _, _, text in pieces) == "".join(line.split())
    at = 0
    for x, length, shown in pieces:
        text = html.unescape(shown)
        at = line.index(text, at)
        assert float(x) == pytest.approx(start + cell_len(line[:at]) * width, abs=0.6)
        assert float(length) == pytest.approx(cell_len(text) * width, abs=0.6)
        at += len(text)
