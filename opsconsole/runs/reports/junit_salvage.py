"""Salvaging a JUnit report that is cut short or malformed: each complete case is parsed by itself.

A report that was cut off, or that holds what should have been escaped, has lost its shape somewhere. A case whose own
text is well-formed says what it says; of one that is not, nobody can tell whether its failure was among what broke.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from opsconsole.runs.reports.junit_cases import case_of, local
from opsconsole.store.test_results import TestResult

if TYPE_CHECKING:
    from lxml.etree import _Element

DEPTH = 64
"""Suites within suites, at most."""
HUGE = 8 << 20
BATCH = 500
"""Cases that are parsed together."""
MOST_BROKEN = 10_000
"""Broken cases after which nothing more of a report is looked at."""
REPLACED = "\ufffd"
_MARK = re.compile(r"<!\[CDATA\[|<!--|<(/?)(testcase|testsuite)(?=[\s/>])")
_TAG = re.compile(r"""<\w+(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));|(?:amp|lt|gt|quot|apos);)?")


def salvage(data: bytes, *, most: int) -> tuple[list[TestResult], int]:
    """Return the cases that are whole, and how many are not; at most ``most`` of them."""
    cases: list[TestResult] = []
    silent = 0
    pieces = islice(_pieces(_decoded(data)), most)
    while silent < MOST_BROKEN and (batch := list(islice(pieces, BATCH))):
        whole = [piece for piece in batch if piece is not None]
        elements = [element for element in _parsed(whole) if element is not None]
        silent += len(batch) - len(elements)
        cases += [case_of(element, position) for position, element in enumerate(elements, start=len(cases))]
    return cases, silent


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    declared = _ENCODING.match(data.removeprefix(codecs.BOM_UTF8))
    try:
        return data.decode(declared[1].decode("ascii") if declared else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return data.decode("utf-8", "replace")


def _pieces(text: str) -> Iterator[str | None]:
    """Yield each case in the suites that are open around it, as a document of its own; None for one without an end."""
    scan = _Scan(text)
    at = 0
    while (mark := _MARK.search(text, at)) is not None:
        at = mark.end()
        if mark[2] is None:
            at = text.find("]]>" if mark[0] == "<![CDATA[" else "-->", at) + 3
            if at < 3:
                break
        else:
            yield from scan.meet(mark)
    if scan.begun is not None:
        yield None


class _Scan:
    """Where in a report we are: the suites that are open, and the case that began."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.suites: list[str] = []
        self.begun: int | None = None

    def meet(self, mark: re.Match[str]) -> Iterator[str | None]:
        """Take the next tag of a case or a suite in; yield the case that ends with it, None for one that broke."""
        closing = bool(mark[1])
        if closing and mark[2] == "testcase":
            end = self.text.find(">", mark.end()) + 1
            if self.begun is not None and end:
                yield self._document(self.text[self.begun : end])
            self.begun = None
            return
        if self.begun is not None:
            yield None
            self.begun = None
        tag = None if closing else _TAG.match(self.text, mark.start())
        if mark[2] == "testsuite":
            self._suite(None if tag is None else tag[0], closing=closing)
        elif tag is None:
            yield None
        elif tag[0].endswith("/>"):
            yield self._document(tag[0])
        else:
            self.begun = mark.start()

    def _suite(self, tag: str | None, *, closing: bool) -> None:
        if not closing and (tag is None or not tag.endswith("/>")):
            self.suites.append(tag or "<testsuite>")
        elif closing and self.suites:
            self.suites.pop()

    def _document(self, case: str) -> str | None:
        if len(self.suites) > DEPTH:
            return None
        return f"<testsuites>{''.join(self.suites)}{case}{'</testsuite>' * len(self.suites)}</testsuites>"


def _parsed(pieces: list[str]) -> list[_Element | None]:
    """Return the case of each document, None for one that is broken; those around it are found by halving."""
    root = _root("".join(pieces))
    cases: list[_Element | None] = [None] if root is None else [_only_case(document) for document in root]
    if len(cases) == len(pieces) and None not in cases:
        return cases
    if len(pieces) <= 1:
        return [None] * len(pieces)
    half = len(pieces) // 2
    return [*_parsed(pieces[:half]), *_parsed(pieces[half:])]


def _root(documents: str) -> _Element | None:
    """Parse documents in a row; characters and references that XML does not know are replaced, no shape is guessed."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=len(documents) > HUGE, load_dtd=False, remove_comments=True
    )
    try:
        return etree.fromstring(f"<all>{_REFERENCE.sub(_known, _ILLEGAL.sub(REPLACED, documents))}</all>", parser)
    except (etree.XMLSyntaxError, ValueError, MemoryError):
        return None


def _only_case(document: _Element) -> _Element | None:
    cases = [element for element in document.iter() if local(element) == "testcase"]
    return cases[0] if len(cases) == 1 and local(document) == "testsuites" else None


def _known(reference: re.Match[str]) -> str:
    if reference[0] == "&":
        return "&amp;"
    digits = reference[1] or reference[2]
    if digits is None:
        return reference[0]
    number = int(digits, 16 if reference[1] else 10)
    return reference[0] if number <= 0x10FFFF and not _ILLEGAL.match(chr(number)) else REPLACED
