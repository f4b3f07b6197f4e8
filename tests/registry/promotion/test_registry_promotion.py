"""An alias moves by compare-and-swap, the link follows the row, and a rollback goes where it was healthy."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError, StoreError, UsageError
from opsconsole.core.files import locked
from opsconsole.core.nouns import AlertState, PromotionKind, Resolution, Severity
from opsconsole.lifecycle.models.candidates import judge, roll_back_alias
from opsconsole.registry.promotion import links
from opsconsole.registry.promotion.links import sync_link, sync_links
from opsconsole.registry.promotion.moves import nominate, rollback_target
from opsconsole.store import alerts, chunks, events, promotions
from opsconsole.store.alerts import News
from opsconsole.store.chunk_records import ChunkRecord, Kept, Stamp
from opsconsole.store.connection import Store
from opsconsole.store.findings import Finding
from opsconsole.store.promotions import Alias, Promotion
from tests.model_workspace import Left, Shop, opsconsole
from tests.runs.bench import until

STALLED = """
import os, sys, time
from pathlib import Path
from opsconsole.cli import root
from opsconsole.registry.promotion import links
mark, go = Path(sys.argv[1]), Path(sys.argv[2])
sync = links.sync_link
def stalled(*arguments):
    mark.touch()
    while not go.exists():
        time.sleep(0.005)
    return sync(*arguments)
