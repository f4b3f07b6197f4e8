"""Drift: alerts and monitors on top; below, the evidence: sentences, then a plot, then numbers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.config import metrics
from opsconsole.console.drift.check_summary import check_summary
from opsconsole.console.drift.evidence import EvidenceDetails
from opsconsole.console.drift.keys import DriftKeys
from opsconsole.console.host.examples import no_monitors
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.host.orders import Order, Orders
from opsconsole.console.widgets.lines import Rule
from opsconsole.console.widgets.marks import SEVERITY_MARKS
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.core import text
from opsconsole.core.nouns import Severity, holder_name
from opsconsole.drift.report.monitor_report import MonitorReport, monitors
from opsconsole.lifecycle.monitors.whereabouts import where
from opsconsole.store import alerts, chunks
from opsconsole.store.alerts import Alert
from opsconsole.store.chunk_records import Chunk

ALERTS = (
    Column(width=10),
    Column(width=8),
    Column(width=28, drop=1),
    Column(least=24),
    Column(width=13),
    Column(width=11, right=True),
)
MONITORS = (
    Column(width=10),
    Column(width=20),
    Column(width=22, drop=1),
    Column(least=28),
    Column(width=12, drop=2),
    Column(width=11, right=True),
)


OF_ALERT = frozenset({"acknowledge", "snooze", "retrain"})
"""Acts that are about an alert, not about its monitor."""


class DriftTab(Tab):
    """Alerts, monitors, evidence."""

    place = "drift"
    first = "#alerts"
    BINDINGS: ClassVar = bindings_for("drift")
    SCOPED_CSS = False  # a scoped rule cannot ask how wide the app is
    DEFAULT_CSS = """
    DriftTab { layout: vertical; }
    DriftTab #alerts { height: auto; max-height: 11; }
    .narrow DriftTab #alerts { max-height: 8; }
    DriftTab #rule { color: $tone-faint; }
    DriftTab #evidence { height: 1fr; }
    DriftTab.zoomed #alerts { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._at: tuple[str, str] | None = None
        self._shown: tuple[str, str] | None = None
        """What the evidence is of."""
        self._column: str | None = None
        """The column of the evidence that the cursor rests on."""
        self._orders = Orders(Order("severity", "worst first"), Order("opened", "newest first"))
        self._holders: dict[str, int | None] = {}
        self._back = 0
        """How many chunks before the alert's own, or the newest, the one is whose numbers are shown."""

    def compose(self) -> ComposeResult:
        """Lay out list and evidence."""
        yield RowList(id="alerts")
        yield Rule("EVIDENCE", id="rule", of="evidence")
        yield RowList(id="evidence", empty="", sheet=True)

    def load(self) -> None:
        """Read alerts, monitors, and the evidence of the one under the cursor."""
        alert_rows = alerts.alerts(self.console.store, limit=100)
        watched = monitors(self.console.store, self.console.workspace.config)
        if self._orders.held.column == "severity":
            alert_rows.sort(key=lambda item: (not item.live, -item.severity.rank, -item.id))
        standing = sum(item.live for item in alert_rows)
        caption = f"   {standing} standing" if standing else "   none stands: c checks now"
        rows: list[Row] = [
            heading(
                "ALERTS", len(alert_rows), Toned(caption, "dim"), *([self._orders.held.shown] if alert_rows else [])
            )
        ]
        self._holders = {f"{item.model}@{item.alias}": item.version for item in watched}
        rows += [self._alert_row(item) for item in alert_rows]
        rows += [BLANK, heading("MONITORS", len(watched)), *(self._monitor_row(item) for item in watched)]
        listing = self.query_one("#alerts", RowList)
        listing.show(Rows(rows if watched or alert_rows else [heading("MONITORS", 0), *no_monitors(self.console)]))
        self._at = self._key(listing.key)
        self._load_evidence()

    def reveal(self, kind: str, name: str) -> bool:
        """Put the cursor on an alert, a monitor, or a column of the evidence that is shown."""
        if kind == "column":
            self.console.give_focus(self.query_one("#evidence"))
            return self.query_one("#evidence", RowList).select((kind, name))
        selected = self.query_one("#alerts", RowList).select((kind, name))
        self.console.give_focus(self.query_one("#alerts"))
        return selected

    def back(self) -> bool:
        """Leave the zoomed evidence."""
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
            self.console.give_focus(self.query_one("#alerts"))
            return True
        return False

    def sort(self) -> str:
        """Sort alerts by severity, or by when they were opened."""
        order = self._orders.next()
        self.load()
        self.query_one("#alerts", RowList).forget_news()
        return order

    def copy_text(self) -> str:
        """Copy the alert as Markdown."""
        alert = self._alert()
        if alert is None:
            return self._at[1] if self._at else ""
        place = where(self.console.store, alert)
        head = f"## {alert.severity}: {place} (alert {alert.id}, {alert.state})"
        return "\n".join([head, "", *(text.clean(line) for line in alert.words)])

    def subject(self, verb: str) -> str:
        """Return the alert, or the monitor, that one of our acts is about."""
        alert = self._alert()
        if verb in OF_ALERT:
            return f"alert {alert.id}" if alert is not None else ""
        return alert.monitor if alert is not None else self._at[1] if self._at is not None else ""

    def blocked(self, verb: str) -> str:
        """Return why one of our acts cannot be done now."""
        alert = self._alert()
        if verb in OF_ALERT and (alert is None or not alert.live):
            return "put the cursor on an alert that stands"
        return "nothing is watched yet" if alert is None and self._at is None else ""

    # keys

    def do_check(self) -> None:
        """Bring the next rows and check the monitor at hand."""
        name = self.monitor_at_hand()
        if name is not None:
            stood = [item.id for item in alerts.alerts(self.console.store, monitor=name, live=True)]
            self.console.carry_out("drift.check", lambda data: check_summary(data, stood), monitor=name)

    def do_acknowledge(self) -> None:
        """Acknowledge the alert at hand."""
        alert = self._standing()
        if alert is not None:
            self.console.carry_out("alert.ack", f"alert {alert.id} acknowledged", alert=alert.id)

    async def do_snooze(self) -> None:
        """Ask for how long, then snooze."""
        alert = self._standing()
        if alert is not None:
            await self.console.ask_line(
                "snooze for ",
                lambda length: self.console.carry_out(
                    "alert.snooze", f"alert {alert.id} is silent for {length}", alert=alert.id, time=length
                ),
                value="2h",
            )

    def do_retrain(self) -> None:
        """Train a candidate that answers the alert at hand, and follow it."""
        alert = self._standing()
        if alert is not None:
            self.console.run_worker(
                self._retrain(alert.id), exit_on_error=False, group="retrain", exclusive=True, name="retrain"
            )

    def do_earlier(self) -> None:
        """Show the numbers of the chunk before."""
        self._step(1)

    def do_later(self) -> None:
        """Show the numbers of the chunk after."""
        self._step(-1)

    def do_explain(self) -> None:
        """Say what is different in the chunk at hand."""
        self._keys.do_explain()

    async def do_labels(self) -> None:
        """Bring labels."""
        await self._keys.do_labels()

    def do_replay(self) -> None:
        """Say how often the settings would cry wolf."""
        self._keys.do_replay()

    def do_sums(self) -> None:
        """Sum its chunks to longer ones."""
        self._keys.do_sums()

    def do_baseline(self) -> None:
        """Show what is compared with."""
        self._keys.do_baseline()

    async def do_rebaseline(self) -> None:
        """Take another reference."""
        await self._keys.do_rebaseline()

    def jump_inside(self, word: str, rest: str) -> bool:
        """Obey ``:rebaseline WHEN REASON``."""
        when, _, reason = rest.partition(" ")
        name = self.monitor_at_hand() if word == "rebaseline" and reason.strip() else None
        if name is not None:
            self._keys.rebaseline(name, when, reason.strip())
        return name is not None

    # messages

    @on(RowList.Moved, "#alerts")
    def item_moved(self, message: RowList.Moved) -> None:
        """Know what the keys are about."""
        self._at = self._key(message.key)
        self._back = 0

    @on(RowList.Rested, "#alerts")
    def item_rested(self) -> None:
        """Show the evidence of what is under the cursor."""
        self._load_evidence()

    @on(RowList.Opened, "#alerts")
    def item_opened(self) -> None:
        """Show the evidence whole."""
        self.add_class("zoomed")
        self.console.give_focus(self.query_one("#evidence"))

    @on(RowList.Rested, "#evidence")
    def column_rested(self, message: RowList.Rested) -> None:
        """Show the distributions of the column under the cursor."""
        key = message.key
        if isinstance(key, tuple) and key[0] == "column" and key[1] != self._column:
            self._column = str(key[1])
            self._load_evidence()

    @on(RowList.Opened, "#evidence")
    def link_opened(self, message: RowList.Opened) -> None:
        """Follow a link: to the candidate, or its run."""
        if isinstance(message.key, tuple) and message.key[0] in {"model", "run"}:
            self.console.jump(str(message.key[0]), str(message.key[1]))

    # inside

    async def _retrain(self, alert: int) -> None:
        answer = await self.console.ask("alert.retrain", alert=alert)
        if answer.problem:
            self.console.say(f"{answer.problem}  {answer.hint}", "bad")
            return
        self.console.say(f"run #{answer.data['id']} trains a candidate for alert {alert}", "good")
        self.console.jump("run", str(answer.data["id"]))

    @staticmethod
    def _key(key: Hashable) -> tuple[str, str] | None:
        return (str(key[0]), str(key[1])) if isinstance(key, tuple) and len(key) == 2 else None

    def _alert(self) -> Alert | None:
        if self._at is None or self._at[0] != "alert":
            return None
        return alerts.alert(self.console.store, int(self._at[1]))

    def _standing(self) -> Alert | None:
        alert = self._alert()
        if alert is None or not alert.live:
            self.console.say("put the cursor on an alert that stands", "warn")
            return None
        return alert

    @property
    def _keys(self) -> DriftKeys:
        return DriftKeys(self.console, self)

    def _step(self, by: int) -> None:
        name = self.monitor_at_hand()
        if name is None:
            return
        before = self.chunk_at_hand()
        self._back += by
        if before == self.chunk_at_hand():
            self._back -= by
            self.console.say("there is no chunk before it" if by > 0 else "it is the newest", "dim")
            return
        self._load_evidence()

    def chunk_at_hand(self) -> Chunk | None:
        """Return the chunk whose numbers are shown: the alert's own, or the newest, or so many before it."""
        alert = self._alert()
        name = alert.monitor if alert is not None else self._at[1] if self._at is not None else None
        ids = chunks.newest(self.console.store, name, limit=200) if name is not None else []
        if not ids:
            return None
        own = alert.chunk_id if alert is not None else None
        start = ids.index(own) if own in ids else 0
        return chunks.chunk(self.console.store, ids[min(max(start + self._back, 0), len(ids) - 1)])

    def monitor_at_hand(self) -> str | None:
        """Return the monitor at hand, or say that there is none."""
        alert = self._alert()
        if alert is not None:
            return alert.monitor
        if self._at is not None:
            return self._at[1]
        self.console.say("nothing is watched yet", "warn")
        return None

    def _alert_row(self, item: Alert) -> Row:
        mark = SEVERITY_MARKS[item.severity] if item.live else Toned("✓", "good")
        state = f"cured by v{item.cured_by}" if item.cured_by else str(item.state)
        cells: tuple[Cell, ...] = (
            (mark, Toned(f" {item.severity}", mark.tone if item.live else "dim")),
            Toned(f"alert {item.id}", "dim"),
            Toned(self._where(item), "strong" if item.live else "dim"),
            Toned(item.title, "text" if item.live else "dim"),
            Toned(state, {"open": "accent", "resolved": "good"}.get(item.state, "dim")),  # type: ignore[arg-type]
            Toned(self.when(item.opened_at), "dim"),
        )
        return Row(("alert", str(item.id)), cells, ALERTS)

    def _where(self, item: Alert) -> str:
        """Say whether the version is still where its incident began."""
        if not item.model:
            return f"{item.monitor}: {holder_name(item.model, item.version)}"
        holder = self._holders.get(f"{item.model}@{item.alias}")
        if holder is None or holder == item.version:
            return f"{item.model} v{item.version} in {item.alias}"
        return f"{item.model} v{item.version}, now v{holder} live"

    def _monitor_row(self, item: MonitorReport) -> Row:
        mark = SEVERITY_MARKS[item.severity]
        verdict: Cell = (mark, Toned(f" {item.severity}", mark.tone))
        performance: Cell = Toned("never checked: c checks now", "dim")
        if item.last is None:
            verdict = Toned("  –", "dim")
        elif item.filling and item.severity is Severity.OK:
            verdict = Toned("· filling", "dim")
        if item.last is not None:
            performance = (Toned(str(item.last), "dim"),) if item.model is None else _performance(item)
        cells: tuple[Cell, ...] = (
            verdict,
            Toned(item.name, "strong"),
            _watched(item),
            performance,
            Toned(text.plural(item.chunks, "chunk"), "dim"),
            Toned(self.when(item.last_checked), "dim"),
        )
        return Row(("monitor", item.name), cells, MONITORS)

    def _load_evidence(self) -> None:
        sheet = self.query_one("#evidence", RowList)
        if self._at is None:
            sheet.show(Rows(()))
            return
        alert = self._alert()
        name = alert.monitor if alert is not None else self._at[1]
        rows = Rows(EvidenceDetails(self).rows(name, alert, self._column, self.chunk_at_hand()))
        sheet.show(rows, anew=self._at != self._shown)
        self._shown = self._at


def _watched(item: MonitorReport) -> Toned:
    """Return what a monitor watches: a model's rung with its version, or data alone."""
    if item.model is None:
        return Toned("data alone", "dim")
    return Toned(f"{item.model}@{item.alias}" + (f" v{item.version}" if item.version else ""), "champion")


def _performance(item: MonitorReport) -> tuple[Toned, ...]:
    return (
        Toned(f"{item.last}   {metrics.short(item.metric)} ", "dim"),
        Toned(text.decimals(item.realised), "bad" if item.fell else "text"),
        Toned(f"   floor {text.decimals(item.floor)}", "dim"),
    )
