"""Models: each model with its rungs and versions; below, the version under the cursor with its lineage and evidence."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.config import metrics
from opsconsole.config.metrics import MetricSpec
from opsconsole.console.host.examples import no_models, no_version
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.host.orders import Order, Orders
from opsconsole.console.models.moves import open_promotion, open_rollback
from opsconsole.console.models.version_details import VersionDetails
from opsconsole.console.processes.launch import start_run
from opsconsole.console.widgets.lines import Rule
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading, note
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.core import text
from opsconsole.core.nouns import ModelTask, PipelineKind
from opsconsole.lifecycle.ladders import champion_of, ladder_of, model_of
from opsconsole.lifecycle.models.serving import Unserved, unserved
from opsconsole.registry.gates.gate import evidence_of
from opsconsole.registry.gates.stored import read_gates
from opsconsole.registry.places import version_folder
from opsconsole.registry.tasks import task_of
from opsconsole.store import evaluations, judgements, models, promotions, runs
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


class ModelsTab(Tab):
    """Versions, rungs, evidence."""

    place = "models"
    first = "#versions"
    BINDINGS: ClassVar = bindings_for("models")
    DEFAULT_CSS = """
    ModelsTab { layout: vertical; }
    ModelsTab #versions { height: auto; max-height: 45%; min-height: 4; }
    ModelsTab #rule { height: 1; color: $tone-faint; }
    ModelsTab #version { height: 1fr; }
    ModelsTab.zoomed #versions { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._at: tuple[str, int] | None = None
        self._told: tuple[str, int] | None = None
        self._known: dict[str, models.Model] = {}
        self._down: list[Unserved] = []
        self._orders = Orders(Order("version", "newest first"), Order("metric", "best first"))

    def compose(self) -> ComposeResult:
        """Lay out list and detail."""
        yield RowList(id="versions")
        yield Rule("VERSION", id="rule", of="version")
        yield RowList(id="version", empty="", sheet=True)

    def load(self) -> None:
        """Read the models, and the version under the cursor."""
        self._known = {item.name: item for item in models.models(self.console.store)}
        self._down = unserved(self.console.workspace, self.console.store)
        names = sorted({*self.console.workspace.config.models, *self._known})
        rows: list[Row] = []
        for name in names:
            rows += [*self._model_rows(name), BLANK]
        listing = self.query_one("#versions", RowList)
        listing.show(Rows(rows[:-1] or [heading("MODELS", 0), *no_models()]))
        self._at = self._key(listing.key)
        self._load_version()

    def reveal(self, kind: str, name: str) -> bool:  # noqa: ARG002 - one kind lives here
        """Put the cursor on a model, ``NAME:VERSION`` or ``NAME@ALIAS``."""
        model, _, number = name.partition(":")
        if "@" in name:
            model, _, alias = name.partition("@")
            held = promotions.alias(self.console.store, model, alias)
            number = str(held.version) if held else ""
        if not number:
            newest = models.versions(self.console.store, model, limit=1)
            number = str(newest[0].version) if newest else ""
        found = number.removeprefix("v").isdigit() and self.query_one("#versions", RowList).select(
            (model, int(number.removeprefix("v")))
        )
        self.console.give_focus(self.query_one("#versions"))
        return bool(found)

    def back(self) -> bool:
        """Leave the zoomed version."""
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
            self.console.give_focus(self.query_one("#versions"))
            return True
        return False

    def outside(self) -> tuple[Path, int] | None:
        """Open the model's folder's first text file, if it has one."""
        if self._at is None:
            return None
        folder = version_folder(self.console.workspace, *self._at)
        for file in models.files(self.console.store, *self._at):
            if Path(file.path).suffix in {".txt", ".md", ".toml", ".json", ".yaml"}:
                return folder / file.path, 0
        return None

    def sort(self) -> str:
        """Sort each model's versions by number, or by the metric they are judged by."""
        said = self._orders.next()
        self.load()
        return said

    def copy_text(self) -> str:
        """Copy what names the version for good."""
        if self._at is None:
            return ""
        version = models.version(self.console.store, *self._at)
        return f"{version.model}:{version.version} {version.digest}"

    def subject(self, verb: str) -> str:
        """Return the version, or the model, that one of our acts is about."""
        if self._at is None:
            return ""
        model, number = self._at
        if verb == "promote":
            return f"{model}:{number} to {ladder_of(self.console.workspace, model)[-1]}"
        return model if verb in {"rollback", "train"} else f"{model}:{number}"

    def blocked(self, verb: str) -> str:
        """Return why one of our acts cannot be done now."""
        if self._at is None:
            return "no version under the cursor"
        if verb == "train" and self._training(self._at[0]) is None:
            return f"no pipeline of kind train is known for {self._at[0]}"
        return ""

    # keys

    def do_promote(self) -> None:
        """Open the promotion of the version under the cursor."""
        if self._at is not None:
            open_promotion(self.console, *self._at)

    def do_rollback(self) -> None:
        """Open the rollback of the model under the cursor."""
        if self._at is not None:
            open_rollback(self.console, self._at[0])

    def do_mark(self) -> None:
        """Mark the version under the cursor."""
        self.query_one("#versions", RowList).toggle_mark()

    def do_compare(self) -> None:
        """Compare the two marked versions, or this one with the champion."""
        from opsconsole.console.models.compare_versions import CompareDialog

        if self._at is None:
            return
        marked = sorted(key for key in (self._key(item) for item in self.query_one("#versions", RowList).marked) if key)
        if len(marked) == 2 and marked[0][0] == marked[1][0]:
            pair = (marked[0][0], marked[0][1], marked[1][1])
        else:
            model, number = self._at
            champion = champion_of(self.console.store, model, ladder_of(self.console.workspace, model))
            if champion is None or champion.version == number:
                self.console.say("mark two versions with space, or choose one that is not the champion", "warn")
                return
            pair = (model, champion.version, number)
        self.app.push_screen(CompareDialog(*pair))

    def do_verify(self) -> None:
        """Hash the artifact again."""
        if self._at is not None:
            self.console.run_worker(self._verify(*self._at), exit_on_error=False, group="verify", name="verify")

    def do_train(self) -> None:
        """Run the training of this model again."""
        if self._at is None:
            return
        target = self._training(self._at[0])
        if target is None:
            self.console.say(f"no pipeline of kind train is known for {self._at[0]}", "warn")
            return
        start_run(self.console, "model.train", target=target)

    # messages

    @on(RowList.Moved, "#versions")
    def version_moved(self, message: RowList.Moved) -> None:
        """Know what the keys are about."""
        self._at = self._key(message.key)

    @on(RowList.Rested, "#versions")
    def version_rested(self) -> None:
        """Show the version under the cursor."""
        self._load_version()

    @on(RowList.Opened, "#versions")
    def version_opened(self) -> None:
        """Show the version whole."""
        self.add_class("zoomed")
        self.console.give_focus(self.query_one("#version"))

    @on(RowList.Opened, "#version")
    def lineage_opened(self, message: RowList.Opened) -> None:
        """Follow the lineage: to the run, or the alert."""
        if isinstance(message.key, tuple):
            self.console.jump(str(message.key[0]), str(message.key[1]))

    # inside

    async def _verify(self, model: str, version: int) -> None:
        answer = await self.console.ask("model.verify", model=model, version=version)
        if answer.problem:
            self.console.say(answer.problem, "bad")
            return
        bad = [file for item in answer.data for file in item["files"] if file["problem"]]
        if bad:
            self.console.say(f"{model} v{version}: {bad[0]['path']}: {bad[0]['problem']}", "bad")
        else:
            self.console.say(f"{model} v{version}: every file is as it was registered", "good")

    def _training(self, model: str) -> str | None:
        for repo, config in self.console.workspace.config.repos.items():
            for name, pipeline in config.pipelines.items():
                target = f"{repo}/{name}"
                about = model_of(self.console.workspace, target) if pipeline.kind is PipelineKind.TRAIN else None
                if about == model:
                    return target
        newest = models.versions(self.console.store, model, limit=1)
        run = (
            runs.get(self.console.store, newest[0].provenance.run_id)
            if newest and newest[0].provenance.run_id
            else None
        )
        return f"{run.repo}/{run.pipeline}" if run is not None else None

    @staticmethod
    def _key(key: Hashable) -> tuple[str, int] | None:
        return (str(key[0]), int(key[1])) if isinstance(key, tuple) and len(key) == 2 else None

    def _model_rows(self, name: str) -> list[Row]:
        store = self.console.store
        found = models.versions(store, name)
        known = self._known.get(name)
        total = known.versions if known is not None else 0
        ladder = ladder_of(self.console.workspace, name)
        held = {row.alias: row.version for row in promotions.aliases(store, name)}
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
        task = task_of(self.console.workspace, store, name)
        about = f"  {task} · {found[0].framework if found else ''}".rstrip(" ·")
        count = Toned(f"   {text.plural(total, 'version')}", "dim")
        rows = [Row(None, ((Toned(name, "strong"), Toned(about, "dim"), *rungs, count),), WIDE, heads=True)]
        if not found:
            return [*rows, *no_version(name)]
        judged = judgements.of_model(store, name, ladder[-1])
        champion = held.get(ladder[-1])
        metric = self._metric(name, task)
        shared = evaluations.beside(store, name, champion) if champion is not None else {}
        own_rows = evaluations.own_rows(store, name)
        layout = _layout(task, metric, self._orders.held)
        if self._orders.held.column == "metric":
            found.sort(key=lambda item: _goodness(item.metrics.get(metric or ""), metric))
        older = total - len(found)
        last = min(item.version for item in found)
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
                for item in found
            ),
            *([note(more)] if older > 0 else []),
        ]

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

    def _load_version(self) -> None:
        detail = self.query_one("#version", RowList)
        if self._at is None:
            detail.show(Rows(()))
            return
        version = models.version(self.console.store, *self._at)
        detail.show(Rows(VersionDetails(self).rows(version)), anew=self._at != self._told)
        self._told = self._at


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
    found = shown.measured
    tone: Tone = "good" if found.low > 0 else "bad" if found.high < 0 else "warn"
    return (
        text.decimals(found.challenger),
        Toned(text.count(shown.rows), "dim"),
        Toned(text.decimals(found.champion), "champion"),
        Toned(text.decimals(found.difference, signed=True), tone),
        Toned(f"{text.decimals(found.low)} – {text.decimals(found.high)}", "dim"),
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
    told = Toned(text.count(rows[0]) if rows is not None else "", "dim")
    return Toned(f"own {text.decimals(value)}" if value is not None else "–", "dim"), told, "", "", ""
