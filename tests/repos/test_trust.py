"""What trust binds to: the very repo, by its first commit and origin, and refs by whose they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import ConfirmationError, RefusedError
from opsconsole.lifecycle.software.building import start_rerun, start_run
from opsconsole.repos import registration
from opsconsole.repos.standing import Owner, standing_of
from opsconsole.runs.plan.planner import plan
from opsconsole.store import events, repos
from tests.runs.bench import Bench, commit_all
from tests.runs.conftest import bench, own_git  # noqa: F401 - fixtures


def git(repo: Path, *words: str) -> str:
    answer = subprocess.run(["git", "-C", str(repo), *words], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def make(path: Path, run: str) -> Path:
    path.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    (path / "opsconsole.toml").write_text(f"[pipelines.build]\nrun = {json.dumps(run)}\n", encoding="utf-8")
    commit_all(path, f"Run {run}")
    return path


def rewrite(bench: Bench, text: str, message: str = "Change") -> str:  # noqa: F811
    (bench.repo / "opsconsole.toml").write_text(text, encoding="utf-8")
    return commit_all(bench.repo, message)


def test_another_repo_put_at_the_path_asks_again(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    good, evil = make(tmp_path / "good", "true"), make(tmp_path / "evil", "false")
    registration.add(bench.workspace, bench.store, good, name="lib", trust=True)
    assert registration.named(bench.workspace, bench.store, "lib").trusted
    good.rename(tmp_path / "away")
    shutil.copytree(evil, good)
    swapped = registration.named(bench.workspace, bench.store, "lib")
    assert not swapped.trusted
    with pytest.raises(RefusedError, match="not the repo that was trusted"):
        start_run(bench.workspace, bench.store, "lib")
    registration.trust(bench.workspace, bench.store, "lib")
    assert registration.named(bench.workspace, bench.store, "lib").trusted


def test_another_url_under_the_name_asks_again(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    first, second = make(tmp_path / "first", "true"), make(tmp_path / "second", "false")
    toml = bench.root / "opsconsole.toml"
    toml.write_text(f'[repos.u]\nurl = "file://{first}"\n', encoding="utf-8")
    from opsconsole.repos import remotes

    workspace = open_workspace(bench.root)
    remotes.fetch(registration.named(workspace, bench.store, "u"))
    registration.trust(workspace, bench.store, "u")
    assert registration.named(workspace, bench.store, "u").trusted
    toml.write_text(f'[repos.u]\nurl = "file://{second}"\n', encoding="utf-8")
    changed = open_workspace(bench.root)
    assert not registration.named(changed, bench.store, "u").trusted, "the URL alone tells"
    shutil.rmtree(changed.clones / "u")
    remotes.fetch(registration.named(changed, bench.store, "u"))
    assert not registration.named(changed, bench.store, "u").trusted


def test_trust_of_an_older_program_is_bound_when_the_repo_runs(bench: Bench) -> None:  # noqa: F811
    with bench.store.immediate() as connection:
        connection.execute("UPDATE repos SET root = NULL, origin = NULL")
    bench.task("true")
    bench.run()
    record = repos.get(bench.store, "app")
    assert record is not None
    assert record.root == git(bench.repo, "rev-list", "--max-parents=0", "HEAD")


def test_whose_a_ref_is(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    def owner(rev: str | None, *patterns: str, repo: Path = bench.repo) -> Owner:
        commit = git(repo, "rev-parse", f"{rev or 'HEAD'}^{{commit}}")
        return standing_of(repo, rev, commit, patterns).owner

    git(bench.repo, "tag", "v1")
    git(bench.repo, "branch", "mine")
    tree = git(bench.repo, "write-tree")
    theirs = git(bench.repo, "commit-tree", tree, "-p", "HEAD", "-m", "theirs")
    git(bench.repo, "update-ref", "refs/remotes/origin/feature/x", theirs)
    git(bench.repo, "tag", "theirs", theirs)
    here = git(bench.repo, "commit-tree", tree, "-p", "HEAD", "-m", "here")
    git(bench.repo, "branch", "side", here)
    assert [owner(rev) for rev in (None, "HEAD", "main", "v1", "mine")] == [Owner.OWN] * 5
    assert [owner(rev) for rev in ("side", here)] == [Owner.LOCAL] * 2
    assert [owner(rev) for rev in ("origin/feature/x", theirs, "theirs")] == [Owner.FOREIGN] * 3
    assert owner("origin/feature/x", "feature/*") is Owner.TRUSTED
    assert owner("theirs", "other", "thei*") is Owner.TRUSTED
    git(bench.repo, "update-ref", "refs/remotes/origin/main", theirs)
    git(bench.repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert owner("origin/feature/x") is Owner.OWN, "what the origin's default branch contains"
    bare = tmp_path / "bare.git"
    git(bench.repo, "branch", "-f", "fetched", here)
    subprocess.run(["git", "clone", "-q", "--bare", str(bench.repo), str(bare)], check=True)
    assert owner("fetched", repo=bare) is Owner.FOREIGN, "a mirror has no branches of its own"
    assert owner("main", repo=bare) is Owner.OWN


def test_a_fetched_branch_is_asked_about_and_gets_no_secret_unless_it_was_trusted(
    bench: Bench,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEY", "hunter2-deploy")
    monkeypatch.setenv("TOKEN", "passed-on-42")
    rewrite(bench, '[pipelines.build]\nsecrets = ["KEY"]\nrun = "echo ours"\n')
    theirs = rewrite(
        bench,
        '[pipelines.build]\nsecrets = ["KEY"]\npass = ["TOKEN"]\nrun = "echo [$KEY$TOKEN] >$OPSCONSOLE_OUT/seen"\n',
    )
    git(bench.repo, "update-ref", "refs/remotes/origin/pr", theirs)
    git(bench.repo, "reset", "-q", "--hard", "HEAD~1")
    bench.pipelines("")
    with pytest.raises(ConfirmationError, match="not yours") as asked:
        start_run(bench.workspace, bench.store, "app", rev="origin/pr")
    assert "pass_env nothing →" in asked.value.message
    assert "echo ours" in asked.value.message
    assert asked.value.message == "; ".join(asked.value.asks), "each thing by itself, too"
    assert len(asked.value.asks) > 1
    planned = plan(bench.workspace, bench.store, "app", rev="origin/pr")
    assert (planned.owner, planned.secrets, planned.passed_on) == (Owner.FOREIGN, (), ())
    run = bench.wait(start_run(bench.workspace, bench.store, "app", rev="origin/pr", asked=True))
    seen = bench.folder(run.id).out / "seen"
    assert seen.read_text(encoding="utf-8").strip() in {"[]", "[***]"}
    assert "hunter2" not in seen.read_text(encoding="utf-8")
    with pytest.raises(ConfirmationError):
        start_rerun(bench.workspace, bench.store, run.id)
    registration.trust_refs(bench.workspace, bench.store, "app", ["pr"], trusted=True)
    assert plan(bench.workspace, bench.store, "app", rev="origin/pr").passed_on == ("TOKEN",)
    registration.trust_refs(bench.workspace, bench.store, "app", ["pr"], trusted=False)
    assert plan(bench.workspace, bench.store, "app", rev="origin/pr").passed_on == ()
    kinds = [event.kind for event in events.events(bench.store, kind="repo.ref_", limit=9)]
    assert sorted(kinds) == ["repo.ref_distrusted", "repo.ref_trusted"]


def test_a_branch_here_that_asks_for_more_than_what_is_checked_out_is_asked_about(bench: Bench) -> None:  # noqa: F811
    rewrite(bench, '[pipelines.build]\nrun = "true"\n')
    git(bench.repo, "checkout", "-q", "-b", "pr")
    rewrite(bench, '[pipelines.build]\nrun = "false"\n')
    git(bench.repo, "checkout", "-q", "-b", "greedy")
    rewrite(bench, '[pipelines.build]\nsecrets = ["KEY"]\nrun = "false"\n')
    git(bench.repo, "checkout", "-q", "main")
    bench.pipelines("")
    assert plan(bench.workspace, bench.store, "app", rev="pr").asks == ()
    with pytest.raises(ConfirmationError, match="greedy asks for KEY"):
        start_run(bench.workspace, bench.store, "app", rev="greedy")
    git(bench.repo, "checkout", "-q", "greedy")
    assert plan(bench.workspace, bench.store, "app").asks == (), "the operator checked it out"


def test_no_question_runs_a_command_of_an_untrusted_repo_or_of_a_ref_that_is_not_ours(
    bench: Bench,  # noqa: F811
    tmp_path: Path,
) -> None:
    ran = tmp_path / "ran"
    cached = (
        f'[pipelines.build]\nsteps = [{{name="a", run="true", cache={{inputs=["**"], versions=["touch {ran}"]}}}}]\n'
    )
    evil = make(tmp_path / "evil", "true")
    (evil / "opsconsole.toml").write_text(cached, encoding="utf-8")
    commit_all(evil, "Cache")
    registration.add(bench.workspace, bench.store, evil)
    plan(bench.workspace, bench.store, "evil")
    with pytest.raises(RefusedError):
        start_run(bench.workspace, bench.store, "evil")
    theirs = rewrite(bench, cached)
    git(bench.repo, "update-ref", "refs/remotes/origin/pr", theirs)
    git(bench.repo, "reset", "-q", "--hard", "HEAD~1")
    bench.pipelines("")
    plan(bench.workspace, bench.store, "app", rev="origin/pr")
    assert not ran.exists()
    own = rewrite(bench, cached)
    plan(bench.workspace, bench.store, "app", rev=own)
    assert ran.exists()


def test_what_a_foreign_ref_made_is_not_what_ours_is_built_with(bench: Bench) -> None:  # noqa: F811
    rewrite(bench, '[pipelines.build]\nsteps = [{name="a", run="true", cache={inputs=["README"], outputs=["o"]}}]\n')
    git(bench.repo, "update-ref", "refs/remotes/origin/pr", commit_all(bench.repo, "Same"))
    git(bench.repo, "reset", "-q", "--hard", "HEAD~1")
    bench.pipelines("")
    keys = set()
    for rev in (None, "origin/pr"):
        (step,) = plan(bench.workspace, bench.store, "app", rev=rev).steps
        assert step.cache is not None
        keys.add(step.cache.key)
    assert len(keys) == 2
