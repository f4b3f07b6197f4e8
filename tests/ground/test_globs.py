from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.ground.globs import matches


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
