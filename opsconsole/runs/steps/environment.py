"""A step's environment: an allow-list of variables, never the operator's whole environment. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.spec import PlannedStep, RunSpec

ALLOWED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "USER", "LOGNAME", "SHELL", "TZ", "OPSCONSOLE_ACTOR")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


MARKER = "OPSCONSOLE_RUN"
"""The variable by which a process is known to belong to a run: it holds the run's folder."""


def step_environment(order: RunSpec, folder: RunFolder, step: PlannedStep, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of one step; ``outer`` is the environment that the run was started in.

    Later wins: what is allowed from outside, what the operator passes on by name, the run's own, the pipeline's, the
    step's. ``PYTHONUNBUFFERED`` is set because output to a file is block-buffered otherwise, and nobody could follow it.
    """
    plan = order.plan
    passed = {name: outer[name] for name in (*ALLOWED, *plan.passed_on) if name in outer}
    own = {
        "PATH": steps_path(plan.interpreter, outer),
        "PYTHONUNBUFFERED": "1",
        "TERM": "dumb",  # a step on a terminal gets a better one; without any, tput and its friends fail
        "TMPDIR": str(folder.temporary),
    }
    home = plan.interpreter.parent.parent
    if step.environment is not None:
        home = folder.state / "environments" / step.environment
        own["OPSCONSOLE_ENVIRONMENT"] = str(home)
        own["PATH"] = f"{home / 'bin'}:{own['PATH']}"
    if (home / "pyvenv.cfg").is_file():
        own["VIRTUAL_ENV"] = str(home)
    run = {
        MARKER: str(folder.path),
        "OPSCONSOLE_OUT": str(folder.out / step.out),
        "OPSCONSOLE_RUN_ID": str(order.run_id),
        "OPSCONSOLE_COMMIT": plan.commit,
        "OPSCONSOLE_MODELS": str(order.workspace / "models"),
        "OPSCONSOLE_WORKSPACE": str(order.workspace),
    }
    return passed | own | dict(order.environment) | dict(plan.environment) | dict(step.env) | run


def steps_path(interpreter: Path, outer: Mapping[str, str]) -> str:
    """Return the PATH of the steps: the chosen interpreter's folder first."""
    return f"{interpreter.parent}:{outer.get('PATH') or DEFAULT_PATH}"


def marker(folder: RunFolder) -> bytes:
    """Return the entry that every process of this run carries in its environment, unless it hides on purpose."""
    return f"{MARKER}={folder.path}".encode("utf-8", "surrogateescape")
