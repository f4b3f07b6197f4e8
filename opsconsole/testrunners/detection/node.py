"""Node: its own runner, and jest, vitest, mocha, AVA or tap behind the test script of package.json.

A runner that ends the script takes our reporter as arguments. One that lies deeper is met by a hook in every node process
below the script, and counted wherever the scripts' text says that there is one.
"""

from __future__ import annotations

import json
import re
import shlex

from opsconsole.testrunners.detection.node_packages import Packages, packages
from opsconsole.testrunners.detection.node_scripts import Scripts
from opsconsole.testrunners.detection.shape import (
    LOOKS,
    MANIFEST,
    REPORT,
    REPORTERS,
    SCRIPT,
    DetectedStep,
    Detection,
    alternatives,
    escaped,
    reporter,
    words,
)
from opsconsole.testrunners.detection.tree import Tree, table

_NODE_TEST = re.compile(r"(^|/)([^/]*[._-]test|test-[^/]*|test)\.[cm]?js$|(^|/)test/.*\.[cm]?js$")
_NODE_COMMAND = re.compile(r"^node\s+(?:\S+\s+)*?--test(?:\s+(?P<rest>.*))?$")
_SHELL = re.compile(r"[;&|<>`$]")
_PLACEHOLDER = re.compile(r"no test specified")
_DELEGATES = re.compile(r"^(?:npm|pnpm|yarn)\s+(?:run\s+)?(?:-s\s+|--silent\s+)?([\w:.-]+)$")
_BEFORE = re.compile(
    r"^(?:(?:cross-env|npx|c8|nyc|dotenv|env|--|-[\w-]+(?:=\S+)?|\w+=\S*|node|yarn|pnpm|exec|run)\s+)*+"
    r"(?:\S*/)?(?P<runner>jest|vitest|mocha)(?:\.m?js)?(?=\s|$)"
)
_HOOK = re.compile(r'^(?P<suite>.*?)(?: > )?"(?:before|after) (?:all|each)" hook\b')
_HOOKED = '"$NODE_OPTIONS "' + shlex.quote(
    f"--require {json.dumps(str(REPORTERS / 'for_node' / 'hook.cjs'), ensure_ascii=False)}"
)
"""What is there, and the hook; node reads a path in double quotes as JSON would."""
_SPECIAL = "\\.+*?()|[]{}^$/"


def detect(tree: Tree) -> list[Detection]:
    """Return the runner of the test script, known or not; without a script, node's own where files look like tests."""
    if "package.json" not in tree:
        return []
    scripts = table(tree.json("package.json"), "scripts")
    manager = packages(tree)
    name, script = _script(scripts)
    if script is None:
        test = next(iter(tree.matching(_NODE_TEST)), None)
        return [] if test is None else [_node("", manager, f"package.json and {test}", LOOKS)]
    reason = f"package.json: {name} = {script!r}"
    asked = None if _SHELL.search(script) else _NODE_COMMAND.match(script)
    if asked:
        return [_node(asked["rest"] or "", manager, reason, MANIFEST)]
    *before, last = (part.strip() for part in re.split(r"&&|\|\||[;&|\n]", script))
    runner = _BEFORE.match(last)
    runners = Scripts(tree, scripts).runners(name)
    if runner and not re.search(r"[<>`]", last) and len(runners) < 2:
        return [_known(runner["runner"], manager, name, script, reason)]
    detections = [_whole(manager, name, reason, runners)]
    inner = next((match for part in before if (match := _BEFORE.match(part))), None)
    if inner:
        detections.append(_known(inner["runner"], manager, None, inner["runner"], reason))
    return detections


def _script(scripts: dict[str, object]) -> tuple[str, str | None]:
    """Return the script that tests, and its name: where ``test`` only calls another script, that one."""
    name = "test"
    for _ in range(4):
        script = scripts.get(name)
        if not isinstance(script, str) or not script.strip() or _PLACEHOLDER.search(script):
            return name, None
        other = _DELEGATES.match(script.strip())
        if other is None or other[1] == name or not isinstance(scripts.get(other[1]), str):
            return name, script.strip()
        name = other[1]
    return name, None


