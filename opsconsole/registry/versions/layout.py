"""The layout of an artifact and the files beside it: a run's ``out/``, a copy of one, or a folder of the operator's.

What describes a model (``model.toml``, ``MLmodel``, metrics, params, data, evaluation) is read as that, and is no file of
the artifact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import UsageError
from opsconsole.core.foreign_files import is_there, read_foreign

EVALUATIONS = ("evaluation.parquet", "evaluation.csv")
BESIDE = frozenset({"model.toml", "metrics.json", "params.json", "data.json", *EVALUATIONS})
"""What may lie beside ``model/``."""
OUT = frozenset({"predictions.parquet", "predictions.csv", "coverage.xml", "lcov.info"})
"""What else a run leaves in the same folder."""
_MOST = 16 << 20


@dataclass(frozen=True)
class Layout:
    """One artifact and what describes it."""

    artifact: Path
    """A file, or a folder."""
    beside: Path | None
    """The folder with what describes it; None for a file that stands alone."""
    apart: frozenset[str] = frozenset()
    """Names at the top of the artifact's folder that are none of its files."""

    def file(self, name: str) -> Path | None:
        """Return what stands beside the artifact under a name; None where nothing does."""
        path = self.beside / name if self.beside is not None else None
        return path if path is not None and is_there(path) else None

    @property
    def evaluation(self) -> Path | None:
        """The file of per-row scores."""
        return next((path for name in EVALUATIONS if (path := self.file(name)) is not None), None)

    @property
    def mlmodel(self) -> Path | None:
        """MLflow's description, inside the artifact's folder."""
        path = self.artifact / "MLmodel"
        return path if self.artifact.is_dir() and is_there(path) else None


def layout_of_run(out: Path) -> Layout:
    """Return what a training left in its ``out/``; UsageError when ``model/`` is no folder of it."""
    artifact = out / "model"
    if artifact.is_symlink() or not artifact.is_dir():
        raise UsageError("out/model is no folder", hint="a training leaves a folder model/ there, and no link")
    return Layout(artifact, out)


def layout_of_path(source: Path) -> Layout:
    """Tell how a path of the operator's is laid out."""
    if not source.is_dir():
        alone = not is_there(source.with_name("model.toml"))
        return Layout(source, None if alone else source.parent)
    inner = source / "model"
    names = {path.name for path in source.iterdir()}
    if (
        inner.is_dir()
        and not inner.is_symlink()
        and names & BESIDE
        and ("model.toml" in names or _nothing_else(source))
    ):
        return Layout(inner, source, frozenset({"MLmodel"}))
    if source.resolve().name == "model" and not names & BESIDE and any(is_there(source.parent / one) for one in BESIDE):
        return Layout(source, source.parent, frozenset({"MLmodel"}))
    return Layout(source, source, frozenset({"MLmodel", *BESIDE, *_ids_of(source)}))


def _nothing_else(folder: Path) -> bool:
    known = {"model", *BESIDE, *OUT, *_ids_of(folder)}
    return all(path.name in known or path.name.startswith("junit") for path in folder.iterdir())


def _ids_of(folder: Path) -> set[str]:
    """Return the files of row ids that ``data.json`` names; it is read with care later."""
    path = folder / "data.json"
    if not is_there(path):
        return set()
    try:
        document = json.loads(read_foreign(path, limit=_MOST, follow=True))
        return {str(part["ids"]) for part in document["parts"] if part.get("ids")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
        return set()
