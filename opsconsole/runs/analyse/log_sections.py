"""Which lines of a log begin a section: one test's report, one task of a build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Heading:
    """How one tool begins a section; the group ``name`` is what it is about."""

    tool: str
    pattern: str


HEADINGS: tuple[Heading, ...] = (
    Heading("pytest", r"^_{3,} (?P<name>\S.*\S|\S) _{3,}$"),
    Heading("pytest", r"^={3,} (?P<name>[A-Za-z].*\S) ={3,}$"),
    Heading("pytest", r"^-{4,} (?P<name>Captured .*\S) -{4,}$"),
    Heading("unittest", r"^(?:FAIL|ERROR): (?P<name>\S+ \(.*\))"),
    Heading("cargo", r"^---- (?P<name>\S.*) (?:stdout|stderr) ----$"),
    Heading("cargo", r"^\s+(?:Running|Doc-tests) (?P<name>\S.*)$"),
    Heading("go", r"^\s*=== (?:RUN|CONT|NAME)\s+(?P<name>\S+)"),
    Heading("go", r"^\s*--- FAIL: (?P<name>\S+)"),
    Heading("tap", r"^\s*# Subtest: (?P<name>.*\S)"),
    Heading("jest", r"^\s*● (?P<name>(?!Console\b).* › .*\S)"),
    Heading("jest, vitest", r"^\s*(?:FAIL|PASS|RUNS)\s+(?P<name>\S.*)$"),
    Heading("node --test", r"^(?:test at (?P<name>\S+:\d+:\d+))$"),
    Heading("ctest", r"^\s+Start\s+\d+: (?P<name>\S.*)$"),
    Heading("googletest", r"^\[ RUN      \] (?P<name>\S+)"),
    Heading("maven", r"^\[INFO\] -+< (?P<name>\S+) >-+$"),
    Heading("maven", r"^\[INFO\] --- (?P<name>\S.*\S) ---$"),
    Heading("maven", r"^\[INFO\] Running (?P<name>\S+)$"),
    Heading("gradle", r"^> (?:Task|Configure project) (?P<name>\S+)"),
    Heading("make", r"^g?make(?:\[\d+\])?: Entering directory ['`](?P<name>.*)'$"),
    Heading("web CI", r"^(?:::group::|##\[group\])(?P<name>.*\S)"),
    Heading("tox, nox", r"^(?:nox > Running session |\S+: (?:commands\[\d+\]>|recreate env|install_deps>) ?)(?P<name>\S.*)$"),
    Heading("bats", r"^\s*\d+\) (?P<name>\S.*)$"),
)  # fmt: skip

WORDS = (
    "___", "===", "----", "--- ", "fail", "error: ", "running ", "doc-tests ", "# subtest: ", "●", "pass ", "runs ",
    "test at ", "  start", "[ run", "[info] ---", "> task", "> configure", "entering directory", "group", "nox > ",
    "commands[", "recreate env", "install_deps", ") ",
)  # fmt: skip
"""In small letters: whatever begins a section holds one of these."""


@cache
def _any() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{heading.pattern.replace('?P<name>', '')})" for heading in HEADINGS))


@cache
def _each() -> list[re.Pattern[str]]:
    return [re.compile(heading.pattern) for heading in HEADINGS]


def name_of(line: str) -> str | None:
    """Return what a section is about when a line, as it is shown, begins one."""
    line = line[:1024]
    if _any().search(line) is None:
        return None
    for pattern in _each():
        match = pattern.search(line)
        if match is not None:
            return match["name"]
    return None


def is_section(line: str) -> bool:
    """Return whether a line begins a section."""
    return name_of(line) is not None
