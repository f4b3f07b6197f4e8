"""The model in memory: loaded once, and again when the alias has moved."""

from __future__ import annotations

import threading
from pathlib import Path

from service.model import Model
from service.versions import Release, current


class Loaded:
    """Gives each request the version that is in production, without reading it anew every time."""

    def __init__(self, alias: Path) -> None:
        self.alias = alias
        self._lock = threading.Lock()
        self._held: tuple[Release, Model] | None = None

    def get(self) -> tuple[Release, Model] | None:
        """Return the release and its model; None when the alias points nowhere."""
        release = current(self.alias)
        if release is None:
            return None
        with self._lock:
            if self._held is None or self._held[0] != release:
                self._held = (release, self._read(release))
                print(f"\x1b[1mloaded\x1b[0m version {release.version}", flush=True)
            return self._held

    def _read(self, release: Release) -> Model:
        return Model.read(release.folder)  # whole: the columns belong to the version, codes and all
