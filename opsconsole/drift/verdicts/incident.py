"""The effect of a chunk on its incident: open, raise, continue, resolve, reopen.

One incident for each monitored version. All of it is decided and written in the transaction that writes the chunk, so
that two checks at once cannot open two. What an operator or a move of the alias does is ``lifecycle.monitors.incidents``.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from opsconsole.core.nouns import AlertState, Resolution, Severity, version_name
from opsconsole.store import alerts as records
from opsconsole.store import chunks as chunk_store
from opsconsole.store.alerts import Alert, News
from opsconsole.store.chunk_records import Chunk, ChunkRecord

RECOVERY = 2
"""How many healthy chunks running end an incident of a version that stays: one may be luck."""
SUCCESSION = 1
"""How many of the version that took its place end it."""


def wake(connection: sqlite3.Connection, monitor: str, at: datetime) -> list[int]:
    """Open the monitor's alerts whose snooze has run out; return their ids."""
    due = [
        alert.id
        for alert in records.live_of(connection, monitor)
        if alert.state is AlertState.SNOOZED and alert.snoozed_until is not None and alert.snoozed_until <= at
    ]
    for alert_id in due:
        records.reopen(connection, alert_id, "the snooze ended")
    return due


def observe(
    connection: sqlite3.Connection,
    chunk: ChunkRecord,
    news: News,
    *,
    alias: str,
    holder: int,
    judged: bool,
    anew: bool = False,
    opens: bool = True,
    was: Severity | None = None,
) -> None:
    """Let a freshly checked chunk of the alias's holder act on the monitor's incidents.

    ``judged`` is whether the monitor watches realised performance: then only a chunk with a verdict on it can cure.
    ``anew`` is whether the same rows were judged before, with other values, labels or against another baseline.
    ``was`` is how severe the chunk was before. ``opens`` is whether it may open, raise or continue an incident; one that stands it may always cure.
    Chunks of versions that no longer hold the alias change nothing: their incident waits for the holder's health.
    """
    if chunk.version != holder:
        return
    if anew:
        _revise(connection, chunk, news)
    if opens and chunk.severity is not Severity.OK:
        _worse(connection, chunk, news, alias, risen=was is not None and chunk.severity.rank > was.rank)
    if healthy(chunk, judged=judged):
        _cure(connection, chunk, judged=judged)


def _revise(connection: sqlite3.Connection, chunk: ChunkRecord, news: News) -> None:
    """Correct an incident whose own evidence is no longer so: it tells what is left of it, or is resolved."""
    alert = records.of_version(connection, chunk.monitor, chunk.version)
    if alert is None or not alert.live or alert.chunk_id != news.chunk_id or chunk.severity.rank >= alert.severity.rank:
        return
    if chunk.severity is not Severity.OK:
        records.bring_news(connection, alert, news, kind="alert.revised", state=alert.state)
    else:
        _fall_back(connection, alert, chunk.start, f"{chunk.label} was judged anew: nothing of it is left")


def forget(connection: sqlite3.Connection, monitor: str, version: int, chunks: set[int]) -> None:
    """Drop chunks that no row is of any more, and correct the incident whose evidence is among them."""
    alert = records.of_version(connection, monitor, version)
    shown = None if alert is None else chunk_store.start_of(connection, alert.chunk_id)
    chunk_store.drop(connection, sorted(chunks))
    if alert is not None and shown is not None and alert.live and alert.chunk_id in chunks:
        _fall_back(connection, alert, shown, "no row is left of the chunk that it tells of")


def _fall_back(connection: sqlite3.Connection, alert: Alert, start: datetime, reason: str) -> None:
    """Let an incident tell of the chunk just before that of its evidence; resolve it where that one is healthy."""
    calm = Severity.INFO if alert.severity.rank >= Severity.WARN.rank else Severity.OK
    before = chunk_store.before(connection, alert.monitor, alert.version, start, limit=RECOVERY - 1)
    left = next((one for one in before if one.severity.rank > calm.rank), None)
    if left is None:
        records.resolve(connection, alert.id, Resolution.REVISED, reason)
    else:
        records.bring_news(connection, alert, _news_of(left), kind="alert.revised", state=alert.state)


