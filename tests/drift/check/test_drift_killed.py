"""A check that is killed at any of its acts: what was judged stays whole, and the next check makes the rest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core import belonging
from opsconsole.drift.check.checker import check
from opsconsole.drift.monitors import Subject
from opsconsole.store import alerts, events
from opsconsole.store import chunks as chunk_store
from opsconsole.store.connection import Store, open_store
from tests.drift.drift_world import World
from tests.killing import killed_at_each_act

pytestmark = pytest.mark.timeout(120)

KILLED_AT = """
import sys
from pathlib import Path
import pyarrow as pa, sklearn.isotonic, scipy.stats
from opsconsole.config.workspace import open_workspace
from opsconsole.drift.check.checker import check
from opsconsole.drift.data.spools import Spool
from opsconsole.drift.monitors import Subject
from opsconsole.drift.production import spill_partitions
from opsconsole.store.connection import open_store
from tests.killing import kill_at_each_act

pa.set_cpu_count(1)
pa.set_io_thread_count(1)
spill_partitions.HEAP_ROWS, spill_partitions.HELD_BYTES = 200, 5000

def act(root):
    workspace = open_workspace(root)
    subject = Subject("m", "production", 1, root / "evaluation1.parquet", (Path("data/2013-01.parquet"),), (Path(sys.argv[2]),))
    with open_store(workspace.state) as store:
        check(workspace, store, "m", subject)

def watch(step):
    made, number = Spool.__init__, 0
    def spooled(self):
        nonlocal number
        number += 1
        if number % 4 == 0:
            step("spool")
        made(self)
    Spool.__init__ = spooled

kill_at_each_act(Path(sys.argv[1]), act, watch)
"""
POINTS = 60


def said(store: Store) -> list[Any]:
    """Return all that is stored of chunks, their columns and incidents, save when it was and by which number."""
    chunks = [
        (
            {name: value for name, value in dict(row).items() if name not in {"id", "checked_at"}},
            chunk_store.columns(store, row["id"]),
        )
        for row in store.rows("SELECT * FROM chunks ORDER BY version, start_at")
    ]
    told = [(one.title, one.severity, one.state) for one in alerts.alerts(store, monitor="m")]
    kinds = sorted(event.kind for event in events.events(store, limit=1000) if event.kind.startswith("alert."))
    return [*chunks, told, kinds]


def test_a_check_killed_at_any_of_its_acts_is_made_whole_by_the_next(world: World, tmp_path: Path) -> None:
    world.configure(
        'label = "y"', 'label = "y"\nstructure = false\nestimate = false'
    )  # they take time, and write nothing
    subject = world.version(1, world.month(1, rows=500), at=1)
    for number, skill in ((2, 2.0), (3, 0.2), (4, 0.2)):
        world.live(number, rows=500, skill=skill)
    world.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    copies = tmp_path / "copies"
    for number in range(1, POINTS + 1):
        shutil.copytree(world.root, copies / str(number), ignore=shutil.ignore_patterns("copies"))
        belonging.trust(copies / str(number))
    world.check(subject)
    expected = said(world.store)
    points = killed_at_each_act(KILLED_AT, str(copies), str(subject.used[0]))
    assert {"INSERT", "COMMIT", "spool", "whole"} <= {what for _, what in points}
    assert 15 < len(points) < POINTS, points
    for point, what in points:
        root = copies / point
        workspace = open_workspace(root)
        with open_store(workspace.state) as store:
            judged = len(chunk_store.chunks(store, "m"))
            found = check(
                workspace,
                store,
                "m",
                Subject("m", "production", 1, root / "evaluation1.parquet", subject.data, subject.used),
            )
            assert (len(found.chunks), found.unchanged) == (3 - judged, judged), what
            assert said(store) == expected, (point, what)
