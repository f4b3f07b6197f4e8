"""An array of objects is a pickle; an array of numbers is none, whatever bytes its numbers come to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as layout

from opsconsole.registry.versions.pickles import is_pickle


def written(path: Path, header: str) -> Path:
    body = header.encode().ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body)
    return path


def test_numbers_that_spell_an_object_are_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.frombuffer(b"..|O..|O" * 32, dtype="<f8"))
    assert not is_pickle(tmp_path / "a.npy")


def test_fields_of_numbers_are_numbers_even_when_one_is_called_object(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3, dtype=[("object", "<f8"), ("O", "<u4", (2,))]))
    assert not is_pickle(tmp_path / "a.npy")


def test_objects_are_a_pickle_also_inside_a_field(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "b.npy", np.zeros(2, dtype=[("n", "<f8"), ("inner", [("o", object)])]), allow_pickle=True)
    assert is_pickle(tmp_path / "a.npy")
    assert is_pickle(tmp_path / "b.npy")


@pytest.mark.parametrize("kind", ["O", "|O8", "object", "object_"])
def test_every_spelling_of_objects_that_numpy_reads_counts(tmp_path: Path, kind: str) -> None:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': (1,), }}"
    assert is_pickle(written(tmp_path / "a.npy", header))


@pytest.mark.parametrize("header", ["", "{", "{'descr': 3}", "[" * 9000, "{'descr': __import__('os')}"])
def test_a_header_that_cannot_be_read_counts_as_one(tmp_path: Path, header: str) -> None:
    assert is_pickle(written(tmp_path / "a.npy", header))


def test_a_header_longer_than_the_file_counts_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(layout.magic(1, 0) + (9999).to_bytes(2, "little") + b"{'descr': '<f8'}")
    assert is_pickle(tmp_path / "a.npy")
