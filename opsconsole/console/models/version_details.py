"""A version whole: lineage, gates, metrics, parameters, signature, files, history."""

from __future__ import annotations

from pathlib import Path

from opsconsole.console.host.host import Tab
from opsconsole.console.models.gate_row import gate_row
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text
from opsconsole.lifecycle.inbox import verdict
from opsconsole.lifecycle.ladders import champion_of, ladder_of
from opsconsole.registry.gates.stored import read_gates
from opsconsole.store import evaluations, judgements, models, promotions
from opsconsole.store.evaluations import Evaluation
from opsconsole.store.models import Version

WIDE = (Column(),)
PAIR = (Column(width=14), Column(least=20))
NUMBERS = (Column(width=18), Column(width=9, right=True), Column(width=9, right=True))


class VersionDetails:
    """Makes the rows of a version's detail pane."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.when = tab.when

    def rows(self, version: Version) -> list[Row]:
        """Return everything that is known of a version; runs and alerts are doors."""
        parts = (self._lineage, self._gates, self._numbers, self._columns, self._files, self._history)
        rows: list[Row] = []
        for part in parts:
            rows += [*part(version), BLANK]
        return rows[:-1]

    def _lineage(self, version: Version) -> list[Row]:
        origin = version.provenance
        rows = [
            heading(
                f"{version.model} v{version.version}",
                None,
                Toned(f"   {version.digest[:19]}…   {text.size(version.size)}   {version.audit.format}", "dim"),
            )
        ]
        for part in version.data:
            names = ", ".join(Path(path).stem for path in part.paths[:6]) + (" …" if len(part.paths) > 6 else "")
            rows.append(Row(None, (Toned(part.name, "dim"), f"{part.rows:,} rows of {names}"), PAIR))
        if origin.alert_id:
            rows.append(
                Row(
                    ("alert", origin.alert_id),
                    (Toned("answers", "dim"), Toned(f"alert {origin.alert_id}", "accent")),
                    PAIR,
                )
            )
        if origin.run_id:
            rows.append(
                Row(
                    ("run", origin.run_id),
                    (
                        Toned("made by", "dim"),
                        (
                            Toned(f"run {origin.run_id}", "accent"),
                            Toned(f"  {origin.repo} {(origin.commit or '')[:7]}, by {text.clean(origin.actor)}", "dim"),
                        ),
                    ),
                    PAIR,
                )
            )
        else:
            rows.append(Row(None, (Toned("registered", "dim"), f"by {text.clean(origin.actor)}"), PAIR))
        return rows

    def _gates(self, version: Version) -> list[Row]:
        """Return the gates of its last promotion as they were, and those of a later look."""
        ladder = ladder_of(self.console.workspace, version.model)
        moves = promotions.of_version(self.console.store, version.model, version.version)
        move = next((item for item in moves if item.alias == ladder[-1] and item.gates), None)
        judged = judgements.get(self.console.store, version.model, version.version, ladder[-1])
        if move is None:
            return self._judged(version, ladder)
        forced = f"   forced: {', '.join(text.clean(name) for name in move.forced)}" if move.forced else ""
        caption = f" as they were, {self.when(move.at)}"
        rows = [heading(f"GATES to {ladder[-1]}", None, Toned(caption, "dim"), Toned(forced, "warn"))]
        rows += [gate_row(gate) for gate in read_gates(move.gates)]
        later = judged is not None and judged.at > move.at
        return [*rows, BLANK, *self._judged(version, ladder)] if later else rows

    def _judged(self, version: Version, ladder: list[str]) -> list[Row]:
        judged = judgements.get(self.console.store, version.model, version.version, ladder[-1])
        if judged is None:
            return [heading(f"GATES to {ladder[-1]}"), note("not judged yet: p evaluates them")]
        against = f" against v{judged.champion}" if judged.champion else ""
        held = promotions.alias(self.console.store, version.model, ladder[-1])
        now = held.version if held else None
        stale = "   the champion moved since" if now not in (judged.champion, version.version) else ""
        rows = [
            heading(
                f"GATES to {ladder[-1]}",
                None,
                Toned(f"{against}: {verdict(judged)}", "good" if judged.passed else "bad"),
                Toned(stale, "warn"),
            )
        ]
        rows += [gate_row(gate) for gate in read_gates(judged.gates)]
        return rows

    def _numbers(self, version: Version) -> list[Row]:
        """Return metrics beside the champion's where both scored the same rows, and alone where they did not."""
        champion = champion_of(self.console.store, version.model, ladder_of(self.console.workspace, version.model))
        other = champion if champion is not None and champion.version != version.version else None
        pair = (
            evaluations.shared(self.console.store, version.model, version.version, other.version)
            if other is not None
            else None
        )
        rows: list[Row] = []
        if other is not None and pair is not None:
            rows += _metric_rows(f"v{version.version}", f"★ v{other.version}", pair)
        own = {name: value for name, value in version.metrics.items() if pair is None or name not in pair[0].metrics}
        if own:
            rows += [BLANK] if rows else []
            rows.append(heading("METRICS of its own", len(own), Toned("   compared with nobody's", "dim")))
            rows += [Row(None, (name, text.decimals(value), ""), NUMBERS) for name, value in sorted(own.items())]
        if version.params:
            rows += [BLANK, heading("PARAMS", len(version.params))]
            rows += [Row(None, (name, str(value)), PAIR) for name, value in sorted(version.params.items())]
        return rows or [heading("METRICS", 0)]

    @staticmethod
    def _columns(version: Version) -> list[Row]:
        inputs = version.signature.inputs
        words = ", ".join(f"{column.name} {column.type}" for column in inputs)
        rows = [
            heading(
                "SIGNATURE",
                len(inputs),
                Toned(f"   → {version.signature.output}" if version.signature.output else "", "dim"),
            )
        ]
        width = 100
        while words:
            cut = words if len(words) <= width else words[:width].rpartition(", ")[0] or words[:width]
            rows.append(Row(None, (Toned(cut, "dim"),), WIDE))
            words = words[len(cut) :].lstrip(", ")
        return rows

    def _files(self, version: Version) -> list[Row]:
        files = models.files(self.console.store, version.model, version.version)
        rows = [heading("FILES", len(files), Toned("   v reads them again", "dim"))]
        rows += [
            Row(None, (Toned(text.size(file.size), "dim"), f"{file.path}   {file.digest}"), PAIR) for file in files
        ]
        return rows

    def _history(self, version: Version) -> list[Row]:
        moves = [
            item
            for item in promotions.history(self.console.store, version.model)
            if version.version in {item.from_version, item.to_version}
        ]
        rows = [heading("HISTORY", len(moves))]
        for item in moves:
            move = (
                f"{item.alias}: {'v' + str(item.from_version) if item.from_version else 'nothing'} → v{item.to_version}"
            )
            rows.append(
                Row(
                    None,
                    (
                        Toned(self.when(item.at), "dim"),
                        (Toned(f"{item.kind}  {move}  "), Toned(f"{item.reason} (by {item.actor})", "dim")),
                    ),
                    PAIR,
                )
            )
        return rows


def _metric_rows(one: str, other: str, pair: tuple[Evaluation, Evaluation]) -> list[Row]:
    """Return the metrics of two on the same rows."""
    caption = f"   on {pair[0].rows:,} rows that both scored"
    rows = [
        heading("METRICS", len(pair[0].metrics), Toned(caption, "dim")),
        Row(None, (Toned("metric", "dim"), Toned(one, "dim"), Toned(other, "dim")), NUMBERS),
    ]
    for name, value in sorted(pair[0].metrics.items()):
        beside = text.decimals(pair[1].metrics.get(name))
        rows.append(Row(None, (text.clean(name), text.decimals(value), Toned(beside, "champion")), NUMBERS))
    return rows
