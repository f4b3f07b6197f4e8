"""What an operator registers is read as what it is: an artifact, and what describes it."""

from __future__ import annotations

import json
import math
import os
import stat
import subprocess
from pathlib import Path

import pytest
import skops.io
from sklearn.preprocessing import StandardScaler

from opsconsole.core.errors import NotFoundError, UsageError
from opsconsole.core.nouns import GateOutcome
from opsconsole.lifecycle.models.candidates import judge
from opsconsole.lifecycle.models.registering import Registered, register_path
from opsconsole.registry.versions.artifacts import damages
from opsconsole.registry.versions.registration import Given
from opsconsole.repos import registration
from opsconsole.store import events, models
from tests.model_workspace import Left, Shop, opsconsole

MLMODEL = """artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
    loader_module: mlflow.sklearn
    model_path: model.skops
    python_version: 3.11.7
  sklearn:
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
    skops_trusted_types:
    - os.system
mlflow_version: 3.17.2
model_uuid: m-1f2e
run_id: 0f
signature:
  inputs: '[{"type": "double", "name": "mean radius", "required": true}, {"type": "string",
    "name": "it''s", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-11-24 08:00:00.000000'
"""


def registered(shop: Shop, path: Path, given: Given | None = None, *, name: str = "m", **more: str) -> Registered:
    return register_path(shop.workspace, shop.store, name, path, given, **more)


def files(shop: Shop, name: str = "m", version: int = 1) -> list[str]:
    return [file.path for file in models.files(shop.store, name, version)]


@pytest.mark.parametrize("inside", [False, True], ids=["the folder of a run", "its model folder"])
def test_a_run_s_own_layout_is_read_as_what_it_is(shop: Shop, inside: bool) -> None:
    out = shop.out(Left(trained=("t1", "t2")))
    made = registered(shop, out / "model" if inside else out).version
    assert files(shop) == ["weights.txt"]
    assert (made.metrics["seconds"], made.params["skill"]) == (1.5, 1.5)
    assert {part.name: part.rows for part in made.data} == {"training": 2, "evaluation": 600}
    assert [column.name for column in made.signature.inputs] == ["a", "b"]
    outcomes = {found.name: found.outcome for found in judge(shop.workspace, shop.store, "m", 1, "production").gates}
    assert (outcomes["same rows"], outcomes["floor"]) == (GateOutcome.PASS, GateOutcome.PASS)


def test_a_flat_folder_keeps_its_descriptions_out_of_the_artifact(shop: Shop) -> None:
    out = shop.out()
    for path in (out / "model").iterdir():
        path.rename(out / path.name)
    (out / "model").rmdir()
    made = registered(shop, out).version
    assert files(shop) == ["weights.txt"]
    assert made.metrics["auc"] > 0.7


def test_what_mlflow_wrote_is_read_and_its_trust_list_counts_for_nothing(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / "MLmodel").write_text(MLMODEL)
    skops.io.dump(StandardScaler(), folder / "model.skops")
    (folder / "requirements.txt").write_text("scikit-learn==1.9.1\n")
    made = registered(shop, folder).version
    assert files(shop) == ["model.skops", "requirements.txt"]
    assert (made.entry, made.framework, made.lock) == ("model.skops", "sklearn 1.9.1", "scikit-learn==1.9.1\n")
    told = [(column.name, column.type) for column in made.signature.inputs]
    assert told == [("mean radius", "double"), ("it's", "string")]
    assert made.signature.output == "int64[-1]"
    assert made.params["mlflow.model_uuid"] == "m-1f2e"


@pytest.mark.parametrize("text", ["", "x", "flavors:\n  sklearn:\n    a: b\nsignature:\n  inputs: '[{'\n", "\xff"])
def test_an_mlmodel_that_is_none_is_refused_in_words(shop: Shop, tmp_path: Path, text: str) -> None:
    (tmp_path / "MLmodel").write_text(text, encoding="latin-1")
    (tmp_path / "w").write_text("1")
    with pytest.raises(UsageError, match="MLmodel"):
        registered(shop, tmp_path)


@pytest.mark.parametrize("kind", ["ids", "data"])
def test_the_rows_it_was_trained_on_are_named_by_the_operator(shop: Shop, tmp_path: Path, kind: str) -> None:
    out = shop.out()
    (tmp_path / "w").write_text("1")
    rows = tmp_path / "rows.csv"
    rows.write_text("row_id,x\nt1,1\nr5,2\n" if kind == "data" else "t1\nr5\n")
    given = Given(
        evaluation=out / "evaluation.csv",
        training_data=rows if kind == "data" else None,
        training_ids=rows if kind == "ids" else None,
    )
    made = registered(shop, tmp_path / "w", given).version
    assert {part.name: part.rows for part in made.data} == {"training": 2}
    found = judge(shop.workspace, shop.store, "m", 1, "production").gates[3]
    assert "trained on 1 of the 600 rows" in found.detail


