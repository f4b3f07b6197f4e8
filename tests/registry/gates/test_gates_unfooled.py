"""No script gets a model through the gates by what it writes, and no lack of evidence counts as evidence."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from opsconsole.core.files import digest_rows
from opsconsole.core.nouns import GateOutcome, ModelTask
from opsconsole.lifecycle.models.candidates import Judgement, judge
from opsconsole.registry.evidence.exact_bounds import rows_without, upper_share
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.not_worse import NotWorseEvidence
from opsconsole.registry.gates.same_rows import SameRowsEvidence
from opsconsole.store import baselines, models
from tests.model_workspace import Left, Shop, shown

LIVE = (("weights.txt", b"live"),)
NEW = (("weights.txt", b"new"),)


def judged(shop: Shop, version: int) -> Judgement:
    return judge(shop.workspace, shop.store, "m", version, "production")


def gate(shop: Shop, version: int, name: str) -> Gate:
    return next(found for found in judged(shop, version).gates if found.name == name)


def rewrite(out: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change every row of the evaluation."""
    path = out / "evaluation.csv"
    with path.open(newline="") as file:
        head, *rows = list(csv.reader(file))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *(change(row) for row in rows)])


def coin(out: Path) -> None:
    """The script writes one set of scores of its own for both contenders."""
    chance = random.Random(7)
    tossed: dict[str, str] = {}

    def toss(row: list[str]) -> list[str]:
        score = tossed.setdefault(row[0], f"{chance.random():.6f}")
        return [row[0], row[1], score, row[3]]

    rewrite(out, toss)


def renamed(out: Path, prefix: str = "n") -> None:
    """The rows have other names, as those of another window have."""
    rewrite(out, lambda row: [prefix + row[0], *row[1:]])
    data = json.loads((out / "data.json").read_text())
    data["parts"] = [part for part in data["parts"] if part["name"] == "training"]
    (out / "data.json").write_text(json.dumps(data))


def test_a_coin_flip_that_writes_its_own_scores_for_both_never_passes(shop: Shop) -> None:
    shop.configure("floor = {", "# floor = {")
    shop.version(Left(files=LIVE))
    shop.promote(1)

    def on_other_rows(out: Path) -> None:
        renamed(out)
        coin(out)

    shop.version(Left(files=NEW, champion_skill=1.5, seed=2), champion=1, change=on_other_rows)
    rows, not_worse = gate(shop, 2, "same rows"), gate(shop, 2, "not worse")
    assert (rows.outcome, not_worse.outcome) == (GateOutcome.FAIL, GateOutcome.FAIL)
    assert "v2 and v1 have the same scores to the last bit on all 600 rows, and are different artifacts" in rows.detail
    assert "same scores to the last bit" in not_worse.detail


def test_the_same_artifact_scores_alike_and_is_not_worse_than_itself(shop: Shop) -> None:
    shop.version(Left(files=LIVE))
    shop.promote(1)
    shop.version(Left(files=LIVE, champion_skill=1.5), champion=1)
    assert gate(shop, 2, "not worse").detail == "the same artifact as v1"
    assert judged(shop, 2).passed


def test_scores_of_the_champion_that_are_not_those_on_record_never_pass(shop: Shop) -> None:
    shop.version(Left(files=LIVE))
    shop.promote(1)
    shop.version(Left(files=NEW, skill=1.4, champion_skill=0.2, champion_seed=9, seed=2), champion=1)
    found = gate(shop, 2, "same rows")
    assert found.outcome is GateOutcome.FAIL
    assert "v1's scores here are not those on record: 600 of 600 rows" in found.detail
    assert shown(found, SameRowsEvidence).disagree == 600
    assert gate(shop, 2, "not worse").outcome is GateOutcome.FAIL


def test_some_rows_in_common_with_the_record_are_enough_to_be_caught(shop: Shop) -> None:
    shop.version(Left(files=LIVE))
    shop.promote(1)

    def other_rows_but_a_few(out: Path) -> None:
        renamed(out)
        rewrite(out, lambda row: [row[0].removeprefix("n") if row[0] in {"nr1", "nr2", "nr3"} else row[0], *row[1:]])

    left = Left(files=NEW, skill=2.5, champion_skill=0.2, champion_seed=9, seed=2)
    shop.version(left, champion=1, change=other_rows_but_a_few)
    assert "3 of 3 rows" in gate(shop, 2, "same rows").detail


