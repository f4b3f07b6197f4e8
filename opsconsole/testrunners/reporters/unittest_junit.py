"""Run unittest's discovery and leave a JUnit report: ``python unittest_junit.py REPORT [--only=TEST...] FOLDER...``.

``TEST`` is an id that the report gave before; ``$OPSCONSOLE_OUT/progress.jsonl`` tells each test as it ends. Run by path on the repo's own interpreter, so it is one file, standard library only, imports nothing of ours, and keeps
to what Python 3.8 knows.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import time
import unittest
from typing import Any
from xml.etree import ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - as it stands in sys.path


def printable(text: str) -> str:
    """Return ``text`` with what XML cannot hold written out."""
    return "".join(letter if _allowed(letter) else f"#x{ord(letter):02X}" for letter in text)


def _allowed(letter: str) -> bool:
    code = ord(letter)
    return code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


class ReportingResult(unittest.TextTestResult):
    """unittest's own readable result that also keeps one entry a test."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.suite = ET.Element("testsuite", name="unittest")
        self._started = time.monotonic()
        self._failed_parts: dict[str, tuple[str, str]] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Note the time."""
        super().startTest(test)
        self._started = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Keep a pass."""
        super().addSuccess(test)
        self._keep(test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Keep an error; also one of a class's or a module's set-up, which is no test of its own."""
        super().addError(test, err)
        self._keep(test, "error", str(err[1]), self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Keep a failure."""
        super().addFailure(test, err)
        self._keep(test, "failure", str(err[1]), self.failures[-1][1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        """Keep a skip."""
        super().addSkip(test, reason)
        self._keep(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Keep it as a pass: it did what was expected."""
        super().addExpectedFailure(test, err)
        self._keep(test)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Keep it as a failure, as unittest's exit code does."""
        super().addUnexpectedSuccess(test)
        self._keep(test, "failure", "passed, although it was expected to fail")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Keep each failed part under its own name; unittest reports no success for a test with a failed part."""
        super().addSubTest(test, subtest, err)
        if err is None:
            return
        broken = not issubclass(err[0], test.failureException)
        shown = (self.errors if broken else self.failures)[-1][1]
        part = str(subtest).rpartition(") ")[2] or str(subtest)
        self._keep(test, "error" if broken else "failure", str(err[1]), shown, part=part)

    def _keep(
        self, test: unittest.TestCase, kind: str = "", message: str = "", detail: str = "", part: str = ""
    ) -> None:
        method = getattr(test, "_testMethodName", "") or str(test)
        classname = f"{type(test).__module__}.{type(test).__qualname__}"
        if type(test).__module__.startswith("unittest"):
            classname = ""
        name = method + (" " + part if part else "")
        seconds = time.monotonic() - self._started
        case = ET.SubElement(
            self.suite,
            "testcase",
            classname=printable(classname),
            name=printable(name),
            time=f"{seconds:.6f}",
        )
        place = _place(test, method)
        outcome = {"": "passed", "failure": "failed"}.get(kind, kind)
        case.set("nodeid", printable(test_id(test, name)))
        tell({"id": test_id(test, name), "outcome": outcome, "s": round(seconds, 6)})
        if place is not None:
            case.set("file", printable(place[0]))
            case.set("line", str(place[1]))
        if kind:
            lines = message.splitlines()
            verdict = ET.SubElement(case, kind, message=printable(lines[0] if lines else ""))
            verdict.text = printable(detail)


def tell(line: dict[str, Any]) -> None:
    """Append a line to the file of progress; where that is impossible the tests go on without."""
    out = os.environ.get("OPSCONSOLE_OUT")
    if not out:
        return
    with contextlib.suppress(OSError), open(os.path.join(out, "progress.jsonl"), "ab") as file:  # noqa: PTH118, PTH123
        file.write(json.dumps(line).encode() + b"\n")


def test_id(test: unittest.TestCase, name: str) -> str:
    """Return the id by which the report's reader knows a test: ``folder/file.py::Class::method``."""
    kind = type(test)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is None or kind.__module__.startswith("unittest"):
        return name
    return "::".join([os.path.relpath(file), *kind.__qualname__.split("."), name])


def chosen(suite: Any, only: list[str]) -> unittest.TestSuite:
    """Return the tests that these ids stand for: a part of a test stands for all of it, a class's set-up for the class."""
    matching = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            matching.addTests(chosen(test, only))
        elif any(_stands_for(name, test) for name in only):
            matching.addTest(test)
    return matching


def _stands_for(name: str, test: unittest.TestCase) -> bool:
    mine = test_id(test, getattr(test, "_testMethodName", ""))
    if name == mine or name.startswith((mine + " (", mine + " [")):
        return True
    of = name.partition(" (")[2].rstrip(")")
    kind = type(test)
    return name.startswith(("setUp", "tearDown")) and of in (kind.__module__, kind.__module__ + "." + kind.__qualname__)


def _place(test: unittest.TestCase, method: str) -> tuple[str, int] | None:
    """Return file (from the current folder) and line of a test's method."""
    function = inspect.unwrap(getattr(type(test), method, type(test)))
    code = getattr(function, "__code__", None)
    if code is None or type(test).__module__.startswith("unittest"):
        return None
    file = os.path.relpath(code.co_filename)
    return None if file.startswith("..") else (file, code.co_firstlineno)


def main() -> int:
    """Run, report, and answer with unittest's own exit code; no tests at all is 5, as pytest says it."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]  # noqa: PTH100
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    report = sys.argv[1]
    only = [word[len("--only=") :] for word in sys.argv[2:] if word.startswith("--only=")]
    folders = [word for word in sys.argv[2:] if not word.startswith("--only=")] or ["."]
    suite = unittest.TestSuite()
    for folder in folders:
        suite.addTests(unittest.TestLoader().discover(folder, top_level_dir=folder))
    if only:
        suite = chosen(suite, only)
    tell({"total": suite.countTestCases()})
    runner = unittest.TextTestRunner(verbosity=2, resultclass=ReportingResult)
    result: Any = runner.run(suite)
    root = ET.Element("testsuites")
    root.append(result.suite)
    ET.ElementTree(root).write(report, encoding="utf-8", xml_declaration=True)
    if len(result.suite) == 0:
        sys.stderr.write("no tests were found\n")
        return 5
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
