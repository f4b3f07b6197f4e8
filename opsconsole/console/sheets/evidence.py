"""An alert's or a monitor's evidence: words first, then performance beside the heat strip, then the columns' numbers."""

from __future__ import annotations

from collections.abc import Sequence

from opsconsole.console.desk import Tab
from opsconsole.console.marks import SEVERITY_MARKS
from opsconsole.console.widgets.plots import Series, bars, line_plot
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.drift.report import HeatRow, Plots, plots
from opsconsole.ground import text
from opsconsole.ground.errors import OpsconsoleError
from opsconsole.lifecycle.retraining import held_out_from, training_of
from opsconsole.store import chunks, models, runs
from opsconsole.store.alerts import Alert
from opsconsole.store.chunks import ChunkColumn

WIDE = (Column(),)
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
    Column("verdict", width=14),
)
EFFECTS: dict[str, tuple[str, Tone]] = {
    "none": ("·", "faint"),
    "noise_passed": ("░", "dim"),
    "warn": ("▒", "warn"),
    "major": ("█", "bad"),
    "too_few_rows": ("?", "dim"),
    "gone": ("✗", "bad"),
    "type_changed": ("✗", "bad"),
    "all_missing": ("✗", "bad"),
}
WORDS: dict[str, tuple[str, Tone]] = {
    "none": ("like reference", "dim"),
    "noise_passed": ("small", "dim"),
    "warn": ("moved", "warn"),
    "major": ("moved far", "bad"),
    "too_few_rows": ("too few rows", "dim"),
    "gone": ("gone", "bad"),
    "type_changed": ("type changed", "bad"),
    "all_missing": ("all missing", "bad"),
}
PLOT_HEIGHT = 11


