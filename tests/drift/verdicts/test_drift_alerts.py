"""The life of an incident by real checks; each change has its event."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core import clock
from opsconsole.core.nouns import AlertState, Resolution, Severity
from opsconsole.drift.monitors import Subject
from opsconsole.drift.verdicts import incident
from opsconsole.store import alerts as records
from opsconsole.store import events
from tests.drift.drift_world import World


@pytest.fixture
def fallen(world: World, subject: Subject) -> int:
    """A critical alert of v1 after February and March."""
    for month in (2, 3):
        world.live(month, skill=0.3)
    [alert] = world.check(subject).alerts
    assert alert.severity is Severity.CRITICAL
    return alert.id


def told(world: World, alert_id: int) -> list[str]:
    return [
        event.kind.removeprefix("alert.") for event in reversed(events.events(world.store, subject=f"alert {alert_id}"))
    ]


def test_the_first_healthy_chunk_of_the_version_that_now_holds_the_alias_resolves_it_and_is_named(
    world: World, subject: Subject, fallen: int
) -> None:
    second = world.version(2, world.month(4), at=4)
    world.check(second)
    assert records.alert(world.store, fallen).live
    world.live(5, version=2)
    found = world.check(second)
    assert found.severity is Severity.OK
    alert = records.alert(world.store, fallen)
    assert (alert.state, alert.cured_by, alert.resolution) == (AlertState.RESOLVED, 2, Resolution.CURED)
    last = events.events(world.store, kind="alert.resolved")[0]
    assert last.reason == "v2 was healthy in May 2013"
    assert last.detail == {"cured_by": 2}


def test_input_drift_of_the_cure_does_not_keep_the_alert_open(world: World, fallen: int) -> None:
    second = world.version(2, world.month(4), at=4)
    world.live(5, version=2, shift=4.0)
    world.live(6, version=2, shift=4.0)
    found = world.check(second)
    assert [(alert.version, alert.severity) for alert in found.alerts] == [(2, Severity.INFO)]
    assert records.alert(world.store, fallen).cured_by == 2


@pytest.mark.parametrize("how", [{"labels": False}, {"skill": 0.3}, {"rows": 200}])
def test_a_chunk_without_labels_with_a_bad_metric_or_of_too_few_rows_cures_nothing(
    world: World, fallen: int, how: dict[str, object]
) -> None:
    second = world.version(2, world.month(4), at=4)
    world.live(5, version=2, **how)
    world.check(second)
    assert records.alert(world.store, fallen).live


def test_a_version_that_no_longer_holds_the_alias_neither_cures_nor_opens(world: World, fallen: int) -> None:
    second = world.version(2, world.month(4), at=4)
    world.check(second)
    world.live(5, version=1)
    world.live(6, version=1)
    world.check(second)
    assert records.alert(world.store, fallen).state is AlertState.OPEN
    assert told(world, fallen) == ["opened", "raised"]


def test_one_good_month_of_the_same_version_is_luck_and_two_are_recovery(
    world: World, subject: Subject, fallen: int
) -> None:
    world.live(4)
    assert world.check(subject).alerts[0].id == fallen
    world.live(5)
    assert world.check(subject).alerts == ()
    assert records.alert(world.store, fallen).cured_by == 1
    world.live(6, skill=0.3)
    [alert] = world.check(subject).alerts
    assert (alert.id, alert.severity) == (fallen, Severity.WARN)
    assert told(world, fallen) == ["opened", "raised", "resolved", "reopened"]


def test_an_incident_is_corrected_when_its_own_month_is_judged_anew(
    world: World, subject: Subject, fallen: int
) -> None:
    world.live(3)
    [alert] = world.check(subject).alerts
    assert (alert.severity, alert.state) == (Severity.WARN, AlertState.OPEN), "February is still as it was"
    assert alert.title.endswith("for the first month, in Feb 2013")
    world.live(2)
    assert world.check(subject).alerts == ()
    last = events.events(world.store, kind="alert.resolved")[0]
    assert last.reason == "Feb 2013 was judged anew: nothing of it is left"
    assert records.alert(world.store, fallen).resolution is Resolution.REVISED
    assert told(world, fallen) == ["opened", "raised", "revised", "resolved"]


def test_an_incident_of_rows_that_are_no_more_falls_back_to_the_month_before(
    world: World, subject: Subject, fallen: int
) -> None:
    (world.root / "data" / "2013-03.parquet").unlink()
    world.live(4)
    [alert] = world.check(subject).alerts
    assert (alert.severity, alert.title.endswith("in Feb 2013")) == (Severity.WARN, True)


def test_more_rows_of_the_same_chunk_do_not_end_an_incident_at_once(world: World, subject: Subject) -> None:
    world.live(2, skill=0.3, rows=1200)
    assert len(world.check(subject).alerts) == 1
    world.live(2)
    assert len(world.check(subject).alerts) == 1, "one healthy chunk may be luck"


def test_a_disabled_monitor_still_ends_what_it_opened(world: World, subject: Subject, fallen: int) -> None:
    world.configure('label = "y"', 'label = "y"\nenabled = false')
    world.live(4)
    assert world.check(subject).alerts[0].id == fallen
    world.live(5)
    assert world.check(subject).alerts == ()


def test_each_new_bad_month_continues_the_incident_and_a_repeated_check_does_not(
    world: World, subject: Subject, fallen: int
) -> None:
    world.live(4, skill=0.3)
    world.check(subject)
    world.check(subject)
    alert = records.alert(world.store, fallen)
    assert alert.words[0].endswith("for the 3rd month.")
    assert told(world, fallen) == ["opened", "raised", "continued"]


def test_a_snoozed_alert_wakes_when_it_gets_worse_and_an_acknowledged_one_stays_acknowledged(
    world: World, subject: Subject
) -> None:
    world.live(2, shift=4.0)
    world.live(3, shift=4.0)
    [alert] = world.check(subject).alerts
    with world.store.immediate() as connection:
        records.snooze(connection, alert.id, clock.now() + timedelta(hours=2))
    assert world.check(subject).alerts[0].state is AlertState.SNOOZED
    world.live(4, skill=0.3, shift=4.0)
    [alert] = world.check(subject).alerts
    assert (alert.state, alert.severity, alert.snoozed_until) == (AlertState.OPEN, Severity.WARN, None)
    with world.store.immediate() as connection:
        records.acknowledge(connection, alert.id, "seen")
    world.live(5, skill=0.3, shift=4.0)
    [alert] = world.check(subject).alerts
    assert (alert.state, alert.severity) == (AlertState.ACKNOWLEDGED, Severity.CRITICAL)
    assert told(world, alert.id) == ["opened", "snoozed", "raised", "acknowledged", "raised"]


def test_a_snooze_that_ran_out_ends_at_the_next_check(world: World, subject: Subject, fallen: int) -> None:
    with world.store.immediate() as connection:
        records.snooze(connection, fallen, clock.now() + timedelta(hours=2))
        assert incident.wake(connection, "m", clock.now() + timedelta(hours=1)) == []
        assert incident.wake(connection, "m", clock.now() + timedelta(hours=3)) == [fallen]
    assert records.alert(world.store, fallen).state is AlertState.OPEN


def test_a_cure_older_than_the_evidence_cures_nothing(world: World, subject: Subject) -> None:
    late = world.month(2, labels=False)
    world.predict(1, late[0], late[1])
    first_good = world.month(3, labels=False)
    world.predict(1, first_good[0], first_good[1])
    for month in (4, 5):
        world.live(month, skill=0.3)
    [alert] = world.check(subject).alerts

    for number, written in ((2, late), (3, first_good)):
        path = world.root / f"data/2013-{number:02d}.parquet"
        table = pq.read_table(path)
        pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", pa.array(written[2])), path)
    found = world.check(subject)
    assert [chunk.severity for chunk in found.chunks[:2]] == [Severity.OK, Severity.OK]
    assert [one.id for one in found.alerts] == [alert.id]


def test_a_healthy_past_of_the_new_version_does_not_answer_for_the_month_that_fell(world: World) -> None:
    january = world.month(1)
    first, second = world.version(1, january, at=1), world.version(2, january, at=1)
    february = world.live(2, skill=0.3)
    world.live(3, skill=0.3)
    [alert] = world.check(first).alerts
    knowing = np.clip(february[2] * 0.3 + world.random.random(len(february[0])) * 0.7, 0, 1)
    world.predict(2, february[0], knowing)
    found = world.check(second)
    assert [(chunk.version, chunk.label, chunk.breaches) for chunk in found.chunks] == [(2, "Feb 2013", 0)]
    assert records.alert(world.store, alert.id).live
