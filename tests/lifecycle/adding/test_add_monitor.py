"""``monitor add`` and ``rm``: what is guessed of the data and said, what is refused, and what stays."""

from __future__ import annotations

import csv
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.config.monitors import MonitorConfig
from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core.errors import ConflictError, NotFoundError, OpsconsoleError, RefusedError, UsageError
from opsconsole.lifecycle.adding.add_monitor import AddedMonitor, MonitorRequest, add_monitor
from opsconsole.lifecycle.adding.remove import remove_model, remove_monitor
from opsconsole.lifecycle.monitors.monitor_check import check_monitor
from opsconsole.store import events
from opsconsole.store.connection import Store
from tests.model_workspace import Shop

ROWS = 500


def rows(path: Path, columns: dict[str, list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])


def times(step: timedelta, number: int = ROWS) -> list[object]:
    return [(datetime(2026, 1, 1) + step * row).isoformat() for row in range(number)]  # noqa: DTZ001 - as files have it


def numbers(shift: float = 0.0, number: int = ROWS) -> list[object]:
    return [row * 7919 % 1000 / 10 + shift for row in range(number)]


def add(root: Path, store: Store, request: MonitorRequest, *, dry_run: bool = False) -> AddedMonitor:
    return add_monitor(open_workspace(root), store, request, base=root, dry_run=dry_run)


def words(added: AddedMonitor) -> list[str]:
    return [one.words for one in added.choices]


def plain(name: str = "w", **more: str) -> MonitorRequest:
    return MonitorRequest(name, "now.csv", reference="then.csv", **more)


def both(root: Path, **columns: list[object]) -> None:
    rows(root / "then.csv", {"x": numbers()})
    rows(root / "now.csv", {"x": numbers(), **columns})


def test_what_was_guessed_is_said_with_why_and_stands_in_the_file(root: Path, store: Store) -> None:
    both(root, at=times(timedelta(minutes=30)), trip_id=list(range(ROWS)))
    added = add(root, store, plain())
    assert words(added)[2:] == [
        "guessed: time = at (the only datetime column)",
        "guessed: chunk = month (500 rows in 10 days, 500 a month and 337 a week: 450 are enough for a verdict)",
        "guessed: id = trip_id (called so, and no value stands there twice)",
    ]
    assert 'time = "at"' in (root / "opsconsole.toml").read_text(encoding="utf-8")
    assert "# the only datetime column" in (root / "opsconsole.toml").read_text(encoding="utf-8")
    (event,) = events.events(store, kind="monitor.added")
    assert event.command == "opsconsole monitor add w --data now.csv --reference then.csv"


@pytest.mark.parametrize(
    ("step", "chunk"),
    [
        (timedelta(seconds=5), "hour"),
        (timedelta(minutes=2), "day"),
        (timedelta(minutes=20), "week"),
        (timedelta(hours=1), "month"),
        (timedelta(hours=4), "quarter"),
    ],
)
def test_the_shortest_period_that_has_rows_enough_is_a_chunk(
    root: Path, store: Store, step: timedelta, chunk: str
) -> None:
    number = 5000
    rows(root / "then.csv", {"x": numbers(number=number)})
    rows(root / "now.csv", {"x": numbers(number=number), "at": times(step, number)})
    assert load_after(root, store, plain()).chunk == chunk


def load_after(root: Path, store: Store, request: MonitorRequest) -> MonitorConfig:
    add(root, store, request)
    return load(root / "opsconsole.toml").monitors[request.name]


def test_files_without_a_time_are_dated_by_themselves_and_checked_at_once(root: Path, store: Store) -> None:
    both(root)
    rows(root / "now.csv", {"x": numbers(shift=60)})
    os.utime(root / "now.csv", (0, 1_767_225_600))
    added = add(root, store, plain())
    assert words(added)[2].startswith("no time: now.csv has no datetime column")
    found = check_monitor(open_workspace(root), store, "w")
    assert [(chunk.label, chunk.rows, chunk.partial) for chunk in found.chunks] == [("2026-01-01", ROWS, False)]
    assert [(alert.model, alert.version, str(alert.severity)) for alert in found.alerts] == [("", 0, "warn")]
    rows(root / "now.csv", {"x": numbers()})
    os.utime(root / "now.csv", (0, 1_767_312_000))
    again = check_monitor(open_workspace(root), store, "w")
    assert [chunk.label for chunk in again.chunks] == ["2026-01-02"], "the day before stays"


def test_several_times_are_not_chosen_from_unless_one_is_called_so(root: Path, store: Store) -> None:
    both(root, left=times(timedelta(hours=1)), came=times(timedelta(hours=1)))
    with pytest.raises(UsageError, match="2 datetime columns: left and came") as refused:
        add(root, store, plain())
    assert refused.value.hint == "which of them dates a row? --time left"
    assert load_after(root, store, plain(time="came")).time == "came"
    both(root, left=times(timedelta(hours=1)), timestamp=times(timedelta(hours=1)))
    assert load_after(root, store, plain("v")).time == "timestamp"


