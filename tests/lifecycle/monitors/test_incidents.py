"""What an operator, a promotion and a rollback do to incidents; each change has its event, each move is whole or is not."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta

import pytest

from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, NotFoundError, UsageError
from opsconsole.core.nouns import AlertState, Resolution, Severity
from opsconsole.lifecycle.models.candidates import roll_back_alias
from opsconsole.lifecycle.monitors import incidents
from opsconsole.store import alerts, chunks, events, promotions
from opsconsole.store.alerts import News
from opsconsole.store.chunk_records import ChunkRecord, Kept, Stamp
from opsconsole.store.findings import Finding
from tests.model_workspace import Shop

MONITOR = """
[monitors.watch]
model = "m@production"
current = "data/*.csv"
time = "t"
"""
FINDING = Finding("performance", Severity.CRITICAL, "AUC .6 below .7")
KILLED_BEFORE_IT_REOPENS = """
import os, signal, sys
from opsconsole.cli import root
from opsconsole.store import alerts
alerts.reopen = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(root.run(sys.argv[1:]))
"""


@pytest.fixture
def watched(shop: Shop) -> Shop:
    """Two versions that were live one after the other, and a monitor of what is live."""
    path = shop.root / "opsconsole.toml"
    path.write_text(path.read_text(encoding="utf-8") + MONITOR, encoding="utf-8")
    shop.configure("[monitors.watch]", "[monitors.watch]")
    shop.live(2)
    return shop


def incident(shop: Shop, version: int) -> int:
    """Open the incident of a version."""
    at = clock.now()
    record = ChunkRecord(
        monitor="watch", model="m", version=version, label="now", start=at, end=at, rows=9, labels=9, metric="auc",
        realised=0.6, low=0.5, high=0.7, floor=0.7, breaches=2, partial=False, severity=Severity.CRITICAL,
        findings=(FINDING,), fingerprint="f",
    )  # fmt: skip
    with shop.store.immediate() as connection:
        chunks.write_chunk(connection, record, Kept(b"", b"", Stamp("", "")), [])
        chunk_id = int(connection.execute("SELECT max(id) FROM chunks").fetchone()[0])
        news = News(Severity.CRITICAL, "AUC .6", ("It fell.",), (FINDING,), chunk_id)
        return alerts.open_alert(connection, monitor="watch", model="m", alias="production", version=version, news=news)


def told(shop: Shop, alert_id: int) -> list[str]:
    return [
        event.kind.removeprefix("alert.") for event in reversed(events.events(shop.store, subject=f"alert {alert_id}"))
    ]


def back_to_the_first(shop: Shop) -> int:
    """Return the incident of v2, closed because a rollback took v2 back."""
    new = incident(shop, 2)
    roll_back_alias(shop.workspace, shop.store, "m", "production", "it is worse")
    assert alerts.alert(shop.store, new).resolution is Resolution.LEFT
    return new


def promote_again(shop: Shop) -> None:
    shop.promote(2, force=("not worse",))


def test_acts_by_hand_are_events_with_reason_actor_and_command(watched: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCONSOLE_ACTOR", "ops")
    alert = incident(watched, 2)
    found = incidents.acknowledge(watched.store, alert, "on it")
    assert (found.state, found.acknowledged_by) == (AlertState.ACKNOWLEDGED, "ops")
    last = events.events(watched.store, kind="alert.acknowledged")[0]
    line = f"opsconsole alert ack {alert} --reason 'on it'"
    assert (last.subject, last.reason, last.actor, last.command) == (f"alert {alert}", "on it", "ops", line)
    found = incidents.snooze(watched.store, alert, "2h")
    assert found.snoozed_until is not None
    assert timedelta(hours=1) < found.snoozed_until - clock.now() < timedelta(hours=2)
    assert events.events(watched.store, limit=1)[0].command == f"opsconsole alert snooze {alert} --for 2h"
    found = incidents.resolve(watched.store, alert, "data was wrong")
    assert (found.state, found.live, found.resolution) == (AlertState.RESOLVED, False, Resolution.OPERATOR)
    with watched.store.immediate() as connection:
        alerts.reopen(connection, alert, "no, it was not")
    found = alerts.alert(watched.store, alert)
    assert (found.state, found.resolution) == (AlertState.OPEN, None)


def test_what_makes_no_sense_is_a_conflict_and_changes_nothing(watched: Shop) -> None:
    alert = incident(watched, 2)
    with pytest.raises(ConflictError, match="open already"), watched.store.immediate() as connection:
        alerts.reopen(connection, alert)
    incidents.resolve(watched.store, alert)
    before = told(watched, alert)
    with pytest.raises(ConflictError, match="resolved already"):
        incidents.resolve(watched.store, alert)
    with pytest.raises(ConflictError, match="resolved already"):
        incidents.acknowledge(watched.store, alert)
    with pytest.raises(ConflictError, match="resolved already"):
        incidents.snooze(watched.store, alert, "1h")
    for length in ("-1h", "0s", "soon"):
        with pytest.raises(UsageError, match="--for: not a"):
            incidents.snooze(watched.store, alert, length)
    with pytest.raises(NotFoundError, match="no alert 99"):
        incidents.acknowledge(watched.store, 99)
    assert told(watched, alert) == before


def test_a_rollback_opens_the_incident_of_what_is_live_again_and_closes_that_of_what_left(watched: Shop) -> None:
    old = incident(watched, 1)
    with watched.store.immediate() as connection:
        alerts.resolve(connection, old, Resolution.CURED, "v2 was healthy", cured_by=2)
    new = incident(watched, 2)
    roll_back_alias(watched.workspace, watched.store, "m", "production", "it is worse")
    alert = alerts.alert(watched.store, old)
    assert (alert.state, alert.cured_by, alert.resolved_at, alert.resolution) == (AlertState.OPEN, None, None, None)
    assert told(watched, old) == ["opened", "resolved", "reopened"]
    closed = alerts.alert(watched.store, new)
    assert (closed.state, closed.cured_by, closed.resolution) == (AlertState.RESOLVED, None, Resolution.LEFT)
    assert events.events(watched.store, kind="alert.resolved")[0].reason == "v2 left production: v1 holds it again"


def test_the_incident_of_a_version_that_left_opens_again_when_it_is_promoted_once_more(watched: Shop) -> None:
    new = back_to_the_first(watched)
    promote_again(watched)
    assert alerts.alert(watched.store, new).state is AlertState.OPEN
    last = events.events(watched.store, limit=2)
    assert [(event.kind, event.reason) for event in last] == [
        ("alert.reopened", "v2 is back in production"),
        ("model.promoted", "better"),
    ]


def test_what_was_resolved_by_hand_stays_so_whatever_its_reason_says(watched: Shop) -> None:
    new = back_to_the_first(watched)
    with watched.store.immediate() as connection:
        alerts.reopen(connection, new)
    incidents.resolve(watched.store, new, "v2 left production: v1 holds it again")
    promote_again(watched)
    assert alerts.alert(watched.store, new).state is AlertState.RESOLVED


def test_a_promotion_whose_incident_cannot_be_opened_is_none(watched: Shop) -> None:
    new = back_to_the_first(watched)
    before = (len(events.events(watched.store)), len(promotions.history(watched.store, "m")))
    with sqlite3.connect(watched.store.path) as other:
        other.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON events WHEN new.kind = 'alert.reopened'"
            " BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
        )
    other.close()
    with pytest.raises(sqlite3.IntegrityError):
        promote_again(watched)
    assert (len(events.events(watched.store)), len(promotions.history(watched.store, "m"))) == before
    assert (watched.at(), watched.link()) == (1, "versions/1")
    with sqlite3.connect(watched.store.path) as other:
        other.execute("DROP TRIGGER no_more")
    other.close()
    promote_again(watched)
    assert (watched.at(), alerts.alert(watched.store, new).state) == (2, AlertState.OPEN)


def test_a_promoter_killed_before_the_incident_is_open_has_promoted_nothing(watched: Shop) -> None:
    new = back_to_the_first(watched)
    words = ["model", "promote", "m:2", "--to", "production", "--reason", "better", "--expect", "1",
             "--force-gate", "not worse", "--yes", "--json"]  # fmt: skip
    argv = [sys.executable, "-c", KILLED_BEFORE_IT_REOPENS, "-C", str(watched.root), *words]
    assert subprocess.run(argv, check=False, capture_output=True, timeout=60).returncode == -signal.SIGKILL
    assert (watched.at(), alerts.alert(watched.store, new).state) == (1, AlertState.RESOLVED)
    promote_again(watched)
    assert (watched.at(), alerts.alert(watched.store, new).state) == (2, AlertState.OPEN)
