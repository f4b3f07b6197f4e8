"""Ruby: rspec, through a formatter of ours that needs no gem in the repo."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import (
    CONFIGURED,
    LOOKS,
    REPORT,
    DetectedStep,
    Detection,
    alternatives,
    escaped,
    reporter,
)
from opsconsole.testrunners.detection.tree import Tree

_SPEC = re.compile(r"(^|/)spec/.*_spec\.rb$")
_SPECIAL = "\\.+*?()|[]{}^$-/"


def detect(tree: Tree, *, isolated: bool) -> list[Detection]:
    """Return rspec where there are specs."""
    spec = next(iter(tree.matching(_SPEC)), None)
    if spec is None:
        return []
    bundled = "Gemfile" in tree
    path = 'BUNDLE_PATH="$OPSCONSOLE_ENVIRONMENT"/bundle ' if isolated else ""
    program = f"{path}bundle exec rspec" if bundled else "rspec"
    ours = f"--require {reporter('rspec_junit.rb')} --format documentation --format OpsconsoleJunit --out {REPORT}"

    def narrow(test_ids: list[str]) -> str:
        files, names = zip(*(test_id.partition("::")[::2] for test_id in test_ids), strict=True)
        pattern = alternatives([_description(name) for name in names])
        chosen = shlex.join(dict.fromkeys(f"./{file}" for file in files))
        return f"{program} {ours} --example-matches {shlex.quote(pattern)} {chosen}"

    steps = (*(_install(tree, path, isolated=isolated) if bundled else ()), DetectedStep("test", f"{program} {ours}"))
    reason, rank = (".rspec", CONFIGURED) if ".rspec" in tree else (spec, LOOKS + 20)
    programs = ("ruby", "bundle") if bundled else ("rspec",)
    return [Detection("rspec", "ruby", steps, reason, rank, programs, narrow=narrow)]


def _description(name: str) -> str:
    """Return the pattern of a description; one that rspec makes up itself is not there yet when it chooses what to run."""
    made_up = re.match(r"^(?P<group>.*?)(?P<words> (?:is expected|should)\b.*)$", name)
    if made_up is None:
        return escaped(name, _SPECIAL)
    return f"{escaped(made_up['group'], _SPECIAL)} ?({escaped(made_up['words'], _SPECIAL)})?"


def _install(tree: Tree, path: str, *, isolated: bool) -> tuple[DetectedStep, ...]:
    frozen = "BUNDLE_FROZEN=true " if "Gemfile.lock" in tree else ""
    gems = [name for name in tree.files if name.endswith(".gemspec")]
    inputs = tree.those("Gemfile", "Gemfile.lock", ".ruby-version", *gems) if isolated else ()
    run = f"{path}{frozen}bundle install"
    return (DetectedStep("install", run, inputs=inputs, environment=isolated, versions=("ruby --version",)),)
