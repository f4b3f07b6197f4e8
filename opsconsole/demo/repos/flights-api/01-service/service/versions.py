"""Which version is in production: what the alias points to at this moment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Release:
    """One version's folder; resolved, so it stays what it is when the alias moves on."""

    folder: Path

    @property
    def version(self) -> int | None:
        """Its number, which is its folder's name; None for a folder of another kind."""
        return int(self.folder.name) if self.folder.name.isdigit() else None


def alias_path() -> Path:
    """Return where the alias lies: $OPSCONSOLE_MODELS, else the workspace that this runs in."""
    models = os.environ.get("OPSCONSOLE_MODELS") or str(Path(os.environ.get("OPSCONSOLE_WORKSPACE", ".")) / "models")
    return Path(models) / "flights" / "production"


def current(alias: Path) -> Release | None:
    """Resolve the alias, once; None when it points nowhere."""
    folder = Path(os.path.realpath(alias))
    return Release(folder) if folder.is_dir() else None