def _news_of(chunk: Chunk) -> News:
    """Return what a stored chunk's own findings say."""
    evidence = tuple(one for one in chunk.findings if one.severity is not Severity.OK)
    words = tuple(one.text for one in evidence)
    return News(chunk.severity, f"{words[0].removesuffix('.')}, in {chunk.label}", words, evidence, chunk.id)


def _cure(connection: sqlite3.Connection, chunk: ChunkRecord, *, judged: bool) -> None:
    """Resolve what a healthy chunk puts an end to; one older than an incident's evidence says nothing about it."""
    name = version_name(chunk.version)
    for alert in records.live_of(connection, chunk.monitor):
        shown = chunk_store.start_of(connection, alert.chunk_id)
        calm = Severity.INFO if alert.severity.rank >= Severity.WARN.rank else Severity.OK
        if alert.version != chunk.version:
            since = shown is None or chunk.start >= shown
            if since and _healthy_before(connection, chunk, Severity.CRITICAL, SUCCESSION - 1, judged=judged):
                _cured(connection, alert, chunk, f"{name} was healthy in {chunk.label}")
            continue
        calmer = (shown is None or chunk.start > shown) and chunk.severity.rank <= calm.rank
        if calmer and _healthy_before(connection, chunk, calm, RECOVERY - 1, judged=judged):
            reason = f"{name} recovered: {RECOVERY} healthy chunks running, the last {chunk.label}"
            _cured(connection, alert, chunk, reason)


def _cured(connection: sqlite3.Connection, alert: Alert, chunk: ChunkRecord, reason: str) -> None:
    records.resolve(connection, alert.id, Resolution.CURED, reason, cured_by=chunk.version)


def healthy(chunk: ChunkRecord, *, judged: bool) -> bool:
    """Whether a chunk shows its version well: no warning of its performance, and labels that say so.

    Where no performance is watched, a chunk without warnings of any kind is.
    """
    if not judged:
        return chunk.severity.rank < Severity.WARN.rank and chunk.rows > 0 and not _undecided(chunk)
    return chunk.low is not None and chunk.floor is not None and not chunk.fell and not _undecided(chunk)


def _undecided(chunk: ChunkRecord) -> bool:
    return any(one.kind == "note" for one in chunk.findings)


def _healthy_before(
    connection: sqlite3.Connection, chunk: ChunkRecord, calm: Severity, number: int, *, judged: bool
) -> bool:
    """Whether so many chunks just before this one were healthy too, and no more severe than ``calm``."""
    before = chunk_store.before(connection, chunk.monitor, chunk.version, chunk.start, limit=number)
    good = [one for one in before if healthy(one, judged=judged) and one.severity.rank <= calm.rank]
    return len(good) == number


def _worse(connection: sqlite3.Connection, chunk: ChunkRecord, news: News, alias: str, *, risen: bool) -> None:
    """Open, raise, continue or reopen the incident of the chunk's version; only what is new becomes an event.

    News of the same chunk are new again when it was calmer in between: another baseline was taken, and taken back.
    """
    alert = records.of_version(connection, chunk.monitor, chunk.version)
    if alert is None:
        records.open_alert(
            connection, monitor=chunk.monitor, model=chunk.model, alias=alias, version=chunk.version, news=news
        )
        return
    shown = chunk_store.start_of(connection, alert.chunk_id)
    later = shown is None or chunk.start >= shown
    same = alert.chunk_id == news.chunk_id and (alert.title, alert.evidence) == (news.title, news.evidence)
    known = same and not risen
    if not alert.live:
        if later and not known and chunk.severity.rank >= Severity.WARN.rank:
            records.bring_news(connection, alert, news, kind="alert.reopened", state=AlertState.OPEN)
    elif chunk.severity.rank > alert.severity.rank:
        state = AlertState.OPEN if alert.state is AlertState.SNOOZED else alert.state
        records.bring_news(connection, alert, news, kind="alert.raised", state=state)
    elif chunk.severity is alert.severity and later and not known:
        records.bring_news(connection, alert, news, kind="alert.continued", state=alert.state)
