"""The one HTTP client factory: short timeouts, no redirects to elsewhere, errors that say which service and what next."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from opsconsole import __version__
from opsconsole.ground.errors import UnreachableError

if TYPE_CHECKING:
    import httpx

LIMIT = 8 << 20
"""Bytes of an answer, at most."""


def client(*, timeout: float = 5.0) -> httpx.Client:
    """Return a client for one conversation; use it as a context manager."""
    import httpx

    return httpx.Client(
        timeout=httpx.Timeout(timeout, connect=min(timeout, 2.0)),
        headers={"user-agent": f"opsconsole/{__version__}"},
        follow_redirects=False,
    )


def get_json(url: str, *, timeout: float = 5.0) -> object:
    """Return what a service answers to GET, parsed; anything but 2xx with JSON is ``UnreachableError``.

    ``timeout`` (seconds) is for all of it: a service that drips its answer does not hold the operator up.
    """
    import httpx

    deadline = time.monotonic() + timeout
    try:
        with client(timeout=timeout) as session, session.stream("GET", url) as answer:
            answer.raise_for_status()
            body = bytearray()
            for block in answer.iter_bytes():
                body += block
                if time.monotonic() > deadline:
                    raise UnreachableError(f"{url}: no whole answer in {timeout:g} s", hint="look at the service's log")
                if len(body) > LIMIT:
                    raise UnreachableError(f"{url}: the answer is larger than {LIMIT >> 20} MiB")
            return json.loads(body)
    except httpx.HTTPStatusError as error:
        raise UnreachableError(
            f"{url} answered {error.response.status_code}", hint="look at the service's log"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise UnreachableError(f"{url}: {error or type(error).__name__}", hint="is the service running?") from error
    except (ValueError, RecursionError) as error:
        raise UnreachableError(f"{url}: the answer is not JSON", hint="the probe must answer JSON") from error
