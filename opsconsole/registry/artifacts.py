"""Artifacts on disk: copied while they are hashed, published by one rename, never changed again, verified before use."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from opsconsole.ground.errors import NotFoundError, UsageError
from opsconsole.ground.files import BLOCK, digest_bytes, digest_file, fsync_directory
from opsconsole.ground.nouns import Digest
from opsconsole.store.models import VersionFile

STAGING = ".staging"


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


def stage(source: Path, folder: Path) -> Staged:
    """Copy a file or folder into ``folder``, hashing on the way; links and devices are refused.

    What an earlier, killed attempt left at ``folder`` is thrown away.
    """
    if not source.exists():
        raise NotFoundError(f"{source}: there is no such file or folder")
    discard(folder)
    folder.mkdir(parents=True, mode=0o755)
    try:
        files = tuple(_copy(path, relative, folder) for path, relative in _walk(source))
        if not files:
            raise UsageError(f"{source}: the artifact is empty", hint="a model needs at least one file")
        fsync_directory(folder)
    except BaseException:
        discard(folder)
        raise
    return Staged(folder=folder, files=files, digest=manifest_digest(files))


def publish(staged: Staged, target: Path) -> None:
    """Give a staged artifact its final name, and let nobody write to it any more."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    publish_folder(staged.folder, target)
    _freeze(target)
    fsync_directory(target.parent)


def publish_folder(folder: Path, target: Path) -> None:
    """Rename a folder to its final name; what lies there without a row is set aside, never deleted.

    It is what an attempt left that was killed before its commit, or a version of a store that an older backup replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.exists():
        number = 1
        while (aside := target.with_name(f"{target.name}.orphan.{number}")).exists():
            number += 1
        target.rename(aside)
    folder.rename(target)


def discard(folder: Path) -> None:
    """Delete a folder of ours, also a frozen one."""
    if not folder.exists():
        return
    for directory, _, _ in os.walk(folder):
        Path(directory).chmod(0o755)
    shutil.rmtree(folder)


def verify(folder: Path, manifest: list[VersionFile]) -> list[str]:
    """Compare a version's folder with its manifest; return what is wrong, in words, empty when all is well."""
    wrong: list[str] = []
    known = {file.path for file in manifest}
    for file in manifest:
        path = folder / file.path
        if not path.is_file() or path.is_symlink():
            wrong.append(f"{file.path}: missing")
        elif path.stat().st_size != file.size:
            wrong.append(f"{file.path}: {path.stat().st_size} bytes, {file.size} were registered")
        elif digest_file(path) != file.digest:
            wrong.append(f"{file.path}: the content changed")
    if folder.is_dir():
        present = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir())
        wrong.extend(f"{name}: was never registered" for name in present if name not in known)
    return wrong


def manifest_digest(files: tuple[VersionFile, ...]) -> Digest:
    """Return the digest of a manifest: canonical JSON of path, executable bit, size and content digest."""
    rows = [[file.path, file.executable, file.size, file.digest] for file in sorted(files, key=lambda file: file.path)]
    return digest_bytes(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode())


def _walk(source: Path) -> list[tuple[Path, str]]:
    if source.is_file() and not source.is_symlink():
        return [(source, source.name)]
    found: list[tuple[Path, str]] = []
    for path in sorted(source.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path}: neither a file nor a folder", hint="an artifact holds no links and no devices")
        found.append((path, path.relative_to(source).as_posix()))
    return found


def _copy(source: Path, relative: str, folder: Path) -> VersionFile:
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    hasher, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("xb") as writer:
        while block := reader.read(BLOCK):
            hasher.update(block)
            writer.write(block)
            size += len(block)
        executable = bool(os.fstat(reader.fileno()).st_mode & stat.S_IXUSR)
        os.fchmod(writer.fileno(), 0o555 if executable else 0o444)
        writer.flush()
        os.fsync(writer.fileno())
    return VersionFile(path=relative, size=size, digest=Digest("sha256:" + hasher.hexdigest()), executable=executable)


def _freeze(folder: Path) -> None:
    for directory, _, _ in os.walk(folder, topdown=False):
        Path(directory).chmod(0o555)
