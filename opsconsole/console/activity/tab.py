"""Activity: the audit trail; who did what, why, and the command it amounts to."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.console.activity.event_details import event_rows
from opsconsole.console.host.examples import no_events
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.host.orders import Order, Orders, turned
from opsconsole.console.widgets.lines import OneLine, PaneTitle, Rule
from opsconsole.console.widgets.rows import Row, RowList, Rows, Window
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.store import events
from opsconsole.store.events import Event

COLUMNS = (
    Column("when", width=11, right=True),
    Column("by", width=12, drop=2),
    Column("through", width=7, drop=4),
    Column("what", width=18),
    Column("of", width=22),
    Column("why", least=14),
    Column("command", least=24, drop=3),
)


class ActivityTab(Tab):
    """Every act, newest first."""

    place = "activity"
    first = "#events"
    BINDINGS: ClassVar = bindings_for("activity")
    SCOPED_CSS = False  # a scoped rule cannot ask how wide the app is
    DEFAULT_CSS = """
    ActivityTab { layout: vertical; }
    ActivityTab #events { height: 1fr; }
    ActivityTab #rule { height: 1; }
    ActivityTab #event { height: 8; }
    .narrow ActivityTab #event { height: 7; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._count = 0
        self._orders = Orders(Order("when", "newest first"), Order("when", "oldest first", down=False))

    def compose(self) -> ComposeResult:
        """Headings that stay, the list, and the event under the cursor whole."""
        yield PaneTitle(id="events-title", of="events")
        yield OneLine(id="events-head")
        yield RowList(id="events")
        yield Rule("EVENT", id="rule", of="event")
        yield RowList(id="event", empty="")

    def load(self) -> None:
        """Read the newest; older ones are read when they are seen."""
        store = self.console.store
        count = self._count = events.count(store)
        head = self.query_one("#events-head", OneLine)
        head.show((Column(width=1), ""), *((column, Toned(column.title, "dim")) for column in COLUMNS))
        listing = self.query_one("#events", RowList)
        down = self._orders.held.down
        if count <= 1000:
            rows = [self._row(item) for item in events.events(store, limit=1000)]
            listing.show(Rows((rows if down else rows[::-1]) or no_events()))
        else:
            listing.show(Window(count, self._read if down else turned(count, self._read)))
        self._show_title()
        self._load_event()

    def reveal(self, kind: str, name: str) -> bool:  # noqa: ARG002 - one kind lives here
        """Put the cursor on an event."""
        return name.isdigit() and self.query_one("#events", RowList).select(int(name))

    def sort(self) -> str:
        """Sort by time, either way."""
        order = self._orders.next()
        self.load()
        self.query_one("#events", RowList).forget_news()
        return order

    def copy_text(self) -> str:
        """Copy the command that the event amounts to."""
        event = self._event(self.query_one("#events", RowList).key)
        return (event.command or f"{event.kind} {event.subject}") if event else ""

    @on(RowList.Rested, "#events")
    def event_rested(self) -> None:
        """Show the event whole."""
        self._load_event()

    @on(RowList.Counted, "#events")
    def events_counted(self) -> None:
        """Say how many there are, and how many are new above."""
        self._show_title()

    @on(RowList.Opened, "#events")
    def event_opened(self, message: RowList.Opened) -> None:
        """Go to what the event is about."""
        event = self._event(message.key)
        if event is not None:
            self.console.jump(event.address.noun, event.address.name)

    def _read(self, start: int, size: int) -> list[Row]:
        return [self._row(item) for item in events.window(self.console.store, start, size)]

    def _show_title(self) -> None:
        counts = self.query_one("#events", RowList).counts
        self.query_one("#events-title", OneLine).say(
            Toned("EVENTS", "strong"),
            Toned(f"  {self._count:,}", "dim"),
            *counts,
            *([self._orders.held.shown] if self._count else []),
        )

    def _load_event(self) -> None:
        event = self._event(self.query_one("#events", RowList).key)
        detail = self.query_one("#event", RowList)
        detail.show(Rows(event_rows(event, self.app.size.width) if event is not None else ()))

    def _event(self, key: Hashable) -> Event | None:
        if not isinstance(key, int):
            return None
        page = events.events(self.console.store, before=key + 1, limit=1)
        return page[0] if page else None

    def _row(self, item: Event) -> Row:
        tone = "champion" if item.origin in {"cli", "console"} else "dim"
        return Row(
            item.id,
            (
                Toned(self.when(item.at), "dim"),
                Toned(item.actor, tone),  # type: ignore[arg-type]
                Toned(item.origin, "dim"),
                item.kind.replace(".", " ").replace("_", " "),
                Toned(item.subject, "accent"),
                item.reason or "",
                Toned(item.command or "", "dim"),
            ),
            COLUMNS,
        )
