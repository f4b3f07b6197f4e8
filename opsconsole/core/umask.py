"""The process's umask: always the same, so that files get the same modes whoever starts opsconsole, and however.

A mask of 000 would leave logs that everybody may write, one of 077 models that their consumers cannot read. Programs of
the operator's own (steps, git, editors) get the operator's mask: what they make is theirs. Standard library only.
"""

from __future__ import annotations

import os

OURS = 0o022
_operators = -1


def settle() -> None:
    """Take our mask for this process, and remember the one it was started with."""
    global _operators  # noqa: PLW0603 - a property of the process, as the mask itself is
    if _operators < 0:
        _operators = os.umask(OURS)


def operators() -> int:
    """Return the mask for programs of the operator's; -1, as ``Popen`` takes it, where this process kept theirs."""
    return _operators
