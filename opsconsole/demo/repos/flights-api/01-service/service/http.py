"""The HTTP side: each request asks which version is in production, then answers from that one."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from service.versions import current


def make_server(alias: Path, port: int) -> ThreadingHTTPServer:
    """Return a server on the loopback; OSError when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/healthz":
                self.answer(404, {"error": f"there is no {self.path}"})
                return
            release = current(alias)
            if release is None:
                self.answer(503, {"status": "no model", "model": "flights", "version": None})
                return
            self.answer(200, {"status": "ok", "model": "flights", "version": release.version})

        def answer(self, status: int, document: dict[str, object]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            print(f"{self.address_string()} {format % values}", flush=True)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
