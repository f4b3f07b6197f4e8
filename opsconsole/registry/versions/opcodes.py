"""Reading a pickle's opcodes without running one, in time and memory that are bounded however long it is."""

from __future__ import annotations

import pickletools
import re
from typing import BinaryIO

MOST = 1_000_000
"""Opcodes with an argument that are read at most; what goes on longer without an end counts as a pickle."""
LINE = 1 << 16
_BLOCK = 1 << 20
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
"""How many bytes say how long an argument is."""
_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_IMPORTS = frozenset({"STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_NAME = re.compile(rb"[\w.<>]+")
_STOPPERS = frozenset({"PERSID", "BINPERSID"})
"""What a plain load refuses before it does anything; each zip begins with one."""
_BARE = b"".join(
    code
    for code, opcode in _OPCODES.items()
    if opcode.arg is None and opcode.name not in {"STOP", *_IMPORTS, *_STOPPERS}
)
_RUN = re.compile(b"[" + re.escape(_BARE) + b"]*")


class _Reader:
    """Bytes of a file, forward only, with what was read ahead."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._block, self._at = file, b"", 0

    def _fill(self) -> bool:
        if self._at >= len(self._block):
            self._block, self._at = self._file.read(_BLOCK), 0
        return bool(self._block)

    def pass_bare(self) -> None:
        """Step over a run of opcodes that have no argument and import nothing."""
        while self._fill():
            match = _RUN.match(self._block, self._at)
            self._at = match.end() if match is not None else self._at
            if self._at < len(self._block):
                return

    def take(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        block = b""
        while len(block) < size and self._fill():
            part = self._block[self._at : self._at + size - len(block)]
            self._at += len(part)
            block += part
        return block

    def skip(self, size: int) -> bool:
        """Step over so many bytes; False when the file ends before."""
        while size and self._fill():
            step = min(size, len(self._block) - self._at)
            self._at += step
            size -= step
        return size == 0

    def line(self, most: int) -> bytes:
        """Return what stands before the next line break, cut to ``most``; the rest of it is stepped over."""
        line = b""
        while self._fill():
            end = self._block.find(b"\n", self._at)
            part = self._block[self._at : end if end >= 0 else len(self._block)]
            line += part[: most - len(line)]
            self._at = end + 1 if end >= 0 else len(self._block)
            if end >= 0:
                break
        return line


def imports_something(file: BinaryIO) -> bool:
    """Tell a pickle of protocol 0 or 1, which has no mark: all of it is opcodes up to STOP, and one of them imports.

    Arguments are stepped over unread: ``pickletools`` refuses some that a load takes, and takes lengths on trust.
    """
    file.seek(0)
    reader, imports = _Reader(file), False
    for _ in range(MOST):
        reader.pass_bare()
        code = reader.take(1)
        opcode = _OPCODES.get(code)
        if opcode is None or (not imports and opcode.name in _STOPPERS):
            return False
        if opcode.name == "STOP":
            return imports
        if opcode.name in {"GLOBAL", "INST"}:
            module, name = reader.line(LINE), reader.line(LINE)
            imports = imports or (_NAME.fullmatch(module) is not None and _NAME.fullmatch(name) is not None)
        elif opcode.name in _IMPORTS:
            imports = True
            reader.skip(opcode.arg.n if opcode.arg is not None else 0)
        elif not _step_over(reader, opcode.arg):
            return False
    return True


def _step_over(reader: _Reader, argument: pickletools.ArgumentDescriptor | None) -> bool:
    if argument is None:
        return True
    if argument.n == pickletools.UP_TO_NEWLINE:
        reader.line(0)
        return True
    if argument.n >= 0:
        return reader.skip(argument.n)
    width = _LENGTHS[argument.n]
    return reader.skip(int.from_bytes(reader.take(width), "little"))
