"""A check that is killed at any of its acts: what was judged stays whole, and the next check makes the rest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.drift.check import check
from opsconsole.drift.monitors import Subject
from opsconsole.store import alerts, events
from opsconsole.store import chunks as chunk_store
from opsconsole.store.connection import Store, open_store
from tests.drift.drift_world import World

pytestmark = pytest.mark.timeout(120)

KILLED_AT = """
import os, pathlib, signal, sqlite3, sys
import pyarrow as pa, sklearn.isotonic, scipy.stats
pa.set_cpu_count(1); pa.set_io_thread_count(1)
from opsconsole.config.workspace import open_workspace
from opsconsole.drift import check as checks
from opsconsole.drift.data import spools
from opsconsole.drift.production import heaps
from opsconsole.drift.monitors import Subject
from opsconsole.store.connection import open_store

base, used = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
heaps.HEAP_ROWS, heaps.HELD_BYTES = 200, 5000
WRITES = {"INSERT", "UPDATE", "DELETE", "COMMIT"}

def armed(at):
    reached = 0
    def step(what):
        nonlocal reached
        reached += 1
        if reached == at:
            print(at, what, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    plain = sqlite3.connect
    def connect_watched(*given, **named):
        connection = plain(*given, **named)
        connection.set_trace_callback(lambda sql: step(sql.split()[0]) if sql.split()[0] in WRITES else None)
        return connection
    sqlite3.connect = connect_watched
    made, spools_made = spools.Spool.__init__, 0
    def spooled(self):
        nonlocal spools_made
        spools_made += 1
        if spools_made % 4 == 0:
            step("spool")
        made(self)
    spools.Spool.__init__ = spooled

number = 0
while True:
    number += 1
    root = base / str(number)
    child = os.fork()
    if child == 0:
        armed(number)
        workspace = open_workspace(root)
        with open_store(workspace.state) as store:
            subject = Subject("m", "production", 1, root / "evaluation1.parquet", (pathlib.Path("data/2013-01.parquet"),), (used,))
            checks.check(workspace, store, "m", subject)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
print(number, "whole", flush=True)
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
    world.check(subject)
    expected = said(world.store)
    argv = [sys.executable, "-c", KILLED_AT, str(copies), str(subject.used[0])]
    answer = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    points = [line.split(" ") for line in answer.stdout.splitlines()]
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
