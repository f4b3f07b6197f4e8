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
        topic = next((item for item in TOPICS if item.name == message.key), None)
        if topic is not None:
            self.app.push_screen(DocsDialog(topic))  # Esc comes back to the list

    def _show(self) -> None:
        page = self.query_one(RowList)
        if self.topic is None:
            page.show(Rows([Row(item.name, (Toned(item.name, "accent"), item.title), TOPIC) for item in TOPICS]))
        else:
            width = max(min(self.app.size.width - 12, 94), 40)
            page.show(Rows(list(_rows(_CONTENTS.sub("", self.topic.text()), width))))
        page.focus()


def _rows(page: str, width: int) -> Iterator[Row]:
    """Yield a page of Markdown as rows: prose is wrapped, code stays as it is, cells of a table stand below each other."""
    for code, part in _parts(page):
        first = part[0]
        if code:
            yield from (_line(f"  {line}", "accent") for line in part)
        elif first.startswith("#"):
            yield heading(first.lstrip("# ").upper())
        elif first.startswith("|"):
            yield from _table(part, width)
        elif not first.startswith(("![", "<!--")):
            for item in re.split(r"\n(?=- )", "\n".join(part)):
                later = "  " if item.startswith("- ") else ""
                lines = textwrap.wrap(" ".join(item.split()), width, subsequent_indent=later)
                yield from (_line(line, "text") for line in lines)
        if not first.startswith("<!--"):
            yield BLANK


def _parts(page: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield blocks of code, and what is between blank lines outside of them."""
    for number, block in enumerate(re.split(r"^```.*\n", page, flags=re.MULTILINE)):
        code = number % 2 == 1
        blocks = [block.rstrip()] if code else re.split(r"\n{2,}", block.strip())
        yield from ((code, part.splitlines()) for part in blocks if part.strip())


def _table(lines: list[str], width: int) -> Iterator[Row]:
    cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
    rows = [row for row in cells if not all(set(cell) <= {"-"} for cell in row) or not any(row)]
    widths = [max(text.width(row[at]) for row in rows) for at in range(len(rows[0]))]
    room = max(width // 3, 16)
    columns = (*(Column(width=min(size, room)) for size in widths[:-1]), Column(least=16))
    for number, row in enumerate(rows):
        tone: Tone = "dim" if number == 0 else "text"
        yield Row(None, tuple(Toned(text.clean(cell), tone) for cell in row), columns)


def _line(line: str, tone: Tone) -> Row:
    return Row(None, (Toned(text.clean(line), tone),), LINE)
