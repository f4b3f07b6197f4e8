"""A pytest plugin that reports each test as it finishes: ``-p opsconsole_progress``, imported from PYTHONPATH.

One file in a folder of its own, so that nothing else becomes importable in the repo's tests; standard library and pytest
only, to what Python 3.8 knows. Where no report was asked for it asks for one, a file for each process.
"""

# ruff: noqa: INP001 - alone in its folder
from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest


class Progress:
    """Writes ``$OPSCONSOLE_OUT/progress.jsonl``."""

    def __init__(self, config: Any, path: Path) -> None:
        self.config = config
        self.path = path
        self.parts: dict[str, tuple[str, float]] = {}
        self.announced = False
        self.before = 0
        with contextlib.suppress(OSError), path.open("rb") as file:
            self.before = sum(line.startswith(b'{"id"') for line in file)

    def tell(self, line: dict[str, Any]) -> None:
        """Append a line; where that is impossible the tests go on without."""
        with contextlib.suppress(OSError), self.path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")

    def total(self, count: int) -> None:
        """Tell how many tests there will be, once: those that other processes reported before, and these."""
        if not self.announced:
            self.announced = True
            self.tell({"total": self.before + count})

    def pytest_collection_finish(self, session: Any) -> None:
        """Know how many there are."""
        self.total(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Any) -> None:
        """Know how many there are, where workers of pytest-xdist collected them."""
        self.total(len(ids))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: Any) -> None:
        """Tell a file that could not be collected."""
        if report.failed:
            self.name(report)
            self.tell({"id": report.nodeid, "outcome": "error"})

    def name(self, report: Any) -> None:
        """Write the id into the JUnit report: an inherited test's file there is the one that its code stands in."""
        for plugin in self.config.pluginmanager.get_plugins():
            if type(plugin).__name__ == "LogXML":
                plugin.node_reporter(report).add_attribute("nodeid", report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Join the parts of a test (set-up, call, tear-down) and tell it after the last."""
        if report.nodeid not in self.parts:
            self.name(report)
        outcome, seconds = self.parts.get(report.nodeid, ("passed", 0.0))
        if report.failed:
            outcome = "failed" if report.when == "call" else "error"
        elif report.skipped and outcome == "passed":
            outcome = "skipped"
        elif report.outcome == "rerun":
            outcome = "passed"
        self.parts[report.nodeid] = (outcome, seconds + report.duration)
        if report.when == "teardown":
            outcome, seconds = self.parts.pop(report.nodeid)
            self.tell({"id": report.nodeid, "outcome": outcome, "s": round(seconds, 6)})


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Begin, in the process that reports: not in a worker of pytest-xdist, nor where tests are only listed."""
    out = os.environ.get("OPSCONSOLE_OUT")
    if not out or hasattr(config, "workerinput") or getattr(config.option, "collectonly", False):
        return
    if not getattr(config.option, "xmlpath", None) and Path(out).is_dir():
        config.option.xmlpath = str(Path(out, f"junit-{os.getpid()}.xml"))
    config.pluginmanager.register(Progress(config, Path(out, "progress.jsonl")), "opsconsole-progress-writer")
