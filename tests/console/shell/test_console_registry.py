"""The registry of keys is the one truth: handlers, README, and the operator's multiplexer agree with it."""

from __future__ import annotations

from collections import Counter

import pytest

from opsconsole.console.builds.keys import BuildKeys
from opsconsole.console.host.keymap import ACTIONS, Action, actions_of, footer_of
from opsconsole.console.host.tabs import PLACES, TABS
from opsconsole.console.logs.keys import LogKeys
from opsconsole.console.shell.global_keys import GlobalKeys
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.use_case import UseCase
from opsconsole.lifecycle.usecases import USE_CASES

HOLDERS = {spec.id: spec.made_of() for spec in TABS} | {"everywhere": GlobalKeys, "builds": BuildKeys, "log": LogKeys}
"""What carries out the keys of each place."""


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_its_handler_and_its_help(action: Action) -> None:
    by_itself = action.tab is not None or (action.verb == "open" and action.key == "enter")
    assert by_itself or callable(getattr(HOLDERS[action.place], f"do_{action.verb}"))
    assert action.help.endswith(".")


@pytest.mark.parametrize("case", [case for case in USE_CASES.values() if case.key], ids=lambda case: case.id)
def test_every_key_of_a_use_case_holds_somewhere(case: UseCase) -> None:
    assert case.key in {action.shown for action in ACTIONS if action.use_case == case.id}


@pytest.mark.parametrize("place", PLACES)
def test_a_key_means_one_thing_in_one_place(place: str) -> None:
    keys = Counter(
        key for action in actions_of("everywhere", place) if place != "everywhere" for key in action.key.split(",")
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_keys_of_a_log_clash_with_none_of_the_tab_it_lies_in() -> None:
    keys = Counter(key for action in actions_of("builds", "log") for key in action.key.split(","))
    assert [key for key, count in keys.items() if count > 1] == []


def test_no_key_clashes_with_multiplexers_or_flow_control() -> None:
    taken = {"ctrl+a", "ctrl+b", "ctrl+j", "ctrl+o", "ctrl+s"}
    assert not taken & {key for action in ACTIONS for key in action.key.split(",")}


def test_a_read_only_footer_offers_only_reading() -> None:
    assert all(action.danger is Danger.READ for action in footer_of(("everywhere", "models"), readonly=True))


@pytest.mark.parametrize(
    "action", [action for action in ACTIONS if action.danger is not Danger.READ], ids=lambda action: action.id
)
def test_what_changes_something_is_the_key_of_a_declared_use_case(action: Action) -> None:
    assert action.use_case is not None
    assert action.danger is USE_CASES[action.use_case].danger
