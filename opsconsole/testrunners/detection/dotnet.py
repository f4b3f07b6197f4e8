""".NET: ``dotnet test``, whose own report (trx) is turned into JUnit."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import MANIFEST, DetectedStep, Detection, escaped, filtered
from opsconsole.testrunners.detection.tree import Tree

_PROJECT = re.compile(r"\.(cs|fs|vb)proj$")
_SOLUTION = re.compile(r"^[^/]+\.slnx?$")
_TESTS = re.compile(rb"Microsoft\.NET\.Test\.Sdk|<IsTestProject>\s*true", re.IGNORECASE)
_SPECIAL = "\\()&|=!~"


def detect(tree: Tree) -> list[Detection]:
    """Return ``dotnet test`` where a project holds tests."""
    projects = tree.contents(tree.matching(_PROJECT)[:200])
    tests = [name for name, text in projects.items() if _TESTS.search(text)]
    if not tests:
        return []
    solutions = tree.matching(_SOLUTION)
    target = shlex.quote(f"./{solutions[0] if len(solutions) == 1 else tests[0]}")

    def command(only: str = "") -> str:
        run = f'dotnet test {target} --logger trx --results-directory "$OPSCONSOLE_OUT/trx"{only}'
        return filtered("trx", run)

    def narrow(test_ids: list[str]) -> str:
        names = [test_id.replace("::", ".").partition("(")[0] for test_id in test_ids]
        chosen = "|".join(f"FullyQualifiedName={escaped(name, _SPECIAL)}" for name in dict.fromkeys(names))
        return command(f" --filter {shlex.quote(chosen)}")

    step = DetectedStep("test", command())
    reason = f"Microsoft.NET.Test.Sdk in {tests[0]}"
    return [Detection("dotnet test", "dotnet", (step,), reason, MANIFEST, ("dotnet",), narrow=narrow)]
