"""Verdicts as functions of values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.monitors import LimitsConfig, PolicyConfig
from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.drift.facts.column import ColumnFacts, Effect, Role, rows_needed
from opsconsole.drift.measures.distances import NOTHING, Distances
from opsconsole.drift.verdicts.criteria import ColumnVerdict, History, benjamini_hochberg, judge
from opsconsole.drift.verdicts.policy import PLAIN, severity_of, worst

CALM = replace(NOTHING, psi=0.001, noise_p=0.5, bins=10)


def verdict(
    measured: Distances, *, role: Role = Role.INPUT, rows: int = 10_000, schema: Effect | None = None
) -> ColumnVerdict:
    return judge([ColumnFacts("x", ColumnKind.NUMERIC, role, measured, rows, rows, schema)])["x"]


def severity(
    measured: Distances, *, role: Role = Role.INPUT, rows: int = 10_000, schema: Effect | None = None
) -> Severity:
    facts = ColumnFacts("x", ColumnKind.NUMERIC, role, measured, rows, rows, schema)
    return severity_of(facts, judge([facts])["x"], PLAIN if role is Role.PLAIN else PolicyConfig())


def moved(psi: float, noise_p: float = 1e-9) -> Distances:
    return replace(CALM, psi=psi, noise_p=noise_p)


@pytest.mark.parametrize(
    ("psi", "effect", "drifted"),
    [(0.05, Effect.NOISE_PASSED, False), (0.1, Effect.WARN, True), (0.25, Effect.MAJOR, True), (9, Effect.MAJOR, True)],
)
def test_the_effect_gate(psi: float, effect: Effect, *, drifted: bool) -> None:
    found = verdict(moved(psi))
    assert (found.effect, found.drifted) == (effect, drifted)


def test_a_large_psi_that_chance_explains_is_no_drift() -> None:
    found = verdict(moved(0.3, noise_p=0.2))
    assert (found.effect, found.drifted) == (Effect.NONE, False)
    assert severity(moved(0.3, noise_p=0.2)) is Severity.OK


@pytest.mark.parametrize(
    ("role", "expected"), [(Role.INPUT, Severity.INFO), (Role.SCORE, Severity.WARN), (Role.PLAIN, Severity.WARN)]
)
def test_severity_follows_what_the_column_is_to_the_model(role: Role, expected: Severity) -> None:
    assert severity(moved(5.0), role=role) is expected


def test_no_input_however_far_it_drifts_is_more_than_information() -> None:
    assert severity(moved(1e6, noise_p=0.0)) is Severity.INFO


def test_missing_values_warn_past_one_in_a_hundred_and_three_times_the_reference() -> None:
    assert severity(replace(moved(0.02), missing_reference=0.005, missing_current=0.05)) is Severity.WARN
    assert severity(replace(moved(0.02), missing_reference=0.03, missing_current=0.05)) is Severity.OK
    assert severity(replace(moved(0.02), missing_reference=0.001, missing_current=0.009)) is Severity.OK


def test_a_verdict_is_refused_below_fifty_rows_a_bin() -> None:
    assert rows_needed(10) == 450
    assert verdict(moved(5.0), rows=449).effect is Effect.TOO_FEW_ROWS
    assert verdict(moved(5.0), rows=449).drifted is None
    assert verdict(moved(5.0), rows=450).drifted


@pytest.mark.parametrize("effect", [Effect.GONE, Effect.TYPE_CHANGED])
def test_a_broken_schema_is_critical_whatever_the_rows(effect: Effect) -> None:
    assert severity(NOTHING, rows=1, schema=effect) is Severity.CRITICAL


def test_a_column_that_was_always_missing_is_calm_when_it_still_is() -> None:
    assert severity(replace(CALM, missing_reference=1.0, missing_current=1.0, psi=0.0, bins=0)) is Severity.OK


def history(*before: str, wobble: float = 0.0) -> History:
    return History([frozenset({"x"}) if one == "x" else frozenset() for one in before], {"x": wobble})


@pytest.mark.parametrize(
    ("before", "counts"),
    [((), False), (("-",), False), (("x",), True), (("-", "x"), True), (("-", "-", "x"), False)],
)
def test_drift_counts_from_the_second_of_three_chunks(before: tuple[str, ...], *, counts: bool) -> None:
    facts = ColumnFacts("x", ColumnKind.NUMERIC, Role.SCORE, moved(0.3), 9999, 9999)
    found = judge([facts], history=history(*before))["x"]
    assert (found.drifted, found.persistent) == (True, counts)
    assert severity_of(facts, found) is (Severity.WARN if counts else Severity.OK)


def test_a_reference_that_wobbles_raises_the_gate_and_only_that_of_its_column() -> None:
    facts = [ColumnFacts(name, ColumnKind.NUMERIC, Role.INPUT, moved(0.3), 9999, 9999) for name in ("x", "y")]
    found = judge(facts, history=history(wobble=0.5))
    assert (found["x"].drifted, found["x"].gate) == (False, 0.5)
    assert (found["y"].drifted, found["y"].gate) == (True, 0.1)
    assert judge(facts, LimitsConfig(wobble=False), history(wobble=0.5))["x"].drifted


def test_limits_and_policy_are_the_operators() -> None:
    facts = ColumnFacts("x", ColumnKind.NUMERIC, Role.INPUT, moved(0.3), 9999, 9999)
    assert judge([facts], LimitsConfig(psi=0.5))["x"].drifted is False
    found = judge([facts], LimitsConfig(persist=1), history())["x"]
    assert severity_of(facts, found, PolicyConfig(input=Severity.CRITICAL)) is Severity.CRITICAL


def test_among_many_columns_a_lonely_small_p_is_not_enough() -> None:
    many = [ColumnFacts(f"c{n}", ColumnKind.NUMERIC, Role.INPUT, moved(0.2, 0.5), 9999, 9999) for n in range(99)]
    lonely = ColumnFacts("x", ColumnKind.NUMERIC, Role.INPUT, moved(0.2, 0.005), 9999, 9999)
    assert judge([lonely])["x"].drifted
    assert judge([lonely, *many])["x"].drifted is False


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=30))
def test_benjamini_hochberg_is_scipys(probabilities: dict[str, float]) -> None:
    from scipy.stats import false_discovery_control

    names = list(probabilities)
    found = benjamini_hochberg(probabilities, 0.05)
    if names:
        adjusted = false_discovery_control([probabilities[name] for name in names])
        sure = {name for name, value in zip(names, adjusted, strict=True) if abs(value - 0.05) > 1e-12}
        expected = {name for name, value in zip(names, adjusted, strict=True) if value <= 0.05}
        assert found & sure == expected & sure
    else:
        assert found == frozenset()


def test_the_worst_of_nothing_is_ok() -> None:
    assert worst([]) is Severity.OK
    assert worst([Severity.WARN, Severity.CRITICAL, Severity.INFO]) is Severity.CRITICAL
