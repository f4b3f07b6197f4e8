"""Go: its own runner, read event by event."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import MANIFEST, DetectedStep, Detection, escaped, filtered
from opsconsole.testrunners.detection.tree import Tree

_TEST = re.compile(r"_test\.go$")
_SPECIAL = r"\.+*?()|[]{}^$"
_USED = re.compile(r"^[ \t]*(?:use[ \t]+)?(\.[\w./-]*)[ \t\r]*$", re.MULTILINE)


def detect(tree: Tree) -> list[Detection]:
    """Return ``go test`` for a module or workspace that has tests."""
    manifest = tree.first("go.mod", "go.work")
    tests = tree.matching(_TEST)
    if manifest is None or not tests:
        return []
    packages = "./..."
    if "go.mod" not in tree:
        packages = shlex.join(f"{folder.rstrip('/')}/..." for folder in _USED.findall(tree.text("go.work"))) or packages
    steps = [DetectedStep("test", _command("", packages))]
    if "go.sum" in tree and "vendor/modules.txt" not in tree:
        download = DetectedStep("install", "go mod download", inputs=("go.mod", "go.sum"), versions=("go version",))
        steps.insert(0, download)
    return [Detection("go test", "go", tuple(steps), manifest, MANIFEST, ("go",), narrow=_narrow)]


def _command(options: str, packages: str) -> str:
    return filtered("go_test", f"go test -json {options}{packages}")


def _narrow(test_ids: list[str]) -> str | None:
    """Return the run of single tests and subtests in their packages; a package that did not build is named.

    A test that is asked for with some of its subtests runs these alone: it failed because of them.
    """
    packages: dict[str, list[str]] = {}
    for test_id in test_ids:
        package, _, name = test_id.partition("::")
        if not name or package.startswith("-"):
            return None
        packages.setdefault(package, []).append(name)
    patterns = [
        "/".join(f"^{escaped(part, _SPECIAL)}$" for part in name.split("/"))
        for names in packages.values()
        for name in names
        if not name.startswith("(") and not any(other.startswith(f"{name}/") for other in names)
    ]
    if not patterns:
        return _command("", shlex.join(packages))
    return _command(f"-run {shlex.quote('|'.join(dict.fromkeys(patterns)))} ", shlex.join(packages))
