"""The reference says what the code does: its tables are made of it, its contents and links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.docs import TOPICS, Topic, topic
from opsconsole.testrunners import detection
from opsconsole.testrunners.detection.node_scripts import RUNNERS
from tests.docs import PAGES, filled

ROOT = Path(__file__).parents[1]
EACH = pytest.mark.parametrize("page", TOPICS, ids=lambda page: page.name)


def anchors(text: str) -> list[str]:
    """The second headings of a page as GitHub links to them."""
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found]


@EACH
def test_every_table_is_as_the_code_has_it(page: Topic) -> None:
    assert filled(page.text()) == page.text(), "python -m tests.docs writes it anew"


@EACH
def test_the_contents_of_a_page_name_every_part_of_it(page: Topic) -> None:
    text = page.text()
    listed = re.findall(r"^- \[.+?\]\(#(.+?)\)$", text, re.MULTILINE)
    assert listed == [anchor for anchor in anchors(text) if anchor != "contents"]


def test_every_page_is_a_topic_and_no_topic_lacks_its_page() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {item.name for item in TOPICS}


@EACH
def test_every_topic_that_a_page_sends_to_is_there(page: Topic) -> None:
    for name in re.findall(r"opsconsole help (\w+)", page.text()):
        assert topic(name)


def test_a_topic_is_found_by_how_it_begins_and_a_wrong_one_says_what_it_may_have_been() -> None:
    assert topic("pipe").name == "pipelines"
    with pytest.raises(NotFoundError, match="there is no topic `modles`") as refused:
        topic("modles")
    assert refused.value.hint == "did you mean `models`?"
    with pytest.raises(NotFoundError):
        topic("co")


@EACH
def test_every_picture_of_a_page_is_there(page: Topic) -> None:
    for link in re.findall(r"\]\((\.\./[^)]+)\)", page.text()):
        assert (PAGES / link).resolve().exists(), link


def test_the_readme_is_one_page_whose_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def runners() -> Iterator[str]:
    """The name of each runner that a module of the detection makes a `Detection` of."""
    yield from RUNNERS.values()
    for path in Path(detection.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in {"Detection", "_wrapper", "_target"} and isinstance(node, ast.Call):
                yield from (
                    one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)
                )


def test_every_runner_that_is_detected_stands_in_the_table_of_pipelines() -> None:
    table = topic("pipelines").text().partition("| ecosystem | runners |")[2].partition("\n\n")[0].lower()
    names = {name.lower() for name in runners()} - {
        "python",
        "node",
        "go",
        "rust",
        "c",
        "java",
        "ruby",
        "php",
        "dotnet",
    }
    assert len(names) > 20
    lacking = {name for name in names if name not in table and name.split()[0] not in table.replace("`", "")}
    assert not lacking
