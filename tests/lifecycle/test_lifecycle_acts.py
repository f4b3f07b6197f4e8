"""What crosses rooms: what waits, a retrain, a probe, a workspace that is founded."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.load import load
from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import ConfigError, ConflictError, NotFoundError, RefusedError, StoreError
from opsconsole.core.files import locked
from opsconsole.core.nouns import AlertState, RunCause, RunState, Severity
from opsconsole.drift.report.monitor_report import monitors
from opsconsole.lifecycle.inbox import waiting
from opsconsole.lifecycle.ladders import model_of
from opsconsole.lifecycle.models import serving_check
from opsconsole.lifecycle.models.candidates import judge, remember
from opsconsole.lifecycle.models.retraining import held_out_from, retrain, training_of
from opsconsole.lifecycle.models.serving_check import probe
from opsconsole.lifecycle.monitors import incidents
from opsconsole.lifecycle.software.building import start_rerun, start_run
from opsconsole.lifecycle.workspace_init import FoundRepo, render, scout, write_workspace
from opsconsole.runs.execute.follow import wait, wait_until_released
from opsconsole.store import alerts, chunks, events, runs
from opsconsole.store.alerts import News
from opsconsole.store.chunk_records import ChunkRecord, Kept, Stamp
from opsconsole.store.connection import Store, open_store
from opsconsole.store.findings import Finding
from tests.full_workspace import month
from tests.model_workspace import Left, Shop, opsconsole
from tests.runs.bench import Bench, until, waits_for

FINDING = Finding("performance", Severity.CRITICAL, "AUC .6 below .7")


def chunk(store: Store, start: datetime, *, labels: int = 100, severity: Severity = Severity.CRITICAL) -> int:
    """Write a checked window."""
    record = ChunkRecord(
        monitor="watch", model="m", version=1, label=f"{start:%b %Y}", start=start, end=start + timedelta(days=28),
        rows=100, labels=labels, metric="auc", realised=0.6, low=0.5, high=0.7, floor=0.7, breaches=2, partial=False,
        severity=severity, findings=(FINDING,), fingerprint=str(start),
    )  # fmt: skip
    with store.immediate() as connection:
        chunks.write_chunk(connection, record, Kept(b"", b"", Stamp("", "")), [])
        return int(connection.execute("SELECT max(id) FROM chunks").fetchone()[0])


def incident(store: Store, chunk_id: int, *, severity: Severity = Severity.CRITICAL, version: int = 1) -> int:
    news = News(severity, "AUC .6", ("It fell.",), (FINDING,), chunk_id)
    with store.immediate() as connection:
        return alerts.open_alert(connection, monitor="watch", model="m", alias="production", version=version, news=news)


def at(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def test_what_waits_stands_worst_first(works: Bench, shop: Shop) -> None:
    store = shop.store
    assert waiting(shop.workspace, store) == []
    shop.version()
    remember(store, judge(shop.workspace, store, "m", 1, "production"))
    window = chunk(store, at(3))
    incident(store, window, severity=Severity.WARN)
    incident(store, window, version=2)
    incident(store, window, severity=Severity.INFO, version=3)
    path = shop.root / "opsconsole.toml"
    path.write_text(path.read_text() + f'[repos.app]\npath = "{works.repo}"\n')
    workspace = open_workspace(shop.root)
    shop.tested(passed=1, failed=1)
    found = waiting(workspace, store)
    assert [(item.kind, str(item.target)) for item in found] == [
        ("alert", "alert 2"),
        ("decision", "model m:1"),
        ("alert", "alert 1"),
        ("broken", "run 2"),
        ("untrusted", "repo app"),
    ], "information waits for nobody"
    with store.immediate() as connection:
        alerts.acknowledge(connection, 2)
    shop.promote(1)
    assert [item.kind for item in waiting(workspace, store)] == ["alert", "broken", "untrusted"], (
        "what is seen or decided waits no more"
    )


def test_a_broken_pipeline_waits_behind_any_number_of_other_runs_until_it_is_given_up(works: Bench, shop: Shop) -> None:
    store = shop.store
    path = shop.root / "opsconsole.toml"
    path.write_text(path.read_text() + f'[repos.app]\npath = "{works.repo}"\n')
    workspace = open_workspace(shop.root)
    run = (
        "INSERT INTO runs (repo, pipeline, kind, purpose, state, commit_id, actor, created_at)"
        " VALUES ('app',?,'task','task',?,?,'ops',?)"
    )
    moments = [f"2026-0{month}-01T00:00:00.000000Z" for month in (1, 4, 6)]
    with store.immediate() as connection:
        connection.execute(run, ("retired", "failed", "a", moments[0]))
        connection.execute(run, ("nightly", "failed", "b", moments[1]))
        connection.executemany(run, [("build", "passed", str(number), moments[2]) for number in range(150)])
    assert [item.title for item in waiting(workspace, store)] == ["app/nightly #2", "app"]


def test_a_decision_against_a_champion_that_moved_since_is_not_offered(shop: Shop) -> None:
    shop.live(2)
    shop.version(Left(skill=3, champion_skill=1.5, champion_seed=2, seed=3), champion=2)
    remember(shop.store, judge(shop.workspace, shop.store, "m", 3, "production"))
    (offered,) = waiting(shop.workspace, shop.store)
    assert offered.text.startswith("beats v2 by .")
    shop.promote(1, force=("not worse", "same rows"))
    assert waiting(shop.workspace, shop.store) == []


def test_the_newest_labelled_window_is_held_out(works: Bench) -> None:
    with pytest.raises(RefusedError, match="has no whole window with labels"):
        held_out_from(works.store, "watch")
    chunk(works.store, at(3))
    chunk(works.store, at(2))
    chunk(works.store, at(4), labels=49)
    assert held_out_from(works.store, "watch") == at(3), "a window with too few labels judges nobody"
    chunk(works.store, at(5), labels=50)
    assert held_out_from(works.store, "watch") == at(5)


def test_the_training_that_answers_is_the_one_that_names_the_monitor(works: Bench) -> None:
    assert training_of(works.workspace, "watch") == "app/train"
    with pytest.raises(NotFoundError) as nobody:
        training_of(works.workspace, "other")
    assert 'on = { alert = "other" }' in nobody.value.hint


def test_a_model_is_known_by_its_monitor_or_by_being_the_only_one(works: Bench) -> None:
    assert model_of(works.workspace, "app/train") == "m"
    assert model_of(works.workspace, "app/anything") == "m"
    path = works.root / "opsconsole.toml"
    path.write_text(path.read_text() + "[models.other]\n")
    workspace = open_workspace(works.root)
    assert model_of(workspace, "app/train") == "m"
    assert model_of(workspace, "app/anything") is None


def test_a_retrain_is_told_the_alert_and_where_the_data_end(works: Bench) -> None:
    alert = incident(works.store, chunk(works.store, at(4)))
    run_id = retrain(works.workspace, works.store, alert)
    record = wait(works.workspace, works.store, run_id, timeout=60)
    wait_until_released(works.workspace, run_id)
    assert record.state is RunState.PASSED, record.error
    assert (record.alert_id, record.reason) == (alert, f"alert {alert}: AUC .6")
    assert (
        works.log(run_id, "train").decode().strip() == f"champion None alert {alert} until 2013-04-01T00:00:00.000000Z"
    )
    answered = events.events(works.store, kind="alert.answered")[0]
    assert (answered.subject, answered.detail["run"]) == (f"alert {alert}", run_id)
    assert answered.command == f"opsconsole alert retrain {alert} --detach"


def test_a_second_retrain_while_one_runs_is_a_conflict_and_afterwards_it_is_not(works: Bench) -> None:
    path = works.root / "opsconsole.toml"
    path.write_text(
        path.read_text().replace(
            'run = "python train.py"', 'run = "while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done"'
        )
    )
    works.workspace = open_workspace(works.root)
    alert = incident(works.store, chunk(works.store, at(4)))
    argv = [
        sys.executable,
        "-m",
        "opsconsole",
        "-C",
        str(works.root),
        "alert",
        "retrain",
        str(alert),
        "--detach",
        "--json",
    ]
    with locked(lock := works.workspace.state / "retraining.lock"):
        both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        until(lambda: all(waits_for(process.pid, lock) for process in both))
        assert runs.page(works.store, alert_id=alert) == []
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert sorted(process.returncode for process in both) == [0, 5, 5], "however many ask at once, one runs"
    (run,) = runs.page(works.store, alert_id=alert)
    works.started.append(run.id)
    refused = [answer["error"]["message"] for answer in answers if answer["error"]]
    assert refused == [f"run {run.id} is answering alert {alert} already"] * 2
    (works.root / "go").touch()
    wait(works.workspace, works.store, run.id, timeout=60)
    wait_until_released(works.workspace, run.id)
    again = retrain(works.workspace, works.store, alert)
    answer = wait(works.workspace, works.store, again, timeout=60)
    assert (answer.alert_id, answer.cause) == (alert, RunCause.ALERT)


def test_a_resolved_alert_is_not_retrained_and_an_unknown_one_not_found(works: Bench) -> None:
    alert = incident(works.store, chunk(works.store, at(4)))
    incidents.resolve(works.store, alert)
    with pytest.raises(ConflictError, match="is resolved"):
        retrain(works.workspace, works.store, alert)
    with pytest.raises(NotFoundError):
        retrain(works.workspace, works.store, 99)


def test_a_rerun_says_what_it_repeats(works: Bench) -> None:
    first = start_run(works.workspace, works.store, "app", rev="broken")
    wait(works.workspace, works.store, first, timeout=60)
    again = start_rerun(works.workspace, works.store, first, only_failed=True)
    record = wait(works.workspace, works.store, again, timeout=60)
    assert (record.rerun_of, record.reason) == (first, f"the failed tests of run {first}")
    assert record.cause is RunCause.RERUN
    assert record.tests is not None
    assert (record.tests.failed, record.tests.total) == (1, 1)


def test_the_loop_closes_from_alert_to_cure_and_back(mill: Path) -> None:
    """From the alert that the mill ends with: retrain, promote; a healthy month cures; a rollback opens it again."""

    def ops(*words: str, code: int = 0) -> None:
        said = opsconsole(mill, *words, "--json")
        assert said.code == code, said

    with open_store(mill / ".opsconsole") as store:
        (alert,) = alerts.alerts(store, live=True)
        assert (alert.severity, alert.version) == (Severity.CRITICAL, 1)
        ops("alert", "retrain", str(alert.id))
        why = f"cures alert {alert.id}"
        ops("model", "promote", "m:3", "--to", "production", "--reason", why, "--expect", "1", "--yes")
        for number in (3, 4, 5):
            month(mill, number, skill=2.5)  # scored anew, as a score pipeline does for the version that is live
        ops("drift", "check", "watch")
        cured = alerts.alert(store, alert.id)
        assert (cured.state, cured.cured_by) == (AlertState.RESOLVED, 3)
        ops("model", "rollback", "m", "--alias", "production", "--reason", "try it", "--yes")
        assert alerts.alert(store, alert.id).state is AlertState.OPEN
        assert [item.version for item in alerts.alerts(store, live=True)] == [1], "no alert of v3 stands, which left"
        (shown,) = monitors(store, load(mill / "opsconsole.toml"))
        assert (shown.version, shown.severity) == (1, Severity.CRITICAL)
        own = chunks.chunks(store, "watch", version=1, limit=1)[0]
        assert (shown.last, shown.realised) == (own.label, own.realised), "v1's numbers under v1's severity"
        trail = list(reversed(events.events(store)))
    assert {event.actor for event in trail if event.command is not None} == {"tess"}
    story = ["run.queued", "version.registered", "model.promoted", "alert.opened", "alert.answered", "model.promoted",
             "alert.resolved", "model.rolled_back", "alert.reopened"]  # fmt: skip
    rest = iter(event.kind for event in trail)
    assert all(kind in rest for kind in story), [event.kind for event in trail]


class Consumer(BaseHTTPRequestHandler):
    """A service that says what its path says."""

    def do_GET(self) -> None:
        body = {"/right": b'{"version": 1}', "/wrong": b'{"version": 7}', "/bare": b"[]", "/true": b'{"version": true}',
                "/text": b"v1"}.get(self.path)  # fmt: skip
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def consumer() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Consumer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "version", "said"),
    [
        ("/right", 1, "answers with v1"),
        ("/wrong", 7, "still answers with v7"),
        ("/bare", None, "names no version"),
        ("/true", None, "names no version"),
        ("/text", None, "did not answer: "),
        ("/absent", None, "answered 404"),
    ],
)
def test_the_consumer_is_asked_which_version_it_answers_with(
    shop: Shop, consumer: str, path: str, version: int | None, said: str
) -> None:
    shop.configure("ladder", f'probe = "{consumer}{path}"\nladder')
    assert probe(shop.workspace, shop.store, "m", "production") is None, "nothing is live yet"
    shop.version()
    shop.promote(1)
    found = probe(shop.workspace, shop.store, "m", "production")
    assert found is not None
    assert (found.version, found.expected, found.agrees) == (version, 1, version == 1)
    assert said in found.sentence
    assert probe(shop.workspace, shop.store, "m", "candidate") is None


def test_headers_that_drip_hold_nobody_up_and_no_password_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def drip() -> None:
            peer, _ = server.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not over.wait(0.02):
                    peer.sendall(b"a")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://ops:hunter2@127.0.0.1:{server.getsockname()[1]}/v?token=hunter2"
        shop.configure("ladder", f'probe = "{url}"\nladder')
        shop.version()
        shop.promote(1)
        monkeypatch.setattr(serving_check, "DEADLINE", 0.3)
        began = time.monotonic()
        found = probe(shop.workspace, shop.store, "m", "production")
        assert time.monotonic() - began < 2
        over.set()
        thread.join()
    assert found is not None
    assert "no whole answer in 0.3 s" in found.sentence
    assert "hunter2" not in f"{found.sentence} {found.url}"


def test_a_consumer_that_does_not_answer_holds_no_promotion_up(shop: Shop) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        shop.configure("ladder", f'probe = "http://127.0.0.1:{silent.getsockname()[1]}/"\nladder')
        shop.version()
        said = opsconsole(
            shop.root, "model", "promote", "m:1", "--to", "production", "--reason", "r", "--yes", "--json"
        )
    assert (said.code, said.json["to"], said.json["serving"]["version"]) == (0, 1, None)
    assert "did not answer" in said.json["serving"]["sentence"]
    assert shop.link() == "versions/1"


@given(
    st.lists(
        st.builds(
            FoundRepo,
            name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True),
            path=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20),
            runner=st.none() | st.text(max_size=10),
            reason=st.text(max_size=30),
        ),
        max_size=4,
        unique_by=lambda repo: repo.name,
    ),
    st.text(max_size=10),
)
def test_what_is_founded_always_loads_whatever_folders_are_called(
    tmp_path_factory: pytest.TempPathFactory, repos: list[FoundRepo], name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "founded.toml"
    path.write_bytes(render(name, repos).encode())
    config = load(path)
    assert {key: repo.path for key, repo in config.repos.items()} == {repo.name: repo.path for repo in repos}


def test_repos_are_found_named_apart_and_never_run(tmp_path: Path) -> None:
    for folder in ("a/app", "b/app", "c/[/] x", "empty"):
        repo = tmp_path / folder
        repo.mkdir(parents=True)
        subprocess.run(["git", "-C", str(repo), "init", "-q", "-b", "main"], check=True)
        if folder == "empty":
            continue
        (repo / "conftest.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
        (repo / "test_x.py").write_text("def test_x(): pass")
        subprocess.run(["git", "-C", str(repo), "add", "-A"], check=True)
        subprocess.run(["git", "-C", str(repo), "commit", "-q", "-m", "Begin"], check=True)
    found = {repo.name: repo for repo in scout(tmp_path)}
    assert set(found) == {"app", "app-2", "x", "empty"}
    assert found["app"].runner == "pytest"
    assert found["empty"].runner is None
    assert found["empty"].reason
    assert not (tmp_path / "ran").exists()
    path = write_workspace(tmp_path, list(found.values()))
    assert set(load(path).repos) == set(found)
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="is there already"):
        write_workspace(tmp_path, [])
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        write_workspace(tmp_path / "file" / "x", [])


def test_a_training_of_several_models_is_told_the_champion_of_its_own_or_does_not_start(works: Bench) -> None:
    from opsconsole.lifecycle.software.building import require_model
    from opsconsole.runs.plan.planner import plan

    text = (works.root / "opsconsole.toml").read_text().replace('on = { alert = "watch" }\n', "") + "[models.other]\n"
    (works.root / "opsconsole.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"which of the models"):
        open_workspace(works.root)
    (works.root / "opsconsole.toml").write_text(text.replace('kind = "train"', 'kind = "train"\nmodel = "other"'))
    workspace = open_workspace(works.root)
    assert require_model(workspace, plan(workspace, works.store, "app/train")) == "other"
