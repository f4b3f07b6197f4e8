"""The encoding of a text file: detected from its first bytes; a file of another than UTF-8 is named, or converted."""

from __future__ import annotations

from pathlib import Path

from opsconsole.drift.data.errors import DataError, explained

HEAD_BYTES = 1 << 16
UTF8 = "utf-8"
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
"""What a file may begin with; the longer ones first, as one holds another."""
_LEAST = 8
_ZEROS = 0.4
"""Of text in Latin letters nearly every second byte of UTF-16 is zero, of UTF-32 three in four; of UTF-8 none is."""
CONVERT = "convert it to UTF-8 (iconv -f WINDOWS-1252 -t UTF-8), if it is latin-1 or Windows-1252"


def head_of(path: Path, name: str) -> bytes:
    """Return the first bytes of a file, plain or compressed."""
    import pyarrow as pa

    with explained(name), pa.input_stream(str(path), compression="detect") as stream:
        head: bytes = stream.read(HEAD_BYTES)
    return head


def encoding_of(head: bytes) -> str:
    """Return the encoding by a byte order mark, else by where zeros stand; ``utf-8`` where nothing speaks against it."""
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if len(head) < _LEAST or b"\0" not in head:
        return UTF8
    zeros = [head[place::4].count(0) / max(len(head[place::4]), 1) > _ZEROS for place in range(4)]
    shapes = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }
    return shapes.get((zeros[0], zeros[1], zeros[2], zeros[3]), UTF8)


def require_utf8(path: Path, name: str) -> None:
    """Raise DataError, with its name, for a file of another encoding."""
    encoding = encoding_of(head_of(path, name))
    if encoding != UTF8:
        shown = encoding.upper()
        raise DataError(
            f"{name}: the file is {shown}, not UTF-8", hint=f"convert it: iconv -f {shown} -t UTF-8 FILE > NEW"
        )
