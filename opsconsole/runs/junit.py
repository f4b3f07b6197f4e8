"""Reading JUnit reports as runners really write them; what is broken is salvaged, and said to be.

``testcase`` counts at any depth and in any namespace (node writes it outside of any suite); entities are not resolved,
nothing is fetched, size is capped. lxml is imported here and nowhere near the console.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.ground.nouns import TestOutcome
from opsconsole.store.test_results import TestResult

if TYPE_CHECKING:
    from lxml.etree import _Element

SIZE_LIMIT = 200 << 20
CASES_LIMIT = 1_000_000
DETAIL_LIMIT = 64 << 10
MESSAGE_LIMIT = 500
ID_LIMIT = 2_000


@dataclass(frozen=True)
class Report:
    """What one report file says."""

    cases: tuple[TestResult, ...]
    """``run_id`` is 0 and ``position`` counts within the file, until the run is known."""
    note: str | None = None
    """What was wrong with the file; None when it was whole."""


def read_report(path: Path) -> Report:
    """Return the test cases of a report; never raises for what stands in it."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return Report((), f"{path.name}: {error.strerror}")
    if size > SIZE_LIMIT:
        return Report((), f"{path.name}: {size >> 20} MiB is more than is read ({SIZE_LIMIT >> 20} MiB)")
    cases, failure = _walk(path, recover=False)
    if failure is None:
        return Report(cases)
    salvaged, _ = _walk(path, recover=True)
    return Report(salvaged, f"{path.name}: broken ({failure}); {len(salvaged)} test cases were salvaged")


def _walk(path: Path, *, recover: bool) -> tuple[tuple[TestResult, ...], str | None]:
    from lxml import etree

    cases: list[TestResult] = []
    try:
        with path.open("rb") as file:
            events = etree.iterparse(
                file,
                events=("end",),
                recover=recover,
                resolve_entities=False,
                no_network=True,
                huge_tree=False,
                load_dtd=False,
            )
            for _, element in events:
                if not isinstance(element.tag, str) or etree.QName(element).localname != "testcase":
                    continue
                cases.append(_case(element, len(cases)))
                _forget(element)
                if len(cases) >= CASES_LIMIT:
                    return tuple(cases), f"more than {CASES_LIMIT} test cases"
    except (etree.XMLSyntaxError, OSError, ValueError) as error:
        return tuple(cases), str(error)[:200] or "empty"
    return tuple(cases), None


def _forget(element: _Element) -> None:
    """Let go of what was read, so that memory stays flat over a long report."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _case(element: _Element, position: int) -> TestResult:
    from lxml import etree

    children: dict[str, _Element] = {}
    reruns = 0
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        if name.lower().startswith(("flaky", "rerun")):
            reruns += 1
        else:
            children.setdefault(name, child)
    outcome, verdict = _outcome(children)
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


def _outcome(children: dict[str, _Element]) -> tuple[TestOutcome, _Element | None]:
    for name, outcome in (
        ("error", TestOutcome.ERROR),
        ("failure", TestOutcome.FAILED),
        ("skipped", TestOutcome.SKIPPED),
        ("disabled", TestOutcome.SKIPPED),
    ):
        if name in children:
            return outcome, children[name]
    return TestOutcome.PASSED, None


def _test_id(element: _Element) -> str:
    """Return ``path::Class::name`` where it is said or can be told (pytest, unittest), else ``classname::name``."""
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
        suites = [ancestor.get("name", "") for ancestor in element.iterancestors() if _is_suite(ancestor)]
        nested = [suite for suite in reversed(suites) if suite not in {"", "pytest"} and suite not in classname]
        parts = [part for part in (file, *nested, "" if classname == "test" else classname) if part] + [name]
    return "::".join(parts)[:ID_LIMIT] or "(nameless)"


def _is_suite(element: _Element) -> bool:
    from lxml import etree

    return isinstance(element.tag, str) and etree.QName(element).localname == "testsuite"


def _line(element: _Element) -> int | None:
    """Return the line, from 1; pytest counts from 0."""
    text = element.get("line", "")
    if not re.fullmatch(r"\d{1,9}", text):
        return None
    suite = element.getparent()
    from_zero = suite is not None and suite.get("name") == "pytest"
    return int(text) + (1 if from_zero else 0)


def _seconds(text: str | None) -> float | None:
    """Read a duration; some runners write ``1,234.5``, some nothing."""
    try:
        seconds = float((text or "").replace(",", ""))
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
