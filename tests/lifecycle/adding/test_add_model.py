"""``model add`` and ``repo add``: what is guessed, what is written, and what stays when it is taken out."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import ConfirmationError, ConflictError, NotFoundError, RefusedError, UsageError
from opsconsole.core.nouns import ModelTask
from opsconsole.lifecycle.adding.add_model import AddedModel, add_model
from opsconsole.lifecycle.adding.add_repo import add_clone, add_repo
from opsconsole.lifecycle.adding.estimator import estimator_in
from opsconsole.lifecycle.adding.remove import remove_model, remove_repo
from opsconsole.registry.versions.registration import Given
from opsconsole.repos import registration
from opsconsole.repos.cloning import Source
from opsconsole.store import events, models
from opsconsole.store.connection import Store
from tests.repos.making import commit, run_git


def evaluation(path: Path, labels: list[object], scores: list[object]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = zip((f"r{number}" for number in range(len(labels))), labels, scores, strict=True)
        csv.writer(file).writerows([["row_id", "label", "score"], *rows])
    return path


def add(root: Path, store: Store, path: Path | None = None, told: Given | None = None, name: str = "m") -> AddedModel:
    return add_model(open_workspace(root), store, name, path, told or Given())


@pytest.mark.parametrize(
    ("labels", "scores", "task"),
    [
        ([0, 1] * 50, [0.2, 0.8] * 50, ModelTask.BINARY),
        ([n / 7 for n in range(100)], list(range(100)), ModelTask.REGRESSION),
        (["a", "b", "c", "a"] * 25, ["a", "b", "b", "a"] * 25, ModelTask.MULTICLASS),
    ],
)
def test_the_task_is_guessed_from_the_labels_and_said(
    root: Path, store: Store, labels: list[object], scores: list[object], task: ModelTask
) -> None:
    (root / "model.bin").write_bytes(b"weights")
    told = Given(evaluation=evaluation(root / "held.csv", labels, scores))
    added = add(root, store, root / "model.bin", told)
    assert added.choices[0].words == f"guessed: task = {task} (held.csv: label has {len(set(labels))} values)"
    config = load(root / "opsconsole.toml").models["m"]
    assert config.task is task
    assert config.gates["production"].not_worse is not None
    assert added.registered is not None
    assert added.registered.version.version == 1
    (event,) = events.events(store, kind="model.added")
    assert event.command is not None
    assert event.command.endswith(f"--eval-data {root / 'held.csv'}")


def test_a_second_file_becomes_the_second_version_and_the_table_stays(root: Path, store: Store) -> None:
    (root / "model.bin").write_bytes(b"weights")
    add(root, store, root / "model.bin", Given(task=ModelTask.REGRESSION))
    before = (root / "opsconsole.toml").read_bytes()
    (root / "model.bin").write_bytes(b"other weights")
    again = add(root, store, root / "model.bin")
    assert again.registered is not None
    assert again.registered.version.version == 2
    assert not again.edit.changed
    assert (root / "opsconsole.toml").read_bytes() == before
    with pytest.raises(UsageError, match="is regression by its table"):
        add(root, store, root / "model.bin", Given(task=ModelTask.BINARY))


@pytest.mark.parametrize("content", ["", "row_id,label\n", "row_id,label,score\nr1,x,y\n"])
def test_a_file_that_cannot_be_registered_leaves_no_table(root: Path, store: Store, content: str) -> None:
    (root / "model.bin").write_bytes(b"weights")
    (root / "held.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError):
        add(root, store, root / "model.bin", Given(evaluation=root / "held.csv"))
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    assert not events.events(store, kind="model.added")


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_taken_and_never_loaded(root: Path, store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (root / "model.pkl").write_bytes(pickle.dumps(Trap(mark)))
    added = add(root, store, root / "model.pkl")
    assert not mark.exists()
    assert added.choices[0].why.startswith("assumed, since nothing tells")
    assert "its gates fail, unless [models.m] says allow_pickle = true" in added.notes[0]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_a_skops_file_that_is_none_tells_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    assert estimator_in(path) is None


@pytest.mark.parametrize(("name", "path"), [("a b", None), ("m", "none.bin")])
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    root: Path, store: Store, name: str, path: str | None
) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        add(root, store, None if path is None else root / path, name=name)
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"


def test_what_was_added_is_taken_out_and_its_versions_stay(root: Path, store: Store) -> None:
    (root / "model.bin").write_bytes(b"weights")
    add(root, store, root / "model.bin", Given(task=ModelTask.BINARY))
    removed = remove_model(open_workspace(root), store, "m")
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    assert removed.stays[0].startswith("1 version on their rungs (candidate v1)")
    assert models.model(store, "m").versions == 1
    assert (root / "model.bin").read_bytes() == b"weights"
    assert add(root, store).choices[0].words == "guessed: task = binary (as its first version was registered)"


def make_repo(path: Path) -> Path:
    path.mkdir(parents=True)
    run_git(path, "init", "-q")
    commit(path)
    return path


@pytest.fixture
def repo(root: Path) -> Path:
    return make_repo(root / "src" / "app")


def test_a_repo_stands_in_the_file_from_then_on_until_it_is_forgotten(root: Path, store: Store, repo: Path) -> None:
    added = add_repo(open_workspace(root), store, repo, name=None, trust=True)
    assert added.repo is not None
    assert (added.repo.configured, added.repo.trusted) == (True, True)
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == '# mine\n\n[repos.app]\npath = "src/app"\n'
    assert not add_repo(open_workspace(root), store, repo, name=None, trust=False).edit.changed
    removed = remove_repo(open_workspace(root), store, "app")
    assert removed.stays == ("0 runs", f"the folder {repo}")
    assert (root / "opsconsole.toml").read_text(encoding="utf-8") == "# mine\n"
    assert registration.known(open_workspace(root), store) == []
    assert repo.is_dir()


def test_a_table_that_says_more_than_where_the_repo_is_goes_only_when_that_is_meant(
    root: Path, store: Store, repo: Path
) -> None:
    add_repo(open_workspace(root), store, repo, name=None, trust=False)
    with (root / "opsconsole.toml").open("a", encoding="utf-8") as file:
        file.write('[repos.app.pipelines.pack]\nrun = "make"\n')
    with pytest.raises(ConfirmationError, match="says pipelines besides"):
        remove_repo(open_workspace(root), store, "app")
    remove_repo(open_workspace(root), store, "app", yes=True)
    assert load(root / "opsconsole.toml").repos == {}


def test_a_repo_that_cannot_be_written_to_the_file_is_not_half_added(root: Path, store: Store, repo: Path) -> None:
    (root / "opsconsole.toml").chmod(0o444)
    with pytest.raises(RefusedError, match="read-only"):
        add_repo(open_workspace(root), store, repo, name=None, trust=True)
    assert registration.known(open_workspace(root), store) == []


def test_a_name_that_belongs_to_another_repo_is_refused(root: Path, store: Store, repo: Path) -> None:
    add_repo(open_workspace(root), store, repo, name="lib", trust=False)
    other = make_repo(root / "other")
    with pytest.raises(ConflictError, match="'lib' belongs to"):
        add_repo(open_workspace(root), store, other, name="lib", trust=False)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_password_in_a_url_is_refused_and_not_repeated(root: Path, store: Store, *, dry_run: bool) -> None:
    source = Source("https://me:s3cret@example.com/a/b.git")
    before = (root / "opsconsole.toml").read_bytes()
    with pytest.raises(UsageError, match=r"^example\.com/a/b\.git: a password") as refused:
        add_clone(open_workspace(root), store, source, name="b", trust=False, dry_run=dry_run)
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"
    assert (root / "opsconsole.toml").read_bytes() == before
