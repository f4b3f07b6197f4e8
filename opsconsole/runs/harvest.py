"""What is taken out of a work tree before it goes: reports and artifacts, by globs. Standard library only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from opsconsole.ground.files import open_regular
from opsconsole.runs.folder import file_name
from opsconsole.runs.masking import Masker

MOST = 10_000
"""Files that one step may leave as artifacts."""


def take_reports(tree: Path, globs: tuple[str, ...], out: Path, step: str) -> None:
    """Copy the JUnit reports that a runner left in the work tree to where the intake reads them."""
    for number, report in enumerate(_matches(tree, globs)):
        out.mkdir(parents=True, exist_ok=True)
        shutil.copy2(report, out / f"junit.{file_name(step)}.{number}.xml")


def take_artifacts(tree: Path, globs: tuple[str, ...], folder: Path) -> list[str]:
    """Copy artifacts to a folder, each at its own path; return the globs that nothing matched."""
    for found in _matches(tree, globs):
        target = folder / found.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, target, follow_symlinks=False)
    return [glob for glob in globs if next(_matches(tree, (glob,)), None) is None]


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
        if report.stat().st_mtime >= since:
            aside = out / "tries" / str(number)
            aside.mkdir(parents=True, exist_ok=True)
            report.rename(aside / report.name)


def _matches(tree: Path, globs: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files below the tree that match; a link that leads out of it is none of ours."""
    root = tree.resolve()
    left = MOST
    for glob in globs:
        for found in sorted(tree.glob(glob)):
            files = sorted(found.rglob("*")) if found.is_dir() else [found]
            for file in files:
                if left and file.is_file() and file.resolve().is_relative_to(root):
                    left -= 1
                    yield file
