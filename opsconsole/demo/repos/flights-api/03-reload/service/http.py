"""The HTTP side: each request asks which version is in production, then answers from that one."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from service.encoder import BadRow
from service.loaded import Loaded
from service.versions import current

LIMIT = 4 << 20
"""How many bytes a request may have."""


def make_server(alias: Path, port: int) -> ThreadingHTTPServer:
    """Return a server on the loopback; OSError when the port is taken."""
    loaded = Loaded(alias)

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

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != "/predict" or length > LIMIT:
                self.close_connection = True
                self.answer(404 if self.path != "/predict" else 413, {"error": f"{self.path}, {length} bytes"})
                return
            held = loaded.get()
            if held is None:
                self.answer(503, {"error": "there is no model in production"})
                return
            try:
                rows = json.loads(self.rfile.read(length))["rows"]
                release, model = held
                scores = model.score(rows)
            except (ValueError, KeyError, TypeError) as error:
                said = str(error) if isinstance(error, BadRow) else 'wanted: {"rows": [{...}]}'
                self.answer(400, {"error": said})
                return
            self.answer(200, {"model": "flights", "version": release.version, "scores": scores})

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
