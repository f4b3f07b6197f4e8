"""Reading secrets: from the operator's environment, or from a file that only the operator can read.

Standard library only. Values go to the steps that name them and to what masks them in logs and reports, nowhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from opsconsole.core.errors import RefusedError
from opsconsole.core.files import expanded
from opsconsole.runs.process.privacy import in_memory
from opsconsole.runs.record.spec import PlannedSecret

LONGEST = 64 << 10


@dataclass(frozen=True)
class HandedSecret:
    """Where a step's runner reads a secret from: nobody on the way has read it."""

    name: str
    file: str | None = None
    """A file that only the operator can read."""
    descriptor: int | None = None
    """An open file in memory, for what was in the environment of whoever started the run."""

    def value(self) -> str:
        """Return the secret; RefusedError when its file cannot be read now."""
        if self.descriptor is None:
            return read(PlannedSecret(self.name, file=self.file), {})
        size = os.fstat(self.descriptor).st_size
        return os.pread(self.descriptor, size, 0).decode("utf-8", "surrogateescape")


def collected(secrets: tuple[PlannedSecret, ...], outer: Mapping[str, str]) -> dict[str, int]:
    """Return, for each secret that is in the environment, a file in memory that holds it, by its name."""
    descriptors = {}
    for secret in secrets:
        variable = secret.variable or secret.name
        if secret.file is None and variable in outer:
            descriptors[secret.name] = in_memory(outer[variable].encode("utf-8", "surrogateescape"))
    return descriptors


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
