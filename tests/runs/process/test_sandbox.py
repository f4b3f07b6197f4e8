"""What a step may write and see: its own, and nothing of its neighbours'."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.core.nouns import RunState
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.process import sandbox
from opsconsole.runs.process.privacy import scrubbed
from opsconsole.runs.process.sandbox import Sandbox
from tests.runs.bench import SANDBOX, Bench, commit_all

CONFINED = pytest.mark.skipif(sandbox.available().kind != "landlock", reason="this kernel has no Landlock")
STEAL = """
import os, re
found, p = [], os.getppid()
chain = []
while p > 1:
    chain.append(p)
    p = int(open(f"/proc/{p}/stat").read().rpartition(")")[2].split()[1])
for p in chain:
    try:
        if b"own-unnamed-token" in open(f"/proc/{p}/environ", "rb").read():
            found.append(f"environment of {p}")
    except OSError:
        pass
    try:
        memory = open(f"/proc/{p}/mem", "rb", 0)
        for line in open(f"/proc/{p}/maps"):
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match:
                begin, end = (int(word, 16) for word in match.groups())
                memory.seek(begin)
                try:
                    if b"secret-of-" + b"step-two" in memory.read(min(end - begin, 32 << 20)):
                        found.append(f"memory of {p}")
                except OSError:
                    pass
    except OSError:
        pass
