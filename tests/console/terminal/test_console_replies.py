"""What the terminal says by itself is no key, however it is cut into pieces; keys stay keys."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.console.terminal.replies import KeysOnly

ST, BEL = b"\x1b\\", b"\x07"
REPLIES = [
    b"\x1b]11;rgb:1a1a/1b1b/2626" + ST,
    b"\x1b]10;rgb:ffff/ffff/ffff" + BEL,
    b"\x1b]4;1;rgb:cd00/0000/0000" + ST,
    b"\x1b]52;c;cmJn" + BEL,
    b"\x1b]8;;" + ST,
    b"\x1bP>|xterm-b(1)" + ST,
    b"\x1bP1+r544e=787465726d" + ST,
    b"\x1bP1$r0m" + ST,
    b"\x1bP!|00000000" + ST,
    b"\x1b_Gi=31;OK" + ST,
    b"\x1b^private" + ST,
    b"\x1bXstring" + ST,
    b"\x1b[?62;22c",
    b"\x1b[>0;276;0c",
    b"\x1b[=1c",
    b"\x1b[0n",
    b"\x1b[24;80R",
    b"\x1b[?24;80;1R",
    b"\x1b[?25;1$y",
    b"\x1b[4;2$y",
    b"\x1b[?1u",
    b"\x1b[8;40;120t",
    b"\x1b[4;800;1200t",
    b"\x1b[?1;0;256S",
    b"\x1b[2;1;1;128;128;1;0x",
    b"\x1b[?997;1n",
    "\u009d11;rgb:1/1/1\u009c".encode(),
]
KEYS = [
    b"r", b":", b"\x1b[A", b"\x1b[1;5C", b"\x1b[5~", b"\x1b[Z", b"\x1bOP", b"\x1b[1;2R", b"\x1b[97;5u", b"\x1b[[A",
    b"\x1b[<0;10;20M", b"\x1b[I", b"\x1b[200~pasted [A text\x1b[201~", b"\x1bx", "ü日".encode(), b"\r", b"\x1b[M !!",
]  # fmt: skip


def said(keys: KeysOnly, *pieces: bytes) -> str:
    return "".join(keys.feed(piece) for piece in pieces) + keys.give_up()


@pytest.mark.parametrize("reply", REPLIES)
def test_an_answer_is_no_key_wherever_it_is_cut(reply: bytes) -> None:
    for place in range(len(reply) + 1):
        assert said(KeysOnly(), b"a" + reply[:place], reply[place:] + b"z") == "az"
    assert said(KeysOnly(), *(bytes([byte]) for byte in reply)) == ""


@pytest.mark.parametrize("reply", REPLIES)
def test_an_answer_that_breaks_off_is_forgotten_and_keys_go_on(reply: bytes) -> None:
    for place in range(3, len(reply)):
        keys = KeysOnly()
        keys.feed(reply[:place])
        keys.give_up()
        assert keys.waits is None
        assert keys.feed(b"q") == "q"


@pytest.mark.parametrize("key", KEYS)
def test_keys_the_mouse_and_pastes_stay_what_they_are(key: bytes) -> None:
    assert said(KeysOnly(), key) == key.decode()


@pytest.mark.parametrize("key", [b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b[", b"\x1b"])
def test_escape_and_keys_with_alt_come_when_nothing_follows(key: bytes) -> None:
    keys = KeysOnly()
    assert keys.feed(key) == ""
    assert keys.waits is not None
    assert keys.give_up() == key.decode()


def test_an_answer_within_a_paste_is_left_out() -> None:
    assert said(KeysOnly(), b"\x1b[200~one \x1b]52;c;eA==\x07two\x1b[201~") == "\x1b[200~one two\x1b[201~"


def test_an_answer_without_its_end_is_ended_by_the_next_sequence() -> None:
    assert said(KeysOnly(), b"\x1b]11;rgb:1/1/1\x1b[Bq") == "\x1b[Bq"


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_at_all_end_the_reading(pieces: list[bytes]) -> None:
    keys = KeysOnly()
    for piece in pieces:
        keys.feed(piece).encode()
    keys.give_up()
    assert keys.feed(b"q") == "q"


@given(st.lists(st.sampled_from([*REPLIES, b"k", b"\x1b[A"]), max_size=12), st.lists(st.integers(0, 400), max_size=20))
def test_between_answers_every_key_arrives_once(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(parts)
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    keys = KeysOnly()
    got = "".join(keys.feed(whole[begin:end]) for begin, end in itertools.pairwise(places)) + keys.give_up()
    assert got == b"".join(part for part in parts if part not in REPLIES).decode()
