"""Java: Maven and Gradle, by the wrapper that the commit brings, else as installed; they leave JUnit themselves."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import MANIFEST, DetectedStep, Detection
from opsconsole.testrunners.detection.tree import Tree

_TEST = re.compile(r"(^|/)src/(\w*[tT]est\w*)/")
_GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_NAME = re.compile(r"[\w$.]+")


def detect(tree: Tree) -> list[Detection]:
    """Return Maven and Gradle where there are tests."""
    if not tree.matching(_TEST):
        return []
    return [*_maven(tree), *_gradle(tree)]


def _maven(tree: Tree) -> list[Detection]:
    if "pom.xml" not in tree:
        return []
    program = "sh ./mvnw" if "mvnw" in tree else "mvn"

    def command(only: str = "") -> str:
        return f"{program} --batch-mode --no-transfer-progress --fail-at-end {only}test"

    def narrow(test_ids: list[str]) -> str | None:
        chosen = _chosen(test_ids)
        if chosen is None:
            return None
        only = ",".join(f"{classname}#{'+'.join(methods)}" for classname, methods in chosen.items())
        quiet = "-DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
        return command(f"{shlex.quote(f'-Dtest={only}')} {quiet} ")

    step = DetectedStep("test", command())
    programs = ("java",) if "mvnw" in tree else ("java", "mvn")
    reports = ("**/target/surefire-reports/TEST-*.xml",)
    return [Detection("maven", "java", (step,), "pom.xml", MANIFEST, programs, reports, narrow=narrow)]


def _gradle(tree: Tree) -> list[Detection]:
    file = tree.first(*_GRADLE)
    if file is None:
        return []
    program = "sh ./gradlew" if "gradlew" in tree else "gradle"
    run = f"{program} --no-daemon --console=plain --continue test"
    several = re.search(
        r"^[ \t]*include\b", tree.text("settings.gradle") + tree.text("settings.gradle.kts"), re.MULTILINE
    )

    def narrow(test_ids: list[str]) -> str | None:
        """With several projects, those without the test would fail for want of one."""
        chosen = _chosen(test_ids)
        if chosen is None or several:
            return None
        names = [f"{classname}.{method}" for classname, methods in chosen.items() for method in methods]
        return f"{run} {' '.join(f'--tests {shlex.quote(name)}' for name in names)}"

    step = DetectedStep("test", run)
    programs = ("java",) if "gradlew" in tree else ("java", "gradle")
    reports = ("**/build/test-results/**/TEST-*.xml",)
    return [Detection("gradle", "java", (step,), file, MANIFEST, programs, reports, narrow=narrow)]


def _chosen(test_ids: list[str]) -> dict[str, list[str]] | None:
    """Return the methods of each class; a parametrised case stands for its method. None when a name is none of Java's."""
    chosen: dict[str, list[str]] = {}
    for test_id in test_ids:
        classname, _, name = test_id.rpartition("::")
        classname = classname.rpartition("::")[2]
        method = re.split(r"[\[({ ]", name, maxsplit=1)[0]
        if not _NAME.fullmatch(classname) or not _NAME.fullmatch(method):
            return None
        methods = chosen.setdefault(classname, [])
        if method not in methods:
            methods.append(method)
    return chosen
