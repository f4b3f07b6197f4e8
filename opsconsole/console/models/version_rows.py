"""The rows of a model's versions: rungs in its heading, and what each version is judged by, beside the champion's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsconsole.config import metrics
from opsconsole.config.metrics import MetricSpec
from opsconsole.console.host.examples import no_version
from opsconsole.console.host.host import Tab
from opsconsole.console.host.orders import Order
from opsconsole.console.widgets.rows import Row, note
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.core import text
from opsconsole.core.nouns import ModelTask
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.lifecycle.models.serving import unserved
from opsconsole.registry.gates.gate import evidence_of
from opsconsole.registry.gates.stored import read_gates
from opsconsole.registry.tasks import task_of
from opsconsole.store import evaluations, judgements, models, promotions
from opsconsole.store.evaluations import Beside
from opsconsole.store.judgements import StoredJudgement
from opsconsole.store.models import Version

VERSIONS = (
    Column("", width=2),
    Column("version", width=7),
    Column("rung", width=12),
    Column("", width=8, right=True),
    Column("rows", width=7, right=True),
    Column("★ there", width=7, right=True, drop=2),
    Column("Δ ★", width=6, right=True),
    Column("95 % CI", width=15, right=True, drop=3),
    Column("size", width=8, right=True, drop=6),
    Column("from", least=11),
    Column("made", width=11, right=True),
    Column("by", width=8, drop=7),
)
Numbers = tuple[Cell, Cell, Cell, Cell, Cell]
VERSION = 1
METRIC = 3
"""The place of the metric that a model is judged by: on the rows that the champion scored too, else marked as its own."""
OWN = 8
"""Where the other metrics of its task are put in, each on the version's own rows."""
WIDE = (Column(),)


@dataclass(frozen=True)
class Layout:
    """The columns of one model's versions: which metrics stand there depends on its task."""

    others: tuple[MetricSpec, ...]
    columns: tuple[Column, ...]


class ModelRows:
    """Makes the rows of one model after another, in an order."""

    def __init__(self, tab: Tab, order: Order) -> None:
        self.console = tab.console
        self.when = tab.when
        self._order = order
        self._down = unserved(tab.console.workspace, tab.console.store)

    def rows(self, name: str, total: int) -> list[Row]:
        """Return a model's heading with its rungs, and its newest versions out of so many."""
        store = self.console.store
        versions = models.versions(store, name)
        ladder = ladder_of(self.console.workspace, name)
        held = {row.alias: row.version for row in promotions.aliases(store, name)}
        task = task_of(self.console.workspace, store, name)
        rows = [self._head(name, versions, ladder, held, task, total)]
        if not versions:
            return [*rows, *no_version(name)]
        judged = judgements.of_model(store, name, ladder[-1])
        champion = held.get(ladder[-1])
        metric = self._metric(name, task)
        shared = evaluations.beside(store, name, champion) if champion is not None else {}
        own_rows = evaluations.own_rows(store, name)
        layout = _layout(task, metric, self._order)
        if self._order.column == "metric":
            versions.sort(key=lambda item: _goodness(item.metrics.get(metric or ""), metric))
        older = total - len(versions)
        last = min(item.version for item in versions)
        more = f"{text.plural(older, 'older version')}: opsconsole model show {name} --before {last}"
        return [
            *rows,
            Row(None, tuple(Toned(column.title, "dim") for column in layout.columns), layout.columns),
            *(
                self._version_row(
                    item,
                    held,
                    champion,
                    layout,
                    _tested(judged.get(item.version), champion, item.version, metric)
                    or _plainly(shared.get(item.version), metric)
                    or _own(item.metrics.get(metric or ""), own_rows.get(item.version)),
                )
                for item in versions
            ),
            *([note(more)] if older > 0 else []),
        ]

    def _head(
        self, name: str, versions: list[Version], ladder: list[str], held: dict[str, int], task: ModelTask, total: int
    ) -> Row:
        down = {item.alias: item.since for item in self._down if item.model == name}
        rungs: list[Toned] = []
        for rung in reversed(ladder):
            number = held.get(rung)
            star = "★ " if rung == ladder[-1] else ""
            rungs += [
                Toned(f"   {star}{rung} ", "dim"),
                Toned(f"v{number}" if number else "–", "champion" if star else "accent"),
                *([Toned(f" ✗ not served since {text.moment(down[rung])}", "bad")] if rung in down else []),
            ]
        about = f"  {task} · {versions[0].framework if versions else ''}".rstrip(" ·")
        count = Toned(f"   {text.plural(total, 'version')}", "dim")
        return Row(None, ((Toned(name, "strong"), Toned(about, "dim"), *rungs, count),), WIDE, heads=True)

    def _metric(self, name: str, task: ModelTask) -> str | None:
        """Return the metric that versions of a model are judged by."""
        config = self.console.workspace.config.models.get(name)
        gates = config.gates.get(config.ladder[-1]) if config is not None else None
        return gates.not_worse.metric if gates is not None and gates.not_worse is not None else metrics.main(task)

    def _version_row(
        self,
        version: Version,
        held: dict[str, int],
        champion: int | None,
        layout: Layout,
        numbers: Numbers,
    ) -> Row:
        rungs = [alias for alias, number in held.items() if number == version.version]
        star = version.version == champion
        tone = "champion" if star else "accent" if rungs else "dim"
        origin = version.provenance
        came = [Toned(f"alert {origin.alert_id} → ", "dim")] if origin.alert_id else []
        came.append(Toned(f"run {origin.run_id} " if origin.run_id else "by hand ", "dim"))
        came.append(Toned((origin.commit or "")[:7], "champion"))
        cells: tuple[Cell, ...] = (
            Toned("★" if star else "", "champion"),
            Toned(f"v{version.version}", tone),  # type: ignore[arg-type]
            Toned(", ".join(sorted(rungs, key=lambda rung: rung != "production")) or "–", tone),  # type: ignore[arg-type]
            *numbers,
            *(Toned(text.decimals(version.metrics.get(spec.name)), "dim") for spec in layout.others),
            Toned(text.size(version.size), "dim"),
            tuple(came),
            Toned(self.when(version.created_at), "dim"),
            Toned(origin.actor, "dim"),
        )
        return Row((version.model, version.version), cells, layout.columns)


