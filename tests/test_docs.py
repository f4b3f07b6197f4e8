"""The reference says what the code does: its tables are made of it, its contents and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.docs import TOPICS, Topic, topic
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
