"""Telling a pickle from its bytes, whatever it is called and however it is wrapped: loading one runs its code.

A pickle may hide in a compressed file, in an archive, in a NumPy array of objects. Wrappers are opened in memory, a few
levels deep; what is wrapped deeper, or in a way that only joblib reads, counts as one.
"""

from __future__ import annotations

import ast
import bz2
import io
import lzma
import pickletools
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

NAMES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".p"})
LIMIT = 64 << 20
"""Bytes that are unwrapped at most of each member."""
DEEPEST = 3
LINE = 1 << 16
FAR = 1 << 40
"""Past the end of any artifact, and not past what a file can be asked for."""
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
"""How many bytes say how long an argument is."""
_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_IMPORTS = frozenset({"STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_NAME = re.compile(rb"[\w.<>]+")
_STOPPERS = frozenset({"PERSID", "BINPERSID"})
"""What a plain load refuses before it does anything; each zip begins with one."""
_LZ4 = b"\x04\x22\x4d\x18"
_WRAPPERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda data: zlib.decompressobj(wbits=31).decompress(data, LIMIT)),
    (b"\x78", lambda data: zlib.decompressobj().decompress(data, LIMIT)),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data, LIMIT)),
    (b"\xfd7zXZ\x00", lambda data: lzma.LZMADecompressor().decompress(data, LIMIT)),
    (b"\x5d\x00\x00", lambda data: lzma.LZMADecompressor().decompress(data, LIMIT)),
)
_BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    ValueError,
)


def is_pickle(path: Path) -> bool:
    """Tell whether a file is, or holds, a pickle."""
    with path.open("rb") as file:
        return _suspect(path.name) or _holds_pickle(file, DEEPEST)


def _suspect(name: str) -> bool:
    return any(suffix.lower() in NAMES for suffix in PurePosixPath(name).suffixes)


def _holds_pickle(file: BinaryIO, depth: int, *, cut: bool = False) -> bool:
    head = file.read(1 << 16)
    file.seek(0)
    if head.startswith(b"\x93NUMPY"):
        return _array_of_objects(head)
    if _has_protocol(head) or head.startswith(_LZ4) or _imports_something(file, cut=cut):
        return True
    for magic, unwrap in _WRAPPERS:
        if head.startswith(magic):
            file.seek(0)
            try:
                inner = unwrap(file.read())
            except _BROKEN:
                continue
            if inner:
                return _inside(inner, depth)
    return any(_suspect(name) or _inside(content, depth) for name, content in _members(file))


def _inside(content: bytes, depth: int) -> bool:
    return depth == 0 or _holds_pickle(io.BytesIO(content), depth - 1, cut=len(content) >= LIMIT)


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


def _imports_something(file: BinaryIO, *, cut: bool) -> bool:
    """Tell a pickle of protocol 0 or 1, which has no mark: all of it is opcodes up to STOP, and one of them imports.

    Arguments are stepped over unread: ``pickletools`` refuses some that a load takes, and takes lengths on trust.
    """
    size = file.seek(0, 2)
    file.seek(0)
    imports = False
    while file.tell() <= size and (code := file.read(1)):
        opcode = _OPCODES.get(code.decode("latin-1"))
        if opcode is None or (not imports and opcode.name in _STOPPERS):
            return False
        if opcode.name == "STOP":
            return imports
        if opcode.name in {"GLOBAL", "INST"}:
            module, name = (file.readline(LINE).rstrip(b"\n") for _ in range(2))
            imports = imports or (_NAME.fullmatch(module) is not None and _NAME.fullmatch(name) is not None)
        else:
            imports = imports or opcode.name in _IMPORTS
            _step_over(file, opcode.arg)
    return cut


def _step_over(file: BinaryIO, argument: pickletools.ArgumentDescriptor | None) -> None:
    if argument is None:
        return
    if argument.n == pickletools.UP_TO_NEWLINE:
        while (line := file.readline(LINE)) and not line.endswith(b"\n"):
            continue
    elif argument.n >= 0:
        file.seek(argument.n, 1)
    else:
        width = _LENGTHS[argument.n]
        file.seek(min(int.from_bytes(file.read(width), "little"), FAR), 1)


def _members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive; one that cannot be read to its end yields what it has."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        with archive.open(info) as member:
                            yield info.filename, member.read(LIMIT)
            return
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as tape:
            for entry in tape:
                inside = tape.extractfile(entry) if entry.isfile() else None
                if inside is not None:
                    yield entry.name, inside.read(LIMIT)
    except _BROKEN:
        return
