"""The one tree of errors: each says what is wrong, where, and what to do next, and carries its exit code.

* OpsconsoleError
  + NegativeError         1  the answer is no: a run failed, a gate failed, a digest is wrong
  + UsageError            2
  + ConfigError           3
  + NotFoundError         4
  + ConflictError         5  someone changed it first
  + RefusedError          6  read-only, untrusted, gates, missing confirmation
    - ConfirmationError      the operator is asked first
  + StoreError            7
    - NewerStoreError        the store was written by a newer version
    - LostStoreError         there is no store where one was
  + UnreachableError      8  an outside service did not answer
  + InterruptError      130  the operator pressed Ctrl-C
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The process exit codes that scripts may rely on."""

    OK = 0
    NO = 1
    USAGE = 2
    CONFIG = 3
    NOT_FOUND = 4
    CONFLICT = 5
    REFUSED = 6
    STORE = 7
    UNREACHABLE = 8
    UNDECIDED = 9
    INTERRUPTED = 130


class OpsconsoleError(Exception):
    """Something the operator should read; ``hint`` says what to do next."""

    exit_code = ExitCode.NO
    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class NegativeError(OpsconsoleError):
    """The question was answered, and the answer is no."""

    exit_code = ExitCode.NO
    code = "no"


class UsageError(OpsconsoleError):
    """The command line, or an argument of an act, makes no sense."""

    exit_code = ExitCode.USAGE
    code = "usage"


class ConfigError(OpsconsoleError):
    """``opsconsole.toml`` cannot be used as it stands."""

    exit_code = ExitCode.CONFIG
    code = "config"


class NotFoundError(OpsconsoleError):
    """There is no such thing."""

    exit_code = ExitCode.NOT_FOUND
    code = "not_found"


class ConflictError(OpsconsoleError):
    """Someone else changed it first; nothing was done."""

    exit_code = ExitCode.CONFLICT
    code = "conflict"


class RefusedError(OpsconsoleError):
    """It could be done, but a rule says no."""

    exit_code = ExitCode.REFUSED
    code = "refused"


class ConfirmationError(RefusedError):
    """The operator is asked first; nothing was done. The same act with ``--yes`` is the answer."""

    code = "confirmation"

    def __init__(self, message: str, *, hint: str = "", asks: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.asks = asks
        """Each thing that is asked about, where there may be several."""


class StoreError(OpsconsoleError):
    """The store cannot be read or written."""

    exit_code = ExitCode.STORE
    code = "store"


class NewerStoreError(StoreError):
    """The store belongs to a newer opsconsole."""


class LostStoreError(StoreError):
    """There is no store, and what lies beside it says that there was one."""


class UnreachableError(OpsconsoleError):
    """A service outside this machine's control did not answer."""

    exit_code = ExitCode.UNREACHABLE
    code = "unreachable"


class InterruptError(OpsconsoleError):
    """The operator ended it."""

    exit_code = ExitCode.INTERRUPTED
    code = "interrupted"
