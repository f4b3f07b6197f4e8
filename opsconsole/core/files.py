"""Atomic writes, kernel-released file locks, and digests of files."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.nouns import Digest

if TYPE_CHECKING:
    import hashlib

BLOCK = 1 << 20


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write ``path`` so that a reader sees the old or the new content, also after a crash.

    What is not ``durable`` may be empty or gone after a power cut: for what can be made again.
    """
    import tempfile  # with all that it imports, 3 ms of every command's start

    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        fsync_directory(path.parent)


def open_regular(path: Path) -> int:
    """Open a file for reading that must be a regular one: a FIFO or a device never makes us wait, nor speaks to us.

    Return its descriptor (close-on-exec); OSError when it is absent or is something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: Path, *, limit: int) -> bytes:
    """Return a regular file's content; OSError when it is something else, or larger than ``limit`` bytes."""
    with os.fdopen(open_regular(path), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return content


def fsync_directory(path: Path) -> None:
    """Make renames inside ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take an flock without waiting; return its descriptor (close-on-exec), or None when someone else holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[int]:
    """Hold an flock on ``path`` (a file, made if absent, or a directory) for the length of the block."""
    if path.is_dir():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    else:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def digest_bytes(data: bytes) -> Digest:
    """Return the digest of ``data``."""
    return Digest("sha256:" + _sha256(data).hexdigest())


def digest_file(path: Path) -> Digest:
    """Return the digest of a file's content, read in blocks."""
    hasher = _sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hasher.update(block)
    return Digest("sha256:" + hasher.hexdigest())


def digest_rows(row_ids: list[str]) -> Digest:
    """Return the digest that names a set of rows: sha256 over the sorted ids, one a line."""
    hasher = _sha256()
    for row_id in sorted(row_ids):
        hasher.update(row_id.encode())
        hasher.update(b"\n")
    return Digest("sha256:" + hasher.hexdigest())


def _sha256(data: bytes = b"") -> hashlib._Hash:
    """Return a hasher; OpenSSL behind it is loaded when something is hashed, not when a command starts."""
    import hashlib

    return hashlib.sha256(data)


def expanded(path: str | Path) -> Path:
    """Return a path with ``~`` and ``~user`` replaced; where there is no such user, ``~`` is part of the name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def near(path: str | Path, root: Path) -> str:
    """Return a path as one names it from ``root``, or from home, where it lies there."""
    place = Path(path)
    if place.is_relative_to(root):
        return str(place.relative_to(root))
    home = Path.home()
    return f"~/{place.relative_to(home)}" if place.is_relative_to(home) else str(place)
