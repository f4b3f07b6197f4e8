"""Recognising a pickle by its bytes, whatever its name or compression: loading one runs its code.

A pickle may hide in a compressed file, in an archive, in a NumPy array of objects. Wrappers are opened a few levels deep,
block by block. What is wrapped deeper, in a way that is not known here, or cannot be read to its end counts as one.
"""

from __future__ import annotations

import ast
import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from opsconsole.registry.versions.opcodes import imports_something

NAMES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".p"})
DEEPEST = 3
MOST = 1 << 30
"""Bytes that are unwrapped of one file, at most; of a large one ``EXPANDED`` times its own size."""
EXPANDED = 8
HEAD = 1 << 16
_BLOCK = 1 << 20
_EMPTY = bytes(_BLOCK)
_END_OF_ZIP = b"PK\x05\x06"
_TAIL = HEAD + 22
"""Where the end of a zip's directory stands: it may have a comment of 64 kB behind it."""
_UNKNOWN = (b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd")
"""LZ4 and Zstandard, which some loaders read and nothing here does."""
_BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    MemoryError,
)


class _Zlib(io.RawIOBase):
    """A run of bare zlib streams, one behind the other, as joblib reads them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._stream, self._left = file, zlib.decompressobj(), b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with what comes next."""
        while True:
            data = self._left or self._file.read(HEAD)
            if self._stream.eof:
                data = self._stream.unused_data or data
                if not _is_zlib(data):
                    return 0
                self._stream = zlib.decompressobj()
            elif not data:
                raise EOFError("a stream without its end")
            block = self._stream.decompress(data, len(buffer))
            self._left = self._stream.unconsumed_tail
            if block:
                buffer[: len(block)] = block
                return len(block)


_WRAPPERS: tuple[tuple[bytes, Callable[[BinaryIO], object]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"\x5d\x00\x00", lzma.LZMAFile),
)


class _Budget:
    """What may still be unwrapped of one file."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, size: int) -> None:
        """Take it off; ValueError when nothing is left: what is that large counts as not readable."""
        self._left -= size
        if self._left < 0:
            raise ValueError("too much to unwrap")


def is_pickle(path: Path) -> bool:
    """Tell whether a file is, or holds, a pickle."""
    if _suspect(path.name):
        return True
    with path.open("rb") as file:
        try:
            most = max(MOST, EXPANDED * path.stat().st_size)
            return _holds_pickle(file, DEEPEST, _Budget(most), wrapped=False)
        except _BROKEN:
            return True


def _suspect(name: str) -> bool:
    return any(suffix.lower() in NAMES for suffix in PurePosixPath(name).suffixes)


def _holds_pickle(file: BinaryIO, depth: int, budget: _Budget, *, wrapped: bool) -> bool:
    """Look at what can be read and read again from its start; what breaks on the way is the caller's to catch."""
    head = _read(file, HEAD)
    file.seek(0)
    if head.startswith(b"\x93NUMPY"):
        return _array_of_objects(head)
    if _has_protocol(head) or head.startswith(_UNKNOWN):
        return True
    if imports_something(file):
        return True
    read = _to_the_end(file, budget) if wrapped else _ends(file, head)
    inner = _unwrapped(file, head)
    if inner is not None:
        return depth == 0 or _holds_pickle(inner, depth - 1, budget, wrapped=True)
    return _in_an_archive(file, read, depth, budget)


def _unwrapped(file: BinaryIO, head: bytes) -> BinaryIO | None:
    """Return what a compressed file holds, when it holds anything: a mark alone can stand there by chance."""
    file.seek(0)
    make = next((make for magic, make in _WRAPPERS if head.startswith(magic)), None)
    if make is None and _is_zlib(head):
        make = lambda inner: io.BufferedReader(_Rewound(inner))  # noqa: E731
    if make is None:
        return None
    inner = cast("BinaryIO", make(file))
    try:
        if not inner.read(1):
            return None
    except _BROKEN:
        return None
    inner.seek(0)
    return inner