def _node(rest: str, manager: Packages, reason: str, rank: int) -> Detection:
    ours = (
        f"--test-reporter={reporter('node_junit.mjs')} --test-reporter-destination={REPORT}"
        " --test-reporter=spec --test-reporter-destination=stdout"
    )

    def narrow(test_ids: list[str]) -> str:
        """Node 20 matches the name of each test, later ones the names of its suites before it."""
        files: dict[str, None] = {}
        patterns = []
        for test_id in test_ids:
            file, *suites = test_id.split("::")
            files[file] = None
            if suites:
                *around, name = (escaped(part, _SPECIAL) for part in suites)
                patterns.append(f"({' '.join(around)} )?{name}" if around else name)
        only = f"--test-name-pattern={shlex.quote(alternatives(patterns))} " if patterns else ""
        return f"node --test {only}{ours} {rest or words(list(files))}"

    step = DetectedStep("test", f"node --test {ours} {rest}".rstrip())
    programs = ("node", *((manager.manager,) if manager.steps else ()))
    return Detection("node --test", "node", (*manager.steps, step), reason, rank, programs, narrow=narrow)


def _known(runner: str, manager: Packages, script: str | None, text: str, reason: str) -> Detection:
    """Return a runner that takes our reporter beside its own; without a script it is run by itself.

    The names of tests reach it through npm, which quotes them, or directly: pnpm and yarn hand them to a shell.
    """
    arguments = {
        "jest": f"--ci --reporters=default --reporters={reporter('jest_junit.cjs')}",
        "vitest": f"--run --reporter=default --reporter={reporter('vitest_progress.mjs')} --reporter=junit"
        f" --outputFile.junit={REPORT}",
        "mocha": f"--reporter {reporter('mocha_junit.cjs')}",
    }[runner]

    def command(only: str = "") -> str:
        asked = f"{arguments}{only}"
        if only and manager.manager != "npm":
            return f'export CI=true PATH="$PWD/node_modules/.bin:$PATH"\n{text} {asked}'
        return f"CI=true {manager.script(script, asked) if script else f'{manager.tool(runner)} {asked}'}"

    def narrow(test_ids: list[str]) -> str:
        files, names = zip(*(test_id.partition("::")[::2] for test_id in test_ids), strict=True)
        patterns = [_title(name) for name in names if name and name != "(file)"]
        pattern = shlex.quote(alternatives(patterns))
        if runner == "mocha":
            return command(f" --grep {pattern}")
        only = f" --testNamePattern={pattern}" if patterns else ""
        chosen = dict.fromkeys(f"/{escaped(file, _SPECIAL)}$" if runner == "jest" else file for file in files)
        return command(f"{only} {shlex.join(chosen)}")

    step = DetectedStep("test", command())
    label = f"{manager.manager} {script if script == 'test' else f'run {script}'} ({runner})" if script else runner
    rank = MANIFEST if script else SCRIPT - 2
    return Detection(label, "node", (*manager.steps, step), reason, rank, ("node", manager.manager), narrow=narrow)


def _title(name: str) -> str:
    """Return the pattern of a test's full title, whose parts the runner joins by blanks; a hook stands for its suite."""
    suite = _HOOK.match(name)
    pattern = escaped(suite["suite"] if suite else name, _SPECIAL).replace(" > ", "( > | )")
    return f"{pattern} .*" if suite else pattern


def _whole(manager: Packages, script: str, reason: str, runners: tuple[str, ...]) -> Detection:
    """Return the script as the repo says it, with the hook in every node process below; ``runners`` are surely there."""
    step = DetectedStep("test", f"NODE_OPTIONS={_HOOKED} CI=true {manager.script(script)}")
    label = f"{manager.manager} {script if script == 'test' else f'run {script}'}"
    if runners:
        label += f" ({', '.join(dict.fromkeys(runners))})"
    programs = ("node", manager.manager)
    return Detection(label, "node", (*manager.steps, step), reason, SCRIPT, programs, counted=bool(runners))
