"""The key handlers of Builds: build, rerun, cancel, bisect, compare, changes."""

from __future__ import annotations

from typing import Protocol

from opsconsole.console.host.host import Host
from opsconsole.console.processes.launch import start_run
from opsconsole.console.widgets.rows import RowList
from opsconsole.core.nouns import RunPurpose
from opsconsole.store import runs
from opsconsole.store.runs import RunRecord
from opsconsole.store.test_results import TestResult

OF_REPO = frozenset({"build", "build_with", "plan", "changes", "flaky"})
OF_RUN = frozenset({"rerun", "rerun_failed", "cancel", "bisect", "mark", "compare", "history", "keep"})
"""Which acts are about the repo at hand, and which about the run."""


class AtHand(Protocol):
    """What the tab has under its cursors."""

    @property
    def run(self) -> RunRecord | None:
        """The run."""

    def runs_list(self) -> RowList:
        """Return the list of runs, with its marks."""

    def repo_at_hand(self) -> str | None:
        """Return the repo."""

    def case_at_hand(self) -> TestResult | None:
        """Return the failed test."""

    def run_before(self, run: RunRecord) -> int | None:
        """Return the run of the same pipeline before a run."""


class BuildKeys:
    """The acts on the repo, the run and the test at hand."""

    def __init__(self, app: Host, tab: AtHand) -> None:
        self.app = app
        self.tab = tab

    def subject(self, verb: str) -> str:
        """Return what an act is about."""
        run, case = self.tab.run, self.tab.case_at_hand()
        if verb in OF_REPO:
            return self.tab.repo_at_hand() or ""
        if verb == "history" and case is not None:
            return case.test_id
        return f"#{run.id}" if verb in OF_RUN and run is not None else ""

    def blocked(self, verb: str) -> str:
        """Return why an act cannot be done now; empty when it can."""
        run = self.tab.run
        if verb in OF_REPO:
            return "" if self.tab.repo_at_hand() is not None else "no repo yet: :add PATH, or a URL"
        if verb not in OF_RUN:
            return ""
        if verb == "history" and (run is None or self.tab.case_at_hand() is None):
            return "no failed test under the cursor: opsconsole history REPO TEST shows any"
        if run is None:
            return "no run under the cursor"
        if verb == "cancel" and run.state.final:
            return f"run #{run.id} is over"
        if verb == "rerun_failed" and (run.tests is None or not run.tests.failed + run.tests.errors):
            return f"run #{run.id} has no failed tests: R runs it again whole"
        return ""

    def do_build(self) -> None:
        """Build the repo at hand."""
        repo = self._repo()
        if repo is not None:
            start_run(self.app, target=repo)

    def do_build_with(self) -> None:
        """Ask for pipeline and revision."""
        from opsconsole.console.builds.build import BuildDialog

        repo = self._repo()
        if repo is not None:
            self.app.push_screen(BuildDialog(repo))

    def do_plan(self) -> None:
        """Show what a run would do, and why."""
        from opsconsole.console.builds.plan import PlanDialog

        repo = self._repo()
        if repo is not None:
            run = self.tab.run
            self.app.push_screen(PlanDialog(f"{repo}/{run.pipeline}" if run is not None else repo))

    def do_rerun(self) -> None:
        """Run the run at hand again."""
        if self.tab.run is not None:
            start_run(self.app, "run.rerun", run=self.tab.run.id)

    def do_rerun_failed(self) -> None:
        """Run the failed tests of the run at hand again."""
        run = self.tab.run
        if run is None:
            return
        if run.tests is None or not run.tests.failed + run.tests.errors:
            self.app.say(f"run #{run.id} has no failed tests: R runs it again whole", "warn")
            return
        start_run(self.app, "run.rerun_failed", run=run.id)

    def do_cancel(self) -> None:
        """Cancel the run at hand."""
        run = self.tab.run
        if run is None or run.state.final:
            self.app.say("this run is over", "warn")
            return
        if run.purpose is RunPurpose.SERVE:
            from opsconsole.console.builds.stop_service import StopDialog

            self.app.push_screen(StopDialog(run))
            return
        self.app.carry_out("run.cancel", f"run #{run.id}: cancelling", run=run.id)

    def do_bisect(self) -> None:
        """Ask between which commits to look for the one that broke it."""
        from opsconsole.console.builds.bisect import BisectDialog

        run = self.tab.run
        if run is None:
            self.app.say("no run under the cursor", "warn")
            return
        case: TestResult | None = self.tab.case_at_hand()
        self.app.push_screen(BisectDialog(run, case.test_id if case is not None else None))

    def do_mark(self) -> None:
        """Mark the run at hand to compare it."""
        self.tab.runs_list().toggle_mark()

    def do_compare(self) -> None:
        """Compare the two marked runs, or the run at hand with the one of its pipeline before it."""
        from opsconsole.console.builds.compare_runs import RunsDialog

        marked = sorted(int(str(key)) for key in self.tab.runs_list().marked)
        run = self.tab.run
        if len(marked) == 2:
            before, after = marked
        elif run is not None and (earlier := self.tab.run_before(run)) is not None:
            before, after = earlier, run.id
        else:
            self.app.say("nothing to compare: space marks a run, mark two", "warn")
            return
        self.app.push_screen(RunsDialog(before, after))

    def do_changes(self) -> None:
        """Show what changed since the last green run."""
        from opsconsole.console.builds.changes import ChangesDialog

        repo = self._repo()
        if repo is not None:
            run = self.tab.run
            of_run = run is not None and run.repo == repo
            self.app.push_screen(
                ChangesDialog(repo, run.pipeline if of_run and run else "build", run.commit if of_run and run else None)
            )

    def do_flaky(self) -> None:
        """Show the tests of the repo that contradict themselves."""
        from opsconsole.console.builds.flaky import FlakyDialog

        repo = self._repo()
        if repo is not None:
            self.app.push_screen(FlakyDialog(repo))

    def do_history(self) -> None:
        """Show what the failed test under the cursor came to, run by run."""
        from opsconsole.console.builds.flaky import HistoryDialog

        run, case = self.tab.run, self.tab.case_at_hand()
        if run is None or case is None:
            self.app.say("no failed test under the cursor: opsconsole history REPO TEST shows any", "warn")
            return
        self.app.push_screen(HistoryDialog(run.repo, run.pipeline, case.test_id, case.variant))

    def do_keep(self) -> None:
        """Keep the run's logs and artifacts for good, or let retention have them again."""
        run = runs.get(self.app.store, self.tab.run.id) if self.tab.run is not None else None
        if run is None:
            return
        if run.pinned:
            self.app.carry_out("run.unpin", f"run #{run.id} may be pruned again", run=run.id)
        else:
            self.app.carry_out("run.pin", f"run #{run.id} is kept for good", run=run.id)

    def _repo(self) -> str | None:
        repo = self.tab.repo_at_hand()
        if repo is None:
            self.app.say("no repo yet: :add PATH, or a URL", "warn")
        return repo
