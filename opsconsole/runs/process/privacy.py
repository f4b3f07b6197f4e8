"""Separating a run's own processes from its steps, which run as the same user: not dumpable, no inherited environment.

A process that is not dumpable shows neither its memory nor its environment to others of its user (proc(5)). Standard
library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable, Mapping

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
OWN = frozenset(
    {
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
        "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK",
        "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "SUDO_USER", "SSH_CONNECTION",
    }
)  # fmt: skip
"""What keeper, supervisor and intake need of the operator's environment: where things lie, and who acts."""


def hide() -> None:
    """Let no other process of this user read our memory or environment."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent() -> None:
    """Be killed when the process that forked us dies: who comes after it could not find us, hidden as we are."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def scrubbed(outer: Mapping[str, str], passed_on: Iterable[str]) -> dict[str, str]:
    """Return the environment of a run's own processes: what they need, and what its steps are passed by name."""
    kept = OWN | set(passed_on)
    return {name: value for name, value in outer.items() if name in kept or name.startswith("OPSCONSOLE_")}


def in_memory(value: bytes) -> int:
    """Return the descriptor of a file that is in no folder and holds a value: to be handed down, not read on the way."""
    descriptor = os.memfd_create("secret", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(value)
    return descriptor
