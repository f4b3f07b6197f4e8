"""The key handlers of Drift: explain a chunk, bring labels, replay settings, take another reference."""

from __future__ import annotations

from typing import Any, Protocol

from opsconsole.console.drift.check_summary import check_summary
from opsconsole.console.host.host import Host
from opsconsole.console.host.paths import PathHelp
from opsconsole.core import text
from opsconsole.store import alerts
from opsconsole.store.chunk_records import Chunk


class AtHand(Protocol):
    """What the tab has under its cursors."""

    def monitor_at_hand(self) -> str | None:
        """Return the monitor, or say that there is none."""

    def chunk_at_hand(self) -> Chunk | None:
        """Return the chunk whose numbers are shown."""


class DriftKeys:
    """The acts on the monitor and the chunk at hand."""

    def __init__(self, app: Host, tab: AtHand) -> None:
        self.app = app
        self.tab = tab

    def do_explain(self) -> None:
        """Let a classifier tell the chunk at hand from its reference."""
        from opsconsole.console.drift.explain import ExplainDialog

        name, chunk = self.tab.monitor_at_hand(), self.tab.chunk_at_hand()
        if name is not None:
            self.app.push_screen(ExplainDialog(name, None if chunk is None else chunk.label))

    async def do_labels(self) -> None:
        """Ask for a file of labels, and judge what they are of."""
        name = self.tab.monitor_at_hand()
        if name is not None:
            await self.app.ask_line("labels from file ", lambda path: self._labels(name, path.strip()), help=PathHelp())

    def _labels(self, name: str, path: str) -> None:
        if not path:
            return
        stood = [item.id for item in alerts.alerts(self.app.store, monitor=name, live=True)]

        def summary(data: dict[str, Any]) -> str:
            brought = data["labels"]
            head = f"{text.plural(brought['rows'], 'label')}, {text.count(brought['matched'])} of rows that are there"
            return f"{head}: {check_summary(data, stood)}"

        self.app.carry_out("drift.labels", summary, monitor=name, file=path)

    def do_replay(self) -> None:
        """Show what the monitor's settings would have told of its own reference."""
        from opsconsole.console.drift.replay import ReplayDialog

        name = self.tab.monitor_at_hand()
        if name is not None:
            self.app.push_screen(ReplayDialog(name))

    def do_sums(self) -> None:
        """Show the monitor's chunks summed to longer ones."""
        from opsconsole.console.drift.rollup import RollupDialog

        name = self.tab.monitor_at_hand()
        if name is not None:
            self.app.push_screen(RollupDialog(name))

    def do_baseline(self) -> None:
        """Show what the monitor compares with, and what it did before."""
        from opsconsole.console.drift.baselines import BaselinesDialog

        name = self.tab.monitor_at_hand()
        if name is not None:
            self.app.push_screen(BaselinesDialog(name, self.do_rebaseline))

    async def do_rebaseline(self) -> None:
        """Ask since when rows are the new reference, then why."""
        name = self.tab.monitor_at_hand()
        if name is None:
            return
        chunk = self.tab.chunk_at_hand()
        start = "" if chunk is None else f"{chunk.start:%Y-%m-%d}"
        await self.app.ask_line(
            "reference: rows since, or `undo`  ", lambda when: self._why(name, when.strip()), value=start
        )

    def _why(self, name: str, when: str) -> None:
        if not when:
            return

        async def ask() -> None:
            await self.app.ask_line("why  ", lambda reason: self.rebaseline(name, when, reason.strip()))

        self.app.run_worker(ask(), exit_on_error=False, group="rebaseline", exclusive=True, name="rebaseline")

    def rebaseline(self, name: str, when: str, reason: str) -> None:
        """Take the rows since a time as the reference, or take the last such act back."""
        if not reason:
            self.app.say("another reference needs a reason: nothing was done", "warn")
        elif when == "undo":
            self.app.carry_out("drift.undo_baseline", _baseline_summary, monitor=name, reason=reason)
        else:
            self.app.carry_out("drift.rebaseline", _baseline_summary, monitor=name, since=when, reason=reason)


def _baseline_summary(data: dict[str, Any]) -> str:
    held = next((one for one in data["baselines"] if one["holds"]), None)
    if held is None:
        return "no baseline holds"
    return (
        f"{data['monitor']} compares with {text.count(held['rows'])} rows ({text.clean(held['origin'])}): c checks anew"
    )