class EvidenceSheet:
    """Makes the rows of the evidence pane."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.ago = tab.ago
        self.width = tab.app.size.width

    def rows(self, name: str, alert: Alert | None) -> list[Row]:
        """Return the evidence of an alert, or how a monitor stands when there is none."""
        rows = [*self._words(alert), BLANK] if alert is not None else []
        try:
            found = plots(self.console.store, self.console.workspace.config, name)
        except OpsconsoleError as error:
            return [*rows, note(error.message)]
        if not found.labels:
            return [*rows, note("no chunk was checked yet: c brings the next rows and checks them")]
        rows += [*self._picture(found, name), BLANK]
        return [*rows, *self._columns(name, alert.chunk_id if alert is not None else None)]

    def _words(self, alert: Alert) -> list[Row]:
        mark = SEVERITY_MARKS[alert.severity]
        head = [
            mark,
            Toned(f" {alert.severity}", mark.tone),
            Toned(f"   alert {alert.id}   ", "dim"),
            Toned(f"{alert.model} v{alert.version} in {alert.alias}", "strong"),
        ]
        head.append(
            Toned(
                f"   {alert.state}, opened {self.ago(alert.opened_at)}",
                "dim",
            )
        )
        if alert.cured_by:
            head.append(Toned(f"   cured by v{alert.cured_by}", "good"))
        rows = [Row(None, (tuple(head),), WIDE), BLANK]
        width = max(self.width - 6, 40)
        for index, sentence in enumerate(alert.words):
            tone: Tone = "text" if index < 2 else "dim"
            rows += [Row(None, (Toned(line, tone),), WIDE) for line in _wrapped(text.clean(sentence), width)]
        rows += self._do(alert)
        return rows

    def _do(self, alert: Alert) -> list[Row]:
        answers = models.versions_of_alert(self.console.store, alert.id)
        rows = [
            Row(
                ("model", f"{item.model}:{item.version}"),
                (
                    (
                        Toned("answered by ", "dim"),
                        Toned(f"{item.model} v{item.version}", "accent"),
                        Toned(f"   run {item.provenance.run_id}   Enter opens it", "dim"),
                    ),
                ),
                WIDE,
            )
            for item in answers
        ]
        going = [run for run in runs.page(self.console.store, alert_id=alert.id, limit=3) if not run.state.final]
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
        if alert.live and not answers and not going:
            try:
                target = training_of(self.console.workspace, alert.monitor)
                until = held_out_from(self.console.store, alert.monitor)
            except OpsconsoleError as error:
                return [*rows, note(f"{error.message}  {error.hint}")]
            told = f"retrain: {target} on rows before {until.date()}, judged on the rows from then on"
            rows.append(Row(None, ((Toned("t ", "accent"), Toned(told)),), WIDE))
        return rows

    def _picture(self, found: Plots, name: str) -> list[Row]:
        """Return the performance plot beside the heat strip, or above it where there is little room."""
        wide = self.width >= 100
        width = 56 if wide else max(self.width - 4, 40)
        left = self._performance(found, name, width)
        right = self._heat(found, self.width - width - 8 if wide else self.width - 4)
        if not wide:
            return [*(Row(None, (line,), WIDE) for line in left), BLANK, *(Row(None, (line,), WIDE) for line in right)]
        columns = (Column(width=width), Column())
        height = max(len(left), len(right))
        blank: tuple[Toned, ...] = (Toned(""),)
        left = [*left, *[blank] * (height - len(left))]
        right = [*right, *[blank] * (height - len(right))]
        return [Row(None, pair, columns) for pair in zip(left, right, strict=True)]

    def _performance(self, found: Plots, name: str, width: int) -> list[tuple[Toned, ...]]:
        points = [(index, point) for index, point in enumerate(found.performance) if point.value is not None]
        rule = self.console.workspace.config.monitors[name].performance
        metric = rule.metric if rule else ""
        title = (
            Toned(metric.upper() if metric == "auc" else metric or "PERFORMANCE", "strong"),
            Toned("  ── realised", "accent"),
            Toned("  ── 95 %", "dim"),
            Toned("  ── floor", "bad"),
        )
        if not points:
            return [title, (Toned("no labels yet: performance is known when they come", "dim"),)]
        xs = [float(index) for index, _ in points]
        floor = [(float(index), point.floor) for index, point in points if point.floor is not None]
        drawn = [
            Series(xs, [point.low or point.value or 0.0 for _, point in points], "dim"),
            Series(xs, [point.high or point.value or 0.0 for _, point in points], "dim"),
            Series([x for x, _ in floor], [y for _, y in floor], "bad"),
            Series(xs, [point.value or 0.0 for _, point in points], "accent"),
        ]
        ticks = [(float(index), short(label)) for index, label in _spread(list(enumerate(found.labels)), width // 8)]
        return [title, *line_plot(drawn, width=width - 2, height=PLOT_HEIGHT, ticks=ticks)]

    @staticmethod
    def _heat(found: Plots, width: int) -> list[tuple[Toned, ...]]:
        cell = 4
        shown = max(min(len(found.labels), (width - 24) // cell), 1)
        labels = found.labels[-shown:]
        head = Toned(f"{'COLUMNS':<9}{len(found.heat):<7,}", "strong")
        lines: list[tuple[Toned, ...]] = [
            (head, *(Toned(f"{short(label)[:3]:<4}", "dim") for label in labels), Toned("   PSI", "dim"))
        ]
        lines += [_strip(row, shown) for row in found.heat[: PLOT_HEIGHT - 1]]
        lines.append(
            (Toned("· none  ", "faint"), Toned("░ small  ", "dim"), Toned("▒ ≥ .1  ", "warn"), Toned("█ ≥ .25", "bad"))
        )
        return lines

    def _columns(self, name: str, chunk_id: int | None) -> list[Row]:
        store = self.console.store
        chosen = chunks.chunk(store, chunk_id) if chunk_id is not None else None
        if chosen is None:
            newest = chunks.chunks(store, name, limit=1)
            chosen = newest[0] if newest else None
        if chosen is None:
            return []
        found = chunks.columns(store, chosen.id)
        told = f"   {chosen.label}, {chosen.rows:,} rows, labels {text.percent(chosen.label_coverage)}, against v{chosen.version}'s own reference"
        rows = [
            heading("COLUMNS", len(found), Toned(told, "dim")),
            Row(None, tuple(Toned(column.title, "dim") for column in NUMBERS), NUMBERS),
        ]
        rows += [_column_row(item) for item in found]
        worst = next((item for item in found if item.plot.reference), None)
        if worst is not None:
            rows += [BLANK, *_histogram(worst, chosen.label)]
        return rows


def _strip(row: HeatRow, shown: int) -> tuple[Toned, ...]:
    cells = [
        EFFECTS.get(effect or "none", EFFECTS["none"]) if effect else (" ", "faint") for effect in row.effects[-shown:]
    ]
    drawn = [Toned(f"{mark * 3 if mark in '░▒█' else mark + '  '} ", tone) for mark, tone in cells]
    last = row.psi[-1] if row.psi else None
    name = text.clean(row.name, limit=15)
    return (Toned(f"{name:<16}", "text"), *drawn, Toned(f"{text.decimals(last, 2):>6}", "dim"))


def _column_row(item: ChunkColumn) -> Row:
    word, tone = WORDS.get(item.effect, (item.effect, "dim"))
    cells: tuple[Cell, ...] = (
        item.name,
        Toned(item.kind, "dim"),
        Toned(text.decimals(item.psi), tone),
        text.decimals(item.js),
        text.decimals(item.ks),
        text.decimals(item.wasserstein),
        text.percent(item.missing_current, 1),
        text.percent(item.unseen, 1) if item.unseen is not None else "",
        text.percent(item.outside, 1) if item.outside is not None else "",
        Toned(word, tone),
    )
    return Row(None, cells, NUMBERS)


def _histogram(item: ChunkColumn, label: str) -> list[Row]:
    plot = item.plot
    title = heading(
        text.clean(item.name),
        None,
        Toned("   reference █", "champion"),
        Toned(f"   {text.clean(label)} █", "accent"),
        Toned(f"   PSI {text.decimals(item.psi, 2)}", "dim"),
    )
    drawn = bars(plot.reference, plot.current)
    names = plot.labels or tuple(f"{edge:.3g}" for edge in plot.edges[:-1])
    legend = (
        "  ".join(text.clean(name, limit=10) for name in names) if len(names) <= 12 else f"{names[0]} … {names[-1]}"
    )
    return [title, *(Row(None, (line,), WIDE) for line in drawn), Row(None, (Toned(legend, "dim"),), WIDE)]


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short(label: str) -> str:
    """Return a chunk's label in few cells: ``2013-08`` is Aug, a day is 08-14."""
    if label[:3] in _MONTHS:
        return label[:3]
    if len(label) == 7 and label[4] == "-" and label[5:].isdigit() and 1 <= int(label[5:]) <= 12:
        return _MONTHS[int(label[5:]) - 1]
    return label[5:10] if len(label) >= 10 and label[4] == "-" else label[:6]


def _spread(items: Sequence[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    step = max(-(-len(items) // max(most, 1)), 1)
    return list(items[::step])


def _wrapped(sentence: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(sentence, width) or [""]
