"""What `opsconsole run` adds to a command: a trivial step, its phases, twenty runs at once, and a step that says much.

    python -m tests.benchmarks.run_overhead [--rounds 11] [--lines 100000] [--seconds 5] [--at-once 20]

The peers, in turns with ours in the same run: ``sh -ec true`` in the checkout, and the same between ``git worktree add``
and ``git worktree remove``. The phases are read from the journal, from the row and from the kernel. A step that says much
is held against ``sh -c … > file``. The target for a trivial step is 0.5 s added; nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from opsconsole.config.workspace import open_workspace
from opsconsole.core import clock
from opsconsole.repos import registration
from opsconsole.runs.record.folder import run_folder
from opsconsole.runs.record.journal import replay
from opsconsole.store import runs
from opsconsole.store.connection import open_store
from tests.console.world import environment

CONFIG = """
[workspace]
slots = 20
[repos.app]
path = "repos/app"
[repos.app.pipelines.trivial]
kind = "task"
run = "true"
[repos.app.pipelines.sleep]
run = "sleep 0.2"
[repos.app.pipelines.talk]
run = '''{talk}'''
"""
TALK = """
import sys, time
start, said = time.monotonic(), 0
while said < {lines} * {seconds}:
    due = min(int((time.monotonic() - start) * {lines}), {lines} * {seconds})
    sys.stdout.write("".join(f"2026-01-05 10:00:00 INFO worker: line {{n}} loss {{n * 37 % 1000}}\\n" for n in range(said, due)))
    sys.stdout.flush()
    said = due
    time.sleep(0.01)
"""
TARGET_S = 0.5


class Ground:
    """A workspace with a small repo, and ways to run things in it."""

    def __init__(self, root: Path, lines: int, seconds: int) -> None:
        self.root = root
        self.repo = root / "repos" / "app"
        self.repo.mkdir(parents=True)
        self.env = environment(root.parent)
        (root / "talk.py").write_text(TALK.format(lines=lines, seconds=seconds), encoding="utf-8")
        self.talk = f"{sys.executable} {root / 'talk.py'}"
        (root / "opsconsole.toml").write_text(CONFIG.format(talk=self.talk), encoding="utf-8")
        (self.repo / "README").write_text("app\n", encoding="utf-8")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "Begin")
        workspace = open_workspace(root)
        with open_store(workspace.state) as store:
            registration.trust(workspace, store, "app")

    def git(self, *words: str) -> None:
        """Run git in the repo."""
        subprocess.run(["git", "-C", str(self.repo), *words], check=True, env=self.env, capture_output=True)

    def ours(self, *words: str) -> None:
        """Run opsconsole as the operator does."""
        subprocess.run(
            [str(Path(sys.executable).with_name("opsconsole")), "-C", str(self.root), *words],
            check=True,
            env=self.env,
            capture_output=True,
        )

    def by_hand(self) -> None:
        """Run the trivial step in the checkout."""
        subprocess.run(["/bin/sh", "-ec", "true"], cwd=self.repo, check=True, env=self.env)

    def in_worktree(self) -> None:
        """Run it in a fresh work tree, which goes afterwards."""
        tree = self.root / "tree"
        self.git("worktree", "add", "--detach", "--force", str(tree), "HEAD")
        subprocess.run(["/bin/sh", "-ec", "true"], cwd=tree, check=True, env=self.env)
        self.git("worktree", "remove", "--force", str(tree))


def seconds_of(act: Callable[[], object]) -> float:
    """Return how long an act takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def trivial(ground: Ground, rounds: int) -> None:
    """Measure a trivial step in turns with its peers."""
    acts: dict[str, Callable[[], object]] = {
        "sh -ec true": ground.by_hand,
        "worktree add, sh, remove": ground.in_worktree,
        "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True, env=ground.env),
        "opsconsole --version": lambda: ground.ours("--version"),
        "opsconsole run, detached": lambda: ground.ours("run", "app/trivial", "--detach"),
        "opsconsole run": lambda: ground.ours("run", "app/trivial"),
    }
    found: dict[str, list[float]] = {name: [] for name in acts}
    phases: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, act in acts.items():
            began = clock.now().timestamp()
            seconds = seconds_of(act)
            _settle(ground)
            if number:
                found[name].append(seconds)
            if number and name == "opsconsole run":
                for phase, took in _phases(ground, began, began + seconds).items():
                    phases.setdefault(phase, []).append(took)
    ours = found["opsconsole run"]
    for name, times in found.items():
        ratio = statistics.median(mine / other for mine, other in zip(ours, times, strict=True))
        added = statistics.median(mine - other for mine, other in zip(ours, times, strict=True))
        print(
            f"{name:<28}{statistics.median(times) * 1e3:8.1f} ms  worst {max(times) * 1e3:7.1f} ms"
            f"   opsconsole run is {ratio:6.1f} × of it, {added:6.3f} s added"
        )
    added = statistics.median(mine - other for mine, other in zip(ours, found["sh -ec true"], strict=True))
    print(f"added to running it by hand  {added:.3f} s   target {TARGET_S} s   {_met(added <= TARGET_S)}")
    for phase, spent in phases.items():
        print(f"  {phase:<42}{statistics.median(spent) * 1e3:8.1f} ms")


