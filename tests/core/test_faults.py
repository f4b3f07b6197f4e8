"""Errors of the system that are known are told in words, wherever they were raised."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.core import faults
from opsconsole.core.errors import ExitCode
from tests.model_workspace import Shop, opsconsole


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "kernel's log"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EROFS, "mounted read-only"),
    ],
)
def test_a_known_error_says_what_to_do_also_from_deep_inside(number: int, word: str) -> None:
    def deep() -> None:
        try:
            raise OSError(number, os.strerror(number), "/there")
        except OSError as error:
            raise RuntimeError("a library's") from error

    with pytest.raises(RuntimeError) as raised:
        deep()
    found = faults.explained(raised.value)
    assert found is not None
    assert (found.exit_code, word in found.hint, found.message.startswith("/there: ")) == (ExitCode.STORE, True, True)
    assert faults.passes(raised.value) == (number != errno.EIO)


def test_what_is_nobody_s_fault_but_ours_stays_unknown() -> None:
    assert faults.explained(ValueError("x")) is None
    assert faults.explained(OSError(errno.ENOENT, "x")) is None


def test_an_answer_that_nobody_can_keep_ends_in_words(shop: Shop) -> None:
    with Path("/dev/full").open("wb") as full:
        said = subprocess.run(
            [sys.executable, "-m", "opsconsole", "-C", str(shop.root), "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert said.returncode == 7
    assert b"the disk is full" in said.stderr
    assert b"unexpected" not in said.stderr


def test_reading_only_leaves_no_file_behind(shop: Shop) -> None:
    shop.live(1)
    shop.store.close()
    before = sorted(str(path) for path in shop.root.rglob("*"))
    for line in ("status", "model ls", "events", "runs"):
        assert opsconsole(shop.root, "--readonly", *line.split()).code == 0
    assert opsconsole(shop.root, "--readonly", "store", "backup", "copy.db").code == 6
    assert sorted(str(path) for path in shop.root.rglob("*")) == before
