"""``python -m service``: answer on 127.0.0.1, port $PORT (8013)."""

from __future__ import annotations

import os
import sys

from service.http import make_server
from service.versions import alias_path


def main() -> int:
    """Serve until ended."""
    port = int(os.environ.get("PORT", "8013"))
    try:
        server = make_server(alias_path(), port)
    except OSError as error:
        print(f"\x1b[31mport {port} cannot be had: {error.strerror}\x1b[0m", file=sys.stderr)
        return 1
    print(f"\x1b[32mserving\x1b[0m {alias_path()} on http://127.0.0.1:{port} [/]", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
