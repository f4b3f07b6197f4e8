"""An alert's or a monitor's evidence: words first, then performance beside the heat strip, then the columns' numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from opsconsole.console.drift.figures import figures_rows
from opsconsole.console.drift.history import picture_rows
from opsconsole.console.host.host import Tab
from opsconsole.console.widgets.marks import SEVERITY_MARKS
from opsconsole.console.widgets.plots import bars
from opsconsole.console.widgets.rows import BLANK, Row, heading, note, sentences
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.core import text
from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.nouns import DATA_ALONE, version_name
from opsconsole.drift.report.monitor_report import notes, plots
from opsconsole.lifecycle.models.retraining import held_out_from, training_of
from opsconsole.lifecycle.monitors.whereabouts import answers, where
from opsconsole.store import chunks, runs
from opsconsole.store.alerts import Alert
from opsconsole.store.chunk_records import Chunk, ChunkColumn

WIDE = (Column(),)
BESIDE = (Column(width=10), Column())
HEIGHT = 2
"""Rows of one histogram; two stand over each other."""
NUMBERS = (
    Column("column", least=12),
    Column("kind", width=11, drop=5),
    Column("PSI", width=7, right=True),
    Column("JS", width=6, right=True, drop=3),
    Column("KS", width=6, right=True),
    Column("W", width=8, right=True, drop=4),
    Column("missing", width=8, right=True, drop=1),
    Column("unseen", width=7, right=True, drop=2),
    Column("outside", width=8, right=True),
    Column("explains", width=8, right=True, drop=6),
    Column("verdict", width=15),
)
WORDS: dict[str, tuple[str, Tone]] = {
    "none": ("like reference", "dim"),
    "noise_passed": ("small", "dim"),
    "warn": ("moved", "warn"),
    "major": ("moved far", "bad"),
    "too_few_rows": ("too few rows", "dim"),
    "filling": ("still filling", "dim"),
    "identifier": ("names rows", "dim"),
    "gone": ("gone", "bad"),
    "type_changed": ("type changed", "bad"),
    "all_missing": ("all missing", "bad"),
}


class EvidenceDetails:
    """Makes the rows of the evidence pane."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.ago = tab.ago
        self.width = tab.app.size.width

    def rows(self, name: str, alert: Alert | None, column: str | None = None, chunk: Chunk | None = None) -> list[Row]:
        """Return the evidence of an alert, or how a monitor stands.

        ``column`` is the one whose values are drawn, ``chunk`` the one whose numbers are told.
        """
        rows = [*self._words(alert), BLANK] if alert is not None else []
        try:
            history = plots(self.console.store, self.console.workspace.config, name)
        except OpsconsoleError as error:
            return [*rows, note(error.message)]
        if not history.labels:
            hint = note("no chunk was checked yet: c brings the next rows and checks them")
            return [*rows, hint, *self._notes(name)]
        rule = self.console.workspace.config.monitors[name].performance
        label = chunk.label if chunk is not None else ""
        rows += [*picture_rows(history, rule.metric if rule else "", self.width, label), BLANK]
        if chunk is None:
            return rows
        return [*rows, *figures_rows(chunk, self.width), *self._columns(chunk, column), *self._notes(name)]

    def _notes(self, name: str) -> list[Row]:
        """Return what the last check left out."""
        noted = notes(self.console.store, name)
        if not noted:
            return []
        lines = [line for one in noted for line in sentences(text.clean(one), self.width - 6, "dim")]
        return [BLANK, heading("NOTES", len(noted), Toned("   of the last check", "dim")), *lines]

    def _words(self, alert: Alert) -> list[Row]:
        mark = SEVERITY_MARKS[alert.severity]
        head = [
            mark,
            Toned(f" {alert.severity}", mark.tone),
            Toned(f"   alert {alert.id}   ", "dim"),
            Toned(where(self.console.store, alert), "strong"),
        ]
        head.append(
            Toned(
                f"   {alert.state}, opened {self.ago(alert.opened_at)}",
                "dim",
            )
        )
        if alert.cured_by:
            head.append(Toned(f"   cured by {version_name(alert.cured_by)}", "good"))
        rows = [Row(None, (tuple(head),), WIDE), BLANK]
        width = max(self.width - 6, 40)
        for index, sentence in enumerate(self._sentences(alert)):
            tone: Tone = "text" if index < 2 else "dim"
            rows += sentences(sentence, width, tone)
        rows += self._do(alert)
        return rows

    def _sentences(self, alert: Alert) -> list[str]:
        """Return the alert's own words; after the first, why it is not noise, as far as stored chunks can tell."""
        judged = chunks.chunk(self.console.store, alert.chunk_id) if alert.chunk_id is not None else None
        past = chunks.chunks(self.console.store, alert.monitor, version=alert.version)
        sentence = not_noise(judged, past) if judged is not None else ""
        return [*alert.words[:1], *([sentence] if sentence else []), *alert.words[1:]]

    def _do(self, alert: Alert) -> list[Row]:
        answered = answers(self.console.store, alert)
        rows = [
            Row(
                ("model", f"{item.model}:{item.version}"),
                (
                    (
                        Toned("answer: ", "dim"),
                        Toned(f"{item.model} v{item.version}", "accent"),
                        Toned(f"   {item.became}   run {item.run_id}   Enter opens it", "dim"),
                    ),
                ),
                WIDE,
            )
            for item in answered
        ]
        asked = runs.page(self.console.store, alert_id=alert.id, limit=3) if alert.live else []
        going = [run for run in asked if not run.state.final]
        rows += [
            Row(
                ("run", str(run.id)),
                (
                    (
                        Toned("being answered by ", "dim"),
                        Toned(f"run #{run.id}", "accent"),
                        Toned(f"   {run.state}", "dim"),
                    ),
                ),
                WIDE,
            )
            for run in going
        ]
        if alert.live and alert.model and not answered and not going:
            try:
                target = training_of(self.console.workspace, alert.monitor)
                until = held_out_from(self.console.store, alert.monitor)
            except OpsconsoleError as error:
                return [*rows, note(f"{error.message}  {error.hint}")]
            when = f"{until:%Y-%m-%d %H:%M}" if until.time() != time() else f"{until:%Y-%m-%d}"
            proposal = f"retrain: {target} on rows before {when}, judged on the rows from then on"
            rows.append(Row(None, ((Toned("t ", "accent"), Toned(proposal)),), WIDE))
        return rows

    def _columns(self, chosen: Chunk, column: str | None) -> list[Row]:
        store = self.console.store
        columns = chunks.columns(store, chosen.id)
        so_far = " so far" if chosen.partial else ""
        caption = f"   {chosen.label}{so_far}, {chosen.rows:,} rows{_against(chosen)}"
        drawn = next((item for item in columns if item.name == column and item.plot.reference), None)
        drawn = drawn or next((item for item in columns if item.plot.reference), None)
        rows = [*_histogram(drawn, chosen.label, self.width), BLANK] if drawn is not None else []
        rows += [
            heading("COLUMNS", len(columns), Toned(caption, "dim")),
            Row(None, tuple(Toned(column.title, "dim") for column in NUMBERS), NUMBERS),
        ]
        return [*rows, *(_column_row(item) for item in columns)]


