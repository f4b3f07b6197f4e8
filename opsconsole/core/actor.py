"""Who acts: recorded on every event of the audit trail."""

from __future__ import annotations

import getpass
import os


def current_actor() -> str:
    """Return the operator's name, with the SSH client's address when there is one.

    ``OPSCONSOLE_ACTOR`` wins, then ``SUDO_USER``, then the login name. A recorded claim, not authentication.
    """
    name = os.environ.get("OPSCONSOLE_ACTOR") or os.environ.get("SUDO_USER") or current_user()
    client = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return f"{name}@{client}" if client and "@" not in name else name


def current_user() -> str:
    """Return the login name, or the user's number when it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def current_origin() -> str:
    """Return which door the act came through: ``console``, ``demo``, ``intake`` or (by default) ``cli``."""
    return os.environ.get("OPSCONSOLE_ORIGIN") or "cli"
