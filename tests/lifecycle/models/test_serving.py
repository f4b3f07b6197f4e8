"""Production does not vanish: a service that ended, or that does not answer, waits for the operator."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Danger, RunPurpose, RunState
from opsconsole.lifecycle.inbox import waiting
from opsconsole.lifecycle.models.serving import ask_all, unserved
from opsconsole.lifecycle.software.building import start_run
from opsconsole.lifecycle.usecases import USE_CASES
from opsconsole.runs.execute.cancel import cancel
from opsconsole.store import events
from opsconsole.store.connection import open_store
from tests.model_workspace import Shop
from tests.runs.bench import Bench
from tests.runs.conftest import bench, own_git  # noqa: F401 - fixtures

SERVE = '[repos.app.pipelines.serve]\nkind = "task"\nrun = "exec sleep 60"\nserves = "m@production"\n'


class Service(http.server.BaseHTTPRequestHandler):
    """Says which version it serves."""

    version = 1
    status = 200

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.end_headers()
        self.wfile.write(json.dumps({"version": type(self).version}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def service() -> Iterator[str]:
    Service.version, Service.status = 1, 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/healthz"
    server.shutdown()
    server.server_close()
    thread.join()


def in_production(shop: Shop, *, probe: str | None = None, more: str = "") -> None:
    toml = shop.root / "opsconsole.toml"
    text = toml.read_text(encoding="utf-8")
    if probe is not None:
        text = text.replace("[models.m]\n", f'[models.m]\nprobe = "{probe}"\n')
    toml.write_text(text + more, encoding="utf-8")
    shop.workspace = open_workspace(shop.root)
    shop.version()
    with shop.store.immediate() as connection:
        connection.execute(
            "INSERT INTO aliases (model, alias, version, revision, moved_at)"
            " VALUES ('m', 'production', 1, 1, '2026-01-01T00:00:00.000000Z')"
        )


def test_a_service_that_ended_waits_at_once_and_its_run_is_a_service(bench: Bench, shop: Shop) -> None:  # noqa: F811
    in_production(shop, more=f'[repos.app]\npath = "{bench.repo}"\n{SERVE}')
    from opsconsole.repos import registration

    registration.trust(shop.workspace, shop.store, "app")
    bench.workspace, bench.store, bench.root = shop.workspace, shop.store, shop.root
    assert unserved(shop.workspace, shop.store) == [], "it never ran"
    run_id = start_run(shop.workspace, shop.store, "app/serve")
    bench.started.append(run_id)
    bench.supervisor(run_id)
    assert unserved(shop.workspace, shop.store) == []
    cancel(shop.workspace, shop.store, run_id)
    ended = bench.wait(run_id)
    assert (ended.state, ended.purpose) == (RunState.CANCELLED, RunPurpose.SERVE)
    (item,) = waiting(shop.workspace, shop.store)
    assert (item.kind, str(item.target), item.since) == ("service", f"run {run_id}", ended.ended_at)
    assert "nobody answers for m@production since" in item.text
    again = start_run(shop.workspace, shop.store, "app/serve")
    bench.started.append(again)
    assert waiting(shop.workspace, shop.store) == []
    cancel(shop.workspace, shop.store, again)
    bench.wait(again)


def test_a_probe_that_is_not_answered_waits_and_is_told_once(shop: Shop, service: str) -> None:
    in_production(shop, probe=service)
    (served,) = ask_all(shop.workspace, shop.store)
    assert (served.version, served.problem) == (1, None)
    assert waiting(shop.workspace, shop.store) == []
    Service.status = 500
    first = ask_all(shop.workspace, shop.store)[0]
    second = ask_all(shop.workspace, shop.store)[0]
    assert first.since == second.since
    (item,) = waiting(shop.workspace, shop.store)
    assert (item.kind, item.since) == ("service", first.since)
    assert "500" in item.text
    Service.status, Service.version = 200, 7
    wrong = ask_all(shop.workspace, shop.store)[0]
    assert wrong.version == 7
    assert wrong.since == first.since, "still no good answer"
    Service.version = 1
    ask_all(shop.workspace, shop.store)
    assert waiting(shop.workspace, shop.store) == []
    told = [event.kind for event in events.events(shop.store, kind="model.", limit=20)]
    assert [kind for kind in told if kind in {"model.served", "model.unserved"}] == ["model.served", "model.unserved"]


def test_two_who_ask_at_once_tell_of_a_change_once(shop: Shop, service: str) -> None:
    in_production(shop, probe=service)
    Service.status = 500
    barrier = threading.Barrier(4)

    def ask() -> None:
        with open_store(shop.workspace.state) as store:
            barrier.wait()
            ask_all(shop.workspace, store)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [event.kind for event in events.events(shop.store, kind="model.unserved", limit=20)]
    assert told == ["model.unserved"]


def test_what_ends_a_service_is_an_act_on_production() -> None:
    assert USE_CASES["service.stop"].danger is Danger.PRODUCTION
    assert USE_CASES["service.stop"].command(run=3) == "opsconsole cancel 3 --yes"
