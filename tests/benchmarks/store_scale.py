"""Every list and verb on a store of a million runs, beside the same on a thousand runs and a page by primary key.

    python -m tests.benchmarks.store_scale [--runs 1000000] [--results 10000000] [--tests 5000] [--rounds 15]
        [--folder FOLDER]  where the large store is made, and kept for the next time

Each figure is the median and the worst of the rounds, each round of another run, repo or test. ``× small`` is the ratio
of the medians to the same statement on a store of 1,000 runs, ``× page`` that to ``SELECT … LIMIT 50`` by primary key on
the large store. The target is 50 ms for the worst; whether it is met is printed, nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.pilot import Pilot

from opsconsole.cli.root import root_command
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.rows import RowList
from opsconsole.store import runs
from opsconsole.store.connection import Store, open_store
from tests.benchmarks.store_cases import CASES, Chooser, write_large_run
from tests.benchmarks.store_seed import KEPT, REPOS, Sizes, fill

TARGET_MS = 50.0
TABS = ("overview", "builds", "activity")
NO_LISTS = ("take in", "opsconsole store prune")
"""Work in the background: told, not held to the target. Prune measures every folder there is."""
PAGE = "SELECT * FROM runs ORDER BY id DESC LIMIT 50"
Times = dict[str, list[float]]


def make(root: Path, sizes: Sizes) -> None:
    """Make a workspace whose store is of these sizes, unless it is there."""
    if (root / "opsconsole.toml").exists():
        return
    began = time.monotonic()
    root.mkdir(parents=True, exist_ok=True)
    fill(root / ".opsconsole", sizes)
    for number in range(max(sizes.runs - KEPT, 0) + 1, sizes.runs + 1):
        (root / ".opsconsole" / "runs" / str(number)).mkdir(parents=True)
    tables = "".join(f'[repos.{name}]\npath = "repos/{name}"\n' for name in REPOS)
    models = '[models.flights]\ntask = "binary"\n'
    (root / "opsconsole.toml").write_text(f'[workspace]\nname = "scale"\n{tables}{models}', encoding="utf-8")
    size = (root / ".opsconsole" / "store.db").stat().st_size
    seconds = time.monotonic() - began
    print(f"seeded {sizes.runs:,} runs and about {sizes.results:,} results: {size / 1e9:.2f} GB in {seconds:.0f} s")


@contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    """Note how many milliseconds the block took."""
    began = time.perf_counter()
    yield
    times.setdefault(name, []).append((time.perf_counter() - began) * 1e3)


def queries(root: Path, sizes: Sizes, rounds: int) -> Times:
    """Measure every query; each once before, so that what is compiled is compiled."""
    times: Times = {}
    chooser = Chooser(sizes)
    with open_store(root / ".opsconsole", readonly=True) as store:
        for name, ask in ({"page by primary key": _page} | CASES).items():
            ask(store, chooser)
            for _ in range(rounds):
                with timed(times, name):
                    ask(store, chooser)
    return times


def _page(store: Store, _: Chooser) -> object:
    return store.rows(PAGE)


def verbs(root: Path, sizes: Sizes, rounds: int) -> Times:
    """Measure the verbs of the command line in this process: from the words to the printed answer."""
    chooser = Chooser(sizes)
    lines: dict[str, Callable[[], list[str]]] = {
        "status": lambda: ["status", "--json"],
        "runs": lambda: ["runs", "--json"],
        "runs --repo --state": lambda: ["runs", "--repo", chooser.repo(), "--state", "error"],
        "show RUN": lambda: ["show", str(chooser.tested()), "--json"],
        "tests RUN": lambda: ["tests", str(chooser.tested())],
        "tests RUN --failed": lambda: ["tests", str(chooser.tested()), "--failed"],
        "tests RUN --slowest 10": lambda: ["tests", str(chooser.tested()), "--slowest", "10"],
        "flaky REPO": lambda: ["flaky", chooser.repo()],
        "history REPO TEST": lambda: ["history", *chooser.test()],
        "compare RUN RUN": lambda: ["compare", str(chooser.tested()), str(chooser.tested())],
        "events --kind model.": lambda: ["events", "--kind", "model."],
        "events --since": lambda: ["events", "--since", chooser.since()],
        "alert ls": lambda: ["alert", "ls"],
        "store prune --dry-run": lambda: ["store", "prune", "--dry-run"],
    }
    times: Times = {}
    for name, words in lines.items():
        for number in range(rounds + 1):
            with timed({} if number == 0 else times, f"opsconsole {name}"):
                _say(["-C", str(root), "--readonly", *words()])
    return times


def _say(words: list[str]) -> None:
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")):
        root_command.main(args=words, prog_name="opsconsole", standalone_mode=False)


async def tabs(root: Path, rounds: int) -> Times:
    """Measure what the tabs read and lay out, through the real app: first when they open, then each time they read anew."""
    times: Times = {}
    app = ConsoleApp(root, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        for name in TABS:
            app.open_tab(name)
            await pilot.pause()
            await pilot.pause()
            for _ in range(rounds):
                with timed(times, f"tab {name}: read and laid out"):
                    app.tab.load()
            if name == "builds":
                await _largest(app, pilot, times, rounds)
        for _ in range(rounds):
            with timed(times, "the whole console: refresh of data"):
                app.refresh_data()
    return times


async def _largest(app: ConsoleApp, pilot: Pilot[None], times: Times, rounds: int) -> None:
    """Measure the Builds tab on the repo of most runs: at its end, in its middle, and sorted by time taken."""
    app.tab.reveal("repo", REPOS[0])
    listing = app.tab.query_one("#runs", RowList)
    for where in ("newest", "oldest", "by time taken"):
        listing.action_end(-1 if where == "newest" else 1)
        if where == "by time taken":
            app.tab.sort()
        await pilot.pause()
        for _ in range(rounds):
            with timed(times, f"tab builds: the largest repo, {where}"):
                app.tab.load()


def intakes(root: Path, sizes: Sizes, rounds: int) -> Times:
    """Measure the intake's transaction for a run of 10,000 tests, on a store that knows them and not."""
    times: Times = {}
    with open_store(root / ".opsconsole") as store:
        for _ in range(max(rounds // 3, 2)):
            new = runs.count(store, repo="large") == 0
            with timed(times, f"take in 10,000 tests, {'new' if new else 'known'}"):
                write_large_run(store)
    return times


def measure(root: Path, sizes: Sizes, rounds: int) -> Times:
    """Measure everything of one store; the intake first, so that there is a run of 10,000 tests to look at."""
    times = intakes(root, sizes, rounds)
    times |= queries(root, sizes, rounds)
    times |= asyncio.run(tabs(root, rounds))
    return times | verbs(root, sizes, rounds)


def report(large: Times, small: Times) -> None:
    """Print the table."""
    page = statistics.median(large["page by primary key"])
    print(f"{'':<52}{'median':>10}{'worst':>10}{'× small':>9}{'× page':>9}   target {TARGET_MS:g} ms")
    for name, found in large.items():
        median, worst = statistics.median(found), max(found)
        beside = statistics.median(small.get(name, found))
        met = "no list" if name.startswith(NO_LISTS) else "met" if worst <= TARGET_MS else "NOT MET"
        print(f"{name:<52}{median:>8.2f}ms{worst:>8.2f}ms{median / beside:>9.2f}{median / page:>9.2f}   {met}")


def main() -> None:
    """Seed both stores, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--results", type=int, default=10_000_000)
    parser.add_argument("--tests", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path)
    wanted = parser.parse_args()
    sizes = Sizes(wanted.runs, wanted.results, wanted.tests)
    few = Sizes(1_000, 1_000 * wanted.results // wanted.runs, wanted.tests)
    with tempfile.TemporaryDirectory(prefix="opsconsole-scale-") as folder:
        large, small = wanted.folder or Path(folder) / "large", Path(folder) / "small"
        make(large, sizes)
        make(small, few)
        report(measure(large, sizes, wanted.rounds), measure(small, few, wanted.rounds))


if __name__ == "__main__":
    main()
