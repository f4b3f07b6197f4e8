"""The list of gates is all there is to know of them: who adds one adds it there, and what was stored is read by it."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import Any, cast

import pytest

from opsconsole.cli.root import run
from opsconsole.core import clock
from opsconsole.core.errors import ExitCode, RefusedError
from opsconsole.core.nouns import GateOutcome, PromotionKind
from opsconsole.lifecycle.inbox import verdict
from opsconsole.lifecycle.models.candidates import judge, remember
from opsconsole.registry.gates import catalogue
from opsconsole.registry.gates.case import Case, Fact, Facts
from opsconsole.registry.gates.catalogue import GATES, GateSpec
from opsconsole.registry.gates.gate import Evidence, Gate, evidence_of
from opsconsole.registry.gates.judging import evaluate
from opsconsole.registry.gates.names import GateName
from opsconsole.registry.gates.stored import read_gates
from opsconsole.store import judgements, promotions
from opsconsole.store.judgements import StoredJudgement
from tests.model_workspace import Left, Shop


class Added(StrEnum):
    """The name of a gate that is not there yet."""

    FOUR = "four_bytes"


class SizeEvidence(Evidence, frozen=True):
    """How large the artifact is, and may be."""

    bytes: int
    at_most: int


def small(case: Case) -> Gate:
    """Refuse what is larger than four bytes."""
    size = case.challenger.size
    outcome = GateOutcome.PASS if size <= 4 else GateOutcome.FAIL
    return Gate(Added.FOUR, outcome, f"{size} bytes, at most 4", SizeEvidence(size, 4))


SIZE = GateSpec(cast("GateName", Added.FOUR), small, SizeEvidence)
LARGE = Left(files=(("weights.txt", b"12345"),))


def cli(shop: Shop, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run(["-C", str(shop.root), *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_name_has_one_gate_in_the_order_of_the_names() -> None:
    assert [spec.name for spec in GATES] == list(GateName)


def test_an_added_gate_is_judged_and_shown_by_the_command_line(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "GATES", [*GATES, SIZE])
    shop.version(LARGE)
    code, answer = cli(shop, capsys, "model", "gates", "m:1", "--to", "production")
    assert code == ExitCode.NO
    assert answer["gates"][-1] == {
        "name": "four_bytes",
        "outcome": "fail",
        "detail": "5 bytes, at most 4",
        "evidence": {"bytes": 5, "at_most": 4},
    }
    assert [gate["name"] for gate in answer["gates"] if gate["outcome"] == "fail"] == ["four_bytes"]


def test_an_added_gate_blocks_and_is_forced_by_its_name_on_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "GATES", [*GATES, SIZE])
    shop.version(LARGE)
    promote = ("model", "promote", "m:1", "--to", "production", "--reason", "r", "--yes")
    code, answer = cli(shop, capsys, *promote)
    assert (code, answer["error"]["message"]) == (ExitCode.REFUSED, "four_bytes: 5 bytes, at most 4")
    assert cli(shop, capsys, *promote, "--force-gate", "four_bytes")[0] == ExitCode.OK
    (kept,) = promotions.history(shop.store, "m", "production")
    assert kept.forced == ["four_bytes"]
    assert evidence_of(read_gates(kept.gates), SizeEvidence) == SizeEvidence(5, 4)


def test_an_added_gate_that_cannot_be_forced_says_what_to_do_instead(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = replace(SIZE, instead="train a smaller one")
    monkeypatch.setattr(catalogue, "GATES", [*GATES, fixed])
    shop.version(LARGE)
    with pytest.raises(RefusedError, match="four_bytes, reason and digest cannot be forced") as refused:
        shop.promote(1, force=("four_bytes",))
    assert refused.value.hint == "train a smaller one"
    assert shop.at() is None


def test_a_gate_waits_for_the_facts_that_it_needs(shop: Shop) -> None:
    shop.version()
    judged = judge(shop.workspace, shop.store, "m", 1, "production")
    assert {spec.name for spec in GATES if spec.needs} == {GateName.TESTS, GateName.REASON}
    assert [gate.name for gate in judged.gates] == [name for name in GateName if name is not GateName.REASON]
    nothing_told = replace(judged.case, facts=Facts())
    assert GateName.TESTS not in {gate.name for gate in evaluate(nothing_told)}
    everything = replace(judged.case, facts=replace(judged.case.facts, reason="better"))
    assert everything.facts.known == set(Fact)
    assert [gate.name for gate in evaluate(everything)] == list(GateName)


def test_what_a_gate_says_is_stored_and_read_back_as_it_was(shop: Shop) -> None:
    shop.version()
    shop.promote(1)
    shop.version(Left(skill=2.5, champion_skill=1.5, seed=2), champion=1)
    judged = judge(shop.workspace, shop.store, "m", 2, "production")
    remember(shop.store, judged)
    kept = judgements.get(shop.store, "m", 2, "production")
    assert kept is not None
    assert read_gates(kept.gates) == judged.gates
    rested = {gate.name: type(gate.evidence) for gate in judged.gates if gate.evidence is not None}
    assert rested == {spec.name: spec.evidence for spec in GATES if spec.name in rested}


OLDER: list[dict[str, Any]] = [
    {"name": "carbon", "outcome": "pass", "detail": "3 g", "evidence": {"grams": 3}},
    {"name": "not worse", "outcome": "pass", "detail": "AUC .7 vs .6", "evidence": {"difference": "large"}},
    {"name": "floor", "outcome": "warn", "detail": "as it was", "evidence": {"threshold": 0.5}},
    {"name": "tests", "outcome": "skip", "detail": "not asked for"},
]


def test_gates_of_another_version_of_the_program_keep_their_name_and_sentence(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.version()
    read = read_gates(OLDER)
    assert [(gate.name, gate.detail) for gate in read] == [(one["name"], one["detail"]) for one in OLDER]
    assert [gate.evidence for gate in read] == [None, None, None, None]
    with shop.store.immediate() as connection:
        promotions.move(
            connection,
            kind=PromotionKind.PROMOTE,
            model="m",
            name="production",
            to_version=1,
            revision=0,
            reason="long ago",
            actor="tess",
            gates=OLDER,
            forced=[],
        )
    assert run(["-C", str(shop.root), "model", "show", "m:1"]) == ExitCode.OK
    assert "✓ carbon       3 g" in capsys.readouterr().out
    code, answer = cli(shop, capsys, "model", "history", "m")
    assert (code, answer[0]["gates"]) == (ExitCode.OK, OLDER), "what was stored is told as it was"


def test_a_judgement_of_another_version_of_the_program_is_told_without_its_numbers() -> None:
    assert verdict(StoredJudgement("m", 2, "production", 1, True, OLDER, None, clock.now())) == "3 of 3 gates pass"
