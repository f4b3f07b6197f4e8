from __future__ import annotations

import base64
import html
import itertools
import json
import shlex
import tracemalloc
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.runs.record.masking import MASK, Masker, forms_of

secrets = st.binary(min_size=6, max_size=40).filter(lambda value: MASK not in value and len(value.strip()) > 5)


def masked(masker: Masker, blocks: list[bytes]) -> bytes:
    return b"".join(masker.feed(block) for block in blocks) + masker.flush()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@given(secrets, st.binary(max_size=60), st.binary(max_size=60), st.lists(st.integers(0, 500), max_size=12))
def test_a_secret_is_masked_wherever_the_blocks_end(
    secret: bytes, before: bytes, after: bytes, places: list[int]
) -> None:
    shown = masked(Masker([secret]), cut(before + secret + after, places))
    assert secret not in shown or secret in before + MASK + after


@given(secrets, st.binary(max_size=20), st.binary(max_size=20), st.lists(st.integers(0, 200), max_size=6))
def test_base64_of_a_text_that_holds_it_does_not_tell_it(
    secret: bytes, before: bytes, after: bytes, places: list[int]
) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(before + secret + after)
        shown = masked(Masker([secret]), cut(whole, places))
        assert shown != whole
        assert MASK in shown


@given(st.text(min_size=6, max_size=30).filter(lambda text: len(text.strip()) > 5))
def test_json_and_urls_do_not_tell_it(secret: str) -> None:
    raw = secret.encode("utf-8", "surrogatepass")
    if b"\xed" in raw:
        return
    masker = Masker([raw])
    assert MASK in masked(masker, [json.dumps({"token": secret}).encode()])
    assert MASK in masked(masker, [f"https://x/?token={quote(raw, safe='')}&y".encode()])


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_without_secrets_every_byte_passes_at_once(blocks: list[bytes]) -> None:
    masker = Masker([])
    assert not masker
    assert [masker.feed(block) for block in blocks] == blocks


def test_what_cannot_begin_a_secret_is_not_held_back() -> None:
    masker = Masker([b"hunter2-hunter2"])
    assert masker.feed(b"progress 10 %\r") == b"progress 10 %\r"
    assert masker.feed(b"it is hun") == b"it is "
    assert masker.feed(b"gry") == b"hungry"


def test_each_line_of_a_key_is_a_secret_and_a_word_of_three_letters_is_none() -> None:
    key = b"-----BEGIN-----\nabcdefgh\nxy\n-----END-----\n"
    assert b"abcdefgh" in forms_of(key)
    assert b"xy" not in forms_of(key)
    assert forms_of(b"abc") == set()
    assert masked(Masker([key]), [b"error at abcdefgh!"]) == b"error at ***!"


HOSTILE = b"pa ss/w&<>\"'$x\\y"


@pytest.mark.parametrize(
    "written",
    [
        quote_plus(HOSTILE),
        quote(HOSTILE, safe="").lower(),
        html.escape(HOSTILE.decode()),
        saxutils.escape(HOSTILE.decode()),
        saxutils.quoteattr(HOSTILE.decode())[1:-1],
        shlex.quote(HOSTILE.decode()),
        repr(HOSTILE.decode()),
        repr(HOSTILE),
        json.dumps(HOSTILE.decode()),
        json.dumps(HOSTILE.decode()).replace("/", "\\/"),
    ],
)
def test_what_programs_write_of_a_secret_does_not_tell_it(written: str) -> None:
    shown = masked(Masker([HOSTILE]), [f"before {written} after".encode()])
    assert MASK in shown
    assert b"ss/w" not in shown
    assert b"ss%2" not in shown


def test_a_long_secret_costs_a_little_memory_and_is_held_back_whole() -> None:
    secret = bytes(ord("a") + (number * 7919) % 26 for number in range(30_000))
    tracemalloc.start()
    masker = Masker([secret])
    shown = masked(masker, [secret[:29_000], secret[29_000:], b" end ", secret[:100]])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown == MASK + b" end " + secret[:100]
    assert peak < 40 << 20
