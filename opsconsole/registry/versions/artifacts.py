"""Artifacts on disk: copied while they are hashed, published by one rename, never changed again, verified before use."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from opsconsole.core import text
from opsconsole.core.errors import ConflictError, NotFoundError, StoreError, UsageError
from opsconsole.core.files import BLOCK, digest_bytes, digest_file, fsync_directory
from opsconsole.core.foreign_files import open_foreign
from opsconsole.core.nouns import Digest
from opsconsole.store.models import VersionFile

STAGING = ".staging"
HOLE = bytes(BLOCK)
"""A block of zeros is skipped, not written: what takes no room in the source takes none in the copy."""


@dataclass(frozen=True)
class Staged:
    """A copy of an artifact that waits for its version number."""

    folder: Path
    files: tuple[VersionFile, ...]
    digest: Digest

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)


def stage(source: Path, folder: Path, *, apart: frozenset[str] = frozenset()) -> Staged:
    """Copy a file or folder into ``folder``, hashing on the way; links and devices are refused.

    Names in ``apart`` at the top of a folder are left out. What an earlier, killed attempt left at ``folder`` is thrown
    away. NotFoundError without a source, UsageError for what cannot be copied.
    """
    if not source.exists():
        raise NotFoundError(f"{source}: there is no such file or folder")
    discard(folder)
    folder.mkdir(parents=True, mode=0o755)
    try:
        files = tuple(_copy(path, relative, folder) for path, relative in _walk(source, apart))
        if not files:
            raise UsageError(f"{source}: the artifact is empty", hint="a model needs at least one file")
        fsync_directory(folder)
    except OSError as error:
        discard(folder)
        raise _refused(error) from error
    except BaseException:
        discard(folder)
        raise
    return Staged(folder=folder, files=files, digest=manifest_digest(files))


def _refused(error: OSError) -> UsageError | StoreError:
    """Say whether an artifact cannot be read as it is, or cannot be kept."""
    where = text.clean(os.fsdecode(error.filename or ""), limit=120)
    message = f"{where}: " * bool(where) + (error.strerror or str(error)).lower()
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}:
        return StoreError(f"the artifact cannot be kept: {message}", hint="make room, then register it again")
    return UsageError(f"the artifact cannot be read: {message}")


def publish(staged: Staged, target: Path) -> None:
    """Give a staged artifact its final name, and let nobody write to it any more."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    publish_folder(staged.folder, target)
    _freeze(target)
    fsync_directory(target.parent)


def publish_folder(folder: Path, target: Path) -> None:
    """Rename a folder to its final name; ConflictError when something lies there: a number is given once."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.path.lexists(target):
        raise ConflictError(f"{target}: something lies there that no version is known of", hint="try again")
    folder.rename(target)


def set_aside(folder: Path) -> None:
    """Move a folder that nobody knows of out of the way, beside where it lies; it is never deleted."""
    if os.path.lexists(folder):
        number = 1
        while (aside := folder.with_name(f"{folder.name}.orphan.{number}")).exists():
            number += 1
        folder.rename(aside)


def discard(folder: Path) -> None:
    """Delete a folder of ours, also a frozen one."""
    if not folder.exists():
        return
    for directory, _, _ in os.walk(folder):
        Path(directory).chmod(0o755)
    shutil.rmtree(folder)


@dataclass(frozen=True)
class Damage:
    """What is wrong with one path of a version's folder."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def verify(folder: Path, manifest: Sequence[VersionFile]) -> list[str]:
    """Compare a version's folder with its manifest; return what is wrong, in words, empty when all is well."""
    return [str(damage) for damage in damages(folder, manifest)]


