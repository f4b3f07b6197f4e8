"""A workspace with one model, and trainings' results as a real run leaves them in ``out/``."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core import clock
from opsconsole.core.files import digest_rows
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.lifecycle.models.candidates import promote_candidate
from opsconsole.registry.gates.gate import Gate, Kind, evidence_of
from opsconsole.registry.places import version_folder
from opsconsole.registry.promotion.links import read_link, sync_link
from opsconsole.registry.promotion.moves import Moved, nominate
from opsconsole.registry.versions.registration import insert, prepare_run
from opsconsole.store import promotions, runs
from opsconsole.store.connection import Store
from opsconsole.store.models import Provenance, Version
from opsconsole.store.runs import NewRun, TestCounts

CONFIG = """
[workspace]
name = "shop"
[models.m]
task = "binary"
ladder = ["candidate", "production"]
[models.m.gates.production]
not_worse = { metric = "auc", margin = 0.02 }
floor = { metric = "auc", at_least = 0.6 }
"""
ROWS = 600
COLUMNS = (("a", "double"), ("b", "string"))
COMMIT = "c" * 40


@dataclass(frozen=True)
class Left:
    """What a training leaves in ``out/``; everything has a harmless default."""

    skill: float = 1.5
    """How far the scores of late and timely rows lie apart, in standard deviations of the noise."""
    champion_skill: float | None = None
    """None: the champion was not scored."""
    champion_seed: int = 1
    """The champion's own seed: it scores the same rows as it did before."""
    rows: int = ROWS
    trained: Sequence[str] = tuple(f"t{number}" for number in range(50))
    named: bool = True
    """Whether ``data.json`` names its parts."""
    columns: Sequence[tuple[str, str]] = COLUMNS
    files: tuple[tuple[str, bytes], ...] = (("weights.txt", b"1 2 3\n"),)
    model: str = "m"
    seed: int = 1

    def write(self, out: Path) -> None:
        """Write it."""
        for name, content in self.files:
            path = out / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        inputs = ", ".join(f'{{name = "{name}", type = "{kind}"}}' for name, kind in self.columns)
        (out / "model.toml").write_text(
            f'name = "{self.model}"\nentry = "{self.files[0][0]}"\nframework = "none"\n'
            f"[signature]\ninputs = [{inputs}]\noutput = 'double'\n",
            encoding="utf-8",
        )
        (out / "params.json").write_text(json.dumps({"skill": self.skill}), encoding="utf-8")
        (out / "metrics.json").write_text(json.dumps({"seconds": 1.5}), encoding="utf-8")
        self._write_rows(out)

    def _write_rows(self, out: Path) -> None:
        ids = [f"r{number}" for number in range(self.rows)]
        labels = [number % 3 == 0 for number in range(self.rows)]
        contenders = [("challenger", self.skill, self.seed)]
        if self.champion_skill is not None:
            contenders.append(("champion", self.champion_skill, self.champion_seed))
        with (out / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["row_id", "label", "score", "contender"])
            for contender, skill, seed in contenders:
                chance = random.Random(seed)
                for row_id, label in zip(ids, labels, strict=True):
                    score = 1 / (1 + 2.718281828 ** -(skill * label + chance.gauss(-skill / 2, 1)))
                    writer.writerow([row_id, int(label), score, contender])
        if not self.named:
            return
        parts = []
        for name, members in (("training", list(self.trained)), ("evaluation", ids)):
            with gzip.open(out / f"{name}.ids.gz", "wt", encoding="utf-8") as packed:
                packed.write("".join(f"{member}\n" for member in members))
            parts.append(
                {
                    "name": name,
                    "path": f"data/{name}.csv",
                    "rows": len(members),
                    "row_ids": digest_rows(members),
                    "ids": f"{name}.ids.gz",
                }
            )
        (out / "data.json").write_text(json.dumps({"parts": parts}), encoding="utf-8")


@dataclass
class Shop:
    """The workspace, its store, and a counter of trainings."""

    root: Path
    workspace: Workspace
    store: Store
    trainings: int = 0

    def configure(self, old: str, new: str) -> None:
        """Change a piece of the configuration."""
        path = self.root / "opsconsole.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.workspace = open_workspace(self.root)

    def out(self, left: Left | None = None) -> Path:
        """Return a fresh ``out/`` with what a training left."""
        self.trainings += 1
        out = self.root / "outs" / str(self.trainings)
        out.mkdir(parents=True)
        (left or Left()).write(out)
        return out

    def version(
        self, left: Left | None = None, *, champion: int | None = None, change: Callable[[Path], object] | None = None
    ) -> Version:
        """Register a version the way intake does; ``change`` may spoil ``out/`` first."""
        out = self.out(left)
        if change is not None:
            change(out)
        prepared = prepare_run(self.workspace, out, self.trainings)
        origin = Provenance("tess", repo="app", commit=COMMIT, run_id=self.trainings, champion=champion)
        with self.store.immediate() as connection:
            made = insert(connection, self.workspace, prepared, origin, command=None)
            nominate(connection, "m", "candidate", made.version, "made", "tess")
        sync_link(self.workspace, self.store, "m", "candidate")
        return made

    def promote(self, version: int, **how: Any) -> Moved:
        """Promote to production through the gates."""
        settings: dict[str, Any] = {"reason": "better", "expect": None} | how
        return promote_candidate(self.workspace, self.store, "m", version, "production", **settings)[1]

    def live(self, count: int = 2) -> list[Version]:
        """Make versions that were production one after the other."""
        made = []
        for number in range(1, count + 1):
            before = number - 1 or None
            left = Left(seed=number, champion_skill=None if before is None else 1.5, champion_seed=before or 1)
            made.append(self.version(left, champion=before))
            self.promote(number, force=("not worse",) if before else ())
        return made

    def at(self, alias: str = "production") -> int | None:
        """Return the version that the row names."""
        row = promotions.alias(self.store, "m", alias)
        return None if row is None else row.version

    def link(self, alias: str = "production") -> str | None:
        """Return what the link holds."""
        return read_link(self.workspace.models / "m" / alias)

    def folder(self, version: int) -> Path:
        """Return a version's artifact."""
        return version_folder(self.workspace, "m", version)

    def tested(self, *, passed: int, failed: int, commit: str = COMMIT) -> int:
        """Write a finished run with tests at a commit."""
        new = NewRun("app", "build", PipelineKind.BUILD, commit, "main", "Subject", dirty=False, actor="tess")
        with self.store.immediate() as connection:
            run_id = runs.insert(connection, new)
            runs.finish(
                connection,
                run_id,
                RunState.FAILED if failed else RunState.PASSED,
                started_at=clock.now(),
                ended_at=clock.now(),
                error=None,
                note=None,
                tests=TestCounts(passed=passed, failed=failed),
            )
        return run_id


@dataclass(frozen=True)
class Said:
    """What a command line answered."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


def opsconsole(root: Path | None, *words: str, timeout: float = 60.0, **more: str) -> Said:
    """Run the real command line in a process of its own."""
    where = [] if root is None else ["-C", str(root)]
    answer = subprocess.run(
        [sys.executable, "-m", "opsconsole", *where, *words],
        capture_output=True,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **more},
    )
    return Said(answer.returncode, answer.stdout, answer.stderr.decode("utf-8", "replace"))


def shown(gate: Gate, kind: type[Kind]) -> Kind:
    """Return a gate's evidence, which must be of this class."""
    evidence = evidence_of([gate], kind)
    assert evidence is not None, gate
    return evidence