def test_rows_without_names_and_no_rows_at_all_are_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "w").write_text("1")
    (tmp_path / "rows.csv").write_text("x\n1\n")
    with pytest.raises(UsageError, match="no column row_id"):
        registered(shop, tmp_path / "w", Given(training_data=tmp_path / "rows.csv"))
    (tmp_path / "none").write_text("\n")
    with pytest.raises(UsageError, match="names no rows"):
        registered(shop, tmp_path / "w", Given(training_ids=tmp_path / "none"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.toml", '[signature]\ninputs = [{name = "a", type = "double"}]\noutput = "long"\n'),
        ("s.json", json.dumps({"inputs": [{"name": "a", "type": "double"}], "outputs": [{"type": "long"}]})),
        ("l.json", json.dumps([{"name": "a", "type": "double"}])),
    ],
)
def test_a_signature_comes_from_a_file_of_its_own(shop: Shop, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "w").write_text("1")
    (tmp_path / name).write_text(content)
    made = registered(shop, tmp_path / "w", Given(signature=tmp_path / name)).version
    assert [(column.name, column.type) for column in made.signature.inputs] == [("a", "double")]
    (tmp_path / name).write_text("[" * 50_000)
    with pytest.raises(UsageError, match="not a signature"):
        registered(shop, tmp_path / "w", Given(signature=tmp_path / name))


