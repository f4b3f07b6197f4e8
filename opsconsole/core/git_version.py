"""The installed git's version, and whether it can read a repo without running its hooks. Standard library only."""

from __future__ import annotations

import re
import shutil
from functools import lru_cache

from opsconsole.core.errors import NotFoundError, RefusedError
from opsconsole.core.process import capture

LEAST = (2, 31, 0)
"""From here on git takes settings by its environment, whatever stands in their names."""
QUIET_LEAST = (2, 45, 1)
"""From here on GIT_NO_LAZY_FETCH keeps a partial clone from running what its configuration names."""
_QUIET_EARLIER = {39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1}
"""The releases of older lines that learned it, too, by minor number."""


def git_version() -> tuple[int, int, int]:
    """Return the version of the git on PATH; NotFoundError when there is none."""
    path = shutil.which("git")
    if path is None:
        raise NotFoundError("git is not installed", hint=f"install git ({named(LEAST)} or newer) and put it on PATH")
    return _version_of(path)


def require_git() -> None:
    """RefusedError when git is too old to be kept from running what a repo brings."""
    if git_version() < LEAST:
        raise RefusedError(
            f"git {named(git_version())} is too old: it cannot be told to leave a repo's own programs alone",
            hint=f"install git {named(LEAST)} or newer",
        )


def fetches_when_asked_only() -> bool:
    """Whether this git can be kept from fetching what a partial clone lacks."""
    version = git_version()
    return version >= QUIET_LEAST or (version[0] == 2 and version[2] >= _QUIET_EARLIER.get(version[1], 1 << 30))


def named(version: tuple[int, int, int]) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version)).removesuffix(".0")


@lru_cache
def _version_of(path: str) -> tuple[int, int, int]:
    output = capture([path, "--version"], timeout=10).stdout.decode("utf-8", "replace")
    match = re.search(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", output)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)
