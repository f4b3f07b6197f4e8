"""One store, many processes: nothing is lost, nothing is half done, nobody waits for ever."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from opsconsole.core import belonging
from opsconsole.core.errors import ExitCode, NewerStoreError, RefusedError, StoreError
from opsconsole.core.files import locked
from opsconsole.store import connection as door
from opsconsole.store import events, maintenance, migrations
from opsconsole.store.connection import FILE_NAME, Store, open_store
from opsconsole.store.migrations import SCHEMA_VERSION
from tests.model_workspace import Shop, opsconsole
from tests.runs.bench import until, waits_for

OLDER = """
import sys, types
from opsconsole.store import connection, migrations
def second(db):
    db.execute("CREATE TABLE once (at TEXT) STRICT")
    db.execute("INSERT INTO once VALUES ('now')")
    db.execute("ALTER TABLE repos ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
module = types.ModuleType("opsconsole.store.migrations.m9999_test")
module.apply = second
sys.modules[module.__name__] = module
migrations.STEPS += ("m9999_test",)
connection.SCHEMA_VERSION += 1
"""
RACE = """
import os, sys, threading
from pathlib import Path
import sqlite_utils
from importlib import import_module
from opsconsole.store import migrations
for name in migrations.STEPS: import_module(f"opsconsole.store.migrations.{name}")
from opsconsole.store import events
from opsconsole.store.connection import open_store
state, processes, threads = Path(sys.argv[1]), 40, 5
start, go = os.pipe()
children = []
def once(said):
    try:
        with open_store(state) as store, store.immediate() as connection:
            events.record(connection, "test.started", "test")
    except BaseException as error:
        said.append(repr(error))
for _ in range(processes):
    child = os.fork()
    if child == 0:
        os.close(go)
        said, barrier = [], threading.Barrier(threads)
        def racer():
            barrier.wait()
            once(said)
        racers = [threading.Thread(target=racer) for _ in range(threads)]
        os.read(start, 1)
        for thread in racers: thread.start()
        for thread in racers: thread.join()
        for line in said: print(line, file=sys.stderr, flush=True)
        os._exit(1 if said else 0)
    children.append(child)
os.close(go)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def python(script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", script, *arguments]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, env={**os.environ, **more})


def older(path: Path) -> None:
    """Fill a store of today's schema, which the next one makes old."""
    with open_store(path) as store, store.immediate() as connection:
        connection.execute(
            "INSERT INTO repos (name, path, trusted, added_at) VALUES ('app', '/app', 1, '2026-01-01T00:00:00.000000Z')"
        )
        for number in range(50):
            events.record(connection, "test.before", f"test {number}")


def counted(path: Path, kind: str) -> int:
    with sqlite3.connect(path / FILE_NAME) as connection:
        found = connection.execute("SELECT count(*) FROM events WHERE kind = ?", (kind,)).fetchone()[0]
    connection.close()
    return int(found)


def test_200_racing_starts_make_one_new_store(tmp_path: Path) -> None:
    answer = python(RACE, str(tmp_path / "state"))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert counted(tmp_path / "state", "test.started") == 200
    assert list((tmp_path / "state").glob("store.schema*")) == []


def test_200_racing_starts_migrate_an_old_store_once_and_lose_nothing(tmp_path: Path) -> None:
    older(tmp_path)
    answer = python(OLDER + RACE, str(tmp_path))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert counted(tmp_path, "test.started") == 200
    assert counted(tmp_path, "test.before") == 50
    with sqlite3.connect(tmp_path / FILE_NAME) as store:
        assert store.execute("SELECT count(*) FROM once").fetchone() == (1,)
        assert store.execute("SELECT name, colour FROM repos").fetchall() == [("app", "red")]
        assert store.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    store.close()
    (copy,) = tmp_path.glob(f"store.schema{SCHEMA_VERSION}.*.db")
    with sqlite3.connect(copy) as before:
        assert before.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert before.execute("SELECT count(*) FROM events").fetchone() == (50,)
        assert before.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before.close()


def test_a_migration_waits_for_the_lock_that_another_holds(tmp_path: Path) -> None:
    """Without the lock it would not wait, and racing starts would fail on each other's half-made tables."""
    path = tmp_path / "store.lock"
    script = "import sys; from pathlib import Path; from opsconsole.store.connection import open_store; open_store(Path(sys.argv[1]))"
    with locked(path):
        starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
        until(lambda: waits_for(starter.pid, path))
        with sqlite3.connect(tmp_path / FILE_NAME) as store:
            assert store.execute("PRAGMA user_version").fetchone() == (0,)
        store.close()
    assert starter.wait(60) == 0
    with open_store(tmp_path) as opened:
        assert maintenance.check(opened).problems == []


def test_the_version_is_read_again_under_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close()

    def never(version: int) -> None:
        raise AssertionError("migrated twice")

    monkeypatch.setattr(migrations, "step", never)
    door._migrate(tmp_path / FILE_NAME)


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    older(tmp_path)
    broken = OLDER.replace("ALTER TABLE repos", "ALTER TABLE absent") + (
        "from pathlib import Path\nfrom opsconsole.core.errors import StoreError\n"
        "try:\n    connection.open_store(Path(sys.argv[1]))\nexcept StoreError as error:\n    sys.exit(str(error.message))\n"
    )
    answer = python(broken, str(tmp_path))
    assert "no such table: absent" in answer.stderr
    assert "Traceback" not in answer.stderr
    with open_store(tmp_path) as store:
        assert store.rows("SELECT name FROM sqlite_master WHERE name = 'once'") == []
        assert store.row("PRAGMA user_version")[0] == SCHEMA_VERSION  # type: ignore[index]


def test_a_newer_store_is_refused_when_opened(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    _age(tmp_path, SCHEMA_VERSION + 1)
    for readonly in (False, True):
        with pytest.raises(NewerStoreError, match=f"knows {SCHEMA_VERSION}") as refused:
            open_store(tmp_path, readonly=readonly)
        assert refused.value.exit_code is ExitCode.STORE


def test_a_store_that_became_newer_is_refused_inside_the_transaction(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        _age(tmp_path, SCHEMA_VERSION + 1)
        for transaction in (store.immediate, store.durable):
            with pytest.raises(NewerStoreError), transaction() as connection:
                events.record(connection, "test.late", "test")
    assert counted(tmp_path, "test.late") == 0


def _age(path: Path, version: int) -> None:
    with sqlite3.connect(path / FILE_NAME, isolation_level=None) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()


def test_read_only_never_migrates(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE_NAME).execute("CREATE TABLE t (x)").connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match="the store has schema 0") as refused:
        open_store(tmp_path, readonly=True)
    assert "without --readonly" in refused.value.hint
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, "owner"}


def test_read_only_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store yet"):
        open_store(tmp_path / "state", readonly=True)
    assert not (tmp_path / "state").exists()


def test_read_only_refuses_to_write_and_sees_what_others_write(tmp_path: Path) -> None:
    with open_store(tmp_path) as writer, open_store(tmp_path, readonly=True) as reader:
        for transaction in (reader.immediate, reader.durable):
            with pytest.raises(RefusedError, match="read-only"), transaction():
                pass
        with pytest.raises(StoreError, match="readonly database"):
            reader.rows("DELETE FROM repos RETURNING 1")
        seen = reader.data_version()
        with writer.immediate() as connection:
            events.record(connection, "test.new", "test")
        assert reader.data_version() != seen
        assert [event.kind for event in events.events(reader)] == ["test.new"]


NOBODY = """
import os, sys, tempfile
from pathlib import Path
from opsconsole.core.errors import StoreError
from opsconsole.store import events
from opsconsole.store.connection import FILE_NAME, Store, open_store
import encodings.idna, sqlite_utils
with tempfile.TemporaryDirectory(dir="/tmp") as name:
    state = Path(name)
    with open_store(state) as store, store.immediate() as connection:
        events.record(connection, "test.kept", "test")
    state.joinpath("store.db").chmod(0o444)
    state.chmod(0o555)
    before = sorted(os.listdir(state))
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
        code = 1
        try:
            with Store(state / FILE_NAME, readonly=True) as store:
                assert [event.kind for event in events.events(store)] == ["test.kept"]
            try:
                Store(state / FILE_NAME)
            except StoreError as error:
                code = 0 if error.hint and int(error.exit_code) == 7 else 3
        finally:
            os._exit(code)
    ended = os.waitpid(child, 0)[1]
    assert sorted(os.listdir(state)) == before and "store.db-wal" not in before
    state.chmod(0o755)
sys.exit(os.waitstatus_to_exitcode(ended))
"""


def test_a_store_on_a_read_only_disk_can_be_read_and_says_7_when_it_should_be_written() -> None:
    answer = python(NOBODY)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with store.immediate() as connection:
            events.record(connection, "test.before", "test")
        pages = store.row("PRAGMA page_count")
        assert pages is not None
        for transaction in (store.immediate, store.durable):
            with pytest.raises(StoreError, match="disk is full") as refused:
                _fill(transaction, pages[0])
            assert "free some space" in refused.value.hint
        store.rows(f"PRAGMA max_page_count={1 << 30}")
        assert [event.kind for event in events.events(store)] == ["test.before"]
        with store.immediate() as connection:
            events.record(connection, "test.after", "test")
        assert maintenance.check(store).problems == []


def _fill(transaction: Callable[[], AbstractContextManager[sqlite3.Connection]], pages: int) -> None:
    with transaction() as connection:
        connection.execute(f"PRAGMA max_page_count={pages}")
        for number in range(1000):
            events.record(connection, "test.lost", f"test {number}", reason="x" * 500)


def test_a_disk_that_takes_no_more_bytes_ends_in_exit_7_without_a_traceback(shop: Shop) -> None:
    source = shop.root / "artifact"
    source.mkdir()
    (source / "weights.txt").write_text("1")
    shop.store.close()

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    answer = subprocess.run(
        [sys.executable, "-m", "opsconsole", "-C", str(shop.root), "model", "register", "m", str(source), "--json"],
        capture_output=True,
        check=False,
        preexec_fn=full,
    )
    assert answer.returncode == 7, answer
    assert json.loads(answer.stdout)["error"]["code"] == "store"
    assert b"Traceback" not in answer.stderr
    assert maintenance.check(open_store(shop.workspace.state)).problems == []


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 50, b"SQLite format 3\0rubbish"]
)
def test_what_is_no_database_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    for readonly in (False, True):
        with pytest.raises(StoreError, match=r"store\.db: "):
            open_store(tmp_path, readonly=readonly)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_folder_in_the_store_s_place_or_a_file_in_its_folder_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a" / FILE_NAME).mkdir(parents=True)
    (tmp_path / "b").touch()
    for state, error in (("a", StoreError), ("b", RefusedError), ("b/c", StoreError)):
        if state == "a":
            belonging.trust_state(tmp_path / state)
        with pytest.raises(error):
            open_store(tmp_path / state)