def _against(chosen: Chunk) -> str:
    if chosen.version == DATA_ALONE:
        return ", against the reference"
    return f", labels {text.percent(chosen.label_coverage)}, against v{chosen.version}'s own reference"


def not_noise(judged: Chunk, past: Sequence[Chunk]) -> str:
    """Return why a fall is no chance: its interval misses the floor, and how many chunks before were as low.

    Empty where the chunk did not fall, or where nothing of its version was measured before it.
    """
    if not judged.breaches:
        return ""
    if judged.realised is None or judged.floor is None or judged.low is None or judged.high is None:
        return ""
    higher_is_better = judged.high < judged.floor
    if not higher_is_better and judged.low <= judged.floor:
        return ""
    before = [item.realised for item in past if item.start < judged.start and item.realised is not None]
    if not before:
        return ""
    as_bad = sum(value <= judged.realised if higher_is_better else value >= judged.realised for value in before)
    word = "low" if higher_is_better else "high"
    return (
        f"Not noise: the whole 95 % interval lies {'below' if higher_is_better else 'above'} the floor;"
        f" {as_bad} of {text.plural(len(before), 'chunk')} of {version_name(judged.version)} before it"
        f" {'was' if as_bad == 1 else 'were'} as {word}."
    )


def _column_row(item: ChunkColumn) -> Row:
    word, tone = WORDS.get(item.effect, (item.effect, "dim"))
    cells: tuple[Cell, ...] = (
        item.name,
        Toned(item.kind, "dim"),
        Toned(text.decimals(item.distances.psi), tone),
        text.decimals(item.distances.js),
        text.decimals(item.distances.ks),
        text.decimals(item.distances.wasserstein),
        text.percent(item.distances.missing_current, 1),
        text.percent(item.distances.unseen, 1) if item.distances.unseen is not None else "",
        text.percent(item.distances.outside, 1) if item.distances.outside is not None else "",
        "" if item.importance is None else text.percent(item.importance),
        Toned(word + (", once" if item.drifted and item.persistent is False else ""), tone),
    )
    return Row(("column", item.name) if item.plot.reference else None, cells, NUMBERS)


def _spread_words(item: ChunkColumn) -> str:
    """Say where the values lie on both sides: the median, and between which values nine in ten are."""
    before, now = item.figures.reference, item.figures.current
    if before is None or now is None:
        return ""
    return (
        f"   median {text.number(before.median)} → {text.number(now.median)}, 5–95 %:"
        f" {text.number(before.low)}…{text.number(before.high)} → {text.number(now.low)}…{text.number(now.high)}"
    )


def _histogram(item: ChunkColumn, label: str, room: int) -> list[Row]:
    """Return the reference's distribution over the chunk's, on one scale."""
    plot = item.plot
    caption = f"   PSI {text.decimals(item.distances.psi, 2)}{_spread_words(item)}   the column under the cursor"
    title = heading(text.clean(item.name), None, Toned(caption, "dim"))
    width = 2 if len(plot.reference) * 2 <= room - 16 else 1
    top = max([*plot.reference, *plot.current, 1e-9])
    rows = [title]
    for name, values, tone in (("reference", plot.reference, "champion"), (text.clean(label), plot.current, "accent")):
        drawn = bars(values, top, tone, height=HEIGHT, width=width)  # type: ignore[arg-type]
        rows += [
            Row(None, (Toned(name if number == len(drawn) - 1 else "", "dim"), line), BESIDE)
            for number, line in enumerate(drawn)
        ]
    names = plot.labels or tuple(f"{edge:.3g}" for edge in (plot.edges[0], plot.edges[-1]))
    caption = "  ".join(text.clean(name, limit=10) for name in names) if plot.labels else f"{names[0]} … {names[1]}"
    return [*rows, Row(None, ("", Toned(caption, "dim")), BESIDE)]
