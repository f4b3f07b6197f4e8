"""What an operator does with a monitor: bring labels, take another reference and back, explain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError, StoreError
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import production_of
from opsconsole.drift.check.explanation import explain
from opsconsole.drift.chunks.measurement import measure_chunk
from opsconsole.drift.data.sources import DataError
from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.monitors import Subject
from opsconsole.drift.production.labels import Brought, bring
from opsconsole.drift.reference.baseline import chosen_rows, rebaseline, take_back
from opsconsole.store import chunks as chunk_store
from opsconsole.store import events
from opsconsole.store.baselines import Baseline
from tests.drift.drift_world import World


def labels(world: World, ids: list[str], values: object, name: str = "labels.csv") -> Path:
    path = world.root / name
    lines = [f"{row},{'' if value is None else value}" for row, value in zip(ids, list(values), strict=True)]  # type: ignore[call-overload]
    path.write_text("\n".join(["row_id,y", *lines]))
    return path


def brought(world: World, subject: Subject, path: Path) -> Brought:
    return bring(world.monitor, world.store, path, production_of(world.monitor, world.store, subject))


def test_labels_come_late_in_part_and_in_any_order(world: World, subject: Subject) -> None:
    ids, scores, outcome = world.month(2, labels=False)
    world.predict(1, ids, scores)
    assert world.check(subject).chunks[0].labels == 0
    order = np.random.default_rng(1).permutation(2500)
    half = order[:1000]
    found = brought(world, subject, labels(world, [ids[row] for row in half], outcome[half], "first.csv"))
    assert (found.rows, found.matched, found.unknown, found.changed, found.new) == (1000, 1000, 0, 0, True)
    [chunk] = world.check(subject).chunks
    assert (chunk.labels, chunk.label_coverage) == (1000, 0.4)
    assert [finding.text for finding in chunk.findings if finding.kind == "labels"] == [
        "Labels of 40 % of the rows so far: too few to judge."
    ]
    rest = order[1000:]
    brought(world, subject, labels(world, [ids[row] for row in rest], outcome[rest], "second.csv"))
    [whole] = world.check(subject).chunks
    assert whole.labels == 2500
    assert whole.floor is not None


def test_only_the_chunk_that_labels_are_of_is_measured_again(
    world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.live(2)
    ids, scores, outcome = world.month(3, labels=False)
    world.predict(1, ids, scores)
    world.check(subject)
    brought(world, subject, labels(world, ids, outcome))
    measured: list[str] = []

    def told(*values: Any) -> Measured:
        measured.append(values[1].label)
        return measure_chunk(*values)

    monkeypatch.setattr("opsconsole.drift.chunks.measurement.measure_chunk", told)
    found = world.check(subject)
    assert measured == ["Mar 2013"]
    assert ([chunk.label for chunk in found.chunks], found.unchanged) == (["Mar 2013"], 1)


def test_labels_brought_again_with_another_value_win_and_are_counted(world: World, subject: Subject) -> None:
    ids, _, outcome = world.live(2)
    before = world.check(subject).chunks[0].realised
    found = brought(world, subject, labels(world, ids[:500], 1 - outcome[:500]))
    assert found.changed == 500
    after = world.check(subject).chunks[0].realised
    assert before is not None
    assert after is not None
    assert after < before
    again = brought(world, subject, world.root / "labels.csv")
    assert (again.new, again.changed) == (False, 0)


def test_labels_of_unknown_ids_are_kept_until_the_rows_come(world: World, subject: Subject) -> None:
    world.live(2)
    ids, scores, outcome = world.month(3, labels=False)
    path = world.root / "data/2013-03.parquet"
    later = path.rename(world.root / "later.parquet")
    found = brought(world, subject, labels(world, ids, outcome))
    assert (found.matched, found.unknown) == (0, 2500)
    later.rename(path)
    world.predict(1, ids, scores)
    assert [chunk.labels for chunk in world.check(subject).chunks] == [2500, 2500]


def test_an_id_that_stands_twice_in_a_file_of_labels_has_its_last_one(world: World, subject: Subject) -> None:
    ids, *_ = world.live(2)
    found = brought(world, subject, labels(world, [ids[0], ids[0], ids[1], ids[1], ids[2]], [0, 1, 1, 1, None]))
    assert (found.rows, found.repeated, found.empty) == (2, 1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("row_id,y\n2-0,1\n2-1,7\n", r"column `y`, row 2: 7 is no label of a binary model"),
        ("row_id,x\n2-0,1\n", r"lacks the column `label`"),
        ("id,y\n2-0,1\n", r"lacks the column `row_id`"),
        ("row_id,y\n2-0,\n", r"there is no row with an id and a label"),
        ("row_id,y\n2-0,late\n", r"column `y` holds"),
    ],
)
def test_a_file_of_labels_that_is_none_is_refused_and_nothing_is_kept(
    world: World, subject: Subject, content: str, said: str
) -> None:
    world.live(2)
    path = world.root / "labels.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=said):
        brought(world, subject, path)
    assert not list(world.workspace.evidence.rglob("labels/m/*"))


def test_labels_that_cannot_be_kept_are_said_to_be(world: World, subject: Subject) -> None:
    ids, _, outcome = world.live(2, labels=False)
    world.workspace.evidence.mkdir(parents=True, exist_ok=True)
    (world.workspace.evidence / "labels").write_text("in the way")
    with pytest.raises(StoreError, match="the labels cannot be kept"):
        brought(world, subject, labels(world, ids[:9], outcome[:9]))


def test_kept_labels_that_were_tampered_with_stop_the_check(world: World, subject: Subject) -> None:
    ids, _, outcome = world.live(2)
    brought(world, subject, labels(world, ids[:9], outcome[:9]))
    [kept] = world.workspace.evidence.rglob("labels/m/*.parquet")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="are gone or changed"):
        world.check(subject)


def spring(world: World, subject: Subject) -> None:
    """Three months that moved, of which the last two become the reference."""
    for number in (2, 3, 4):
        world.live(number, shift=3.0, skill=1.0)
    world.check(subject)


def moved(world: World) -> Baseline:
    production = production_of(world.monitor, world.store, Subject("m", "production", 1))
    since, until = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 5, 1, tzinfo=UTC)
    rows = chosen_rows(world.monitor, production, 1, since, until)
    return rebaseline(world.monitor, world.store, world.held, rows, "spring is normal too", command="opsconsole …")


def test_another_reference_is_an_act_with_a_reason_and_can_be_taken_back(world: World, subject: Subject) -> None:
    spring(world, subject)
    first = world.held
    second = moved(world)
    assert (second.revision, second.rows, second.reason) == (2, 5000, "spring is normal too")
    assert second.realised == first.realised, "the floor stays where the evaluation put it"
    found = world.check(subject)
    assert [chunk.label for chunk in found.chunks] == ["Mar 2013", "Apr 2013"]
    calm = [column.effect for chunk in found.chunks for column in chunk_store.columns(world.store, chunk.id)]
    assert set(calm) <= {"none", "noise_passed"}
    assert take_back(world.monitor, world.store, second, "no").id == first.id
    back = world.check(subject)
    drifted = {column.name for column in chunk_store.columns(world.store, back.chunks[-1].id) if column.drifted}
    assert "a" in drifted
    told = events.events(world.store, kind="monitor.rebaselined")
    assert [event.reason for event in told] == ["no", "spring is normal too"]


def test_two_operators_that_take_another_reference_at_once_do_not_undo_each_other(
    world: World, subject: Subject
) -> None:
    spring(world, subject)
    seen = world.held
    second = moved(world)
    production = production_of(world.monitor, world.store, subject)
    rows = chosen_rows(world.monitor, production, 1, datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC))
    with pytest.raises(ConflictError, match="another baseline of v1 was taken meanwhile"):
        rebaseline(world.monitor, world.store, seen, rows, "mine")
    assert world.held.id == second.id


def test_an_incident_ends_with_the_reference_that_it_was_measured_against_and_comes_back_with_it(
    world: World, subject: Subject
) -> None:
    for number in (2, 3, 4):
        ids, scores, _ = world.month(number)
        world.predict(1, ids, scores * 0.4)
    [alert] = world.check(subject).alerts
    assert alert.severity is Severity.WARN
    second = moved(world)
    assert world.check(subject).alerts == ()
    [ended] = events.events(world.store, kind="alert.resolved")
    assert ended.reason == "Apr 2013 was judged anew: nothing of it is left"
    take_back(world.monitor, world.store, second, "no")
    assert [one.id for one in world.check(subject).alerts] == [alert.id]
    assert world.check(subject).chunks == ()


def test_taking_back_skips_what_was_taken_back_before(world: World, subject: Subject) -> None:
    spring(world, subject)
    first, second = world.held, moved(world)
    assert take_back(world.monitor, world.store, second, "no").id == first.id
    third = moved(world)
    assert third.revision == 3
    with pytest.raises(ConflictError, match="another baseline of v1 was taken meanwhile"):
        take_back(world.monitor, world.store, second, "late")
    assert take_back(world.monitor, world.store, third, "no again").id == first.id
    with pytest.raises(NotFoundError, match="has no baseline before"):
        take_back(world.monitor, world.store, world.held)


def test_a_reference_of_too_few_rows_and_one_that_never_was_are_refused(world: World, subject: Subject) -> None:
    spring(world, subject)
    production = production_of(world.monitor, world.store, subject)
    with pytest.raises(RefusedError, match="a reference needs 450"):
        chosen_rows(world.monitor, production, 1, datetime(2014, 1, 1, tzinfo=UTC), datetime(2014, 2, 1, tzinfo=UTC))
    with pytest.raises(NotFoundError, match="has no baseline before"):
        take_back(world.monitor, world.store, world.held)


def test_an_explanation_names_the_column_that_tells_the_chunk_apart(world: World, subject: Subject) -> None:
    world.live(2)
    world.live(3, shift=1.5)
    world.check(subject)
    found = explain(world.workspace, world.store, "m", subject)
    assert found.chunk == "Mar 2013"
    assert found.low > 0.75
    assert found.columns[0].name == "a"
    assert found.columns[0].importance > 0.2
    assert found.words[1].startswith("By `a` (alone .8")
    calm = explain(world.workspace, world.store, "m", subject, "Feb 2013")
    assert calm.auc == pytest.approx(0.5, abs=0.04)
    with pytest.raises(NotFoundError, match="has no chunk `Dec 2013`"):
        explain(world.workspace, world.store, "m", subject, "Dec 2013")


def test_an_explanation_of_rows_that_are_too_few_is_refused(world: World, subject: Subject) -> None:
    world.live(2, rows=40)
    world.check(subject)
    with pytest.raises(RefusedError, match="40 rows on one side are too few"):
        explain(world.workspace, world.store, "m", subject)


def test_labels_of_a_table_are_read_too(world: World, subject: Subject) -> None:
    ids, scores, outcome = world.month(2, labels=False)
    world.predict(1, ids, scores)
    path = world.root / "labels.parquet"
    pq.write_table(pa.table({"row_id": ids, "label": outcome.astype(bool)}), path)
    assert brought(world, subject, path).matched == 2500
    assert world.check(subject).chunks[0].labels == 2500