class _Rewound(_Zlib):
    """The same, from its start again as often as it is asked for."""

    def seekable(self) -> bool:
        """Tell that it can go back."""
        return True

    def tell(self) -> int:
        """Return where it stands; only the start is ever asked for."""
        return 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go back to the start."""
        if (offset, whence) != (0, 0):
            raise io.UnsupportedOperation("only to the start")
        self._file.seek(0)
        self._stream, self._left = zlib.decompressobj(), b""
        return 0


def _is_zlib(head: bytes) -> bool:
    """Tell a zlib header (RFC 1950): deflate, a window of 32 kB at most, and its check."""
    return len(head) > 1 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head[:2], "big") % 31 == 0


def _read(file: BinaryIO, size: int) -> bytes:
    content = bytearray()
    while len(content) < size and (block := file.read(size - len(content))):
        content += block
    return bytes(content)


@dataclass(frozen=True)
class _Read:
    """What a file that was read to its end showed on the way."""

    tail: bytes
    begins: int
    """Where the first block of 512 bytes stands that is not empty."""


def _to_the_end(file: BinaryIO, budget: _Budget, start: int = 0) -> _Read:
    """Read what is wrapped to its end, once."""
    file.seek(start)
    tail, at, begins = b"", start, None
    while block := file.read(_BLOCK):
        budget.spend(len(block))
        if begins is None and block != _EMPTY[: len(block)]:
            begins = (at + len(block) - len(block.lstrip(b"\0"))) // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
        at += len(block)
        tail = block[-_TAIL:] if len(block) >= _TAIL else (tail + block)[-_TAIL:]
    return _Read(tail, begins or 0)


def _has_protocol(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _array_of_objects(head: bytes) -> bool:
    """Tell from an array's header (numpy.lib.format) whether its items are pickled; one that cannot be read counts so.

    Only the header is read: among the numbers that follow, any two bytes stand by chance.
    """
    width = 2 if head[6:7] == b"\x01" else 4
    start = 8 + width
    length = int.from_bytes(head[8:start], "little")
    if len(head) < start + length:
        return True
    try:
        return _objects_in(ast.literal_eval(head[start : start + length].decode("latin-1").strip())["descr"])
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError, RecursionError, MemoryError):
        return True


def _objects_in(description: object) -> bool:
    """Walk a dtype as NumPy writes it: a string, a list of fields, or a tuple whose first item is a dtype."""
    if isinstance(description, str):
        return description.lstrip("<>=|").startswith(("O", "object"))
    if isinstance(description, list):
        return any(_objects_in(field[1]) for field in description)
    return not isinstance(description, tuple) or _objects_in(description[0])


def _ends(file: BinaryIO, head: bytes) -> _Read:
    """Return the same of a file that can be read at any place: all of it only where it begins with nothing."""
    if head == _EMPTY[: len(head)]:
        return _to_the_end(file, _Budget(1 << 62), _behind_the_hole(file))
    size = file.seek(0, 2)
    file.seek(max(size - _TAIL, 0))
    return _Read(_read(file, _TAIL), 0)


def _behind_the_hole(file: BinaryIO) -> int:
    """Return where the data of a sparse file begin; its end when it has none."""
    try:
        return os.lseek(file.fileno(), 0, os.SEEK_DATA)
    except OSError:
        return file.seek(0, 2)


def _in_an_archive(file: BinaryIO, read: _Read, depth: int, budget: _Budget) -> bool:
    """Look into a zip or a tar; a member that cannot be read to its end counts as a pickle."""
    file.seek(0)
    if _END_OF_ZIP in read.tail:
        if not file.seekable() or (isinstance(file, io.BufferedReader) and isinstance(file.raw, _Zlib)):
            return True
        if zipfile.is_zipfile(file):
            return _in_a_zip(file, depth, budget)
        file.seek(0)
    return _in_a_tar(file, read.begins, depth, budget)


def _in_a_zip(file: BinaryIO, depth: int, budget: _Budget) -> bool:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if _suspect(info.filename) or depth == 0:
                return True
            with archive.open(info) as member:
                if _holds_pickle(cast("BinaryIO", member), depth - 1, budget, wrapped=True):
                    return True
    return False


def _in_a_tar(file: BinaryIO, start: int, depth: int, budget: _Budget) -> bool:
    """Look into a tar; empty blocks before it are passed over, as some readers do."""
    file.seek(start)
    if not _begins_a_tar(_read(file, tarfile.BLOCKSIZE)):
        return False
    file.seek(start)
    with tarfile.open(fileobj=file, mode="r:") as tape:
        for entry in tape:
            if not entry.isfile():
                continue
            if _suspect(entry.name) or depth == 0:
                return True
            member = tape.extractfile(entry)
            if member is not None and _holds_pickle(cast("BinaryIO", member), depth - 1, budget, wrapped=True):
                return True
    return False


def _begins_a_tar(head: bytes) -> bool:
    """Tell a tar's first header by its check sum."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True
