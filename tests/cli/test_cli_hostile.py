"""Names from outside reach the terminal harmless, and JSON exactly."""

from __future__ import annotations

import json

import pytest

from opsconsole.cli.base import emit, encode, say, table

HOSTILE = "a\x1b]52;c;cHduZWQ=\x07\x1b[31m\u009b31m\u202e[red]x[/]"


def test_lines_cells_and_heads_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    emit(None, [HOSTILE, *table((HOSTILE, "b"), [(HOSTILE, 1)])], as_json=False)
    say(HOSTILE, err=True)
    out, err = capsys.readouterr()
    for said in (out, err):
        assert not any(letter in said for letter in "\x1b\x07\u009b\u202e")
        assert "[red]x[/]" in said


def test_json_says_exactly_what_it_was_told_in_letters_that_do_nothing() -> None:
    said = encode({HOSTILE: HOSTILE, "plain": "日本"})
    assert json.loads(said) == {HOSTILE: HOSTILE, "plain": "日本"}
    assert not any(letter in said.decode() for letter in "\x1b\x07\u009b\u202e")
