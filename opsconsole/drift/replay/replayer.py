"""``drift replay``: the alerts that a monitor's settings would have raised on the reference itself.

Two questions, from what is stored with the baseline. Which alerts would the reference's own windows have raised, each
compared with all others? And how often would chunks drawn from the reference, where nothing can have drifted, open an
incident? The answer is in false alarms a week.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from opsconsole.core.nouns import Severity
from opsconsole.core.text import decimals, plural
from opsconsole.drift.facts.column import ColumnFacts
from opsconsole.drift.facts.reference import ReferenceWindow, wobble_of
from opsconsole.drift.measures.distances import NOTHING
from opsconsole.drift.production.windows import COUNT, LENGTHS, SIZE, Window
from opsconsole.drift.replay.resampling import Resampling, role_of
from opsconsole.drift.verdicts.criteria import History, judge
from opsconsole.drift.verdicts.decline import judge_performance
from opsconsole.drift.verdicts.history import VersionHistory
from opsconsole.drift.verdicts.incident import RECOVERY
from opsconsole.drift.verdicts.judging import Against, try_chunk
from opsconsole.drift.verdicts.policy import severity_of, worst
from opsconsole.store.baselines import Realised

DRAWS, REFERENCES = 2_000, 20
"""Chunks that are drawn, and redrawn references that they are held against in turn."""
SEED = 20130105
WEEK_S = 7 * 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DRAWN = Window("drawn", EPOCH, EPOCH, partial=False)


@dataclass(frozen=True)
class WouldAlert:
    """A window of the reference that would have raised an alert."""

    label: str
    severity: Severity
    columns: tuple[str, ...]
    performance: bool


@dataclass(frozen=True)
class Replay:
    """What the settings promise."""

    monitor: str
    version: int
    chunks: int
    """Windows of the reference, each held against the others; 0 where it spans fewer than three."""
    would_alert: tuple[WouldAlert, ...]
    simulated: int
    """Chunks drawn from the reference."""
    incidents: int
    """Incidents that those would have opened."""
    chunks_a_week: float | None
    expected_false_alarms_per_week: float | None
    """None where nothing tells how many chunks a week has."""
    budget: float
    bearable: bool
    words: tuple[str, ...]


def replay(against: Against, *, rows: int | None = None) -> Replay:
    """Replay a monitor's settings on the reference of its baseline; ``rows`` are those of a usual chunk."""
    monitor, fitted = against.monitor, against.fitted
    a_week = _chunks_a_week(against, rows)
    size = rows or _usual_rows(against, a_week)
    alerts = [one for one in (_would(against, place) for place in range(len(fitted.windows))) if one is not None]
    incidents = openings(simulated(against, size))
    rate = max(incidents / DRAWS, _share_opening(fitted.windows, alerts))
    expected = None if a_week is None else rate * a_week
    bearable = expected is None or expected <= monitor.config.budget
    return Replay(
        monitor=monitor.name,
        version=against.baseline.version,
        chunks=len(fitted.windows),
        would_alert=tuple(alerts),
        simulated=DRAWS,
        incidents=incidents,
        chunks_a_week=a_week,
        expected_false_alarms_per_week=expected,
        budget=monitor.config.budget,
        bearable=bearable,
        words=_words(against, alerts, incidents, size, expected, bearable=bearable),
    )


def _chunks_a_week(against: Against, rows: int | None) -> float | None:
    chunk = against.monitor.config.chunk
    if chunk in LENGTHS:
        return WEEK_S / LENGTHS[chunk].total_seconds()
    if against.fitted.rows_a_week is None or chunk.startswith(COUNT):
        return None
    return against.fitted.rows_a_week / (rows or int(chunk.removeprefix(SIZE)))


def _usual_rows(against: Against, a_week: float | None) -> int:
    windows = against.fitted.windows
    if windows:
        return int(np.median([one.rows for one in windows]))
    if a_week and against.fitted.rows_a_week:
        return max(int(against.fitted.rows_a_week / a_week), against.monitor.config.least)
    return max(against.baseline.rows, against.monitor.config.least)


