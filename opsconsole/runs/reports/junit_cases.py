"""One test case of a JUnit report: its id, outcome, start and detail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsconsole.core.nouns import TestOutcome
from opsconsole.store.test_results import TestResult

if TYPE_CHECKING:
    from lxml.etree import _Element

DETAIL_LIMIT = 64 << 10
MESSAGE_LIMIT = 500
ID_LIMIT = 2_000
SUITES = frozenset({"testsuites", "testsuite"})
VERDICTS = (
    ("error", TestOutcome.ERROR),
    ("failure", TestOutcome.FAILED),
    ("skipped", TestOutcome.SKIPPED),
    ("disabled", TestOutcome.SKIPPED),
)
"""The elements that say how a case ended, the worst first; none of them: it passed."""
BAD = frozenset({TestOutcome.FAILED, TestOutcome.ERROR})
_WORDS = {
    TestOutcome.SKIPPED: "notrun not_run not-run not_executed notexecuted skipped skip suppressed disabled ignored pending"
    " inconclusive",
    TestOutcome.FAILED: "fail failed failure timeout timedout timed_out",
    TestOutcome.ERROR: "error errored broken crashed aborted",
}
_BY_WORD = {word: outcome for outcome, words in _WORDS.items() for word in words.split()}
"""What the attributes ``status`` and ``result`` say where no element does: googletest, CTest and others."""


def local(element: _Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def is_verdict(name: str) -> bool:
    """Whether an element of a case says how it, or a try of it, ended."""
    return name.lower().startswith(("flaky", "rerun")) or any(name == word for word, _ in VERDICTS)


def case_of(element: _Element, position: int) -> TestResult:
    """Return what a ``testcase`` element says."""
    children: dict[str, _Element] = {}
    reruns = 0
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = local(child)
        if name.lower().startswith(("flaky", "rerun")):
            reruns += 1
        else:
            children.setdefault(name, child)
    outcome, verdict = _outcome(element, children)
    message = None if verdict is None else _first_line(verdict.get("message")) or _first_line(verdict.text)
    if reruns and outcome is TestOutcome.PASSED:
        message = f"flaky: passed after {reruns} failed {'tries' if reruns > 1 else 'try'}"
    detail = (
        None if verdict is None or outcome is TestOutcome.SKIPPED else "".join(str(part) for part in verdict.itertext())
    )
    return TestResult(
        run_id=0,
        position=position,
        test_id=_test_id(element),
        outcome=outcome,
        duration_s=_seconds(element.get("time")),
        file=_short(element.get("file"), ID_LIMIT),
        line=_line(element),
        message=_short(message, MESSAGE_LIMIT),
        detail=_short(detail, DETAIL_LIMIT),
        flaky=bool(reruns) and outcome is TestOutcome.PASSED,
    )


def of_suite(element: _Element, outcome: TestOutcome, verdict: _Element | None, position: int) -> TestResult:
    """Return the case that stands for a suite which failed as a whole, before or beside its cases."""
    names = [item.get("name", "") for item in (element, *element.iterancestors()) if local(item) in SUITES]
    message = None if verdict is None else _first_line(verdict.get("message")) or _first_line(verdict.text)
    return TestResult(
        run_id=0,
        position=position,
        test_id="::".join([*(name for name in reversed(names) if name), "(suite)"])[-ID_LIMIT:],
        outcome=outcome,
        file=_short(element.get("file"), ID_LIMIT),
        message=_short(message, MESSAGE_LIMIT) or "the suite counts a failure that none of its cases bears",
        detail=None if verdict is None else _short("".join(map(str, verdict.itertext())), DETAIL_LIMIT),
    )


def _outcome(case: _Element, children: dict[str, _Element]) -> tuple[TestOutcome, _Element | None]:
    for name, outcome in VERDICTS:
        if name in children:
            return outcome, children[name]
    outcomes = [_BY_WORD.get((case.get(name) or "").strip().lower().replace(" ", "_")) for name in ("status", "result")]
    return next((outcome for outcome in outcomes if outcome is not None), TestOutcome.PASSED), None


def _test_id(element: _Element) -> str:
    """Return ``path::Class::name`` where the report shows it (pytest, unittest), else ``classname::name``."""
    given = element.get("nodeid")
    if given:
        return given[:ID_LIMIT]
    name, classname, file = element.get("name", ""), element.get("classname", ""), element.get("file", "")
    if file.endswith(".py"):
        module = file.removesuffix(".py").replace("/", ".")
        inner = classname[len(module) :].strip(".") if classname.startswith(module) else classname.rpartition(".")[2]
        if not classname or classname == module or module.endswith(f".{classname}"):
            inner = ""
        parts = [file, *(part for part in inner.split(".") if part), name]
    else:
        suites = [ancestor.get("name", "") for ancestor in element.iterancestors() if local(ancestor) == "testsuite"]
        nested = [suite for suite in reversed(suites) if suite not in {"", "pytest"} and suite not in classname]
        parts = [part for part in (file, *nested, "" if classname == "test" else classname) if part] + [name]
    return "::".join(parts)[:ID_LIMIT] or "(nameless)"


def _line(element: _Element) -> int | None:
    """Return the line, from 1; pytest counts from 0."""
    text = element.get("line", "")
    if not re.fullmatch(r"\d{1,9}", text):
        return None
    suite = element.getparent()
    from_zero = suite is not None and suite.get("name") == "pytest"
    return int(text) + (1 if from_zero else 0)


def _seconds(text: str | None) -> float | None:
    """Read a duration: ``1,234.5`` and ``1.234,5`` as their locales mean them; one comma alone is a decimal one."""
    word = (text or "").strip()
    if word.rfind(",") > word.rfind(".") and word.count(",") == 1:
        word = word.replace(".", "").replace(",", ".")
    try:
        seconds = float(word.replace(",", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _first_line(text: str | None) -> str | None:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[0] if lines else None


def _short(text: str | None, limit: int) -> str | None:
    if text is None or len(text) <= limit:
        return text
    return f"{text[: limit - 1]}…"
