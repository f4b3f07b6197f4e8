"""Every key of the console, declared once: bindings, footer, ``?``, palette, ``:`` and README's table are made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.binding import Binding, BindingType

from opsconsole.ground.nouns import Danger

Place: TypeAlias = Literal["everywhere", "overview", "builds", "log", "models", "drift", "activity"]
PLACES: tuple[Place, ...] = ("everywhere", "overview", "builds", "log", "models", "drift", "activity")


@dataclass(frozen=True)
class Action:
    """One thing a key does in one place."""

    id: str
    """``place.verb``; the verb names the method ``do_verb`` of that place."""
    key: str
    """As Textual spells it; several by comma."""
    shown: str
    """As the operator reads it."""
    title: str
    help: str
    danger: Danger = Danger.READ
    footer: int = 0
    """Its rank in the footer, likeliest first; 0: not there."""

    @property
    def place(self) -> str:
        """Where it holds."""
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        """What it does."""
        return self.id.partition(".")[2]


_W, _P = Danger.WRITE, Danger.PRODUCTION

ACTIONS: tuple[Action, ...] = (
    Action("everywhere.overview", "1", "1", "Overview", "The loop at a glance."),
    Action("everywhere.builds", "2", "2", "Builds", "Repos, runs, steps, tests, logs."),
    Action("everywhere.models", "3", "3", "Models", "Models, versions, gates, promotion."),
    Action("everywhere.drift", "4", "4", "Drift", "Alerts and monitors."),
    Action("everywhere.activity", "5", "5", "Activity", "Who did what, why, and the command it amounts to."),
    Action("everywhere.next_pane", "tab", "Tab", "next pane", "Go to the next pane of the screen."),
    Action("everywhere.previous_pane", "shift+tab", "S-Tab", "previous pane", "Go to the previous pane."),
    Action("everywhere.back", "escape", "Esc", "back", "Leave a zoomed pane, a filter, a search."),
    Action("everywhere.last_view", "minus", "-", "last view", "Go back to the tab you came from."),
    Action(
        "everywhere.find",
        "slash",
        "/",
        "filter",
        "Filter a list, or search a log, whichever has the focus; ! is inverse.",
        footer=80,
    ),
    Action("everywhere.next_match", "n", "n", "next match", "The next match of a search."),
    Action("everywhere.previous_match", "N", "N", "previous match", "The previous match of a search."),
    Action(
        "everywhere.jump",
        "colon",
        ":",
        "jump",
        "Jump to a thing (:run 42, :model flights@production, :alert 3), or a rare act.",
        footer=90,
    ),
    Action("everywhere.keys", "question_mark", "?", "keys", "Every key that holds here.", footer=91),
    Action("everywhere.palette", "ctrl+p", "^p", "palette", "Every act by name."),
    Action("everywhere.copy", "y", "y", "copy", "Copy what is selected; says where it went."),
    Action("everywhere.open", "o", "o", "open outside", "Open the file at hand in $EDITOR, a log in $PAGER."),
    Action("everywhere.sort", "S", "S", "sort", "Sort the list by the next of its orders."),
    Action("everywhere.times", "T", "T", "absolute times", "Show times as dates, or as how long ago."),
    Action(
        "everywhere.redraw", "ctrl+l", "^l", "redraw", "Paint the whole screen anew, when something else wrote on it."
    ),
    Action("everywhere.quit", "q,ctrl+q", "q", "quit", "Leave; what runs goes on, nothing is lost.", footer=99),
    Action("overview.open", "enter", "Enter", "open", "Go to where the item lives.", footer=1),
    Action(
        "overview.promote", "p", "p", "promote", "Open the promotion of the candidate under the cursor.", _P, footer=2
    ),
    Action("overview.build", "b", "b", "build", "Build the repo under the cursor.", _W, footer=3),
    Action(
        "overview.acknowledge",
        "a",
        "a",
        "acknowledge",
        "Say that you have seen the alert under the cursor.",
        _W,
        footer=4,
    ),
    Action("builds.open", "enter", "Enter", "zoom", "Open the run: steps, failed tests, log.", footer=9),
    Action("builds.build", "b", "b", "build", "Build the repo at its checked-out commit.", _W, footer=1),
    Action("builds.build_with", "B", "B", "options", "Choose pipeline and revision, then build.", _W, footer=2),
    Action(
        "builds.rerun_failed", "r", "r", "rerun failed", "Run only the failed tests of this run again.", _W, footer=3
    ),
    Action("builds.rerun", "R", "R", "rerun", "Run the whole run again.", _W, footer=4),
    Action(
        "builds.cancel",
        "x",
        "x",
        "cancel",
        "End the run and everything it started; a running service asks for its name first.",
        _W,
        footer=5,
    ),
    Action(
        "builds.bisect",
        "i",
        "i",
        "bisect",
        "Find the commit that broke the build, or the test under the cursor.",
        _W,
        footer=6,
    ),
    Action(
        "builds.changes",
        "h",
        "h",
        "changes",
        "Commits and files since the last green run; o opens the patch.",
        footer=7,
    ),
    Action("builds.plan", "P", "P", "plan", "What a run would do, why, and what is missing."),
    Action("builds.mark", "space", "space", "mark", "Mark a run to compare."),
    Action("builds.compare", "c", "c", "compare", "Compare the two marked runs, or this one with the one before it."),
    Action("builds.flaky", "f", "f", "flaky", "Tests of the repo that contradict themselves, with their rate."),
    Action("builds.history", "H", "H", "history", "What the failed test under the cursor came to, run by run."),
    Action("builds.keep", "K", "K", "keep", "Keep the run's logs and artifacts for good, or no longer.", _W),
    Action("log.follow", "F", "F", "follow", "Stay at the end of the log, or stop.", footer=6),
    Action(
        "log.only",
        "ampersand",
        "&",
        "only matches",
        "Show only what matches the search, with two lines around each, or everything again.",
        footer=8,
    ),
    Action(
        "log.next_error",
        "e",
        "e",
        "next error",
        "The next line that tells of a failure, in any tool's words.",
        footer=7,
    ),
    Action("log.previous_error", "E", "E", "previous error", "The previous line that tells of a failure."),
    Action("log.next_section", "right_square_bracket", "]", "next section", "The next test's report, task or phase."),
    Action("log.previous_section", "left_square_bracket", "[", "previous section", "The one before."),
    Action(
        "log.times",
        "t",
        "t",
        "times",
        "When each line was written: time of day, since the start, not at all.",
        footer=10,
    ),
    Action("log.wrap", "W", "W", "wrap", "Wrap long lines, or cut them and move sidewards.", footer=11),
    Action(
        "log.save", "s", "s", "save", "Save the log, or only the matches that are shown, to a file you name.", footer=12
    ),
    Action("models.open", "enter", "Enter", "open", "Show the version whole.", footer=9),
    Action(
        "models.promote", "p", "p", "promote", "Promote the version: gates, evidence, reason, name typed.", _P, footer=1
    ),
    Action("models.rollback", "u", "u", "roll back", "Go back to what was live before.", _P, footer=2),
    Action("models.mark", "space", "space", "mark", "Mark a version to compare.", footer=3),
    Action(
        "models.compare",
        "c",
        "c",
        "compare",
        "Compare the two marked versions, or this one with the champion.",
        footer=4,
    ),
    Action("models.verify", "v", "v", "verify", "Hash the artifact again.", footer=5),
    Action("models.train", "t", "t", "train again", "Run the training of this model again.", _W, footer=6),
    Action("drift.open", "enter", "Enter", "evidence", "Read the alert, or the monitor, whole.", footer=1),
    Action("drift.check", "c", "c", "check now", "Bring the next rows and check the monitor.", _W, footer=4),
    Action("drift.acknowledge", "a", "a", "acknowledge", "Say that you have seen it.", _W, footer=5),
    Action("drift.snooze", "z", "z", "snooze", "Be silent about it for a while.", _W, footer=6),
    Action("drift.retrain", "t", "t", "retrain", "Train a candidate that answers the alert.", _W, footer=2),
    Action("drift.explain", "X", "X", "explain", "Let a classifier find what is different in the chunk.", footer=3),
    Action("drift.labels", "l", "l", "labels", "Bring labels from a file; their chunks are judged anew.", _W, footer=7),
    Action("drift.earlier", "left_square_bracket", "[", "earlier chunk", "Show the numbers of the chunk before."),
    Action("drift.later", "right_square_bracket", "]", "later chunk", "Show the numbers of the chunk after."),
    Action("drift.replay", "R", "R", "replay", "Say how often these settings would cry wolf.", footer=8),
    Action("drift.sums", "plus", "+", "sums", "Sum its chunks to weeks, months, quarters or years."),
    Action("drift.baseline", "b", "b", "baseline", "What the monitor compares with, and did before."),
    Action("drift.rebaseline", "B", "B", "rebaseline", "Take other rows as the reference, or take that back.", _W),
    Action("activity.open", "enter", "Enter", "open", "Go to what the event is about.", footer=1),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def actions_of(*places: str) -> list[Action]:
    """Return the actions that hold in some places."""
    return [action for action in ACTIONS if action.place in places]


def bindings_for(place: str) -> list[BindingType]:
    """Return the bindings of a place; Enter belongs to the lists, which say what was opened."""
    return [
        Binding(action.key, f"app.do('{action.id}')", action.title, show=False, id=action.id, tooltip=action.help)
        for action in actions_of(place)
        if action.key != "enter"
    ]


def footer_of(places: tuple[str, ...], *, readonly: bool) -> list[Action]:
    """Return what the footer shows, likeliest first; a read-only session is not offered what it may not do."""
    found = [
        action
        for action in actions_of(*places)
        if action.footer and not (readonly and action.danger is not Danger.READ)
    ]
    return sorted(found, key=lambda action: action.footer)
