"""Takers of a run's results besides its tests: a version of a model, production scores."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import OpsconsoleError, UsageError
from opsconsole.core.files import BLOCK, digest_file, fsync_directory
from opsconsole.core.foreign_files import is_there, open_foreign
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.lifecycle.intake.finished import FinishedRun, Write
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.registry.promotion.links import sync_link
from opsconsole.registry.promotion.moves import nominate
from opsconsole.registry.versions.ledger import record
from opsconsole.registry.versions.registration import Prepared, discard_prepared, insert, prepare_run
from opsconsole.store import baselines, models
from opsconsole.store.connection import Store
from opsconsole.store.models import Provenance

MOST_BYTES = 16 << 30
"""Bytes of a file of scores, at most."""


class VersionTaker:
    """Registers the model that a passed training left in ``out/``, and nominates it for the lowest rung."""

    name = "the version"

    def prepare(self, store: Store, run: FinishedRun) -> Write | None:
        """Stage the artifact and its evidence.

        UsageError when the training left no model, or a version of another model than its pipeline names.
        """
        if run.outcome.state is not RunState.PASSED or run.order.plan.kind is not PipelineKind.TRAIN:
            return None
        if not (run.folder.out / "model").is_dir():
            raise UsageError("the training left no model", hint="it must leave out/model/ and out/model.toml")
        if models.version_of_run(store, run.record.id) is not None:
            return None
        workspace = run.workspace()
        prepared = prepare_run(workspace, run.folder.out, run.record.id)
        named = run.order.plan.model
        if named is not None and prepared.declared.name != named:
            discard_prepared(prepared)
            raise UsageError(
                f"the training left a version of `{prepared.declared.name}`, and its pipeline names `{named}`",
                hint="model.toml and the pipeline's `model` must say the same",
            )
        return lambda connection: self._write(connection, workspace, prepared, run)

    def follow_up(self, store: Store, run: FinishedRun) -> None:
        """Show the new version on its rung, and judge it for the top one."""
        from opsconsole.lifecycle.models.candidates import judge, remember

        version = models.version_of_run(store, run.record.id)
        if version is None:
            return
        workspace = run.workspace()
        ladder = ladder_of(workspace, version.model)
        sync_link(workspace, store, version.model, ladder[0])
        record(workspace, store)
        remember(store, judge(workspace, store, version.model, version.version, ladder[-1]))

    @staticmethod
    def _write(connection: sqlite3.Connection, workspace: Workspace, prepared: Prepared, run: FinishedRun) -> None:
        record = run.record
        variables = dict(run.order.environment)
        champion = variables.get("OPSCONSOLE_CHAMPION_VERSION")
        provenance = Provenance(
            actor=record.actor,
            repo=record.repo,
            commit=record.commit,
            run_id=record.id,
            alert_id=record.alert_id,
            champion=int(champion)
            if champion is not None and variables.get("OPSCONSOLE_MODEL") == prepared.declared.name
            else None,
        )
        version = insert(connection, workspace, prepared, provenance, command=None)
        why = f"run {record.id} made it" + (f" in answer to alert {record.alert_id}" if record.alert_id else "")
        nominate(connection, version.model, ladder_of(workspace, version.model)[0], version.version, why, record.actor)


class PredictionsTaker:
    """Keeps the production scores that a scoring left, as a source for drift checks."""

    name = "the predictions"

    def prepare(self, store: Store, run: FinishedRun) -> Write | None:  # noqa: ARG002 - the protocol's signature
        """Copy the scores to where they stay; UsageError when the run scored with no version."""
        if run.outcome.state is not RunState.PASSED or run.order.plan.kind is not PipelineKind.SCORE:
            return None
        source = next(
            (path for name in ("parquet", "csv") if is_there(path := run.folder.out / f"predictions.{name}")), None
        )
        if source is None:
            return None
        variables = dict(run.order.environment)
        model, version = variables.get("OPSCONSOLE_MODEL"), variables.get("OPSCONSOLE_CHAMPION_VERSION")
        if model is None or version is None:
            raise UsageError(
                "the scores belong to no version: nothing holds a rung of the model",
                hint="promote a version first, and name the pipeline as `refresh` of the model's monitor",
            )
        relative = Path("predictions") / model / f"run-{run.record.id}{source.suffix}"
        workspace = run.workspace()
        target = workspace.evidence / relative
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_foreign(source, limit=MOST_BYTES) as reader, target.open("wb") as writer:
            shutil.copyfileobj(reader, writer, BLOCK)
        fsync_directory(target.parent)
        digest, rows = digest_file(target), rows_of(target)
        return lambda connection: baselines.record_predictions(
            connection,
            model=model,
            version=int(version),
            run_id=run.record.id,
            path=str(relative),
            file_digest=digest,
            rows=rows,
        )

    def follow_up(self, store: Store, run: FinishedRun) -> None:
        """Check the monitors that this scoring feeds; what they complain of stays in the run's diary."""
        from opsconsole.lifecycle.monitors.monitor_check import check_monitor, part_of_a_check

        if run.outcome.state is not RunState.PASSED or run.order.plan.kind is not PipelineKind.SCORE:
            return
        workspace = run.workspace()
        target = f"{run.record.repo}/{run.record.pipeline}"
        for name, monitor in workspace.config.monitors.items():
            if monitor.refresh == target:
                try:
                    check_monitor(workspace, store, name, recorded=not part_of_a_check(run.record, name))
                except OpsconsoleError as error:
                    print(f"monitor {name}: {error}")  # noqa: T201 - the run's diary


def rows_of(path: Path) -> int:
    """Return how many rows a file of scores has; UsageError for a Parquet file that is not whole."""
    if path.suffix == ".parquet":
        from pyarrow import ArrowException
        from pyarrow.parquet import read_metadata

        try:
            return int(read_metadata(path).num_rows)
        except (OSError, ArrowException) as error:
            raise UsageError(f"predictions.parquet: not a whole Parquet file: {error}") from error
    with path.open("rb") as file:
        lines, last = 0, b"\n"
        while block := file.read(BLOCK):
            lines, last = lines + block.count(b"\n"), block[-1:]
    return max(lines + (last != b"\n") - 1, 0)