def test_the_commit_must_be_there_and_its_green_run_counts(shop: Shop, tmp_path: Path) -> None:
    repo = tmp_path / "app"
    repo.mkdir()
    git = ["git", "-C", str(repo)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (repo / "a").write_text("1")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    registration.add(shop.workspace, shop.store, repo)
    (tmp_path / "w").write_text("1")
    for rev, name in (("abc", None), ("f" * 40, "app")):
        with pytest.raises(NotFoundError):
            register_path(shop.workspace, shop.store, "m", tmp_path / "w", repo=name, commit=rev)
    with pytest.raises(UsageError, match="--repo without --commit"):
        registered(shop, tmp_path / "w", repo="app")
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    made = registered(shop, tmp_path / "w", commit=head[:9]).version
    assert (made.provenance.repo, made.provenance.commit) == ("app", head)
    shop.configure("floor = {", "tests = true\nfloor = {")
    shop.tested(passed=3, failed=0, commit=head)
    gates = judge(shop.workspace, shop.store, "m", 1, "production").gates
    assert next(gate for gate in gates if gate.name == "tests").outcome is GateOutcome.PASS
    line = f"opsconsole model register m {tmp_path / 'w'} --commit {head[:9]}"
    assert events.events(shop.store, kind="version.registered")[0].command == line


def test_a_model_that_the_configuration_does_not_name_has_its_task_inferred_given_or_assumed(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "w").write_text("1")
    bare = registered(shop, tmp_path / "w", name="bare").prepared
    assert (bare.task.task, bare.task.by) == ("binary", "assumed")
    rows = "\n".join(f"{n},{n * 1.5},{n * 1.4}" for n in range(40))
    (tmp_path / "e.csv").write_text(f"row_id,label,score\n{rows}\n")
    told = opsconsole(
        shop.root, "model", "register", "sizes", str(tmp_path / "w"), "--eval-data", str(tmp_path / "e.csv")
    )
    assert (told.code, "task regression: by its evaluation" in told.out.decode()) == (0, True)
    given = Given(task=models.task(shop.store, "sizes"), evaluation=tmp_path / "e.csv")
    assert registered(shop, tmp_path / "w", given, name="bare").prepared.task.task == "regression"
    assert models.task(shop.store, "bare") == "regression", "what was only assumed is corrected"
    with pytest.raises(UsageError, match="is binary by its table"):
        registered(shop, tmp_path / "w", given)


def test_an_evaluation_with_the_champion_s_rows_is_of_the_version_that_is_live(shop: Shop, tmp_path: Path) -> None:
    shop.version(Left(files=(("w", b"old"),)))
    shop.promote(1)
    out = shop.out(Left(skill=2.5, champion_skill=1.5, seed=2))
    (out / "model" / "weights.txt").write_text("new")
    assert registered(shop, out).champion == 1
    assert judge(shop.workspace, shop.store, "m", 2, "production").passed


def test_numbers_that_are_not_finite_fail_nothing_and_stay_strict_json(shop: Shop) -> None:
    def odd(out: Path) -> None:
        (out / "metrics.json").write_text('{"a": NaN, "b": Infinity, "c": 1.5}')
        (out / "params.json").write_text('{"x": [NaN, 1e999], "y": 123456789012345678901234567890}')

    shop.version(change=odd)
    rows = shop.store.rows("SELECT metrics, params FROM versions")
    for text in rows[0]:
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    said = opsconsole(shop.root, "model", "show", "m:1", "--json")
    assert (said.code, said.json["metrics"]["a"], said.json["metrics"]["c"]) == (0, None, 1.5)
    assert said.json["params"] == {"x": [None, None], "y": "123456789012345678901234567890"}
    assert registered(shop, shop.folder(1), Given(metrics={"a": math.nan})).version.version == 2


def test_a_thousand_versions_are_paged_and_counted(shop: Shop) -> None:
    shop.version()
    with shop.store.immediate() as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(versions)") if row[1] not in {"id", "run_id"}]
        chosen = ", ".join("n.value" if name == "version" else name for name in names)
        connection.execute(
            f"INSERT INTO versions ({', '.join(names)}) SELECT {chosen} FROM versions,"
            " (WITH RECURSIVE n(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < 1000)"
            " SELECT value FROM n) n WHERE version = 1"
        )
    first = opsconsole(shop.root, "model", "ls", "--json").json[0]
    assert (first["count"], len(first["versions"]), first["before"]) == (1000, 200, 801)
    seen = 0
    before: int | None = None
    while True:
        more = [] if before is None else ["--before", str(before)]
        page = opsconsole(shop.root, "model", "show", "m", "--json", "--limit", "800", *more).json
        seen += len(page["versions"])
        before = page["before"]
        if before is None:
            break
    assert seen == 1000
    assert (
        "200 of 1,000 versions; opsconsole model show m --before 801"
        in opsconsole(shop.root, "model", "show", "m").out.decode()
    )


def test_verify_sees_links_swapped_folders_and_bits(shop: Shop, tmp_path: Path) -> None:
    shop.version(Left(files=(("weights.txt", b"1"), ("sub/a.txt", b"2"), ("tool", b"3"))))
    folder, manifest = shop.folder(1), models.files(shop.store, "m", 1)
    assert damages(folder, manifest) == []
    for path in (folder, folder / "sub"):
        path.chmod(0o755)
    (folder / "away").symlink_to("/etc")
    (folder / "tool").chmod(0o4555)
    (folder / "weights.txt").chmod(0o555)
    (folder / "empty").mkdir()
    (folder / "sub").rename(tmp_path / "sub")
    (folder / "sub").symlink_to(tmp_path / "sub")
    assert {damage.path: damage.problem for damage in damages(folder, manifest)} == {
        "away": "a link that was never registered",
        "tool": "has the setuid bit",
        "weights.txt": "became executable",
        "empty": "was never registered",
        "sub": "a link that was never registered",
        "sub/a.txt": "missing",
    }
    said = opsconsole(shop.root, "model", "verify", "m:1", "--json")
    assert said.code == 1
    assert len([file for file in said.json[0]["files"] if file["problem"]]) == 6
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert [damage.path for damage in damages(folder, manifest)] == ["."]


def test_a_setuid_file_is_registered_without_its_bit(shop: Shop) -> None:
    shop.version(change=lambda out: (out / "model" / "weights.txt").chmod(0o6755))
    assert stat.S_IMODE(os.stat(shop.folder(1) / "weights.txt").st_mode) == 0o555  # noqa: PTH116


@pytest.mark.parametrize(
    "name", ["metrics.json", "params.json", "data.json", "evaluation.csv", "model.toml", "training.ids.gz"]
)
@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_in_a_file_s_place_is_refused_at_once(shop: Shop, name: str, kind: str) -> None:
    def spoil(out: Path) -> None:
        (out / name).unlink()
        if kind == "folder":
            (out / name).mkdir()
        elif kind == "pipe":
            os.mkfifo(out / name)
        else:
            (out / name).symlink_to("/dev/zero")

    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        shop.version(change=spoil)
    assert models.models(shop.store) == []


def test_names_that_are_no_utf8_and_depths_without_end_are_refused_in_words(shop: Shop) -> None:
    def latin(out: Path) -> None:
        with open(os.fsencode(out / "model") + b"/\xff", "w") as file:  # noqa: PTH123 - no Path holds these bytes
            file.write("x")

    with pytest.raises(UsageError, match="not UTF-8"):
        shop.version(change=latin)
    for name in ("metrics.json", "params.json", "data.json", "model.toml"):
        text = "a=" + "[" * 100_000 if name == "model.toml" else "[" * 100_000
        with pytest.raises(UsageError, match=name):
            shop.version(change=lambda out, name=name, text=text: (out / name).write_text(text))  # type: ignore[misc]


def test_a_bomb_of_row_ids_is_refused_before_it_is_held(shop: Shop) -> None:
    import gzip

    def bomb(out: Path) -> None:
        with gzip.open(out / "training.ids.gz", "wb") as file:
            file.write(bytes(8 << 20))

    with pytest.raises(UsageError, match="one longer than 4,096 bytes"):
        shop.version(change=bomb)