links.sync_link = stalled
sys.exit(root.run(sys.argv[3:]))
"""


def roll_back(shop: Shop, reason: str = "it is worse") -> int:
    return roll_back_alias(shop.workspace, shop.store, "m", "production", reason).to_version


def promoting(shop: Shop, version: int, expect: str, *more: str) -> list[str]:
    words = ["model", "promote", f"m:{version}", "--to", "production", "--reason", "better", "--expect", expect]
    return ["-C", str(shop.root), *words, "--yes", "--json", *more]


def three(shop: Shop) -> None:
    """Version 1 is live; 2 and 3 were both judged against it."""
    shop.version()
    shop.promote(1)
    for seed in (2, 3):
        shop.version(Left(skill=3, champion_skill=1.5, seed=seed), champion=1)


def test_two_that_saw_the_same_champion_one_wins_one_conflicts_and_nothing_is_half_done(shop: Shop) -> None:
    three(shop)
    argv = [sys.executable, "-m", "opsconsole"]
    both = [
        subprocess.Popen([*argv, *promoting(shop, version, "1")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for version in (2, 3)
    ]
    answers = [process.communicate(timeout=60) for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 5], answers
    winner = (2, 3)[codes.index(0)]
    assert b'"code": "conflict"' in answers[codes.index(5)][0]
    assert (shop.at(), shop.link()) == (winner, f"versions/{winner}")
    assert [item.to_version for item in promotions.history(shop.store, "m", "production")] == [winner, 1]
    moved = events.events(shop.store, kind="model.promoted")
    assert [event.detail["to"] for event in moved] == [winner, 1]


def test_the_swap_is_on_the_revision_not_on_the_version_alone(shop: Shop) -> None:
    """Away and back again between a look and the act is a change too."""
    three(shop)
    seen = promotions.alias(shop.store, "m", "production")
    assert seen is not None
    shop.promote(2)
    roll_back(shop)
    held = promotions.alias(shop.store, "m", "production")
    assert held is not None
    assert (held.version, held.revision) == (seen.version, seen.revision + 2)
    with shop.store.durable() as connection:
        moved = promotions.move(
            connection,
            kind=PromotionKind.PROMOTE,
            model="m",
            name="production",
            to_version=3,
            revision=seen.revision,
            reason="late",
            actor="tess",
            gates=[],
            forced=[],
        )
    assert moved is None


def test_row_promotion_and_event_are_written_together_or_not_at_all(shop: Shop) -> None:
    three(shop)
    before = (len(events.events(shop.store)), len(promotions.history(shop.store, "m")))
    with sqlite3.connect(shop.store.path) as other:
        other.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON events WHEN new.kind = 'model.promoted'"
            " BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
        )
    other.close()
    with pytest.raises(sqlite3.IntegrityError):
        shop.promote(2)
    assert (len(events.events(shop.store)), len(promotions.history(shop.store, "m"))) == before
    assert (shop.at(), shop.link()) == (1, "versions/1")


def test_a_promoter_that_stalls_before_its_swap_does_not_undo_a_later_promotion(shop: Shop, tmp_path: Path) -> None:
    three(shop)
    mark, go = tmp_path / "mark", tmp_path / "go"
    argv = [sys.executable, "-c", STALLED, str(mark), str(go), *promoting(shop, 2, "1")]
    stalled = subprocess.Popen(argv, stdout=subprocess.PIPE)
    until(mark.exists)
    assert (shop.at(), shop.link()) == (2, "versions/1"), "committed, not yet swapped"
    shop.promote(3, force=("same rows", "not worse"))
    assert shop.link() == "versions/3"
    go.touch()
    stalled.communicate(timeout=60)
    assert stalled.returncode == 0
    assert (shop.at(), shop.link()) == (3, "versions/3"), "the link says what the row says"


def test_a_promoter_killed_between_commit_and_swap_while_another_promotes(shop: Shop, tmp_path: Path) -> None:
    three(shop)
    mark = tmp_path / "mark"
    argv = [sys.executable, "-c", STALLED, str(mark), str(tmp_path / "never"), *promoting(shop, 2, "1")]
    stalled = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    until(mark.exists)
    other = subprocess.Popen(
        [sys.executable, "-m", "opsconsole", *promoting(shop, 3, "2", "--force-gate", "same rows", "--force-gate", "not worse")],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    stalled.send_signal(signal.SIGKILL)
    assert stalled.wait(60) == -signal.SIGKILL
    other.communicate(timeout=60)
    assert other.returncode == 0
    assert (shop.at(), shop.link()) == (3, "versions/3")


def test_the_next_command_repairs_the_link_of_one_who_was_killed(shop: Shop, tmp_path: Path) -> None:
    three(shop)
    mark = tmp_path / "mark"
    argv = [sys.executable, "-c", STALLED, str(mark), str(tmp_path / "never"), *promoting(shop, 2, "1")]
    stalled = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    until(mark.exists)
    stalled.kill()
    stalled.wait(60)
    assert (shop.at(), shop.link()) == (2, "versions/1")
    assert opsconsole(shop.root, "--readonly", "status").code == 0
    assert shop.link() == "versions/1", "a read-only look repairs nothing"
    assert opsconsole(shop.root, "status").code == 0
    assert shop.link() == "versions/2"


def test_sync_link_reads_the_row_again_once_it_holds_the_lock(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out, a promoter that waited for the lock would swap to what it knew before."""
    three(shop)
    order: list[str] = []
    read, lock = promotions.alias, locked

    def noted_lock(folder: Path) -> AbstractContextManager[int]:
        order.append("lock")
        return lock(folder)

    def noted_read(store: Store, model: str, name: str) -> Alias | None:
        order.append("read")
        return read(store, model, name)

    monkeypatch.setattr(links, "locked", noted_lock)
    monkeypatch.setattr(promotions, "alias", noted_read)
    assert sync_link(shop.workspace, shop.store, "m", "production") == 1
    assert order == ["lock", "read"]


