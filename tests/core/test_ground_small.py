"""Clock, files, actor, errors, the HTTP client: small things that everything stands on."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import opsconsole
from opsconsole.core import actor, clock, errors
from opsconsole.core.errors import ExitCode, OpsconsoleError, UnreachableError
from opsconsole.core.files import digest_bytes, digest_file, digest_rows, expanded, locked, try_lock, write_atomically
from opsconsole.core.http import get_json
from opsconsole.core.nouns import Address


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001
def test_times_are_kept_whole_and_sort_as_text(moment: datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    written = clock.to_text(aware)
    assert clock.from_text(written) == aware
    assert clock.from_text(written).tzinfo is UTC
    assert len(written) == 27
    assert written < clock.to_text(aware + timedelta(microseconds=1))


def test_a_time_without_a_zone_is_refused_when_written_and_utc_when_read() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        clock.to_text(datetime(2026, 1, 1))  # noqa: DTZ001
    assert clock.from_text("2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.from_text_or_none(None) is None


def test_an_atomic_write_is_whole_private_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o600
    write_atomically(path, b"two", mode=0o644)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o644)
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"three")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_lock_is_exclusive_shared_when_asked_and_ends_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import sys, signal\n"
        "from pathlib import Path\n"
        "from opsconsole.core.files import try_lock\n"
        "held = try_lock(Path(sys.argv[1]))\n"
        "print(held is not None, flush=True)\n"
        "signal.pause()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    assert try_lock(path) is None
    assert try_lock(path, shared=True) is None
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    first, second = try_lock(path, shared=True), try_lock(path, shared=True)
    assert first is not None
    assert second is not None
    assert try_lock(path) is None
    os.close(first)
    os.close(second)
    with locked(tmp_path), locked(path) as held:
        assert held is not None
        assert try_lock(path) is None


def test_digests_name_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1_000_000)
    assert digest_file(tmp_path / "file") == digest_bytes(b"abc" * 1_000_000)
    assert digest_bytes(b"").startswith("sha256:e3b0c442")
    assert digest_rows(["b", "a"]) == digest_rows(["a", "b"]) == digest_bytes(b"a\nb\n")
    assert digest_rows(["ab"]) != digest_rows(["a", "b"])


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"OPSCONSOLE_ACTOR": "ann", "SUDO_USER": "bob", "SSH_CONNECTION": ""}, "ann"),
        ({"OPSCONSOLE_ACTOR": "", "SUDO_USER": "bob", "SSH_CONNECTION": "10.0.0.7 5 10.0.0.1 22"}, "bob@10.0.0.7"),
        ({"OPSCONSOLE_ACTOR": "ann@desk", "SSH_CONNECTION": "10.0.0.7 5 10.0.0.1 22"}, "ann@desk"),
        ({"OPSCONSOLE_ACTOR": "", "SUDO_USER": "", "SSH_CONNECTION": "", "LOGNAME": "cat"}, "cat"),
    ],
)
def test_the_actor_is_who_says_so_first(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str
) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert actor.current_actor() == name


def test_the_origin_is_the_door_the_act_came_through(monkeypatch: pytest.MonkeyPatch) -> None:
    assert actor.current_origin() == "cli"
    monkeypatch.setenv("OPSCONSOLE_ORIGIN", "console")
    assert actor.current_origin() == "console"


def _tree(kind: type[OpsconsoleError]) -> list[type[OpsconsoleError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _tree(child))]


def test_every_error_has_its_exit_code_and_the_docstring_draws_the_tree() -> None:
    found = [kind for kind in _tree(OpsconsoleError) if kind.__module__ == errors.__name__]
    drawn = errors.__doc__ or ""
    assert {kind.__name__ for kind in found} == {word for word in drawn.split() if word.endswith("Error")}
    direct = {kind.exit_code: kind.code for kind in OpsconsoleError.__subclasses__()}
    assert set(direct) == set(ExitCode) - {ExitCode.OK, ExitCode.UNDECIDED}
    assert str(OpsconsoleError("what", hint="next")) == "what\nnext"


def test_no_error_of_the_product_is_raised_without_saying_what() -> None:
    names = {kind.__name__ for kind in _tree(OpsconsoleError)}
    silent = [
        f"{path.name}:{node.lineno}"
        for path in Path(opsconsole.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and not node.args
    ]
    assert silent == []


class Service(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self) -> None:
        said = {"/good": b'{"version": 2}', "/text": b"hello", "/huge": b"9" * (9 << 20), "/bytes": b"\xff"}
        if self.path == "/broken":
            self.send_error(500)
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
        elif self.path == "/dripping":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.01)
            except OSError:
                return
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said[self.path])

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/broken", "answered 500"),
        ("/away", "answered 302"),
        ("/text", "is not JSON"),
        ("/bytes", "is not JSON"),
        ("/huge", "larger than 8 MiB"),
        ("/dripping", r"no whole answer in 0\.3 s"),
    ],
)
def test_what_is_no_answer_is_told_as_unreachable(service: str, path: str, said: str) -> None:
    with pytest.raises(UnreachableError, match=said):
        get_json(service + path, timeout=0.3 if path == "/dripping" else 5.0)


def test_an_answer_is_parsed(service: str) -> None:
    assert get_json(f"{service}/good") == {"version": 2}


def test_nobody_there_and_no_url_are_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "nonsense", "http://[::1", "ftp://x/"):
        with pytest.raises(UnreachableError):
            get_json(url, timeout=1.0)


def test_a_tilde_is_home_or_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert expanded("~$rows.csv") == Path("~$rows.csv")
    assert expanded("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert expanded(Path("data/~x")) == Path("data/~x")


@pytest.mark.parametrize(
    ("text", "noun", "name"),
    [("run 42", "run", "42"), ("monitor new rows", "monitor", "new rows"), ("store", "store", "")],
)
def test_an_address_is_read_as_it_is_written(text: str, noun: str, name: str) -> None:
    address = Address.of(text)
    assert (address, str(address)) == (Address(noun, name), text)
