"""A version is what was registered, byte for byte, or it says so."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError, RefusedError, UsageError
from opsconsole.core.files import digest_bytes, digest_file
from opsconsole.lifecycle.models.candidates import roll_back_alias
from opsconsole.lifecycle.models.registering import register_path
from opsconsole.registry.versions.artifacts import STAGING, discard, stage, verify
from opsconsole.registry.versions.registration import Given, prepare_run, sweep
from opsconsole.store import evaluations, events, models
from opsconsole.store.models import Version
from tests.model_workspace import COLUMNS, Left, Shop


def test_what_a_training_left_becomes_a_version(shop: Shop) -> None:
    made = shop.version(Left(files=(("weights.txt", b"1 2 3\n"), ("sub/requirements.txt", b"numpy\n"))))
    found = models.version(shop.store, "m", 1)
    assert found == made
    assert (found.entry, found.framework) == ("weights.txt", "none")
    assert [(column.name, column.type) for column in found.signature.inputs] == list(COLUMNS)
    assert found.metrics["seconds"] == 1.5, "the training's own metrics are kept"
    assert found.metrics["auc"] == pytest.approx(0.86, abs=0.05), "the standard ones are computed on the held-out rows"
    assert found.params == {"skill": 1.5}
    assert [(part.name, part.rows) for part in found.data] == [("training", 50), ("evaluation", 600)]
    files = {file.path: file for file in models.files(shop.store, "m", 1)}
    assert files["weights.txt"].digest == digest_bytes(b"1 2 3\n")
    assert set(files) == {"weights.txt", "sub/requirements.txt"}
    kinds = [event.kind for event in events.events(shop.store)]
    assert kinds == ["model.nominated", "version.registered", "model.created"]
    evaluation = evaluations.of_version(shop.store, "m", 1)[0]
    assert evaluation.rows == 600
    assert len(evaluation.plots["roc"]) == 41


def test_the_digest_of_an_artifact_is_of_its_names_contents_and_modes(shop: Shop, tmp_path: Path) -> None:
    digests = []
    for name, content, mode in (("a", b"x", 0o644), ("b", b"x", 0o644), ("a", b"y", 0o644), ("a", b"x", 0o755)):
        source = tmp_path / "source"
        discard(source)
        source.mkdir()
        (source / name).write_bytes(content)
        (source / name).chmod(mode)
        digests.append(stage(source, tmp_path / "staged").digest)
    assert len(set(digests)) == 4
    (tmp_path / "source" / "a").touch()
    assert stage(tmp_path / "source", tmp_path / "again").digest == digests[-1], "times are no part of it"


def test_a_published_artifact_is_frozen_and_a_copy(shop: Shop) -> None:
    out = shop.out()
    source = out / "model" / "weights.txt"
    prepared = prepare_run(shop.workspace, out, 1)
    source.write_bytes(b"changed behind our back")
    assert (prepared.artifact.folder / "weights.txt").read_bytes() == b"1 2 3\n"
    shop.version()
    folder = shop.folder(1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "weights.txt")}
    assert modes == {"1": 0o555, "weights.txt": 0o444}
    assert (folder / "weights.txt").stat().st_nlink == 1


def test_what_takes_no_room_takes_none_in_the_copy(tmp_path: Path) -> None:
    source = tmp_path / "weights"
    with source.open("wb") as file:
        file.write(b"head")
        file.seek(40 << 20)
        file.write(b"tail")
        file.truncate(64 << 20)
    staged = stage(source, tmp_path / "staged")
    copy = staged.folder / "weights"
    assert digest_file(copy) == digest_file(source) == staged.files[0].digest
    assert copy.stat().st_size == 64 << 20
    assert copy.stat().st_blocks * 512 < 8 << 20


def test_a_file_of_the_operator_s_own_is_registered_with_its_numbers(shop: Shop, tmp_path: Path) -> None:
    out = shop.out()
    made = register(shop, out / "model" / "weights.txt", evaluation=out / "evaluation.csv")
    assert (made.version, made.entry, made.provenance.commit) == (1, "weights.txt", None)
    assert made.metrics["latency"] == 2.0
    assert made.metrics["auc"] > 0.7
    assert made.params == {"depth": "3"}
    assert shop.at("candidate") == 1
    assert shop.link("candidate") == "versions/1"
    event = events.events(shop.store, kind="version.registered")[0]
    line = f"opsconsole model register m {out / 'model' / 'weights.txt'} --eval-data {out / 'evaluation.csv'}"
    assert event.command == f"{line} --metric latency=2 --param depth=3"


def staged(shop: Shop) -> list[Path]:
    return [*(shop.workspace.models / STAGING).glob("*"), *(shop.workspace.evidence / STAGING).glob("*")]


def register(shop: Shop, path: Path, *, evaluation: Path | None = None, name: str = "m") -> Version:
    given = Given(metrics={"latency": 2.0}, params={"depth": "3"}, evaluation=evaluation)
    return register_path(shop.workspace, shop.store, name, path, given).version


@pytest.mark.parametrize("kind", ["link", "fifo", "link to a folder"])
def test_an_artifact_with_links_or_devices_is_refused(shop: Shop, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "weights.txt").write_text("1")
    if kind == "fifo":
        os.mkfifo(source / "pipe")
    else:
        (source / "away").symlink_to("/etc/passwd" if kind == "link" else "/etc")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        register(shop, source)
    assert staged(shop) == []


def test_an_empty_or_absent_artifact_is_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="the artifact is empty"):
        register(shop, tmp_path / "empty")
    with pytest.raises(NotFoundError):
        register(shop, tmp_path / "absent")
    with pytest.raises(UsageError, match="no name of a model"):
        register(shop, tmp_path / "empty", name="../n")


def spoil(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda out: (out / name).write_bytes(content)


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda out: (out / name).write_text((out / name).read_text().replace(old, new))


def without(name: str) -> Callable[[Path], object]:
    return lambda out: (out / name).unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("model.toml"), "no model.toml"),
        (spoil("model.toml", b"name = \xff"), "model.toml: UnicodeDecodeError"),
        (spoil("model.toml", b"name = 'm'"), "model.toml: KeyError: 'entry'"),
        (replaced("model.toml", "weights.txt", "other.txt"), "the artifact has no file 'other.txt'"),
        (replaced("model.toml", '"m"', '"n"'), "the model `n` is not in"),
        (spoil("metrics.json", b'{"auc": "good"}'), "auc is no number: 'good'"),
        (spoil("metrics.json", b'{"auc": true}'), "auc is no number: 'True'"),
        (spoil("metrics.json", b'{"auc": 1' + b"0" * 400 + b"}"), "auc is no number: '1000"),
        (spoil("metrics.json", b"[1]"), "not a JSON object"),
        (spoil("metrics.json", b'{"a'), "metrics.json: not JSON"),
        (spoil("params.json", b'{"a": "\\ud800"}'), "params.json: holds half a character"),
        (spoil("params.json", b"\xff"), "params.json: not JSON"),
        (spoil("data.json", b'{"parts": [{"name": "training"}]}'), "data.json: KeyError: 'path'"),
        (replaced("data.json", '"training.ids.gz"', '"../weights.txt"'), "there is no file ../weights.txt in out/"),
        (replaced("data.json", '"training.ids.gz"', "7"), "there is no file 7 in out/"),
        (replaced("data.json", '"rows": 50', '"rows": 51'), "holds other rows than were named"),
        (spoil("training.ids.gz", b"\x1f\x8bno"), "not a file of row ids"),
        (replaced("evaluation.csv", "r599", "r598"), "a row id stands there twice"),
        (replaced("evaluation.csv", "r599", "s599"), "names other rows than the evaluation file holds"),
        (replaced("evaluation.csv", "score", "points"), "lacks the column score"),
        (replaced("evaluation.csv", "challenger", "winner"), "contender is 'winner'"),
        (replaced("evaluation.csv", "challenger", "champion"), "has no rows of the challenger"),
        (replaced("evaluation.csv", "r599,0,0.", "r599,0,x"), "label and score must be numbers"),
        (replaced("evaluation.csv", "r599,0,0.", "r599,nan,0."), "missing or not finite"),
        (spoil("evaluation.csv", b"row_id,label,score\n\xff,1,1\n"), "not a readable CSV file"),
        (spoil("evaluation.csv", b""), "lacks the columns label, row_id, score"),
        (spoil("evaluation.parquet", b"PAR1 no PAR1"), "not a whole Parquet file"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)  # fmt: skip
def test_what_cannot_be_believed_is_refused_in_words_and_leaves_nothing(
    shop: Shop, change: Callable[[Path], object], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        shop.version(change=change)
    assert said in refused.value.message
    assert models.models(shop.store) == []
    assert staged(shop) == []


def test_an_evaluation_whose_contenders_saw_other_rows_is_refused(shop: Shop) -> None:
    def drop_last(out: Path) -> None:
        lines = (out / "evaluation.csv").read_text().splitlines()
        (out / "evaluation.csv").write_text("\n".join(lines[:-1]) + "\n")

    with pytest.raises(UsageError, match="not on the same rows and labels"):
        shop.version(Left(champion_skill=1.0), change=drop_last)


def test_the_rows_it_was_trained_on_are_kept_also_without_an_evaluation(shop: Shop) -> None:
    made = shop.version(change=without("evaluation.csv"))
    part = made.part("training")
    assert part is not None
    assert part.ids is not None
    assert (shop.workspace.evidence / "m" / "v1" / part.ids).is_file()


def test_staging_that_a_killed_intake_left_is_replaced(shop: Shop) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.config.workspace import open_workspace\n"
        "from opsconsole.registry.versions.registration import prepare_run\n"
        "prepare_run(open_workspace(Path(sys.argv[1])), Path(sys.argv[2]), 1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    out = shop.out(Left(files=(("weights.txt", b"old"), ("more.txt", b"old"))))
    ended = subprocess.run([sys.executable, "-c", script, str(shop.root), str(out)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (shop.workspace.models / STAGING / "run-1" / "more.txt").is_file()
    shop.trainings = 0
    (out / "model" / "more.txt").unlink()
    made = prepare_run(shop.workspace, out, 1)
    assert [file.path for file in made.artifact.files] == ["weights.txt"]


def test_what_a_killed_registration_of_a_path_had_staged_is_swept(shop: Shop) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.config.workspace import open_workspace\n"
        "from opsconsole.registry.versions.registration import Given, prepare_path\n"
        "from opsconsole.store.connection import open_store\n"
        "workspace = open_workspace(Path(sys.argv[1]))\n"
        "prepare_path(workspace, open_store(workspace.state), 'm', Path(sys.argv[2]), Given())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    source = shop.out() / "model"
    subprocess.run([sys.executable, "-c", script, str(shop.root), str(source)], check=False)
    assert len(staged(shop)) == 2, "artifact and evidence"
    register(shop, source)
    assert staged(shop) == []


def test_staging_of_one_who_is_at_work_is_left_alone(shop: Shop) -> None:
    from opsconsole.core.process import own_identity

    folder = shop.workspace.models / STAGING / f"by-{own_identity().to_text()}:abc"
    folder.mkdir(parents=True)
    sweep(shop.workspace)
    assert folder.is_dir()


def test_a_folder_without_a_row_stays_and_its_number_is_never_given_again(shop: Shop) -> None:
    shop.folder(1).mkdir(parents=True)
    (shop.folder(1) / "precious.txt").write_text("of a store that a backup replaced")
    (shop.workspace.evidence / "m" / "v4").mkdir(parents=True)
    assert shop.version().version == 5
    assert verify(shop.folder(5), models.files(shop.store, "m", 5)) == []
    assert [path.name for path in shop.folder(1).iterdir()] == ["precious.txt"]
    (shop.workspace.models / "m" / "old").symlink_to("versions/9")
    assert shop.version().version == 10


def test_verify_names_what_changed_what_is_missing_and_what_is_new(shop: Shop) -> None:
    files = (("weights.txt", b"1 2 3\n"), ("gone.txt", b"x"), ("long.txt", b"xx"), ("link.txt", b"x"))
    shop.version(Left(files=files))
    folder, manifest = shop.folder(1), models.files(shop.store, "m", 1)
    assert verify(folder, manifest) == []
    folder.chmod(0o755)
    for name in ("weights.txt", "long.txt"):
        (folder / name).chmod(0o644)
    (folder / "weights.txt").write_bytes(b"1 2 4\n")
    (folder / "gone.txt").unlink()
    (folder / "long.txt").write_bytes(b"xxx")
    (folder / "link.txt").unlink()
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "extra.py").write_text("import os")
    assert sorted(verify(folder, manifest)) == [
        "extra.py: was never registered",
        "gone.txt: missing",
        "link.txt: missing",
        "long.txt: 3 bytes, 2 were registered",
        "weights.txt: the content changed",
    ]


def test_a_changed_byte_blocks_promotion_and_rollback(shop: Shop) -> None:
    shop.live(2)
    path = shop.folder(1) / "weights.txt"
    path.chmod(0o644)
    path.write_bytes(b"1 2 4\n")
    with pytest.raises(RefusedError, match=r"v1 cannot go live: weights\.txt: the content changed"):
        roll_back_alias(shop.workspace, shop.store, "m", "production", "back")
    with pytest.raises(RefusedError, match="digest: changed since it was registered"):
        shop.promote(1)
    with pytest.raises(RefusedError, match="digest cannot be forced"):
        shop.promote(1, force=("digest",))
    assert (shop.at(), shop.link()) == (2, "versions/2")


def test_two_registrations_at_once_get_a_number_each(shop: Shop) -> None:
    sources = []
    for number in range(4):
        source = shop.root / f"artifact-{number}"
        source.mkdir()
        (source / "weights.txt").write_text(str(number))
        sources.append(source)
    argv = [sys.executable, "-m", "opsconsole", "-C", str(shop.root), "model", "register", "m"]
    started = [
        subprocess.Popen([*argv, str(source), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for source in sources
    ]
    answers = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 4, answers
    assert sorted(json.loads(out)["version"] for out, _ in answers) == [1, 2, 3, 4]
    for version in models.versions(shop.store, "m"):
        (file,) = models.files(shop.store, "m", version.version)
        assert digest_file(shop.folder(version.version) / file.path) == file.digest
    assert shop.at("candidate") == 4
    assert shop.link("candidate") == "versions/4"