def damages(folder: Path, manifest: Sequence[VersionFile]) -> list[Damage]:
    """Compare a version's folder with its manifest, following no link; return what is wrong of which path."""
    if folder.is_symlink():
        return [Damage(".", "the version's folder is a link")]
    present = {entry.path: entry for entry in entries(folder)} if folder.is_dir() else {}
    folders = {parent.as_posix() for file in manifest for parent in PurePosixPath(file.path).parents}
    wrong = [
        Damage(file.path, damage) for file in manifest if (damage := _damage(folder, file, present.get(file.path)))
    ]
    known = {file.path for file in manifest}
    for name, entry in present.items():
        if entry.folder and name in folders:
            if entry.mode & stat.S_ISUID:
                wrong.append(Damage(name, "has the setuid bit"))
        elif name not in known:
            kind = "a link that was never registered" if entry.link else "was never registered"
            wrong.append(Damage(name, kind))
    return wrong


def _damage(folder: Path, file: VersionFile, entry: Entry | None) -> str:
    """Say what is wrong with one registered file; empty when nothing is."""
    if entry is None or not stat.S_ISREG(entry.mode):
        return "missing"
    if entry.size != file.size:
        return f"{entry.size} bytes, {file.size} were registered"
    if digest_file(folder / file.path) != file.digest:
        return "the content changed"
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        return f"has the {'setuid' if entry.mode & stat.S_ISUID else 'setgid'} bit"
    if bool(entry.mode & stat.S_IXUSR) != file.executable:
        return "can no longer be executed" if file.executable else "became executable"
    return ""


@dataclass(frozen=True)
class Entry:
    """One thing in a folder, as it is itself, whatever it leads to."""

    path: str
    mode: int
    size: int

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def link(self) -> bool:
        """Whether it is a link."""
        return stat.S_ISLNK(self.mode)


def entries(folder: Path) -> Iterator[Entry]:
    """Yield everything below a folder by name, folders before what is in them."""
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(folder / below) as listing:
            listed = sorted(listing, key=lambda item: item.name)
        inner: list[str] = []
        for item in listed:
            status = item.stat(follow_symlinks=False)
            name = f"{below}/{item.name}" if below else item.name
            yield Entry(name, status.st_mode, status.st_size)
            if stat.S_ISDIR(status.st_mode):
                inner.append(name)
        pending.extend(reversed(inner))


def manifest_digest(files: tuple[VersionFile, ...]) -> Digest:
    """Return the digest of a manifest: canonical JSON of path, executable bit, size and content digest."""
    rows = [[file.path, file.executable, file.size, file.digest] for file in sorted(files, key=lambda file: file.path)]
    return digest_bytes(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode())


def _walk(source: Path, apart: frozenset[str]) -> list[tuple[Path, str]]:
    if source.is_file() and not source.is_symlink():
        return [(source, source.name)]
    if not source.is_dir():
        raise UsageError(f"{source}: neither a file nor a folder", hint="an artifact holds no links and no devices")
    paths: list[tuple[Path, str]] = []
    for entry in entries(source):
        if entry.folder or entry.path in apart:
            continue
        try:
            entry.path.encode()
        except UnicodeEncodeError as error:
            shown = entry.path.encode("utf-8", "backslashreplace").decode()
            raise UsageError(
                f"{shown}: the name is not UTF-8", hint="rename it; a manifest names every file"
            ) from error
        if not stat.S_ISREG(entry.mode):
            raise UsageError(
                f"{source / entry.path}: neither a file nor a folder", hint="an artifact holds no links and no devices"
            )
        paths.append((source / entry.path, entry.path))
    return paths


def _copy(source: Path, relative: str, folder: Path) -> VersionFile:
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    hasher, size = hashlib.sha256(), 0
    with open_foreign(source) as reader, target.open("xb") as writer:
        while block := reader.read(BLOCK):
            hasher.update(block)
            if block == HOLE[: len(block)]:
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
            size += len(block)
        writer.truncate(size)
        executable = bool(os.fstat(reader.fileno()).st_mode & stat.S_IXUSR)
        os.fchmod(writer.fileno(), 0o555 if executable else 0o444)
        writer.flush()
        os.fsync(writer.fileno())
    return VersionFile(path=relative, size=size, digest=Digest("sha256:" + hasher.hexdigest()), executable=executable)


def _freeze(folder: Path) -> None:
    for directory, _, _ in os.walk(folder, topdown=False):
        Path(directory).chmod(0o555)
