from __future__ import annotations

import tomllib

import pytest

from opsconsole.core import toml


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000 + "a = 1",
        "x = {" + "a . " * 40 + "a = 1}",
        "[" + '"b".' * 40 + "c]",
        "a = " + "[" * 100_000,
        "a = " + "{a = " * 100_000,
        "a = " + "[" * 40 + "]" * 40,
        "x" * 300 + " = 1",
        "a = 1" + "0" * 5_000,
        "#" * (toml.MOST + 1),
    ],
)
def test_what_would_hold_the_reader_up_is_refused_at_once(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        toml.loads(text)


def test_what_people_write_is_read_as_it_is() -> None:
    text = 'a.b."c.d" = [1, {e = 2}]\n[t.u]\nrun = "' + "x." * 20 + '"\n'
    assert toml.loads(text) == tomllib.loads(text)