def test_production_s_own_scores_are_a_record_too(shop: Shop) -> None:
    shop.version(Left(files=LIVE))
    shop.promote(1)
    path = shop.workspace.evidence / "predictions" / "m" / "run-9.csv"
    path.parent.mkdir(parents=True)
    path.write_text("row_id,score,version\n" + "".join(f"nr{number},0.5,1\n" for number in range(5)))
    with shop.store.immediate() as connection:
        baselines.record_predictions(
            connection,
            model="m",
            version=1,
            run_id=9,
            path="predictions/m/run-9.csv",
            file_digest=digest_rows([]),
            rows=5,
        )
    shop.version(Left(files=NEW, skill=2.5, champion_skill=1.5, seed=2), champion=1, change=renamed)
    found = gate(shop, 2, "same rows")
    assert found.outcome is GateOutcome.FAIL
    assert "5 of 5 rows that stand in production's run-9.csv" in found.detail


def test_rounding_in_a_file_is_no_disagreement(shop: Shop) -> None:
    shop.version(Left(files=LIVE))
    shop.promote(1)

    def rounded(out: Path) -> None:
        rewrite(out, lambda row: [*row[:2], f"{float(row[2]):.5f}", row[3]])

    shop.version(Left(files=NEW, skill=2.5, champion_skill=1.5, seed=2), champion=1, change=rounded)
    found = gate(shop, 2, "same rows")
    assert (found.outcome, shown(found, SameRowsEvidence).on_record) == (GateOutcome.PASS, 600)
    assert "v1's scores: as on record" in found.detail


def test_a_training_part_of_no_rows_leaves_nothing_unseen(shop: Shop) -> None:
    shop.version(Left(trained=()))
    found = gate(shop, 1, "same rows")
    assert found.outcome is GateOutcome.FAIL
    assert "on no rows at all" in found.detail


def test_rows_that_another_part_was_fitted_with_are_seen_rows(shop: Shop) -> None:
    def validation(out: Path) -> None:
        data = json.loads((out / "data.json").read_text())
        ids = ["v1", "r5"]
        with gzip.open(out / "validation.ids.gz", "wt") as file:
            file.write("v1\nr5\n")
        part = {"name": "validation", "path": "x", "rows": 2, "row_ids": digest_rows(ids), "ids": "validation.ids.gz"}
        data["parts"].append(part)
        (out / "data.json").write_text(json.dumps(data))

    shop.version(change=validation)
    assert "v1 was fitted with (validation) 1 of the 600 rows" in gate(shop, 1, "same rows").detail


@pytest.mark.parametrize("spelled", ["7 ", "7.0", "7"])
def test_a_row_is_the_same_row_however_its_number_is_written(shop: Shop, spelled: str) -> None:
    def numbers(out: Path) -> None:
        rewrite(out, lambda row: [row[0].removeprefix("r"), *row[1:]])
        (out / "data.json").write_text(
            json.dumps(
                {
                    "parts": [
                        {"name": "training", "path": "x", "rows": 1, "row_ids": digest_rows([spelled]), "ids": "t.ids"}
                    ]
                }
            )
        )
        (out / "t.ids").write_text(f"{spelled}\n")

    shop.version(change=numbers)
    assert shown(gate(shop, 1, "same rows"), SameRowsEvidence).overlap == 1


def perfect(rows: int) -> Callable[[Path], None]:
    """Both contenders are right on every row, with scores that differ."""

    def change(out: Path) -> None:
        lines = ["row_id,label,score,contender"]
        for contender, high in (("challenger", 0.9), ("champion", 0.8)):
            lines += [f"n{n},{n % 2},{high + n / 1e4 if n % 2 else 0.1 + n / 1e4},{contender}" for n in range(rows)]
        (out / "evaluation.csv").write_text("\n".join(lines))
        data = json.loads((out / "data.json").read_text())
        data["parts"] = data["parts"][:1]
        (out / "data.json").write_text(json.dumps(data))

    return change