def _goodness(value: float | None, metric: str | None) -> float:
    """Return what sorts the best version first; those without the metric come last."""
    if value is None:
        return float("inf")
    return value if metrics.smaller_is_better(metric or "") else -value


def _layout(task: ModelTask, metric: str | None, order: Order) -> Layout:
    """Return the columns for versions that are judged by a metric; the one they are sorted by says so."""
    others = metrics.shown(task, but=metric)
    own = [
        Column(f"own {spec.short}", width=max(len(spec.short) + 4, 7), right=True, drop=drop)
        for drop, spec in enumerate(others, 4)
    ]
    columns = [*VERSIONS[:OWN], *own, *VERSIONS[OWN:]]
    by_metric = order.column == "metric"
    columns[METRIC] = replace(VERSIONS[METRIC], title=f"{'▼ ' if by_metric else ''}{metrics.short(metric)}")
    if not by_metric:
        columns[VERSION] = replace(VERSIONS[VERSION], title=f"▼{VERSIONS[VERSION].title}", width=8)
    return Layout(others, tuple(columns))


def _tested(judged: StoredJudgement | None, champion: int | None, version: int, metric: str | None) -> Numbers | None:
    """Return what the gate found: the metric, on how many rows, the champion's on the same, how they differ, and the interval."""
    from opsconsole.registry.gates.not_worse import NotWorseEvidence  # the console's start shows no gate

    current = judged is not None and judged.champion == champion and version != champion
    shown = evidence_of(read_gates(judged.gates), NotWorseEvidence) if judged is not None and current else None
    if shown is None or shown.measured is None or shown.metric != metric:
        return None
    measured = shown.measured
    tone: Tone = "good" if measured.low > 0 else "bad" if measured.high < 0 else "warn"
    return (
        text.decimals(measured.challenger),
        Toned(text.count(shown.rows), "dim"),
        Toned(text.decimals(measured.champion), "champion"),
        Toned(text.decimals(measured.difference, signed=True), tone),
        Toned(f"{text.decimals(measured.low)} – {text.decimals(measured.high)}", "dim"),
    )


def _plainly(pair: Beside | None, metric: str | None) -> Numbers | None:
    """Return the same without an interval, where both scored the same rows and no gate compared them."""
    if pair is None or metric is None or metric not in pair.own or metric not in pair.other:
        return None
    own, other = pair.own[metric], pair.other[metric]
    better = other - own if metrics.smaller_is_better(metric) else own - other
    rows = Toned(text.count(pair.rows), "dim")
    return text.decimals(own), rows, Toned(text.decimals(other), "champion"), text.decimals(better, signed=True), ""


def _own(value: float | None, rows: tuple[int, str] | None) -> Numbers:
    """Return a metric on rows that the champion has no scores on: called its own, beside nobody's."""
    rows_cell = Toned(text.count(rows[0]) if rows is not None else "", "dim")
    return Toned(f"own {text.decimals(value)}" if value is not None else "–", "dim"), rows_cell, "", "", ""