def _would(against: Against, place: int) -> WouldAlert | None:
    """Judge one window of the reference as it would have been in its course; its own wobble does not excuse it."""
    windows, limits = against.fitted.windows, against.monitor.config.limits
    before = [_raw(against, one) for one in range(max(place - limits.window + 1, 0), place)]
    severities_by_column = _judged(against, place, History(list(reversed(before)), _wobble(windows, place)))
    columns = tuple(name for name, severity in severities_by_column.items() if severity is not Severity.OK)
    breached = _breached(against, windows[place].realised)
    severities = [*severities_by_column.values(), *([Severity.WARN] if breached else [])]
    severity = worst(severities)
    return None if severity is Severity.OK else WouldAlert(windows[place].label, severity, columns, breached)


def _judged(against: Against, place: int, history: History) -> dict[str, Severity]:
    facts = _facts(against, place)
    verdicts = judge(facts, against.monitor.config.limits, history)
    return {one.name: severity_of(one, verdicts[one.name], against.monitor.config.policy) for one in facts}


def _raw(against: Against, place: int) -> frozenset[str]:
    """Return the columns of a window that were past noise and effect, whatever came before."""
    history = History([], _wobble(against.fitted.windows, place))
    verdicts = judge(_facts(against, place), against.monitor.config.limits, history)
    return frozenset(name for name, verdict in verdicts.items() if verdict.drifted)


def _facts(against: Against, place: int) -> list[ColumnFacts]:
    window = against.fitted.windows[place]
    return [_column(against, name, moved.psi, moved.noise_p, window.rows) for name, moved in window.columns.items()]


def _wobble(windows: Sequence[ReferenceWindow], without: int) -> dict[str, float]:
    return wobble_of(window for place, window in enumerate(windows) if place != without)


def _share_opening(windows: Sequence[ReferenceWindow], alerts: Sequence[WouldAlert]) -> float:
    """Return the share of the reference's windows that would have opened an incident."""
    labels = {one.label for one in alerts}
    return openings(one.label in labels for one in windows) / len(windows) if windows else 0.0


def openings(flags: Iterator[bool] | Sequence[bool]) -> int:
    """Count openings: an incident stands until two chunks without a finding."""
    opened, calm, stands = 0, 0, False
    for bad in flags:
        calm = 0 if bad else calm + 1
        if bad and not stands:
            opened, stands = opened + 1, True
        elif calm >= RECOVERY:
            stands = False
    return opened


def simulated(against: Against, rows: int) -> Iterator[bool]:
    """Yield for each drawn chunk whether it would raise an alert; nothing has drifted in any of them."""
    random = np.random.default_rng(SEED)
    wobble, drawing = against.fitted.wobble(), Resampling(against)
    for _ in range(REFERENCES):
        history = VersionHistory(wobble)
        for measured in drawing.chunks(rows, DRAWS // REFERENCES, random):
            past = try_chunk(against, DRAWN, measured, history)
            history.add(past)
            yield past.record.severity is not Severity.OK


def _column(against: Against, name: str, psi: float, noise_p: float, rows: int) -> ColumnFacts:
    kind = against.reference.columns[name].kind
    measured = replace(NOTHING, psi=psi, noise_p=noise_p)
    return ColumnFacts(name, kind, role_of(against, name), measured, against.reference.rows, rows)


def _breached(against: Against, realised: Realised | None) -> bool:
    metric = against.monitor.metric
    if metric is None or realised is None:
        return False
    verdict = judge_performance(metric, realised, against.own, against.floor, 0, against.monitor.persistence)
    return bool(verdict.breached)


def _words(
    against: Against, alerts: Sequence[WouldAlert], incidents: int, rows: int, expected: float | None, *, bearable: bool
) -> tuple[str, ...]:
    windows = against.fitted.windows
    sentences = []
    if windows:
        named = f": {', '.join(one.label for one in alerts[:5])}" if alerts else ""
        sentences.append(
            f"Would have told something of {len(alerts)} of {plural(len(windows), 'window')} of the reference{named}."
        )
    else:
        unit = against.monitor.config.chunk
        sentences.append(
            f"The reference spans fewer than three of its chunks ({unit}): how it wobbles by itself is not known."
        )
    sentences.append(f"Of {DRAWS:,} chunks of {rows:,} rows drawn from the reference, {incidents} opened an incident.")
    if expected is not None:
        verdict = "within" if bearable else "past"
        sentences.append(
            f"Expect {decimals(expected, 2)} false alarms a week, {verdict} the budget of"
            f" {decimals(against.monitor.config.budget, 2)}."
        )
    return tuple(sentences)
