"""Each gate blocks what it is there for, and says so with its evidence."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from opsconsole.core.errors import RefusedError
from opsconsole.core.nouns import GateOutcome
from opsconsole.lifecycle.models.candidates import Judgement, judge, remember
from opsconsole.registry.compare import compare
from opsconsole.registry.gates.digest import DigestEvidence
from opsconsole.registry.gates.gate import Gate, evidence_of
from opsconsole.registry.gates.not_worse import NotWorseEvidence
from opsconsole.registry.gates.same_rows import SameRowsEvidence
from opsconsole.registry.gates.stored import read_gates
from opsconsole.store import judgements, models, promotions
from tests.model_workspace import COMMIT, Left, Shop, shown

TESTS = ("floor = {", "tests = true\nfloor = {")


def judged(shop: Shop, version: int) -> Judgement:
    return judge(shop.workspace, shop.store, "m", version, "production")


def gate(shop: Shop, version: int, name: str) -> Gate:
    return next(found for found in judged(shop, version).gates if found.name == name)


def blocks(shop: Shop, version: int, name: str, said: str) -> None:
    """It blocks the promotion by itself, with these words, and the promotion is refused."""
    found = gate(shop, version, name)
    assert found.outcome.blocks
    assert said in found.detail
    before = (shop.at(), shop.link())
    with pytest.raises(RefusedError, match=name):
        shop.promote(version)
    assert (shop.at(), shop.link()) == before


def test_a_better_challenger_passes_with_its_evidence(shop: Shop) -> None:
    shop.version()
    shop.promote(1)
    shop.version(Left(skill=2.5, champion_skill=1.5, seed=2), champion=1)
    judgement = judged(shop, 2)
    assert judgement.passed
    told = {found.name: (found.outcome, found.evidence) for found in judgement.gates}
    assert set(told) == {"digest", "artifact", "signature", "same rows", "floor", "not worse", "tests"}
    assert told["not worse"][0] is GateOutcome.PASS
    evidence = evidence_of(judgement.gates, NotWorseEvidence)
    assert evidence is not None
    assert (evidence.method, evidence.rows) == ("DeLong, paired", 600)
    numbers = evidence.measured
    assert numbers is not None
    assert numbers.difference == pytest.approx(numbers.challenger - numbers.champion)
    assert numbers.low < numbers.difference < numbers.high
    assert told["tests"][0] is GateOutcome.SKIP
    changes = judgement.changes
    assert changes is not None
    assert changes.changed == changes.to_right + changes.to_wrong > 0
    moved = shop.promote(2)
    kept = promotions.history(shop.store, "m", "production")[0]
    assert (kept.id, kept.from_version, kept.to_version) == (moved.promotion, 1, 2)
    assert {item["name"]: item["outcome"] for item in kept.gates} == {
        **{name: str(value[0]) for name, value in told.items()},
        "reason": "pass",
    }
    assert evidence_of(read_gates(kept.gates), NotWorseEvidence) == evidence
    stored = next(item for item in kept.gates if item["name"] == "not worse")["evidence"]
    assert set(stored) == {
        "metric", "champion", "challenger", "difference", "low", "high", "p", "margin", "rows", "method",
    }  # fmt: skip


def test_a_worse_challenger_fails(shop: Shop) -> None:
    shop.version(Left(skill=3))
    shop.promote(1)
    shop.version(Left(skill=1.2, champion_skill=3, seed=2), champion=1)
    blocks(shop, 2, "not worse", "AUC ")
    assert gate(shop, 2, "not worse").outcome is GateOutcome.FAIL


def test_an_equal_challenger_on_few_rows_is_inconclusive_and_says_how_many_rows_would_decide(shop: Shop) -> None:
    shop.version(Left(rows=150))
    shop.promote(1)
    shop.version(Left(rows=150, champion_skill=1.5, seed=2), champion=1)
    found = gate(shop, 2, "not worse")
    assert found.outcome is GateOutcome.INCONCLUSIVE
    needed = shown(found, NotWorseEvidence).rows_needed
    assert needed is not None
    assert needed > 150
    assert f"about {needed:,} rows would decide" in found.detail
    blocks(shop, 2, "not worse", "would decide")


def test_too_few_rows_to_compare_are_inconclusive(shop: Shop) -> None:
    shop.version(Left(rows=20))
    shop.promote(1)
    shop.version(Left(rows=20, champion_skill=1.5, seed=2), champion=1)
    blocks(shop, 2, "not worse", "20 rows are too few to compare auc")


def test_a_floor_blocks_what_is_below_it_and_what_was_never_measured(shop: Shop) -> None:
    shop.version(Left(skill=0.1))
    blocks(shop, 1, "floor", "at least .600")
    shop.version(change=lambda out: (out / "evaluation.csv").unlink())
    blocks(shop, 2, "floor", "there are no held-out rows")


def test_a_metric_that_its_rows_do_not_define_is_told_with_those_that_are(shop: Shop) -> None:
    def one_class(out: Path) -> None:
        rows = [f"r{number},1,0.{number:03d},challenger" for number in range(100)]
        (out / "evaluation.csv").write_text("\n".join(["row_id,label,score,contender", *rows]))
        (out / "data.json").unlink()

    shop.version(change=one_class)
    blocks(shop, 1, "floor", "AUC was not measured; measured: accuracy, brier")


def test_a_loss_is_held_below_its_floor(shop: Shop) -> None:
    shop.configure('floor = { metric = "auc", at_least = 0.6 }', 'floor = { metric = "brier", at_least = 0.1 }')
    shop.version()
    blocks(shop, 1, "floor", "at most .100")


def test_evaluation_rows_that_overlap_with_training_rows_block(shop: Shop) -> None:
    shop.version(Left(trained=("t1", "r5", "r6", "t2")))
    blocks(shop, 1, "same rows", "v1 was trained on 2 of the 600 rows it is judged on")
    assert shown(gate(shop, 1, "same rows"), SameRowsEvidence).overlap == 2


def test_rows_that_the_champion_was_trained_on_block_too(shop: Shop) -> None:
    shop.version(Left(trained=("r7",)))
    shop.promote(1, force=("same rows",))
    shop.version(Left(skill=3, champion_skill=1.5, seed=2), champion=1)
    blocks(shop, 2, "same rows", "v1 was trained on 1 of the 600 rows")


def test_a_part_that_is_not_named_blocks(shop: Shop) -> None:
    shop.version(Left(named=False))
    blocks(shop, 1, "same rows", "v1 does not name the rows it was trained on")


def test_row_ids_that_were_thinned_out_later_hide_no_overlap(shop: Shop) -> None:
    made = shop.version(Left(trained=("t1", "r5")))
    part = made.part("training")
    assert part is not None
    with gzip.open(shop.workspace.evidence / "m" / "v1" / str(part.ids), "wt") as file:
        file.write("t1\n")
    blocks(shop, 1, "same rows", "holds other rows than were named")


def test_an_evaluation_file_that_was_tampered_with_blocks(shop: Shop) -> None:
    shop.version()
    path = shop.workspace.evidence / "m" / "v1" / "evaluation.csv"
    path.write_text(path.read_text().replace("r1,0", "r1,1"))
    blocks(shop, 1, "same rows", "evaluation.csv changed since it was taken in")
    path.write_text("no rows at all")
    blocks(shop, 1, "same rows", "evaluation.csv changed since it was taken in")


def test_evidence_that_is_gone_blocks(shop: Shop) -> None:
    shop.version()
    (shop.workspace.evidence / "m" / "v1" / "evaluation.csv").unlink()
    blocks(shop, 1, "same rows", "evaluation.csv is gone")


def test_a_champion_that_moved_since_makes_the_evidence_stale(shop: Shop) -> None:
    shop.live(2)
    shop.promote(1, force=("not worse", "same rows"))
    shop.version(Left(skill=3, rows=300, champion_skill=1.5, seed=3), champion=2)
    blocks(shop, 3, "same rows", "v1 has no scores on its held-out rows: it was judged against v2; the champion moved")
    assert gate(shop, 3, "not worse").outcome is GateOutcome.FAIL


def test_a_version_without_any_evidence_cannot_take_a_champion_s_place(shop: Shop) -> None:
    shop.version()
    shop.promote(1)
    shop.version(change=lambda out: (out / "evaluation.csv").unlink())
    blocks(shop, 2, "same rows", "it was not evaluated on held-out rows")


def test_scores_against_other_labels_are_not_the_same_rows(shop: Shop) -> None:
    shop.version()
    shop.promote(1)

    def other_labels(out: Path) -> None:
        with (out / "evaluation.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        with (out / "evaluation.csv").open("w", newline="") as file:
            csv.writer(file).writerows([*rows[:1], *([one, 1 - int(two), *rest] for one, two, *rest in rows[1:])])

    shop.version(Left(skill=3, seed=2), change=other_labels)
    blocks(shop, 2, "same rows", "scored against different labels")


@pytest.mark.parametrize(
    ("columns", "outcome", "said"),
    [
        ((("a", "double"), ("b", "string")), GateOutcome.PASS, "2 columns as production sends them"),
        ((("a", "double"),), GateOutcome.PASS, "no longer uses b"),
        ((("a", "double"), ("b", "string"), ("c[/]", "double")), GateOutcome.FAIL, "does not get: c[/]"),
        ((("a", "string"), ("b", "string")), GateOutcome.FAIL, "v1 does not get: a"),
        ((), GateOutcome.FAIL, "v1 declares its columns, this version does not"),
    ],
    ids=["same", "fewer", "a new one", "another type", "none"],
)
def test_the_signature_must_do_with_what_production_sends(
    shop: Shop, columns: tuple[tuple[str, str], ...], outcome: GateOutcome, said: str
) -> None:
    shop.version()
    shop.promote(1)
    shop.version(Left(columns=columns, champion_skill=1.5, skill=3, seed=2), champion=1)
    found = gate(shop, 2, "signature")
    assert (found.outcome, said in found.detail) == (outcome, True)


def test_no_signature_at_all_is_skipped(shop: Shop) -> None:
    shop.version(Left(columns=()))
    assert gate(shop, 1, "signature").outcome is GateOutcome.SKIP


def test_tests_must_have_passed_at_the_commit(shop: Shop) -> None:
    shop.configure(*TESTS)
    shop.version()
    blocks(shop, 1, "tests", f"nothing was tested at {COMMIT[:7]}")
    shop.tested(passed=3, failed=0, commit="d" * 40)
    blocks(shop, 1, "tests", "nothing was tested")
    broken = shop.tested(passed=3, failed=1)
    blocks(shop, 1, "tests", f"3 of 4 at {COMMIT[:7]}, run {broken}")
    green = shop.tested(passed=4, failed=0)
    assert gate(shop, 1, "tests").outcome is GateOutcome.PASS
    shop.tested(passed=0, failed=0)
    assert gate(shop, 1, "tests").detail == f"4 of 4 at {COMMIT[:7]}, run {green}", "a run without tests says nothing"


def test_a_version_without_a_commit_has_no_tests(shop: Shop) -> None:
    from opsconsole.lifecycle.models.registering import register_path

    shop.configure(*TESTS)
    source = shop.out() / "model"
    register_path(shop.workspace, shop.store, "m", source)
    blocks(shop, 1, "tests", "the version names no commit")


def test_without_data_on_either_side_the_comparison_is_skipped(shop: Shop) -> None:
    shop.configure('floor = { metric = "auc", at_least = 0.6 }', "")
    shop.version(change=lambda out: (out / "evaluation.csv").unlink())
    outcomes = {found.name: found.outcome for found in judged(shop, 1).gates}
    assert outcomes["same rows"] is outcomes["not worse"] is outcomes["floor"] is GateOutcome.SKIP
    assert judged(shop, 1).passed


def test_a_judgement_is_kept_for_the_console_and_replaced_by_the_next(shop: Shop) -> None:
    shop.version()
    remember(shop.store, judged(shop, 1))
    kept = judgements.get(shop.store, "m", 1, "production")
    assert kept is not None
    assert (kept.passed, kept.champion) == (True, None)
    digest = evidence_of(read_gates(kept.gates), DigestEvidence)
    assert digest is not None
    assert digest.digest == models.version(shop.store, "m", 1).digest
    shop.configure("at_least = 0.6", "at_least = 0.99")
    remember(shop.store, judged(shop, 1))
    assert [item.passed for item in judgements.of_model(shop.store, "m", "production").values()] == [False]


def test_two_versions_are_compared_on_the_rows_both_scored(shop: Shop) -> None:
    shop.version()
    shop.promote(1)
    shop.version(Left(skill=2.5, champion_skill=1.5, seed=2, columns=(("a", "string"), ("c", "double"))), champion=1)
    one, two = models.version(shop.store, "m", 1), models.version(shop.store, "m", 2)
    found = compare(shop.workspace, shop.store, one, two)
    assert found.rows == 600
    auc = next(row for row in found.metrics if row["name"] == "auc")
    assert auc["low"] < auc["difference"] < auc["high"]
    assert auc["difference"] == pytest.approx(auc["b"] - auc["a"])
    brier = next(row for row in found.metrics if row["name"] == "brier")
    assert (brier["difference"] > 0) == (brier["b"] < brier["a"]), "more is better, also of a loss"
    assert found.params == [{"name": "skill", "a": 1.5, "b": 2.5}]
    assert found.columns == {"added": ["c"], "removed": ["b"], "retyped": ["a"]}
    assert set(found.plots["a"]) == {"roc", "calibration"}


def test_versions_that_share_no_rows_are_compared_by_their_own_numbers(shop: Shop) -> None:
    shop.version()
    shop.version(Left(rows=300, seed=2))
    one, two = models.version(shop.store, "m", 1), models.version(shop.store, "m", 2)
    found = compare(shop.workspace, shop.store, one, two)
    assert (found.rows, found.changes, found.plots) == (0, None, {})
    assert all(row["low"] is None for row in found.metrics)
