"""Containing errors of one part of an intake: the part is skipped, with the reason in words."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from typing import TypeVar

from opsconsole.core import faults
from opsconsole.core.errors import OpsconsoleError, StoreError
from opsconsole.core.text import storable

T = TypeVar("T")
LONGEST = 2_000
"""Characters of a reason."""


class PartError(OpsconsoleError):
    """A part of a run could not be taken in; its words say why."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(storable(why[:LONGEST]))
        self.part = part


def contained(part: str, take: Callable[[], T]) -> T:
    """Return what ``take`` returns; whatever it raises comes out as a PartError with its reason.

    A run's files are written by anybody, and read by many libraries: nobody can list what they raise. Only what the
    store says goes through, since the intake is repeated for that.
    """
    try:
        return take()
    except (StoreError, sqlite3.OperationalError):
        raise
    except OpsconsoleError as error:
        raise PartError(part, str(error)) from error
    except MemoryError as error:
        raise PartError(part, f"{part} could not be taken in: it needs more memory than there is") from error
    except Exception as error:
        if faults.passes(error) and (known := faults.explained(error)) is not None:
            raise known from error  # a full disk: the intake is done again when there is room
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{at.filename.rpartition('/')[2]}:{at.lineno}"
        message = f"{part} could not be taken in: {type(error).__name__}: {str(error)[:400]} ({where})"
        raise PartError(part, message) from error