def _settle(ground: Ground) -> None:
    """Wait until nobody holds a run any more, so that the next figure is of itself alone."""
    workspace = open_workspace(ground.root)
    with open_store(workspace.state) as store:
        while runs.live(store):
            time.sleep(0.02)
    time.sleep(0.1)


def _phases(ground: Ground, began: float, ended: float) -> dict[str, float]:
    """Return where the newest run's time went, in seconds, from one clock that all its processes read."""
    workspace = open_workspace(ground.root)
    with open_store(workspace.state) as store:
        record = runs.page(store, limit=1)[0]
        row = store.row("SELECT at FROM events WHERE subject = ? AND kind = 'run.passed'", (f"run {record.id}",))
    lines = run_folder(workspace.state, record.id).journal.read_bytes().splitlines()
    stamps: dict[str, float] = {}
    for end in range(1, len(lines) + 1):
        history = replay(lines[:end])
        step = next(iter(history.steps.values()), None)
        for name, at in (
            ("started", history.started_at),
            ("step started", step.started_at if step else None),
            ("step ended", step.ended_at if step else None),
            ("ended", history.ended_at),
        ):
            if at is not None:
                stamps.setdefault(name, at.timestamp())
    assert row is not None
    created, taken = record.created_at.timestamp(), clock.from_text(row["at"]).timestamp()
    return {
        "start: command line, plan, row": created - began,
        "keeper and supervisor: to the first line": stamps["started"] - created,
        "runner and checkout: to the step": stamps["step started"] - stamps["started"],
        "the step": stamps["step ended"] - stamps["step started"],
        "the leftovers": stamps["ended"] - stamps["step ended"],
        "clearing and intake": taken - stamps["ended"],
        "the end: noticed and told": ended - taken,
    }


def at_once(ground: Ground, count: int) -> None:
    """Measure many runs at once, from the first start to the last outcome, beside the same by hand."""
    began = time.perf_counter()
    with ThreadPoolExecutor(count) as starters:
        list(starters.map(lambda _: ground.ours("run", "app/sleep"), range(count)))
    workspace = open_workspace(ground.root)
    with open_store(workspace.state) as store:
        seconds = time.perf_counter() - began
        bad = [run.id for run in runs.page(store, limit=count) if run.state != "passed"]
    began = time.perf_counter()
    trees = [subprocess.Popen(["/bin/sh", "-ec", "sleep 0.2"], cwd=ground.repo) for _ in range(count)]
    for tree in trees:
        tree.wait()
    floor = time.perf_counter() - began
    print(
        f"{count} runs at once            {seconds:8.2f} s   {seconds / count:.3f} s each; by hand {floor:.2f} s,"
        f" {seconds / floor:.1f} ×; {len(bad)} did not pass"
    )


def talking(ground: Ground, lines: int, seconds: int) -> None:
    """Measure what a step that says much costs us, beside writing to a file by hand, and beside a step that is silent."""
    output = ground.root / "by-hand.log"
    before = _children_cpu()
    subprocess.run(["/bin/sh", "-c", f"{ground.talk} > {output}"], check=True, env=ground.env)
    floor = _children_cpu() - before
    _, silent = _own_cpu(ground, "app/sleep")
    run_id, loud = _own_cpu(ground, "app/talk")
    log = run_folder(open_workspace(ground.root).state, run_id).log("talk")
    pumped = sum(loud.values()) - sum(silent.values())
    print(
        f"{lines:,} lines/s for {seconds} s      {pumped:8.3f} s of CPU more than for a silent step; the step by hand"
        f" {floor:.2f} s: {pumped / floor:.2f} × added, {pumped / seconds:.2%} of a core"
    )
    same = log.read_bytes() == output.read_bytes()
    print(f"  {log.stat().st_size / 1e6:.0f} MB in the log, the same bytes as by hand: {same}")
    for name, cpu in loud.items():
        print(f"  {name:<42}{cpu * 1e3:8.0f} ms, of a silent step {silent.get(name, 0.0) * 1e3:.0f} ms")
    output.unlink()


def _own_cpu(ground: Ground, target: str) -> tuple[int, dict[str, float]]:
    """Run a pipeline; return the run and the CPU seconds of our processes, as last seen before they ended."""
    ground.ours("run", target, "--detach")
    workspace = open_workspace(ground.root)
    found: dict[str, float] = {}
    with open_store(workspace.state) as store:
        run_id = runs.page(store, limit=1)[0].id
        while runs.live(store):
            for name, cpu in _cpu_of(run_id, str(workspace.state)).items():
                found[name] = max(found.get(name, 0.0), cpu)
            time.sleep(0.01)
    return run_id, found


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_of(run_id: int, state: str) -> dict[str, float]:
    """Return the CPU seconds of our own processes of a run, by what they are."""
    found: dict[str, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        module = next((word for word in words if word.startswith("opsconsole.runs.")), None)
        of_run = f"{state}/runs/{run_id}"
        if module is not None and (of_run in words or of_run.encode() in environ):
            found[module] = found.get(module, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _met(good: bool) -> str:
    return "met" if good else "NOT MET"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="opsconsole-overhead-") as folder:
        ground = Ground(Path(folder) / "workspace", wanted.lines, wanted.seconds)
        trivial(ground, wanted.rounds)
        if wanted.at_once:
            at_once(ground, wanted.at_once)
        if wanted.seconds:
            talking(ground, wanted.lines, wanted.seconds)


if __name__ == "__main__":
    main()