def test_a_link_is_relative_and_its_swap_leaves_nothing_behind(shop: Shop) -> None:
    shop.live(2)
    folder = shop.workspace.models / "m"
    assert shop.link() == "versions/2"
    assert (folder / "production" / "weights.txt").read_bytes() == b"1 2 3\n"
    assert sorted(path.name for path in folder.iterdir()) == [".history", "candidate", "production", "versions"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_something_of_someone_s_in_the_link_s_place_is_refused_before_anything_moves(shop: Shop, kind: str) -> None:
    three(shop)
    link = shop.workspace.models / "m" / "production"
    link.unlink()
    if kind == "folder":
        link.mkdir()
        (link / "precious.txt").touch()
    else:
        link.write_text("precious")
    with pytest.raises(StoreError, match="not our link"):
        shop.promote(2)
    with pytest.raises(StoreError, match="not our link"):
        sync_link(shop.workspace, shop.store, "m", "production")
    assert (shop.at(), link.exists()) == (1, True)
    said = opsconsole(shop.root, "status", "--json")
    assert said.code == 0, "one bad link does not lock the operator out"
    assert "not our link" in said.err
    assert said.json["models"][0]["aliases"]["production"] == 1


def test_a_link_that_was_bent_or_lost_is_put_right(shop: Shop) -> None:
    shop.live(2)
    link = shop.workspace.models / "m" / "production"
    link.unlink()
    assert sync_links(shop.workspace, shop.store) == []
    assert shop.link() == "versions/2"
    link.unlink()
    link.symlink_to("/etc")
    sync_links(shop.workspace, shop.store)
    assert shop.link() == "versions/2"


def test_expect_conflicts_when_it_is_not_what_is_there(shop: Shop) -> None:
    three(shop)
    for expect in ("none", "2", "v3", "x"):
        with pytest.raises(ConflictError, match=f"you saw {expect}, it is 1 now"):
            shop.promote(2, expect=expect)
    assert shop.promote(2, expect="v1").from_version == 1


def test_a_reason_is_needed_to_promote_and_to_roll_back(shop: Shop) -> None:
    shop.live(2)
    shop.version(Left(skill=3, champion_skill=1.5, seed=3), champion=2)
    for reason in ("", "  \n"):
        with pytest.raises(RefusedError, match="reason: none was given"):
            shop.promote(3, reason=reason)
        with pytest.raises(RefusedError, match="needs a reason"):
            roll_back(shop, reason)
    with pytest.raises(RefusedError, match="reason and digest cannot be forced"):
        shop.promote(3, reason="", force=("reason",))
    assert shop.at() == 2


def test_a_forced_gate_is_on_record_and_an_unknown_one_refused(shop: Shop) -> None:
    shop.version(Left(skill=0.1))
    with pytest.raises(UsageError, match="there is no gate 'flor'"):
        shop.promote(1, force=("flor",))
    shop.promote(1, force=("floor",))
    (kept,) = promotions.history(shop.store, "m", "production")
    assert kept.forced == ["floor"]
    assert next(item for item in kept.gates if item["name"] == "floor")["outcome"] == "fail", "the verdict stands"
    event = events.events(shop.store, kind="model.promoted")[0]
    assert event.detail["forced"] == ["floor"]
    assert "--force-gate floor" in (event.command or "")


def test_a_move_tells_who_why_and_the_command(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 1 10.0.0.1 22")
    shop.version()
    shop.promote(1, reason="it's time")
    event = events.events(shop.store, kind="model.promoted")[0]
    assert (event.actor, event.subject, event.reason) == ("tess@10.0.0.7", "model m@production", "it's time")
    assert event.command == (
        "opsconsole model promote m:1 --to production --reason 'it'\"'\"'s time' --expect none --yes"
    )


def test_promoting_what_is_there_already_is_refused(shop: Shop) -> None:
    shop.version()
    shop.promote(1)
    with pytest.raises(RefusedError, match="v1 is at m@production already"):
        shop.promote(1)
    with pytest.raises(NotFoundError, match="no rung `prod`"):
        judge(shop.workspace, shop.store, "m", 1, "prod")


def test_the_lowest_rung_is_moved_forward_by_intake_and_never_back(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.version(Left(seed=number))
    assert shop.at("candidate") == 3
    with shop.store.immediate() as connection:
        assert nominate(connection, "m", "candidate", 2, "late", "tess") is None
        assert nominate(connection, "m", "candidate", 3, "again", "tess") is None
    assert shop.at("candidate") == 3
    kinds = [(item.kind, item.to_version) for item in promotions.history(shop.store, "m", "candidate")]
    assert kinds == [(PromotionKind.INTAKE, number) for number in (3, 2, 1)]
    assert shop.at("production") is None, "every other rung asks"


def incident(shop: Shop, version: int) -> int:
    """An alert of a version that was resolved."""
    finding = Finding("performance", Severity.CRITICAL, "AUC .6 below .7")
    at = clock.now()
    record = ChunkRecord(
        monitor="m", model="m", version=version, label="now", start=at, end=at, rows=9, labels=9, metric="auc",
        realised=0.6, low=0.5, high=0.7, floor=0.7, breaches=2, partial=False, severity=Severity.CRITICAL,
        findings=(finding,), fingerprint="f",
    )  # fmt: skip
    with shop.store.immediate() as connection:
        chunks.write_chunk(connection, record, Kept(b"", b"", Stamp("", "")), [])
        chunk_id = int(connection.execute("SELECT max(id) FROM chunks").fetchone()[0])
        news = News(Severity.CRITICAL, "AUC .6", ("It fell.",), (finding,), chunk_id)
        found = alerts.open_alert(connection, monitor="m", model="m", alias="production", version=version, news=news)
        alerts.resolve(connection, found, Resolution.CURED, "cured", cured_by=version + 1)
    return found


def test_a_rollback_opens_the_alert_of_the_version_that_is_live_again(shop: Shop) -> None:
    shop.live(2)
    alert = incident(shop, 1)
    assert roll_back(shop) == 1
    found = alerts.alert(shop.store, alert)
    assert (found.state, found.cured_by) == (AlertState.OPEN, None)
    kinds = [event.kind for event in events.events(shop.store, limit=2)]
    assert kinds == ["alert.reopened", "model.rolled_back"]
    assert shop.link() == "versions/1"


def test_a_rollback_names_what_it_takes_back(shop: Shop) -> None:
    shop.live(2)
    second = promotions.history(shop.store, "m", "production")[0]
    roll_back(shop)
    kept = promotions.history(shop.store, "m", "production")[0]
    assert (kept.kind, kept.undoes, kept.from_version, kept.to_version) == (PromotionKind.ROLLBACK, second.id, 2, 1)
    with pytest.raises(RefusedError, match="nothing was live at m@production before v1"):
        roll_back(shop)
    with pytest.raises(NotFoundError, match="points nowhere"):
        roll_back_alias(shop.workspace, shop.store, "m", "staging", "x")


def test_a_rollback_follows_what_was_live_not_the_numbers(shop: Shop) -> None:
    shop.live(3)
    assert roll_back(shop) == 2
    shop.version(Left(champion_skill=1.5, champion_seed=2, seed=4), champion=2)
    shop.promote(4, force=("not worse",))
    assert roll_back(shop) == 2, "3 was rolled back"
    assert roll_back(shop) == 1


class Rung(RuleBasedStateMachine):
    """Promotions and rollbacks in any order, over the pure planning of a rollback."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Promotion] = []
        self.held: int | None = None
        self.bad: set[int] = set()
        self.were_live: set[int] = set()

    def _move(self, kind: PromotionKind, to: int) -> None:
        number = len(self.history) + 1
        moved = Promotion(
            number, clock.now(), kind, "m", "production", self.held, to, number, "why", "tess", [], [], None
        )  # fmt: skip
        self.history.insert(0, moved)
        self.held = to
        self.were_live.add(to)

    @rule(step=st.integers(1, 4))
    def promote(self, step: int) -> None:
        version = step if step != self.held else 5
        self.bad.discard(version)
        self._move(PromotionKind.PROMOTE, version)

    @precondition(lambda self: self.held is not None)
    @rule()
    def take_back(self) -> None:
        assert self.held is not None
        target = rollback_target(self.history, self.held)
        if target is None:
            return
        assert target.to_version != self.held
        assert target.to_version not in self.bad, "it was itself rolled back"
        assert target.to_version in self.were_live
        self.bad.add(self.held)
        self._move(PromotionKind.ROLLBACK, target.to_version)

    @invariant()
    def one_who_does_not_hold_it_has_no_target(self) -> None:
        assert rollback_target(self.history, 99) is None


TestRung = Rung.TestCase
TestRung.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_rollback_conflicts_when_someone_moved_the_rung_meanwhile(shop: Shop) -> None:
    shop.live(4)
    assert roll_back(shop, "mine") == 3
    with pytest.raises(ConflictError, match="you saw 4, it is 3 now"):
        roll_back_alias(shop.workspace, shop.store, "m", "production", "too", expect="4", to="3")
    said = opsconsole(
        shop.root, "model", "rollback", "m", "--alias", "production", "--reason", "r", "--expect", "v4", "--yes"
    )
    assert (said.code, shop.at()) == (5, 3)


def test_a_rollback_goes_as_far_as_it_is_asked_to_and_nowhere_else(shop: Shop) -> None:
    shop.live(4)
    for wanted in ("4", "9"):
        with pytest.raises(RefusedError, match=f"v{wanted} was not live"):
            roll_back_alias(shop.workspace, shop.store, "m", "production", "r", to=wanted)
    with pytest.raises(UsageError, match="not a version"):
        roll_back_alias(shop.workspace, shop.store, "m", "production", "r", to="x")
    moved = roll_back_alias(shop.workspace, shop.store, "m", "production", "r", expect="v4", to="v2")
    assert (moved.from_version, moved.to_version) == (4, 2)
    event = events.events(shop.store, kind="model.rolled_back")[0]
    line = "opsconsole model rollback m --alias production --reason r --expect v4 --to v2 --yes"
    assert event.command == line
    assert roll_back(shop) == 1


def test_after_any_number_of_moves_what_was_live_before_is_known(shop: Shop) -> None:
    for seed in (1, 2, 3):
        shop.version(Left(seed=seed))
    with shop.store.durable() as connection:
        for revision, version in enumerate([1, 2, *([3, 2] * 300)]):
            promotions.move(
                connection,
                kind=PromotionKind.ROLLBACK if revision > 2 and version == 2 else PromotionKind.PROMOTE,
                model="m",
                name="production",
                to_version=version,
                revision=revision,
                reason="again",
                actor="tess",
                gates=[],
                forced=[],
            )
    assert roll_back(shop) == 1
    said = opsconsole(shop.root, "model", "history", "m", "--json")
    assert len([move for move in said.json if move["alias"] == "production"]) == 603


def test_a_link_that_cannot_be_swapped_is_told_with_what_is_on_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(shop)

    def full(self: Path, target: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", full)
        with pytest.raises(
            StoreError, match=r"on record \(promotion \d+: m@production is v2\).*not swapped yet.*no space"
        ):
            shop.promote(2)
        assert (shop.at(), shop.link()) == (2, "versions/1")
        assert [error.exit_code for error in sync_links(shop.workspace, shop.store)] == [7]
    assert sync_links(shop.workspace, shop.store) == []
    assert shop.link() == "versions/2"


def test_a_move_s_gates_are_told_as_they_were(shop: Shop) -> None:
    shop.live(2)
    shop.configure("at_least = 0.6", "at_least = 0.99")
    shown = opsconsole(shop.root, "model", "show", "m:2", "--json").json["promotions"][0]
    assert {gate["name"]: gate["outcome"] for gate in shown["gates"]}["floor"] == "pass"
    assert shown["forced"] == ["not worse"]
    words = opsconsole(shop.root, "model", "show", "m:2").out.decode()
    assert "at least .600" in words
    table = opsconsole(shop.root, "model", "history", "m").out.decode()
    assert "forced not worse" in table
