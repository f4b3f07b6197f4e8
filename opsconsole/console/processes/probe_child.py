"""Asking the services of models in production as long as the console is open: one child, which leaves when we do."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from opsconsole.config.workspace import Workspace

EVERY_S = 10.0


class ProbeChild:
    """Starts the CLI twin that asks; what changes reaches the screens through the store."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, workspace: Workspace) -> None:
        """Begin to ask, where a model has a probe; again after the configuration changed."""
        self.stop()
        if not any(model.probe is not None for model in workspace.config.models.values()):
            return
        from opsconsole.core.process import own_python

        line = own_python("opsconsole", "-C", str(workspace.root), "model", "probe", "--watch", str(EVERY_S))
        with suppress(OSError):
            self._child = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,  # it ends with us, however we end
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "OPSCONSOLE_ORIGIN": "console"},
            )

    def stop(self) -> None:
        """Let it go."""
        if self._child is not None and self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()
            self._child.wait()
        self._child = None
