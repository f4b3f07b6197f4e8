"""Models: each model with its rungs and versions; below, the version under the cursor with its lineage and evidence."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.console.host.examples import no_models
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.host.orders import Order, Orders
from opsconsole.console.models.moves import open_promotion, open_rollback
from opsconsole.console.models.version_details import VersionDetails
from opsconsole.console.models.version_rows import ModelRows
from opsconsole.console.processes.launch import start_run
from opsconsole.console.widgets.lines import Rule
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading
from opsconsole.core.nouns import PipelineKind, Rung
from opsconsole.lifecycle.ladders import champion_of, ladder_of, model_of
from opsconsole.registry.places import version_folder
from opsconsole.store import models, promotions, runs


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
        self._shown: tuple[str, int] | None = None
        self._orders = Orders(Order("version", "newest first"), Order("metric", "best first"))

    def compose(self) -> ComposeResult:
        """Lay out list and detail."""
        yield RowList(id="versions")
        yield Rule("VERSION", id="rule", of="version")
        yield RowList(id="version", empty="", sheet=True)

    def load(self) -> None:
        """Read the models, and the version under the cursor."""
        known = {item.name: item.versions for item in models.models(self.console.store)}
        shown = ModelRows(self, self._orders.held)
        rows: list[Row] = []
        for name in sorted({*self.console.workspace.config.models, *known}):
            rows += [*shown.rows(name, known.get(name, 0)), BLANK]
        listing = self.query_one("#versions", RowList)
        listing.show(Rows(rows[:-1] or [heading("MODELS", 0), *no_models()]))
        self._at = self._key(listing.key)
        self._load_version()

    def reveal(self, kind: str, name: str) -> bool:  # noqa: ARG002 - one kind lives here
        """Put the cursor on a model, ``NAME:VERSION`` or ``NAME@ALIAS``."""
        model, _, number = name.partition(":")
        if "@" in name:
            rung = Rung.of(name)
            model = rung.model
            held = promotions.alias(self.console.store, rung.model, rung.alias)
            number = str(held.version) if held else ""
        if not number:
            newest = models.versions(self.console.store, model, limit=1)
            number = str(newest[0].version) if newest else ""
        selected = number.removeprefix("v").isdigit() and self.query_one("#versions", RowList).select(
            (model, int(number.removeprefix("v")))
        )
        self.console.give_focus(self.query_one("#versions"))
        return bool(selected)

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
        order = self._orders.next()
        self.load()
        self.query_one("#versions", RowList).forget_news()
        return order

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

    def _load_version(self) -> None:
        detail = self.query_one("#version", RowList)
        if self._at is None:
            detail.show(Rows(()))
            return
        version = models.version(self.console.store, *self._at)
        detail.show(Rows(VersionDetails(self).rows(version)), anew=self._at != self._shown)
        self._shown = self._at