open(os.environ["OPSCONSOLE_OUT"] + "/stolen", "w").write("; ".join(found))
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder on the disk: shared memory, where other tests write, is open to every step."""
    with tempfile.TemporaryDirectory(prefix="opsconsole-sandbox-") as folder:
        yield Path(folder)


def confined(bench: Bench, steps: str, more: str = "", head: str = "") -> None:
    bench.pipelines(f"{more}\n[repos.app.pipelines.job]\nsteps = [{steps}]\n{head}")
    file = bench.root / "opsconsole.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(SANDBOX, ""), encoding="utf-8")
    from opsconsole.config.workspace import open_workspace

    bench.workspace = open_workspace(bench.root)


def own(text: str) -> str:
    return '{ name = "job", run = """' + text + '""" }'


@CONFINED
def test_a_step_writes_what_is_its_own_and_nothing_else(bench: Bench) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", encoding="utf-8")
    cannot = [
        f"echo x >{outside}/new",
        f"echo x >{outside}/kept",
        f"rm {outside}/kept",
        f"mkdir {outside}/folder",
        f"ln -s / {outside}/link",
        f"mv {outside}/kept {outside}/moved",
        f": >>{bench.root}/opsconsole.toml",
        f": >>{bench.workspace.state}/store.db",
        ": >>$OPSCONSOLE_OUT/../run.json",
        ": >>$OPSCONSOLE_OUT/../events.jsonl",
        ": >>/etc/opsconsole",
        f"cp -l {outside}/kept here",
    ]
    refused = "\n".join(
        f"({command}) 2>/dev/null && echo WROTE {number} && exit 1" for number, command in enumerate(cannot)
    )
    may = "echo x >here; mkdir d; mv here d/there; ln d/there e; echo x >$OPSCONSOLE_OUT/o; echo x >$TMPDIR/t"
    more = "mv $TMPDIR/t $OPSCONSOLE_OUT/moved; echo x >/dev/null; python3 -c 'import multiprocessing as m; m.Lock()'"
    confined(bench, own(f"{may}; {more}\n{refused}\ntrue"))
    record = bench.run()
    assert record.state is RunState.PASSED, bench.log(record.id)
    assert (outside / "kept").read_text(encoding="utf-8") == "kept"
    assert sorted(path.name for path in outside.iterdir()) == ["kept"]


@CONFINED
def test_what_a_repo_writes_besides_is_named_in_the_workspace_and_made(bench: Bench) -> None:
    confined(bench, own("echo x >$OPSCONSOLE_WORKSPACE/data/in/rows"), more='writes = ["data/in"]')
    record = bench.run()
    assert record.state is RunState.PASSED, bench.log(record.id)
    assert (bench.root / "data" / "in" / "rows").exists()
    planned = plan(bench.workspace, bench.store, "app/job")
    assert planned.writable is not None
    assert str(bench.root / "data/in") in planned.writable


@CONFINED
def test_a_repos_own_file_cannot_widen_what_it_may_write(bench: Bench) -> None:
    (bench.repo / "opsconsole.toml").write_text(
        '[pipelines.job]\nrun = "true"\nwrites = ["/"]\nsandbox = "off"\n', encoding="utf-8"
    )
    commit_all(bench.repo, "Widen")
    from opsconsole.core.errors import ConfigError

    with pytest.raises(ConfigError, match=r"writes|sandbox"):
        plan(bench.workspace, bench.store, "app/job")


@CONFINED
def test_a_kept_environment_is_read_only_for_those_who_use_it(bench: Bench) -> None:
    steps = (
        '{ name = "make", run = "mkdir -p o; echo good >o/tool", cache = { inputs = ["README"], outputs = ["o"] } },'
        '{ name = "use", run = "for f in $OPSCONSOLE_WORKSPACE/.opsconsole/cache/*/0/tool; do'
        ' (echo bad >$f) 2>/dev/null && exit 1; done; true", needs = ["make"] }'
    )
    confined(bench, steps)
    assert bench.run().state is RunState.PASSED
    (kept,) = (bench.workspace.state / "cache").glob("*/0/tool")
    assert kept.read_text(encoding="utf-8") == "good\n"


def test_a_step_sees_nothing_of_the_runs_own_processes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = bench.root / "s2"
    secret.write_text("secret-of-step-two\n", encoding="utf-8")
    secret.chmod(0o600)
    monkeypatch.setenv("OTHER_TOKEN", "own-unnamed-token")
    monkeypatch.setenv("IN_ENV", "secret-of-step-two")
    (bench.repo / "steal.py").write_text(STEAL, encoding="utf-8")
    commit_all(bench.repo, "Steal")
    confined(
        bench,
        f'{{ name = "one", run = "{sys.executable} steal.py" }}, '
        '{ name = "two", run = "test \\"$S2$IN_ENV\\" = secret-of-step-twosecret-of-step-two", secrets = ["S2", "IN_ENV"], needs = ["one"] }',
        head=f'[secrets.S2]\nfile = "{secret}"\n',
    )
    record = bench.run()
    assert record.state is RunState.PASSED, bench.log(record.id, "two")
    stolen = (bench.folder(record.id).out / "stolen").read_text(encoding="utf-8")
    assert "memory" not in stolen
    assert "environment" not in stolen


def test_the_runs_own_processes_start_with_what_they_need_alone() -> None:
    outer = {
        "PATH": "/bin",
        "HOME": "/h",
        "TOKEN": "t",
        "NAMED": "n",
        "OPSCONSOLE_ACTOR": "a",
        "AWS_SECRET_ACCESS_KEY": "k",
    }
    assert scrubbed(outer, ["NAMED"]) == {"PATH": "/bin", "HOME": "/h", "NAMED": "n", "OPSCONSOLE_ACTOR": "a"}


def test_bubblewrap_gets_the_same_rule_where_there_is_no_landlock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "available", lambda: sandbox.Confinement("bubblewrap", "/usr/bin/bwrap"))
    box = Sandbox([tmp_path, tmp_path / "absent"])
    box.prepare()
    assert box.enter is None
    assert box.prefix == [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev-bind",
        "/dev",
        "/dev",
        "--bind",
        str(tmp_path),
        str(tmp_path),
        "--",
    ]


def test_without_either_nothing_is_claimed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "opsconsole.runs.plan.writable_paths.available",
        lambda: sandbox.Confinement("none", "neither Landlock nor bubblewrap"),
    )
    confined(bench, own("true"))
    assert plan(bench.workspace, bench.store, "app/job").writable is None


@CONFINED
def test_plan_says_what_is_in_force(bench: Bench) -> None:
    from opsconsole.core.process import own_python

    confined(bench, own("true"))
    answer = subprocess.run(
        own_python("opsconsole", "-C", str(bench.root), "plan", "app/job"), check=True, capture_output=True, text=True
    )
    assert "Landlock" in answer.stdout


@CONFINED
def test_a_step_that_was_refused_a_write_says_where_more_is_allowed(bench: Bench) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    confined(bench, own(f"echo x >{outside}/new"))
    refused = bench.run("app/job")
    assert refused.state is RunState.FAILED
    assert refused.error is not None
    assert "`writes` of its [repos] table" in refused.error
    confined(bench, own("exit 3"))
    assert bench.run("app/job").error == "step job: exit 3"
