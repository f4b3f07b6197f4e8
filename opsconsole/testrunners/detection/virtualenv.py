"""The steps that give a Python commit an environment of its own.

Dependencies go into ``$OPSCONSOLE_ENVIRONMENT``, which is kept for as long as the files that name them stay the same and
is never where the project's own code is taken from: that is always the commit's, found first through PYTHONPATH. Where
a package must be installed to be whole, it is installed for each run anew, into a thin environment over that one.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from opsconsole.testrunners.detection.dependencies import Declared
from opsconsole.testrunners.detection.shape import DetectedStep

OWN = ".venv"
"""The environment of the run itself, in the work tree."""
_OVERLAY = Path(__file__).resolve().parent / "overlay.py"
_PYTHON = '"$OPSCONSOLE_ENVIRONMENT"/bin/python'
_VERSIONS = ("python -c 'import sys; print(sys.version, sys.base_prefix)'", "command -v uv || true")
_BEGIN = f"""\
if command -v uv >/dev/null 2>&1; then
  uv venv --quiet --python "$(command -v python)" "$OPSCONSOLE_ENVIRONMENT"
  get() {{ uv pip install --python {_PYTHON} "$@"; }}
else
  python -m venv "$OPSCONSOLE_ENVIRONMENT"
  get() {{ {_PYTHON} -m pip install --disable-pip-version-check "$@"; }}
fi"""
_OWN_TOOL = """\
export VIRTUAL_ENV="$OPSCONSOLE_ENVIRONMENT"
tool=$(command -v {tool} || true)
if [ -z "$tool" ]; then
  python -m venv "$OPSCONSOLE_ENVIRONMENT"/tool
  "$OPSCONSOLE_ENVIRONMENT"/tool/bin/python -m pip install --disable-pip-version-check {tool}
  tool="$OPSCONSOLE_ENVIRONMENT"/tool/bin/{tool}
fi
"$tool" {arguments}"""
_BUILD = f"""\
{_PYTHON} {shlex.quote(str(_OVERLAY))} {OWN}
if command -v uv >/dev/null 2>&1; then
  uv pip install --python {OWN}/bin/python --no-deps --no-build-isolation --editable .
else
  {OWN}/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi"""


def install_step(needs: Declared, runner: str | None) -> DetectedStep:
    """Return the step that installs what the commit declares, and the runner and build tools where they are missing."""
    lines = [_BEGIN, *_dependencies(needs)]
    if needs.built:
        lines.append(f"get {shlex.join(needs.build_requires)}")
    if runner:
        lines.append(f"{_PYTHON} -c 'import {runner}' 2>/dev/null || get {runner}")
    return DetectedStep("install", "\n".join(lines), inputs=needs.inputs, environment=True, versions=_VERSIONS)


def build_step() -> DetectedStep:
    """Return the step that installs the commit's own package for this run alone."""
    return DetectedStep("build", _BUILD)


def _dependencies(needs: Declared) -> list[str]:
    pip = _with_pip(needs)
    if needs.manager == "uv":
        asked = [*(f"--extra {shlex.quote(name)}" for name in needs.extras)]
        asked += [f"--group {shlex.quote(name)}" for name in needs.groups]
        sync = 'UV_PROJECT_ENVIRONMENT="$OPSCONSOLE_ENVIRONMENT" uv sync --frozen --no-install-workspace'
        otherwise = [f"  {line}" for line in pip or [":"]]
        return ["if command -v uv >/dev/null 2>&1; then", f"  {' '.join([sync, *asked])}", "else", *otherwise, "fi"]
    if needs.manager == "pip":
        return pip
    return [_OWN_TOOL.format(tool=needs.manager, arguments=_arguments(needs))]


def _arguments(needs: Declared) -> str:
    """Return what a lock's own tool is asked for: everything but the project itself."""
    if needs.manager == "poetry":
        asked = [f"--extras {shlex.quote(name)}" for name in needs.extras]
        asked += [f"--with {shlex.quote(name)}" for name in needs.groups]
        return " ".join(["install --no-root --no-interaction", *asked])
    if needs.manager == "pdm":
        asked = [f"--group {shlex.quote(name)}" for name in (*needs.extras, *needs.groups)]
        return " ".join(["sync --no-self", *asked])
    return "sync --dev" if "Pipfile.lock" in needs.inputs else "install --dev --skip-lock"


def _with_pip(needs: Declared) -> list[str]:
    words = [f"-r {shlex.quote(name)}" for name in needs.files]
    words += [shlex.quote(item) for item in needs.requirements]
    lines = [f"get {' '.join(words)}"] if words else []
    if needs.whole:
        lines.append(f"get {shlex.quote('.[' + ','.join(needs.extras) + ']' if needs.extras else '.')}")
    return lines