@pytest.mark.parametrize(
    ("metric", "rows", "margin", "needed"),
    [
        ("auc", 20, 0.02, 2 * 149),
        ("auc", 300, 0.02, None),
        ("accuracy", 20, 0.02, 149),
        ("accuracy", 30, 0.02, 149),
        ("accuracy", 30, 0.005, 598),
        ("accuracy", 200, 0.02, None),
    ],
)
def test_no_disagreement_on_few_rows_is_inconclusive_and_says_how_many_would_decide(
    shop: Shop, metric: str, rows: int, margin: float, needed: int | None
) -> None:
    shop.configure(
        'not_worse = { metric = "auc", margin = 0.02 }', f'not_worse = {{ metric = "{metric}", margin = {margin} }}'
    )
    shop.version(Left(files=LIVE))
    shop.promote(1)
    shop.version(Left(files=NEW), champion=1, change=perfect(rows))
    found = gate(shop, 2, "not worse")
    if needed is None:
        assert found.outcome is GateOutcome.PASS
        return
    assert found.outcome is GateOutcome.INCONCLUSIVE
    told = shown(found, NotWorseEvidence).rows_needed
    assert told == pytest.approx(needed, rel=0.02)
    assert f"about {told:,} rows would decide" in found.detail


@pytest.mark.parametrize(("seen", "rows"), [(0, 20), (0, 598), (1, 30), (3, 200), (9, 5000)])
def test_the_exact_bound_is_clopper_and_pearson_s(seen: int, rows: int) -> None:
    assert upper_share(seen, rows) == pytest.approx(stats.beta.ppf(0.95, seen + 1, rows - seen), rel=1e-9)


def test_so_many_rows_without_a_case_are_just_enough() -> None:
    for share in (0.005, 0.02, 0.3):
        rows = rows_without(share)
        assert upper_share(0, rows) <= share < upper_share(0, rows - 1)


def test_a_champion_far_better_than_constant_scores_is_not_let_go(shop: Shop) -> None:
    """Every placement falls alike, so that no variance is seen; that is still a fall."""
    shop.version(Left(files=LIVE))
    shop.promote(1)

    def constant(out: Path) -> None:
        perfect(200)(out)
        rewrite(out, lambda row: [*row[:2], "0.5", row[3]] if row[3] == "challenger" else row)

    shop.version(Left(files=NEW), champion=1, change=constant)
    assert gate(shop, 2, "not worse").outcome is GateOutcome.FAIL


def no_rows(out: Path) -> None:
    (out / "evaluation.csv").unlink()
    (out / "data.json").unlink()


def outcomes(shop: Shop, version: int) -> dict[str, GateOutcome]:
    return {found.name: found.outcome for found in judged(shop, version).gates}


BARE = (
    'not_worse = { metric = "auc", margin = 0.02 }\nfloor = { metric = "auc", at_least = 0.6 }\n',
    "tests = false\n",
)


def test_no_data_on_either_side_is_nothing_to_judge(shop: Shop) -> None:
    shop.configure(*BARE)
    shop.version(Left(files=LIVE), change=no_rows)
    shop.promote(1)
    shop.version(Left(files=NEW), change=no_rows, champion=1)
    found = outcomes(shop, 2)
    assert found["same rows"] is found["not worse"] is found["floor"] is GateOutcome.SKIP
    assert judged(shop, 2).passed


def test_evidence_is_not_punished_where_the_champion_has_none(shop: Shop) -> None:
    shop.configure(*BARE)
    shop.version(Left(files=LIVE), change=no_rows)
    shop.promote(1)
    shop.version(Left(files=NEW), champion=1)
    assert outcomes(shop, 2)["same rows"] is GateOutcome.WARN
    assert judged(shop, 2).passed


def test_the_top_rung_demands_evidence_once_its_champion_has_some(shop: Shop) -> None:
    shop.configure(*BARE)
    shop.version(Left(files=LIVE))
    shop.promote(1)
    shop.version(Left(files=NEW), change=no_rows, champion=1)
    found = gate(shop, 2, "same rows")
    assert (found.outcome, found.detail) == (GateOutcome.FAIL, "it was not evaluated on held-out rows")


def test_a_rung_can_demand_evidence_or_do_without(shop: Shop) -> None:
    shop.configure(BARE[0], "evidence = true\n")
    shop.version(Left(files=LIVE), change=no_rows)
    assert "this rung demands held-out rows" in gate(shop, 1, "same rows").detail
    assert not judged(shop, 1).passed
    shop.configure("evidence = true", "evidence = false")
    assert judged(shop, 1).passed


