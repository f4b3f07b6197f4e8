"""Lines end plain again, and the bar ends its line once."""

from __future__ import annotations

import pytest

from flights import shown


def test_a_colour_does_not_run_out_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown.say("late [/] again", shown.RED)
    assert capsys.readouterr().out == "\x1b[31mlate [/] again\x1b[0m\n"


@pytest.mark.parametrize("text", ["plain", "[/]", "[bold]", "遅延", "\\[x]"])
def test_text_is_left_alone(capsys: pytest.CaptureFixture[str], text: str) -> None:
    shown.say(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_the_bar_draws_over_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for done in range(4):
        shown.bar(done, 3, "months")
    out = capsys.readouterr().out
    assert (out.count("\r"), out.count("\n")) == (4, 1)
    assert out.endswith("[########################] 3/3 months\n")
