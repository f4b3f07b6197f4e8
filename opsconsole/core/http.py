"""The one HTTP client factory: short timeouts, no redirects to elsewhere, errors that say which service and what next."""

from __future__ import annotations

import json
import queue
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from opsconsole import __version__
from opsconsole.core.errors import UnreachableError

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


def shown(url: str) -> str:
    """Return a URL as it may be shown: without name, password and query, which hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the URL"
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def get_json(url: str, *, timeout: float = 5.0) -> object:
    """Return what a service answers to GET, parsed; anything but 2xx with JSON is ``UnreachableError``.

    ``timeout`` (seconds) is for all of it, names, connection, headers and body: it is asked in a thread that is left to
    itself when the time is over, so that a service that drips its answer does not hold the operator up.
    """
    answers: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_body(url, timeout))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="get-json").start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty as error:
        raise UnreachableError(
            f"{shown(url)}: no whole answer in {timeout:g} s", hint="look at the service's log"
        ) from error
    if isinstance(answer, BaseException):
        raise answer
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise UnreachableError(f"{shown(url)}: the answer is not JSON", hint="the probe must answer JSON") from error


def _body(url: str, timeout: float) -> bytes:
    import httpx

    deadline = time.monotonic() + timeout
    try:
        with client(timeout=timeout) as session, session.stream("GET", url) as answer:
            answer.raise_for_status()
            body = bytearray()
            for block in answer.iter_bytes():
                body += block
                if time.monotonic() > deadline:
                    raise UnreachableError(f"{shown(url)}: no whole answer in {timeout:g} s")
                if len(body) > LIMIT:
                    raise UnreachableError(f"{shown(url)}: the answer is larger than {LIMIT >> 20} MiB")
            return bytes(body)
    except httpx.HTTPStatusError as error:
        raise UnreachableError(
            f"{shown(url)} answered {error.response.status_code}", hint="look at the service's log"
        ) from error
    except httpx.InvalidURL as error:
        raise UnreachableError(f"{shown(url)}: not a URL", hint="http://HOST:PORT/PATH") from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        message = str(error).replace(url, shown(url)) or type(error).__name__
        raise UnreachableError(f"{shown(url)}: {message}", hint="is the service running?") from error