def test_a_declared_comparison_without_evidence_fails(shop: Shop) -> None:
    shop.version(Left(files=LIVE), change=no_rows)
    assert outcomes(shop, 1)["floor"] is GateOutcome.FAIL
    shop.promote(1, force=("floor",))
    shop.version(Left(files=NEW), change=no_rows, champion=1)
    assert outcomes(shop, 2)["not worse"] is GateOutcome.FAIL


def test_predictions_change_sides_only_where_there_are_sides(shop: Shop) -> None:
    text = (shop.root / "opsconsole.toml").read_text()
    shop.configure(text[text.index("task =") :], 'task = "regression"\nladder = ["candidate", "production"]\n')
    shop.version(Left(files=LIVE))
    shop.promote(1)
    shop.version(Left(files=NEW, champion_skill=1.5, seed=2), champion=1)
    assert models.version(shop.store, "m", 2).metrics["rmse"] > 0
    assert judged(shop, 2).changes is None


def written(rows: Sequence[tuple[object, ...]], head: str) -> Callable[[Path], None]:
    """The evaluation is these rows of the challenger, under this head."""

    def change(out: Path) -> None:
        lines = [head, *(",".join(map(str, row)) for row in rows)]
        (out / "evaluation.csv").write_text("\n".join(lines))
        data = json.loads((out / "data.json").read_text())
        data["parts"] = data["parts"][:1]
        (out / "data.json").write_text(json.dumps(data))

    return change


def multiclass(shop: Shop, rule: str) -> None:
    text = (shop.root / "opsconsole.toml").read_text()
    shop.configure(
        text[text.index("task =") :],
        f'task = "multiclass"\nladder = ["candidate", "production"]\n[models.m.gates.production]\nnot_worse = {rule}\n',
    )


CLASSES = ("ant", "bee", "cow")


def classified(rows: int, wrong: float, contender: str, seed: int) -> list[tuple[object, ...]]:
    """Rows of three classes; so large a share of them is called otherwise."""
    chance = np.random.default_rng(seed)
    found: list[tuple[object, ...]] = []
    for row in range(rows):
        label = row % 3
        called = (label + 1) % 3 if chance.random() < wrong else label
        raw = chance.random(3) * 0.3
        raw[called] += 1
        raw /= raw.sum()
        found.append((f"n{row}", CLASSES[label], *(f"{value:.9f}" for value in raw), contender))
    return found


CLASS_HEAD = "row_id,label,probability_ant,probability_bee,probability_cow,contender"


def test_a_multiclass_model_is_measured_as_scikit_learn_does(shop: Shop) -> None:
    from sklearn import metrics as measure

    multiclass(shop, '{ metric = "accuracy", margin = 0.05 }')
    rows = classified(300, 0.2, "challenger", 3)
    made = shop.version(change=written(rows, CLASS_HEAD))
    labels = [str(row[1]) for row in rows]
    scores = np.asarray([[float(str(value)) for value in row[2:5]] for row in rows])
    called = [CLASSES[place] for place in scores.argmax(axis=1)]
    recalls = measure.recall_score(labels, called, labels=CLASSES, average=None)
    assert {name: made.metrics[name] for name in made.metrics if name != "seconds"} == pytest.approx(
        {
            "accuracy": measure.accuracy_score(labels, called),
            "f1_macro": measure.f1_score(labels, called, average="macro"),
            "log_loss": measure.log_loss(labels, scores / scores.sum(axis=1, keepdims=True), labels=CLASSES),
            "auc": measure.roc_auc_score(labels, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr"),
            **{f"recall_{name}": recalls[place] for place, name in enumerate(CLASSES)},
        },
        abs=1e-6,
    )


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc", "recall_ant"])
def test_a_multiclass_model_much_worse_than_the_champion_fails(shop: Shop, metric: str) -> None:
    multiclass(shop, f'{{ metric = "{metric}", margin = 0.05 }}')
    shop.version(Left(files=LIVE), change=written(classified(300, 0.0, "challenger", 1), CLASS_HEAD))
    shop.promote(1)
    rows = [*classified(300, 0.33, "challenger", 2), *classified(300, 0.0, "champion", 1)]
    shop.version(Left(files=NEW), champion=1, change=written(rows, CLASS_HEAD))
    found = gate(shop, 2, "not worse")
    assert found.outcome is GateOutcome.FAIL, found.detail
    assert judged(shop, 2).changes is None


def test_the_error_of_a_mean_of_aucs_is_that_of_drawing_rows_anew() -> None:
    from opsconsole.registry.evidence.statistics import class_auc_difference

    chance = np.random.default_rng(5)
    labels = np.repeat([0.0, 1.0, 2.0], 60)
    first, second = (np.eye(3)[labels.astype(int)] * skill + chance.random((180, 3)) for skill in (0.5, 0.3))
    found = class_auc_difference(labels, first, second)
    assert found is not None
    drawn = []
    for _ in range(300):
        rows = chance.integers(0, 180, 180)
        again = class_auc_difference(labels[rows], first[rows], second[rows])
        assert again is not None
        drawn.append(again.difference)
    assert found.error == pytest.approx(np.std(drawn), rel=0.15)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [((1, 2), "2"), ((-1, 1), "1"), (("no", "yes"), '"yes"'), (("yes", "no"), '"no"'), (("False", "True"), "")],
)
def test_a_positive_class_is_declared_or_self_evident(shop: Shop, labels: tuple[object, object], positive: str) -> None:
    rows = [(f"n{n}", labels[n % 2], 0.9 if n % 2 else 0.2, "challenger") for n in range(40)]
    change = written(rows, "row_id,label,score,contender")
    if positive:
        with pytest.raises(Exception, match="which of them is positive"):
            shop.version(change=change)
        shop.configure('task = "binary"', f'task = "binary"\npositive = {positive}')
    assert shop.version(change=change).metrics["auc"] == 1.0