def test_a_column_that_is_not_there_is_refused_with_those_that_are(root: Path, store: Store) -> None:
    both(root)
    for option in ("time", "id"):
        with pytest.raises(UsageError, match=f"--{option} tme: now.csv has no such column") as refused:
            add(root, store, plain(**{option: "tme"}))
        assert refused.value.hint == "it has: x"
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    ("request_", "kind", "said"),
    [
        (MonitorRequest("w", "none.csv", reference="then.csv"), NotFoundError, "none.csv"),
        (MonitorRequest("w", "*.parquet", reference="then.csv"), NotFoundError, "parquet"),
        (MonitorRequest("w", "now.csv", reference="none.csv"), NotFoundError, "none.csv"),
        (MonitorRequest("w", "empty.csv", reference="then.csv"), UsageError, "the file is empty"),
        (MonitorRequest("w", "head.csv", reference="then.csv"), UsageError, "header and no rows"),
        (MonitorRequest("w", "other.csv", reference="then.csv"), UsageError, "no column in common"),
        (MonitorRequest("w", "now.csv"), UsageError, "neither --model nor --reference"),
        (
            MonitorRequest("w", "now.csv", reference="then.csv", label="x"),
            UsageError,
            "--label is for a monitor of a model",
        ),
        (MonitorRequest("w", "now.csv", model="none@production"), NotFoundError, "there is no model `none`"),
        (MonitorRequest("a b", "now.csv", reference="then.csv"), UsageError, "no name for a monitor"),
        (MonitorRequest("w", "notes.txt", reference="then.csv"), UsageError, "not a known kind of data file"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    root: Path, store: Store, request_: MonitorRequest, kind: type[OpsconsoleError], said: str
) -> None:
    both(root)
    (root / "empty.csv").touch()
    (root / "head.csv").write_text("x\n", encoding="utf-8")
    (root / "notes.txt").write_text("x\n", encoding="utf-8")
    rows(root / "other.csv", {"z": numbers()})
    with pytest.raises(kind, match=said):
        add(root, store, request_)
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    assert not events.events(store, kind="monitor.added")


def test_data_that_are_to_come_are_taken_as_the_operator_says(root: Path, store: Store) -> None:
    both(root)
    added = add(root, store, MonitorRequest("w", "in/*.csv", reference="then.csv", time="at", chunk="day"))
    assert added.notes == ("nothing is there yet: nothing was guessed of the data, its columns are not checked",)
    config = load(root / "opsconsole.toml").monitors["w"]
    assert (config.current, config.time, config.chunk) == ("in/*.csv", "at", "day")


def test_the_same_again_changes_nothing_and_a_taken_name_is_refused(root: Path, store: Store) -> None:
    both(root)
    add(root, store, plain())
    before = (root / "opsconsole.toml").read_bytes()
    assert not add(root, store, plain()).edit.changed
    with pytest.raises(ConflictError, match=r"\[monitors\.w\] is in"):
        add(root, store, plain(chunk="hour"))
    assert (root / "opsconsole.toml").read_bytes() == before
    assert len(events.events(store, kind="monitor.added")) == 1


def test_a_dry_run_leaves_no_trace_and_rm_brings_the_file_back(root: Path, store: Store) -> None:
    both(root)
    assert add(root, store, plain(), dry_run=True).edit.changed
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    add(root, store, plain())
    check_monitor(open_workspace(root), store, "w")
    removed = remove_monitor(open_workspace(root), store, "w")
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    assert removed.stays[0] == "1 judged chunk"
    with pytest.raises(NotFoundError, match="no monitor `w`"):
        remove_monitor(open_workspace(root), store, "w")


def scored(shop: Shop) -> Workspace:
    shop.live(1)
    (shop.root / "now").mkdir()
    columns: dict[str, list[object]] = {
        "row_id": [f"n{row}" for row in range(ROWS)],
        "a": numbers(),
        "score": [row % 100 / 100 for row in range(ROWS)],
        "target": [row % 2 for row in range(ROWS)],
        "outcome": [row % 2 for row in range(ROWS)],
    }
    rows(shop.root / "now" / "rows.csv", columns)
    return open_workspace(shop.root)


def test_of_a_model_score_label_and_reference_are_found_or_said_to_be_unclear(shop: Shop) -> None:
    workspace = scored(shop)
    request = MonitorRequest("m", "now/*.csv", model="m", reference="now/rows.csv")
    added = add_monitor(workspace, shop.store, request, base=shop.root)
    said = words(added)
    assert said[0] == "guessed: model = m@production (the top rung of its ladder)"
    assert "guessed: score = score (the only column with such a name)" in said
    assert "no label: target and outcome could be it: --label COLUMN says which" in said
    assert "performance is not watched: no label is named" in added.notes
    named = MonitorRequest("n", "now/*.csv", model="m", reference="now/rows.csv", label="target")
    add_monitor(open_workspace(shop.root), shop.store, named, base=shop.root)
    config = load(shop.root / "opsconsole.toml").monitors["n"]
    assert config.performance is not None
    assert (config.label, config.performance.metric, config.performance.floor) == ("target", "auc", "reference - 0.05")


def test_a_model_that_is_watched_is_not_taken_out(shop: Shop) -> None:
    workspace = scored(shop)
    add_monitor(workspace, shop.store, MonitorRequest("w", "now", model="m", reference="now"), base=shop.root)
    with pytest.raises(RefusedError, match="model m is watched by w"):
        remove_model(open_workspace(shop.root), shop.store, "m")
    remove_monitor(open_workspace(shop.root), shop.store, "w")
    removed = remove_model(open_workspace(shop.root), shop.store, "m")
    assert removed.stays[0].startswith("1 version on their rungs (")
    assert (shop.root / "models" / "m" / "production").is_symlink()
