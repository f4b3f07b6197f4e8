"""``:help TOPIC``: a page of the reference."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from textual.app import ComposeResult

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading
from opsconsole.console.widgets.tones import Column, Tone, Toned
from opsconsole.core import text
from opsconsole.docs import TOPICS, Topic

LINE = (Column(least=20),)
TOPIC = (Column(width=14), Column(least=20))


_CONTENTS = re.compile(r"^## Contents\n\n(?:- .*\n)+\n", re.MULTILINE)
"""Links lead nowhere here."""


class DocsDialog(Dialog):
    """One page, or which there are; Enter on a topic opens it."""

    DEFAULT_CSS = "DocsDialog #page { max-height: 34; }"

    def __init__(self, topic: Topic | None = None) -> None:
        super().__init__()
        self.topic = topic

    def title_text(self) -> str:
        """Name the page."""
        return " Help " if self.topic is None else f" Help: {self.topic.name} "

    def body(self) -> ComposeResult:
        """One scrolled sheet."""
        yield RowList(id="page")

    def on_mount(self) -> None:
        """Fill it."""
        super().on_mount()
        self._show()

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """Open the topic under the cursor."""
        found = next((item for item in TOPICS if item.name == message.key), None)
        if found is not None:
            self.app.pop_screen()
            self.app.push_screen(DocsDialog(found))

    def _show(self) -> None:
        page = self.query_one(RowList)
        if self.topic is None:
            page.show(Rows([Row(item.name, (Toned(item.name, "accent"), item.title), TOPIC) for item in TOPICS]))
        else:
            width = max(min(self.app.size.width - 12, 94), 40)
            page.show(Rows(list(_rows(_CONTENTS.sub("", self.topic.text()), width))))
        page.focus()


def _rows(page: str, width: int) -> Iterator[Row]:
    """Yield a page of Markdown as rows: prose is wrapped, code and tables stay as they are."""
    prose: list[str] = []
    code = False
    for line in page.splitlines():
        fence = line.startswith("```")
        plain = not code and not fence and line != "" and line[0] not in "#|-<!"
        if prose and not plain:
            yield from _wrapped(" ".join(prose), width)
            prose = []
        if fence:
            code = not code
        elif code:
            yield _line(f"  {line}", "accent")
        elif line.startswith("#"):
            yield from (BLANK, heading(line.lstrip("# ").upper()))
        elif plain:
            prose.append(line.strip())
        elif line.startswith("- "):
            prose = [line]
        elif line.startswith("|") and not set(line) <= set("|- "):
            yield _line("   ".join(cell.strip() for cell in line.strip("|").split("|")), "text")
        elif not line:
            yield BLANK
    yield from _wrapped(" ".join(prose), width)


def _wrapped(prose: str, width: int) -> Iterator[Row]:
    later = "  " if prose.startswith("- ") else ""
    return (_line(line, "text") for line in textwrap.wrap(prose, width, subsequent_indent=later))


def _line(line: str, tone: Tone) -> Row:
    return Row(None, (Toned(text.clean(line), tone),), LINE)
