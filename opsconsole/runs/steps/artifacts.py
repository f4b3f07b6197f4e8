"""Collecting reports and artifacts from a work tree before it is removed, by globs. Standard library only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

from opsconsole.core.files import open_regular
from opsconsole.core.globs import matches
from opsconsole.runs.record.folder import file_name
from opsconsole.runs.record.masking import Masker

MOST = 10_000
"""Files that one step may leave as artifacts."""


def take_reports(tree: Path, globs: tuple[str, ...], out: Path, step: str) -> None:
    """Copy the JUnit reports that a runner left in the work tree to where the intake reads them."""
    reports = dict.fromkeys(report for glob in globs for report in _matching(tree, glob))
    for number, report in enumerate(islice(reports, MOST)):
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(report, out / f"junit.{file_name(step)}.{number}.xml")


@dataclass(frozen=True)
class Taken:
    """What came of the artifacts of a step."""

    missing: tuple[str, ...]
    """The globs that nothing matched."""
    left_out: int
    """How many files were left out, past those that one step may leave."""


def take_artifacts(tree: Path, globs: tuple[str, ...], folder: Path) -> Taken:
    """Copy artifacts to a folder, each at its own path."""
    missing: list[str] = []
    taken: set[Path] = set()
    left_out: set[Path] = set()
    for glob in globs:
        none = True
        for path in _matching(tree, glob):
            none = False
            if path in taken or len(taken) >= MOST:
                left_out |= {path} - taken
                continue
            taken.add(path)
            target = folder / path.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)
        if none:
            missing.append(glob)
    return Taken(tuple(missing), len(left_out))


def mask_reports(out: Path, masker: Masker) -> None:
    """Take a step's secrets out of the reports it left, before anybody else reads them."""
    if not masker:
        return
    for report in sorted(
        {*out.glob("junit*.xml"), *out.glob("tries/*/junit*.xml"), *out.glob("*.json"), *out.glob("*.xml")}
    ):
        with suppress(OSError):  # no regular file: nobody reads it as a report
            masked = report.with_name(f".{report.name}.masked")
            masked.unlink(missing_ok=True)
            made = os.open(masked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(made, "wb") as target, os.fdopen(open_regular(report), "rb") as source:
                while block := source.read(1 << 20):
                    target.write(masker.feed(block))
                target.write(masker.flush())
            masked.replace(report)


def set_aside(out: Path, number: int, since: float) -> None:
    """Move the reports of a try that failed out of the way of the next; they tell which tests are flaky."""
    for report in out.glob("junit*.xml"):
        if report.lstat().st_mtime >= since:
            aside = out / "tries" / str(number)
            aside.mkdir(parents=True, exist_ok=True)
            report.rename(aside / report.name)


def _matching(tree: Path, glob: str) -> Iterator[Path]:
    """Yield the files below the tree that match, or lie below a folder that does; a link that leads out is none of ours.

    The tree is walked once, from the folder on that the pattern begins with, whatever stands in the pattern.
    """
    root = tree.resolve()
    parts = glob.rstrip("/").split("/")
    plain = list(takewhile(lambda part: not set(part) & set("*?["), parts))
    start = tree.joinpath(*plain)
    if not start.resolve().is_relative_to(root):
        return
    if start.is_file():
        if len(plain) == len(parts):
            yield start
        return
    whole = {str(start)} if len(plain) == len(parts) else set[str]()
    for folder, folders, files in os.walk(start):
        folders.sort()
        inside = folder in whole
        for name in folders:
            below = Path(folder, name)
            if inside or matches(str(below.relative_to(tree)), (glob,)):
                whole.add(str(below))
        for name in sorted(files):
            path = Path(folder, name)
            if (inside or matches(str(path.relative_to(tree)), (glob,))) and _is_ours(path, root):
                yield path


def _is_ours(path: Path, root: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a ring of links
        return False
