"""Reading secrets where they lie: the operator's environment, or a file that only the operator can read.

Standard library only. Values go to the steps that name them and to what masks them in logs and reports, nowhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from opsconsole.ground.errors import RefusedError
from opsconsole.ground.files import expanded
from opsconsole.runs.order import PlannedSecret

LONGEST = 64 << 10


def read(secret: PlannedSecret, outer: Mapping[str, str]) -> str:
    """Return a secret's value; RefusedError when it is not there or its file is open to others."""
    if secret.file is None:
        name = secret.variable or secret.name
        if name not in outer:
            raise RefusedError(f"secret {secret.name}: ${name} is not set", hint=f"export {name}=…, or name a file")
        return outer[name]
    path = expanded(secret.file)
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid not in {os.geteuid(), 0}:
            raise RefusedError(f"secret {secret.name}: {path} can be read by others", hint=f"chmod 600 {path}")
        value = path.read_bytes()[:LONGEST].decode("utf-8", "surrogateescape")
    except OSError as error:
        raise RefusedError(
            f"secret {secret.name}: {path}: {error.strerror}", hint="write it there, mode 600"
        ) from error
    return value.removesuffix("\n")


def readable(secrets: tuple[PlannedSecret, ...], outer: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the values that can be read, by name, and what is wrong with the others."""
    values, problems = {}, []
    for secret in secrets:
        try:
            values[secret.name] = read(secret, outer)
        except RefusedError as error:
            problems.append(error.message)
    return values, problems
