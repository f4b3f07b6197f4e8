"""Moving an alias: compare-and-swap on its row, the promotion and the event in the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.core.actor import current_actor
from opsconsole.core.errors import ConflictError, RefusedError, UsageError
from opsconsole.core.nouns import PromotionKind
from opsconsole.registry.gates.gate import Gate
from opsconsole.store import events, models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.promotions import Alias, Promotion


@dataclass(frozen=True)
class Move:
    """What is wanted, and what the operator saw when they wanted it."""

    model: str
    alias: str
    to_version: int
    seen: Alias | None
    """The alias as it stood when the gates were evaluated; None: it pointed nowhere."""
    reason: str
    command: str

    @property
    def seen_version(self) -> int | None:
        """The version that was there."""
        return self.seen.version if self.seen is not None else None


@dataclass(frozen=True)
class Moved:
    """An alias that moved."""

    promotion: int
    move: Move

    @property
    def model(self) -> str:
        """Whose alias it is."""
        return self.move.model

    @property
    def alias(self) -> str:
        """The rung."""
        return self.move.alias

    @property
    def from_version(self) -> int | None:
        """What was there before; None: nothing."""
        return self.move.seen_version

    @property
    def to_version(self) -> int:
        """What is there now."""
        return self.move.to_version


def promote(connection: sqlite3.Connection, move: Move, *, gates: Sequence[Gate], forced: list[str]) -> Moved:
    """Move the alias if it still stands where the operator saw it; else ConflictError says who was first.

    Part of the caller's durable transaction; the caller then syncs the link.
    """
    promotion = _move(connection, PromotionKind.PROMOTE, move, gates, forced, None)
    events.record(
        connection,
        "model.promoted",
        f"model {move.model}@{move.alias}",
        reason=move.reason,
        command=move.command,
        detail={"from": move.seen_version, "to": move.to_version, "promotion": promotion, "forced": forced},
    )
    return Moved(promotion, move)


def roll_back(connection: sqlite3.Connection, move: Move, undoes: int) -> Moved:
    """Move the alias back inside the caller's durable transaction; the caller then syncs the link."""
    promotion = _move(connection, PromotionKind.ROLLBACK, move, [], [], undoes)
    events.record(
        connection,
        "model.rolled_back",
        f"model {move.model}@{move.alias}",
        reason=move.reason,
        command=move.command,
        detail={"from": move.seen_version, "to": move.to_version, "promotion": promotion, "undoes": undoes},
    )
    return Moved(promotion, move)


def nominate(
    connection: sqlite3.Connection, model: str, alias: str, version: int, reason: str, actor: str
) -> int | None:
    """Let intake move the lowest rung forward to a new version, never back; return the promotion, or None."""
    seen = promotions.alias_inside(connection, model, alias)
    if seen is not None and seen.version >= version:
        return None
    promotion = promotions.move(
        connection,
        kind=PromotionKind.INTAKE,
        model=model,
        name=alias,
        to_version=version,
        revision=seen.revision if seen else 0,
        reason=reason,
        actor=actor,
        gates=[],
        forced=[],
    )
    events.record(
        connection,
        "model.nominated",
        f"model {model}@{alias}",
        reason=reason,
        actor=actor,
        detail={"from": seen.version if seen else None, "to": version, "promotion": promotion},
    )
    return promotion


def rollback_target(history: list[Promotion], holder: int, to: int | None = None) -> Promotion | None:
    """Return the promotion whose version was live before ``holder``, never one that was itself rolled back.

    ``history`` is one alias's promotions, newest first, all of them. The recorded chain is replayed: a promotion pushes
    what it put live, a rollback pops down to what it went back to. A version that was rolled back counts as bad until
    someone promotes it again. ``to`` asks for one further back. Returns None when nothing healthy was live before.
    """
    live, bad = _replay(history)
    if not live or live[-1].to_version != holder:
        return None
    healthy = (item for item in reversed(live[:-1]) if item.to_version not in {holder, *bad})
    return next((item for item in healthy if to is None or item.to_version == to), None)


def chain(history: list[Promotion]) -> list[Promotion]:
    """Return the promotions that stand, oldest first, the last being what is live."""
    return _replay(history)[0]


def _replay(history: list[Promotion]) -> tuple[list[Promotion], set[int]]:
    """Return the promotions that stand, oldest first, and the versions that were rolled back."""
    live: list[Promotion] = []
    bad: set[int] = set()
    for item in reversed(history):
        if item.kind == PromotionKind.ROLLBACK:
            bad |= {item.from_version} if item.from_version is not None else set()
            while live and live[-1].to_version != item.to_version:
                live.pop()
        else:
            bad.discard(item.to_version)
            live.append(item)
    return live, bad


def plan_rollback(
    store: Store,
    model: str,
    alias: str,
    reason: str,
    command: str,
    *,
    expect: str | None = None,
    to: str | None = None,
) -> tuple[Move, int]:
    """Return the move that a rollback would make, and the promotion it takes back.

    ``expect`` is the version that the operator saw at the alias: ConflictError when it moved. ``to`` is the one they want
    to go back to: RefusedError when it was not live before, or was rolled back itself.
    """
    held = promotions.holder(store, model, alias)
    if expect is not None and expect.removeprefix("v") != str(held.version):
        raise ConflictError(
            f"{model}@{alias} moved: you saw {expect}, it is {held.version} now",
            hint=f"opsconsole model history {model} tells who moved it; then roll back from there, if it still must be",
        )
    past = promotions.chain(store, model, alias)
    wanted = None if to is None else _number(to)
    target = rollback_target(past, held.version, wanted)
    if target is None:
        raise RefusedError(
            f"nothing was live at {model}@{alias} before v{held.version}"
            if wanted is None
            else f"v{wanted} was not live at {model}@{alias} before v{held.version}, or was rolled back itself",
            hint="a rollback goes back to what was live, never to what was itself rolled back; promote another version",
        )
    models.version(store, model, target.to_version)
    move = Move(model, alias, target.to_version, held, reason, command)
    return move, chain(past)[-1].id


def _number(version: str) -> int:
    if not version.removeprefix("v").isdecimal():
        raise UsageError(f"not a version: {version!r}", hint="a number, such as 2")
    return int(version.removeprefix("v"))


def _move(
    connection: sqlite3.Connection,
    kind: PromotionKind,
    move: Move,
    gates: Sequence[Gate],
    forced: list[str],
    undoes: int | None,
) -> int:
    promotion = promotions.move(
        connection,
        kind=kind,
        model=move.model,
        name=move.alias,
        to_version=move.to_version,
        revision=move.seen.revision if move.seen is not None else 0,
        reason=move.reason,
        actor=current_actor(),
        gates=[gate.as_json() for gate in gates],
        forced=forced,
        undoes=undoes,
    )
    if promotion is None:
        now = promotions.alias_inside(connection, move.model, move.alias)
        seen = f"v{move.seen_version}" if move.seen_version is not None else "nothing"
        raise ConflictError(
            f"{move.model}@{move.alias} moved while you looked: you saw {seen}, it is v{now.version if now else '?'} now",
            hint="look at the gates again, against the new champion",
        )
    return promotion
