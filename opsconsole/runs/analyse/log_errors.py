"""Which lines of a log say that something failed, in the words of the ecosystems' own tools.

A line is judged alone, as it is shown: without colours, without its newline. ``CLEAR`` lines are what a runner or a compiler
says of a failure; ``LIKELY`` lines only speak of an error, which a healthy program may do as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache


class Weight(IntEnum):
    """How surely a line tells of a failure."""

    NONE = 0
    LIKELY = 1
    CLEAR = 2


@dataclass(frozen=True)
class Saying:
    """How one tool says that something failed."""

    tool: str
    pattern: str
    weight: Weight = Weight.CLEAR


_STAMP = r"(?:\[?\d{4}-\d\d-\d\d[T ][\d:.,+Z-]+\]?\s+|\[?\d\d:\d\d:\d\d[.,\d]*\]?\s+)?"
"""A time that many loggers put first."""

SAYINGS: tuple[Saying, ...] = (
    Saying("pytest", r"^E   +\S"),
    Saying("pytest", r"^(?:FAILED|ERROR) \S+(?:::| - |$|\.py\b)"),
    Saying("pytest", r"^(?:INTERNALERROR>|ImportError while loading conftest|ERROR: (?:file or directory|usage:|not found:))"),
    Saying("pytest", r"^\S+\.py:\d+: (?:\w+\.)*\w*(?:Error|Exception|Failed|Interrupt|Exit|Timeout)\b"),
    Saying("unittest", r"^(?:FAIL|ERROR): \S+ \("),
    Saying("unittest", r"^FAILED \((?:failures|errors)="),
    Saying("python", r"^\s*Traceback \(most recent call last\):"),
    Saying("python", r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Timeout|Failure|Fault)(?::|$)"),
    Saying("python", r"^Fatal Python error: "),
    Saying("node --test", r"^\s*not ok \d+(?!.*# (?i:skip|todo)\b)"),
    Saying("node --test", r"^\s*✖ (?!failing tests:)\S.*\(\d[\d.]*ms\)"),
    Saying("jest", r"^\s*● (?!Console\b|Test suite failed to run$)\S.* › "),
    Saying("jest", r"^\s*● Test suite failed to run$"),
    Saying("jest, vitest", r"^\s*FAIL\s+\S"),
    Saying("vitest", r"^\s*(?:×|❯.*\bfailed\b)\s*\S"),
    Saying("mocha", r"^\s+[1-9]\d* failing$"),
    Saying("node", r"^\s*(?:Uncaught )?(?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: "),
    Saying("npm", r"^npm (?:ERR!|error) (?!A complete log)"),
    Saying("yarn, pnpm", r"^(?:error Command failed|\s*ERR_PNPM_|\s*ELIFECYCLE)"),
    Saying("typescript", r"(?:^|: )error TS\d+:"),
    Saying("eslint", r"^\s+\d+:\d+\s+error\s"),
    Saying("go", r"^\s*--- FAIL: "),
    Saying("go", r"^FAIL\s+\S+\s+(?:[\d.]+s|\[\w[\w ]*\])"),
    Saying("go", r"^(?:panic: |fatal error: |.*: test timed out after )"),
    Saying("go", r"^(?:\./|\.\./|[\w./-]+/)?[\w.-]+\.go:\d+:\d+: (?!warning)"),
    Saying("cargo", r"^error(?:\[E\d+\])?: "),
    Saying("cargo", r"^test \S.* \.\.\. FAILED$"),
    Saying("cargo", r"^\s*thread '.*' .*panicked at "),
    Saying("cargo nextest", r"^\s+(?:FAIL|SIGABRT|SIGSEGV|TIMEOUT) \["),
    Saying("cargo", r"^test result: FAILED\b"),
    Saying("gcc, clang", r"^\S.*?:\d+(?::\d+)?: (?:fatal |internal compiler )?error: "),
    Saying("ld", r"(?:\bundefined reference to |\bUndefined symbols for architecture|^(?:\S*/)?ld(?:\.\w+)?: (?:error: |cannot find )|^collect2: error: )"),
    Saying("cc", r"^(?:cc1plus|cc1|clang|gcc|g\+\+|c\+\+)(?:-\d+)?: (?:fatal )?error: "),
    Saying("make", r"^g?make(?:\[\d+\])?: \*\*\* "),
    Saying("ninja, meson", r"^(?:FAILED: |ninja: (?:error|build stopped)|meson\.build:\d+(?::\d+)?: ERROR: )"),
    Saying("cmake", r"^CMake Error\b"),
    Saying("ctest", r"\*\*\*(?:Failed|Exception|Timeout|Not Run)\b"),
    Saying("ctest", r"^The following tests FAILED:"),
    Saying("googletest", r"^\[  FAILED  \] "),
    Saying("maven", r"^\[ERROR\] (?!-> \[Help|\[Help|Re-run Maven|To see the full|For more information|After correcting)\s*\S"),
    Saying("gradle", r"^> Task \S+ FAILED$"),
    Saying("gradle", r"^(?:FAILURE: Build failed|\* What went wrong:|e: (?:file://)?\S+\.kts?:)"),
    Saying("gradle", r"^\S.* > .*\S FAILED$"),
    Saying("java", r"^(?:Exception in thread |Caused by: (?:[a-z]\w*\.)+[A-Z])"),
    Saying("java", r"^(?:[a-z]\w*\.)+[A-Z]\w*(?:Error|Exception)\b"),
    Saying("javac", r"^\S+\.(?:java|kt|scala|groovy):\[?\d+(?:[:,]\d+\])?:? error: "),
    Saying("dotnet", r"\berror (?:CS|MSB|NU|FS|BC|NETSDK)\d+:"),
    Saying("dotnet", r"^\s+Failed \S.* \[\d"),
    Saying("rspec", r"^rspec \./\S+:\d+ # "),
    Saying("rspec", r"^\s+Failure/Error: "),
    Saying("phpunit", r"^(?:FAILURES!|ERRORS!)$"),
    Saying("php", r"^(?:PHP )?(?:Fatal|Parse) error: "),
    Saying("bats, tap", r"^not ok \d+(?!.*# (?i:skip|todo)\b)"),
    Saying("git", r"^(?:fatal: |error: (?:pathspec|failed to push|Your local changes))"),
    Saying("pip", r"^ERROR: (?!pip's dependency resolver does not)"),
    Saying("shell", r"^\S*sh: (?:\d+: |line \d+: )?\S.*: (?:not found|command not found|No such file or directory|Permission denied)$"),
    Saying("system", r"(?:\bSegmentation fault\b|\bcore dumped\b|^Killed$|^Aborted\b|\bOut of memory\b|\bOOMKilled\b|\bNo space left on device\b)"),
    Saying("sanitizers", r"^(?:==\d+==\s*)?(?:ERROR: \w+Sanitizer|SUMMARY: \w+Sanitizer|.*runtime error: )"),
    Saying("a logger", rf"^{_STAMP}[\[(<]?(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC|EMERG|ALERT)[\])>]?(?:[\s:|-]|$)", Weight.LIKELY),
    Saying("a logger", r"(?:^|\s|\[)(?:level|lvl|severity)=\"?(?:error|fatal|critical|panic)\b", Weight.LIKELY),
    Saying("a logger", r"\"(?:level|severity)\":\s*\"(?:error|fatal|critical|panic)\"", Weight.LIKELY),
    Saying("a logger", rf"^{_STAMP}\S{{0,80}} [\[(]?(?:ERROR|FATAL|CRITICAL)[\])]?[ :]", Weight.LIKELY),
    Saying("anything", r"(?i:(?:^|[\s\])>|])(?:fatal |unhandled |uncaught |internal |runtime |syntax )?(?:error|exception)(?: \w+)?: \S)", Weight.LIKELY),
    Saying("anything", r"(?i:\b(?:build|test|tests|command|step|job|assertion|compilation) failed\b)", Weight.LIKELY),
)  # fmt: skip

WORDS = (
    "error", "fail", "exception", "panic", "fatal", "critical", "severe", "emerg", "alert", "traceback", "not ok", "✖", "●",
    "×", "err!", "err_", "elifecycle", "interrupt", "exit", "timeout", "fault", "undefined", "***", "killed", "aborted",
    "dumped", "memory", "no space", "not found", "permission denied", "no such file", ".go:", "e   ", "sigabrt", "sigsegv",
    "what went wrong", "e: ", "cannot find", "build stopped", "caused by", "rspec ", "❯",
)  # fmt: skip
"""In small letters: whatever is a failure holds one of these. To find words is quick where to try every saying is not."""

_NONE_WRONG = re.compile(
    r"""(?ix)
      \b(?:0|no|zero|without(?:\ any)?)\ (?:\w+\ )?(?:errors?|failures?|failed|failing|exceptions?|problems?)\b
    | \b(?:errors?|failures?|failed|exceptions?)\s*[:=]\s*(?:0|none|null|nil|false|\[\]|"")(?=[\s,;)\]}]|$)
    | \berror(?:s)?[-_]?free\b
    """
)
"""What reads like an error and says that there is none."""
_SOME_WRONG = re.compile(
    r"(?i)\b[1-9]\d* (?:\w+ )?(?:errors?|failed|failures?|failing)\b|\b(?:errors?|failures?|failed)\s*[:=]\s*[1-9]"
)
"""A count that is not nought: “no errors, 2 failed” is bad news all the same."""
_GOOD = re.compile(
    r"^(?:\s*(?:ok \d|✓|✔|√|--- (?:PASS|SKIP)|=== |PASS\b|\[       OK|\[ RUN)|test \S.* \.\.\. (?:ok|ignored)|\S.* (?:PASSED|SKIPPED|XFAIL|XPASS)\b|\S.* \.\.\. (?:ok|skipped)\b)"
)
"""A test that passed, whatever its name speaks of."""


@cache
def _joined(weight: Weight) -> re.Pattern[str]:
    """Compile when the first line is judged: it takes longer than all else at a start."""
    return re.compile("|".join(f"(?:{saying.pattern})" for saying in SAYINGS if saying.weight is weight))


def weight(line: str) -> Weight:
    """Return how surely a line tells of a failure."""
    line = line[:4096]
    if _GOOD.match(line):
        return Weight.NONE
    if _NONE_WRONG.search(line) and not _SOME_WRONG.search(line):
        return Weight.NONE
    if _joined(Weight.CLEAR).search(line):
        return Weight.CLEAR
    return Weight.LIKELY if _joined(Weight.LIKELY).search(line) else Weight.NONE


def is_failure(line: str) -> bool:
    """Return whether a line tells of a failure."""
    return weight(line) is not Weight.NONE


def tool(line: str) -> str | None:
    """Return which tool's wording a failure line has."""
    if not is_failure(line):
        return None
    return next((saying.tool for saying in SAYINGS if re.search(saying.pattern, line)), None)
