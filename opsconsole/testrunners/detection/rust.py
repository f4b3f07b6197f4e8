"""Rust: cargo's own runner, or nextest where the repo is set up for it; dependencies stay built between runs."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from opsconsole.testrunners.detection.shape import (
    CONFIGURED,
    MANIFEST,
    REPORT,
    REPORTERS,
    DetectedStep,
    Detection,
    filtered,
)
from opsconsole.testrunners.detection.tree import Tree

_KEPT = 'CARGO_TARGET_DIR="$OPSCONSOLE_ENVIRONMENT"/target'
_SEED = (
    'export CARGO_TARGET_DIR="$TMPDIR"/target\n'
    'cp -a --reflink=auto "$OPSCONSOLE_ENVIRONMENT"/target "$CARGO_TARGET_DIR" 2>/dev/null || :\n'
)
"""What is kept is copied to be built on: no run writes into what the next one starts with."""
_TESTED = re.compile(rb"#\[(?:\w+::)*(?:test|rstest|test_case|proptest)\b|```")
_SOURCE = re.compile(r"\.rs$")
_NEXTEST = shlex.quote(f"opsconsole:{REPORTERS / 'nextest.toml'}")


def detect(tree: Tree, *, isolated: bool) -> list[Detection]:
    """Return ``cargo test``, and nextest before it where ``.config/nextest.toml`` asks for it."""
    if "Cargo.toml" not in tree:
        return []
    locked = " --locked" if "Cargo.lock" in tree else ""
    everything = " --workspace" if "workspace" in tree.toml("Cargo.toml") else ""
    start = _SEED if isolated else ""
    install = _install(tree, locked) if isolated else ()
    sources = tree.matching(_SOURCE)[:400]
    why = next((name for name, text in tree.contents(sources).items() if _TESTED.search(text)), None)
    detections = []
    if ".config/nextest.toml" in tree:
        detections.append(_nextest(install, start, f"{locked}{everything}"))
    if why or any(name.startswith("tests/") for name in sources):
        detections.append(_cargo_test(install, start, f"{locked}{everything}"))
    return detections


def _install(tree: Tree, locked: str) -> tuple[DetectedStep, ...]:
    manifests = [name for name in tree.files if PurePosixPath(name).name == "Cargo.toml"][:200]
    also = ("Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml", ".cargo/config")
    inputs = tree.those(*also, *manifests)
    run = f"cargo fetch{locked}\n{_KEPT} cargo test --no-run{locked} || :  # dependencies; what fails is the tests' to tell"
    return (DetectedStep("install", run, inputs=inputs, environment=True, versions=("cargo --version --verbose",)),)


def _cargo_test(install: tuple[DetectedStep, ...], start: str, options: str) -> Detection:
    def command(only: str = "") -> str:
        return f"{start}{filtered('cargo_test', f'cargo test{options} --no-fail-fast{only}')}"

    def narrow(test_ids: list[str]) -> str | None:
        """Documentation's tests have blanks in their names, where rustdoc cuts what it is asked for."""
        names = [_name(test_id) for test_id in test_ids]
        if any(" " in name for name in names):
            return None
        return command(f" -- --exact {shlex.join(dict.fromkeys(names))}")

    steps = (*install, DetectedStep("test", command()))
    return Detection("cargo test", "rust", steps, "Cargo.toml", MANIFEST, ("cargo",), narrow=narrow)


def _nextest(install: tuple[DetectedStep, ...], start: str, options: str) -> Detection:
    """nextest writes JUnit itself, below the target folder; our file for tools only switches that on."""

    def command(only: str = "") -> str:
        target = '"${CARGO_TARGET_DIR:-target}"'
        run = f"cargo nextest run{options} --no-fail-fast --tool-config-file {_NEXTEST}{only}"
        return (
            f"{start}rm -f {target}/nextest/default/junit.xml\n"
            f"{filtered('cargo_test', run, '--progress-only')} || failed=$?\n"
            f"cp {target}/nextest/default/junit.xml {REPORT}\n"
            'exit "${failed:-0}"'
        )

    def narrow(test_ids: list[str]) -> str | None:
        names = [_name(test_id) for test_id in test_ids]
        if any(re.search(r"[^\w:]", name) for name in names):
            return None
        return command(f" -E {shlex.quote(' | '.join(f'test(={name})' for name in dict.fromkeys(names)))}")

    steps = (*install, DetectedStep("test", command()))
    programs = ("cargo", "cargo-nextest")
    return Detection("cargo nextest", "rust", steps, ".config/nextest.toml", CONFIGURED, programs, narrow=narrow)


def _name(test_id: str) -> str:
    """Return the path of the test within its binary."""
    return test_id.partition("::")[2] or test_id
