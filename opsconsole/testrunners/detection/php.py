"""PHP: phpunit, as composer installs it or as it is on the machine."""

from __future__ import annotations

import shlex

from opsconsole.testrunners.detection.shape import (
    CONFIGURED,
    MANIFEST,
    REPORT,
    DetectedStep,
    Detection,
    escaped,
    filtered,
    unwritten,
)
from opsconsole.testrunners.detection.tree import Tree, table

_SPECIAL = "\\.+*?()|[]{}^$/-"


def detect(tree: Tree) -> list[Detection]:
    """Return phpunit where it is configured or required."""
    config = tree.first("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")
    composer = tree.json("composer.json")
    required = "phpunit/phpunit" in {**table(composer, "require"), **table(composer, "require-dev")}
    if config is None and not required:
        return []
    run = f"{'vendor/bin/phpunit' if required else 'phpunit'} --log-junit {REPORT}"

    def command(only: str = "") -> str:
        return filtered("phpunit", f"{run}{only}")

    def narrow(test_ids: list[str]) -> str:
        patterns = [escaped(_method(test_id), _SPECIAL) for test_id in test_ids]
        expression = f"/^({'|'.join(dict.fromkeys(map(unwritten, patterns)))})$/"
        return command(f" --filter {shlex.quote(expression)}")

    steps = [DetectedStep("test", command())]
    if composer:
        inputs = tree.those("composer.json", "composer.lock")
        install = "composer install --no-interaction --no-progress"
        steps.insert(
            0, DetectedStep("install", install, inputs=inputs, outputs=("vendor",), versions=("php --version",))
        )
    reason = config or "phpunit/phpunit in composer.json"
    rank = CONFIGURED if config else MANIFEST
    programs = ("php", *(("composer",) if composer else ()), *(() if required else ("phpunit",)))
    return [Detection("phpunit", "php", tuple(steps), reason, rank, programs, narrow=narrow)]


def _method(test_id: str) -> str:
    r"""Return what phpunit matches its filter against: ``Space\Class::method with data set …``."""
    classname, _, name = test_id.rpartition("::")
    return f"{classname.rpartition('::')[2].replace('.', chr(92))}::{name}"