def test_immediate_rolls_back_on_any_error(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for error in (ValueError, KeyboardInterrupt):
            with pytest.raises(error):
                _interrupted(store, error)
        assert events.events(store) == []
        with store.immediate() as connection:
            events.record(connection, "test.kept", "test")
        assert len(events.events(store)) == 1


def _interrupted(store: Store, error: type[BaseException]) -> None:
    with store.immediate() as connection:
        events.record(connection, "test.lost", "test")
        raise error


def test_durable_is_on_disk_before_it_returns_and_immediate_is_quick(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with store.durable() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        with store.immediate() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone()[0] == 1
        for name, value in (("journal_mode", "wal"), ("foreign_keys", 1)):
            assert store.row(f"PRAGMA {name}")[0] == value  # type: ignore[index]


def test_the_audit_trail_is_append_only(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with store.immediate() as connection:
            events.record(connection, "test.kept", "test")
        for statement in (
            "UPDATE events SET actor = 'nobody'",
            "DELETE FROM events",
            "DELETE FROM events WHERE id = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"), store.immediate() as connection:
                connection.execute(statement)
        assert events.events(store)[0].actor == "tess"


def test_a_store_is_its_owner_s_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with open_store(state):
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert stat.S_IMODE((state / FILE_NAME).stat().st_mode) == 0o600


def test_check_counts_rows_and_finds_damage(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with store.immediate() as connection:
            events.record(connection, "test.kept", "test")
        found = maintenance.check(store)
        assert (found.problems, found.rows["events"], found.rows["versions"]) == ([], 1, 0)
        assert found.size > 4096
        connection = sqlite3.connect(store.path)
        connection.execute("INSERT INTO steps (run_id, position, name, run, state) VALUES (9, 0, 's', 'x', 'passed')")
        connection.commit()
        connection.close()
        assert len(maintenance.check(store).problems) == 1
        assert "refers to a runs that is gone" in maintenance.check(store).problems[0]


def test_a_backup_is_whole_private_and_never_over_something(tmp_path: Path) -> None:
    with open_store(tmp_path / "state") as store:
        with store.immediate() as connection:
            events.record(connection, "test.kept", "test")
        target = tmp_path / "copy.db"
        target.with_name("copy.db.partial").write_text("of an attempt that was killed")
        size = maintenance.backup(store, target)
        assert size == target.stat().st_size
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        with pytest.raises(Exception, match="exists already"):
            maintenance.backup(store, target)
        with pytest.raises(StoreError):
            maintenance.backup(store, tmp_path / "no" / "folder.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "owner", "state"]
    with Store(target, readonly=True) as copy:
        assert [event.kind for event in events.events(copy)] == ["test.kept"]


def test_a_backup_is_whole_while_others_write(tmp_path: Path) -> None:
    writer = textwrap.dedent("""
        import sys
        from pathlib import Path
        from opsconsole.store import events
        from opsconsole.store.connection import open_store
        store = open_store(Path(sys.argv[1]))
        print("up", flush=True)
        while not Path(sys.argv[2]).exists():
            with store.immediate() as connection:
                events.record(connection, "test.one", "test")
                events.record(connection, "test.two", "test")
    """)
    state, stop = tmp_path / "state", tmp_path / "stop"
    open_store(state).close()
    busy = subprocess.Popen([sys.executable, "-c", writer, str(state), str(stop)], stdout=subprocess.PIPE)
    try:
        assert busy.stdout is not None
        busy.stdout.readline()
        until(lambda: counted(state, "test.one") > 20)
        with open_store(state) as store:
            maintenance.backup(store, tmp_path / "copy.db")
    finally:
        stop.touch()
        busy.communicate(timeout=60)
    with Store(tmp_path / "copy.db", readonly=True) as copy:
        assert maintenance.check(copy).problems == []
        kinds = [event.kind for event in events.events(copy, limit=10**6)]
        assert kinds.count("test.one") == kinds.count("test.two") > 0


def test_the_cli_says_7_for_a_newer_store(shop: Shop) -> None:
    _age(shop.workspace.state, SCHEMA_VERSION + 1)
    for words in (("status",), ("--readonly", "status"), ("store", "check")):
        said = opsconsole(shop.root, *words, "--json")
        assert (said.code, said.json["error"]["code"]) == (7, "store")
        assert "use the newer opsconsole" in said.err
