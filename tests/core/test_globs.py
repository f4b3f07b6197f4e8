from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.core.globs import literal, matches, problem


@pytest.mark.parametrize(
    ("glob", "name", "wanted"),
    [
        ("*.py", "a.py", True),
        ("*.py", "src/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "src/deep/a.py", True),
        ("src/**", "src/deep/a.py", True),
        ("src/", "src/deep/a.py", True),
        ("src/**", "srcs/a.py", False),
        ("release/*", "release/1.2", True),
        ("release/*", "release/1/2", False),
        ("v?.[0-9]", "v1.3", True),
        ("[!a]b", "ab", False),
        ("[!a]b", "cb", True),
        ("a+(b)$", "a+(b)$", True),
        ("[", "[", True),
    ],
)
def test_patterns_mean_what_people_expect(glob: str, name: str, wanted: bool) -> None:
    assert matches(name, [glob]) is wanted


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_pattern(glob: str, name: str) -> None:
    matches(name, [glob])


@given(st.text(alphabet=st.characters(exclude_characters="*?[/", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_plain_name_matches_itself_alone(name: str) -> None:
    assert matches(name, [name])
    assert not matches(name + "x", [name])


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: not name.endswith("/"))
)
def test_a_literal_matches_its_name_alone(name: str) -> None:
    assert matches(name, [literal(name)])
    assert not matches(f"{name}x", [literal(name)])


PIECES = st.sampled_from(["*", "**", "**/", "/", "a", "b", "?", "[ab]", "[!a]", "."])


def going_back(glob: str) -> re.Pattern[str]:
    """The same pattern as an expression that may go back: right, and slow."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", "[ab]": "[ab]", "[!a]": "[^/a]"}
    tokens = re.findall(r"\*\*/|\*\*|\[!?a?b?\]|.", glob + "**" if glob.endswith("/") else glob)
    return re.compile("".join(words.get(token) or re.escape(token) for token in tokens))


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=7).map("".join), st.text(alphabet="ab/.", max_size=9))
def test_patterns_that_never_go_back_match_the_same(glob: str, name: str) -> None:
    assert matches(name, [glob]) is bool(going_back(glob).fullmatch(name))


@pytest.mark.parametrize("glob", ["*a" * 40 + "*b", "**/a*" * 30 + "b", "a**" * 30 + "c", "**/" * 40 + "b"])
@pytest.mark.parametrize("name", ["a" * 5_000, "a/" * 2_500])
def test_no_pattern_takes_longer_than_its_name_is(glob: str, name: str) -> None:
    assert not matches(name, [glob])


@pytest.mark.parametrize(
    ("glob", "says"),
    [
        ("", "names no file"),
        (".", "names no file"),
        ("./", "names no file"),
        ("/etc/*", "leads out"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("dist/**.whl", "dist/**/*.whl"),
        ("a**", "**/a*"),
        ("a\0b", "no file"),
    ],
)
def test_a_pattern_that_names_nothing_in_a_folder_is_told(glob: str, says: str) -> None:
    assert says in (problem(glob) or "")


@pytest.mark.parametrize("glob", ["dist/**", "**/*.whl", "made", "a/[0-9]?.txt", "dist/", "a..b"])
def test_other_patterns_are_fine(glob: str) -> None:
    assert problem(glob) is None
