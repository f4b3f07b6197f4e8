"""``opsconsole``: the command line, and the console when nothing is named."""

from __future__ import annotations

import gc
import sys

from opsconsole.core import umask


def main() -> None:
    """Run the command line and end the process with its exit code.

    A bare ``opsconsole`` in a terminal goes straight to the console: the operator waits for the first frame, so nothing
    is imported that the first frame does not need. Garbage is not looked for while a start makes none, nor at the end,
    when the kernel takes all of it at once: together a fifth of a short command.
    """
    gc.disable()
    umask.settle()
    if len(sys.argv) == 1 and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        from opsconsole.cli.console import open_here

        raise SystemExit(open_here())
    from opsconsole.cli.root import run

    code = run()
    gc.freeze()
    raise SystemExit(code)


if __name__ == "__main__":
    main()
