"""Order, variants and keys: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.schema import PipelineConfig, StepConfig
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import StepState
from opsconsole.runs.plan.cache_keys import Wanted, with_keys
from opsconsole.runs.plan.steps import Choice, ordered_steps
from opsconsole.runs.record.cache import Decided, changes
from opsconsole.runs.record.spec import PlannedStep
from opsconsole.runs.steps.schedule import AT_WORK, GOOD, decide

OVER = [state for state in StepState if state not in AT_WORK]


@st.composite
def plans(draw: st.DrawFn) -> list[PlannedStep]:
    count = draw(st.integers(1, 8))
    return [
        PlannedStep(
            f"s{at}",
            "true",
            needs=tuple(f"s{need}" for need in sorted(draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else [])),
            always=draw(st.booleans()),
            skip=draw(st.sampled_from([None, None, "not here"])),
        )
        for at in range(count)
    ]


@given(plans(), st.integers(1, 4), st.data())
def test_every_step_comes_to_an_end_whatever_the_others_come_to(
    steps: list[PlannedStep], parallel: int, data: st.DataObject
) -> None:
    states: dict[str, StepState] = {}
    cancelled = killed = False
    for _ in range(100):
        decision = decide(steps, states, parallel=parallel, cancelled=cancelled, killed=killed)
        for step in decision.start:
            assert all(states[need] not in AT_WORK for need in step.needs)
            assert step.always or all(states[need] in GOOD for need in step.needs)
            assert step.always or not cancelled
            states[step.name] = StepState.RUNNING
        for step, end in decision.over:
            states[step.name] = end.state
        running = [name for name, state in states.items() if state is StepState.RUNNING]
        assert len(running) <= parallel
        if running:
            states[data.draw(st.sampled_from(running))] = data.draw(st.sampled_from(OVER))
        elif not decision:
            break
        cancelled |= data.draw(st.integers(0, 9)) == 0
        killed |= cancelled and data.draw(st.integers(0, 9)) == 0
    assert len(states) == len(steps)
    assert not set(states.values()) & AT_WORK


def names(pipeline: PipelineConfig) -> dict[str, tuple[str, ...]]:
    return {step.name: step.needs for step in ordered_steps(Choice("build", pipeline, "x"))}


def test_a_matrix_makes_a_variant_for_each_combination_and_needs_follow_those_that_agree() -> None:
    pipeline = PipelineConfig(
        steps=[
            StepConfig(name="lint", run="lint"),
            StepConfig(name="test", run="test", needs=["lint"], matrix={"db": ["lite", "pg 15"]}),
            StepConfig(name="pack", run="pack", needs=["test"]),
        ],
        matrix={"py": ["3.11", 3.12]},
        exclude=[{"py": "3.12", "db": "lite"}],
    )
    assert names(pipeline) == {
        "lint.3.11": (),
        "lint.3.12": (),
        "test.3.11-lite": ("lint.3.11",),
        "test.3.11-pg_15": ("lint.3.11",),
        "test.3.12-pg_15": ("lint.3.12",),
        "pack.3.11": ("test.3.11-lite", "test.3.11-pg_15"),
        "pack.3.12": ("test.3.12-pg_15",),
    }
    test = next(s for s in ordered_steps(Choice("b", pipeline, "x")) if s.name == "test.3.12-pg_15")
    assert dict(test.env) == {"MATRIX_PY": "3.12", "MATRIX_DB": "pg 15"}
    assert test.out == "test.3.12-pg_15", "variants must not write over each other's reports"


def test_a_matrix_that_is_empty_too_large_or_ambiguous_is_refused() -> None:
    only = StepConfig(name="test", run="test", matrix={"a": ["1"]}, exclude=[{"a": 1}])
    with pytest.raises(ConfigError, match="no variant"):
        names(PipelineConfig(steps=[only]))
    many = StepConfig(name="test", run="test", matrix={"a": list(range(20)), "b": list(range(20))})
    with pytest.raises(ConfigError, match="400 variants"):
        names(PipelineConfig(steps=[many]))
    same = StepConfig(name="test", run="test", matrix={"a": ["x/y", "x:y"]})
    with pytest.raises(ConfigError, match="two steps are named"):
        names(PipelineConfig(steps=[same]))


def test_a_service_that_is_not_declared_is_named_with_the_nearest() -> None:
    pipeline = PipelineConfig(steps=[StepConfig(name="test", run="x", services=["databse"])], services={})
    with pytest.raises(ConfigError, match="wants service 'databse'"):
        names(pipeline)


def keyed(blobs: dict[str, str], *, run: str = "pip install", need: str = "true") -> dict[str, str | None]:
    steps = [PlannedStep("a", need), PlannedStep("install", run, needs=("a",)), PlannedStep("test", "x", ("install",))]
    wanted = {"a": Wanted(("a/**",)), "install": Wanted(("*.lock",), environment=True)}
    return {step.name: step.environment for step in with_keys(steps, wanted, blobs, "/usr/bin:/bin", "")}


def test_a_key_changes_with_inputs_command_and_needs_and_with_nothing_else() -> None:
    blobs = {"a/x": "1", "poetry.lock": "2", "README": "3"}
    first = keyed(blobs)
    assert first["a"] is None
    assert first["install"] == first["test"], "who needs an installation works in its environment"
    assert keyed(blobs | {"README": "4"}) == first
    others = [keyed(blobs | {"poetry.lock": "5"}), keyed(blobs, run="pip"), keyed(blobs | {"a/x": "6"})]
    assert len({first["install"], *(other["install"] for other in others)}) == 4


def test_a_change_is_told_in_words() -> None:
    step = PlannedStep("install", "pip")
    wanted = {"install": Wanted(("*.lock",))}
    (before,) = with_keys([step], wanted, {"a.lock": "1", "b.lock": "2"}, "/bin", "")
    (after,) = with_keys([step], wanted, {"a.lock": "9", "c.lock": "3"}, "/bin", "")
    assert before.cache is not None
    assert after.cache is not None
    assert changes(Decided.by(before.cache), after.cache) == "a.lock, b.lock, c.lock changed"
    assert changes(None, after.cache) == "nothing is kept of it yet"
    assert changes(Decided.by(after.cache), after.cache) == "what was kept is gone"
    (other,) = with_keys([PlannedStep("install", "npm")], wanted, {"a.lock": "9", "c.lock": "3"}, "/bin", "")
    assert other.cache is not None
    assert changes(Decided.by(after.cache), other.cache) == "its command changed"
