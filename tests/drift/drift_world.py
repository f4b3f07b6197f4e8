"""A monitored model's world: production months are written, scored and checked by the test."""

from __future__ import annotations

import calendar
import gzip
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core.nouns import Digest
from opsconsole.drift.check.checker import CheckResult, check
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.store.baselines import Baseline, baseline, record_predictions
from opsconsole.store.connection import Store

CONFIG = """
[models.m]
task = "binary"
[monitors.m]
model = "m@production"
current = "data/*.parquet"
time = "t"
label = "y"
chunk = "month"
performance = { metric = "auc", floor = "reference - 0.05", for = 2 }
"""
ROWS = 2500


@dataclass
class World:
    """The monitored model's world; a year of it is drawn from one seed."""

    root: Path
    store: Store
    workspace: Workspace
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    runs: int = 0

    def month(
        self,
        number: int,
        *,
        shift: float = 0.0,
        skill: float = 2.0,
        rows: int = ROWS,
        labels: bool = True,
        drop: tuple[str, ...] = (),
        change: dict[str, Any] | None = None,
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Write a month of production rows; return their ids, what a model says of them, and what happened."""
        a = self.random.normal(shift, 1, rows)
        outcome = (self.random.random(rows) < 1 / (1 + np.exp(-skill * (a - shift)))).astype(int)
        start = datetime(2013, number, 1)  # noqa: DTZ001 - naive on purpose: such data is UTC
        minutes = 1430 * calendar.monthrange(2013, number)[1]
        columns: dict[str, Any] = {
            "row_id": [f"{number}-{index}" for index in range(rows)],
            "t": [start + timedelta(minutes=index * minutes / rows) for index in range(rows)],
            "a": a,
            "b": self.random.choice(["x", "y", "z"], rows),
            "y": outcome if labels else pa.nulls(rows, pa.int64()),
        }
        columns |= change or {}
        for name in drop:
            del columns[name]
        (self.root / "data").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), self.root / "data" / f"2013-{number:02d}.parquet")
        ids = [f"{number}-{index}" for index in range(rows)]
        return ids, 1 / (1 + np.exp(-2 * (a - shift))), outcome

    def version(self, number: int, month: tuple[list[str], np.ndarray, np.ndarray], at: int) -> Subject:
        """Make a version that was evaluated on a written month."""
        ids, scores, outcome = month
        evaluation, used = self.root / f"evaluation{number}.parquet", self.root / f"used{number}.gz"
        pq.write_table(
            pa.table({"row_id": ids, "label": outcome, "score": scores, "contender": ["challenger"] * len(ids)}),
            evaluation,
        )
        with gzip.open(used, "wt") as file:
            file.write("".join(f"{row_id}\n" for row_id in ids))
        return Subject("m", "production", number, evaluation, (Path(f"data/2013-{at:02d}.parquet"),), (used,))

    def predict(self, version: int, ids: list[str], scores: Any) -> None:
        """Leave production scores, as a score run does."""
        self.runs += 1
        path = self.root / f"predictions{self.runs}.parquet"
        pq.write_table(pa.table({"row_id": ids, "score": scores}), path)
        with self.store.immediate() as connection:
            record_predictions(
                connection,
                model="m",
                version=version,
                run_id=self.runs,
                path=str(path),
                file_digest=Digest("sha256:" + "0" * 64),
                rows=len(ids),
            )

    def live(self, number: int, version: int = 1, **how: Any) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Write a month and score it."""
        month = self.month(number, **how)
        self.predict(version, month[0], month[1])
        return month

    @property
    def monitor(self) -> Monitor:
        """The monitor, as the configuration has it now."""
        return monitor_of(self.workspace, "m")

    @property
    def held(self) -> Baseline:
        """The baseline of version 1 that holds."""
        found = baseline(self.store, "m", 1)
        assert found is not None
        return found

    def check(self, subject: Subject) -> CheckResult:
        """Check the monitor."""
        return check(self.workspace, self.store, "m", subject)

    def configure(self, old: str, new: str) -> None:
        """Change the configuration."""
        path = self.root / "opsconsole.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.workspace = open_workspace(self.root)
