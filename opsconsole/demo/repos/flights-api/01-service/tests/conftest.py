"""A service of its own for each test, on a port that the system chooses."""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.http import make_server

os.environ.setdefault("OMP_NUM_THREADS", "1")
Ask = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def alias(tmp_path: Path) -> Path:
    """Return where the alias will be; it points nowhere yet."""
    return tmp_path / "production"


@pytest.fixture
def ask(alias: Path) -> Iterator[Ask]:
    """Return a function that asks the running service."""
    server = make_server(alias, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def request(path: str, document: object = None) -> tuple[int, dict[str, object]]:
        data = None if document is None else json.dumps(document).encode()
        url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    yield request
    server.shutdown()
    thread.join()
    server.server_close()


def point(alias: Path, folder: Path) -> None:
    """Swap the alias as a promotion does: by one rename."""
    link = alias.with_name("next")
    link.symlink_to(folder)
    link.rename(alias)
