"""Where nothing is yet, a tab says what would be there, shows a line to paste, and which key does it here."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.prompt import Prompt
from opsconsole.console.widgets.lines import FOCUSED
from opsconsole.console.widgets.rows import BAR, Example, RowList
from opsconsole.store import repos
from opsconsole.store.connection import open_store
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.shell.test_console_focus import FIRST, SIZES, open_tab

PASTED = {
    "1": "opsconsole repo add PATH",
    "2": "opsconsole repo add PATH",
    "3": "opsconsole model add churn model.skops",
    "4": "opsconsole monitor add intake --data today.csv --reference then.csv",
    "5": "opsconsole repo add PATH",
}


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    (tmp_path / "opsconsole.toml").write_text('[workspace]\nname = "new"\n', encoding="utf-8")
    return open_workspace(tmp_path)


@SIZES
@pytest.mark.parametrize("key", FIRST)
async def test_an_empty_tab_has_an_example_that_y_copies_and_enter_begins(
    nothing: Workspace, size: tuple[int, int], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    app = ConsoleApp(nothing.root)
    async with app.run_test(size=size) as pilot:
        await open_tab(app, pilot, key)
        listing = app.query_one(FIRST[key], RowList)
        example = listing.key
        assert isinstance(example, Example)
        assert PASTED[key] in example.pasted
        shown = screen_text(app)
        assert shown.count(BAR) == shown.count(FOCUSED) == 1
        assert "y copies it" in shown
        assert "…" not in shown.replace("reading …", ""), "every word of it fits"
        await pilot.press("y")
        assert app.clipboard == example.pasted
        await pilot.press("enter")
        assert example.begun
        await until(pilot, lambda: bool(app.query(Prompt)) and app.query_one(Prompt).line == example.begun)


async def test_a_repo_without_runs_shows_how_it_is_trusted_then_built(nothing: Workspace) -> None:
    with open_store(nothing.state) as store, store.immediate() as connection:
        repos.put(connection, "app", nothing.root, trusted=False)
    app = ConsoleApp(nothing.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, "2")
        assert "opsconsole repo trust app" in screen_text(app)


async def test_a_model_without_a_version_shows_how_it_gets_one(nothing: Workspace) -> None:
    nothing.file.write_text('[models.churn]\ntask = "binary"\n', encoding="utf-8")
    app = ConsoleApp(nothing.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, "3")
        assert "opsconsole model register churn model.skops" in screen_text(app)
        await open_tab(app, pilot, "4")
        assert "churn@production" in screen_text(app)