@pytest.mark.parametrize(
    ("task", "head", "rows", "said"),
    [
        (ModelTask.BINARY, "row_id,label,score", [("a", 1, 2.3), ("b", 0, -1.1)], 'scores = "logit"'),
        (ModelTask.BINARY, "row_id,label,score", [("a", 7, 0.3), ("b", 9, 0.1)], "which of them is positive"),
        (ModelTask.BINARY, "row_id,label,score", [(n, n, 0.3) for n in range(3)], "3 labels in the evaluation"),
        (ModelTask.MULTICLASS, "row_id,label,score", [("a", 1, 0.3), ("b", 0, 0.1)], "score names no class"),
        (
            ModelTask.MULTICLASS,
            "row_id,label,probability_a,probability_b",
            [("x", "a", 2.0, -1.0)],
            'scores = "logit"',
        ),
        (ModelTask.MULTICLASS, "row_id,label,probability_a,probability_b", [("x", "c", 0.5, 0.5)], "of class 'c'"),
        (ModelTask.REGRESSION, "row_id,label,score", [("a", "1e308", 1), ("b", "-1e308", 2)], "past 1e\\+100"),
        (ModelTask.BINARY, "row_id,label,score", [("a", 1, 0.5, "x", "y")], "row 1 has 5 cells, the head 3"),
    ],
    ids=["logits", "7 and 9", "three labels", "numbers for classes", "class logits", "a class of none", "huge", "long"],
)
def test_what_a_task_cannot_be_measured_on_is_refused_by_name(
    shop: Shop, task: ModelTask, head: str, rows: list[tuple[object, ...]], said: str
) -> None:
    text = (shop.root / "opsconsole.toml").read_text()
    shop.configure(text[text.index("task =") :], f'task = "{task}"\n')
    with pytest.raises(Exception, match=said):
        shop.version(change=written(rows, head))


def test_declared_logits_become_probabilities(shop: Shop) -> None:
    shop.configure('task = "binary"', 'task = "binary"\nscores = "logit"')
    rows = [(f"n{n}", n % 2, 3.0 if n % 2 else -3.0, "challenger") for n in range(40)]
    made = shop.version(change=written(rows, "row_id,label,score,contender"))
    assert made.metrics["brier"] == pytest.approx((1 - 1 / (1 + np.exp(-3))) ** 2)
    assert made.metrics["accuracy"] == 1.0


def test_classes_alone_are_measured_by_what_needs_no_probabilities(shop: Shop) -> None:
    multiclass(shop, '{ metric = "accuracy", margin = 0.05 }')
    rows = [(f"n{n}", n % 3, n % 3 if n % 5 else (n + 1) % 3, "challenger") for n in range(60)]
    made = shop.version(change=written(rows, "row_id,label,score,contender"))
    assert set(made.metrics) == {"seconds", "accuracy", "f1_macro", "recall_0", "recall_1", "recall_2"}
    assert made.metrics["accuracy"] == pytest.approx(0.8)
