"""Every key of the console, declared once: bindings, footer, ``?``, palette and README's table are made from this.

A key that carries out a use case takes letter, title, danger and sentence from it; what only moves about the console
is declared here.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from opsconsole.console.host.tabs import TABS, TabSpec
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.usecases import USE_CASES

SPELLED = {"+": "plus"}
"""How Textual spells a letter that is none."""


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
    tab: str | None = None
    """The tab that it opens; None: it carries out ``do_verb``."""
    use_case: str | None = None
    """What it carries out, perhaps after a dialog; None: it only moves about the console."""

    @property
    def place(self) -> str:
        """Where it holds."""
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        """What it does."""
        return self.id.partition(".")[2]


def _opens(spec: TabSpec) -> Action:
    return Action(f"everywhere.{spec.id}", spec.key, spec.key, spec.title, spec.help, tab=spec.id)


def _carries_out(
    action_id: str,
    case_id: str,
    *,
    footer: int = 0,
    key: str = "",
    title: str = "",
    help: str = "",  # noqa: A002
) -> Action:
    """Return the action of a use case; only what differs where it is offered a second time is given."""
    case = USE_CASES[case_id]
    shown = key or case.key
    assert shown is not None
    return Action(
        action_id,
        SPELLED.get(shown, shown),
        shown,
        title or f"{case.title[:1].lower()}{case.title[1:]}",
        help or case.help,
        case.danger,
        footer,
        use_case=case_id,
    )


ACTIONS: tuple[Action, ...] = (
    *map(_opens, TABS),
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
    _carries_out(
        "overview.promote", "model.promote", footer=2, help="Open the promotion of the candidate under the cursor."
    ),
    _carries_out("overview.build", "run.start", footer=3, help="Build the repo under the cursor."),
    _carries_out("overview.trust", "repo.trust", footer=5, title="trust"),
    _carries_out(
        "overview.acknowledge", "alert.ack", footer=4, help="Say that you have seen the alert under the cursor."
    ),
    Action("builds.open", "enter", "Enter", "zoom", "Open the run: steps, failed tests, log.", footer=9),
    _carries_out("builds.build", "run.start", footer=1),
    _carries_out(
        "builds.build_with",
        "run.start",
        footer=2,
        key="B",
        title="options",
        help="Choose pipeline and revision, then build.",
    ),
    _carries_out("builds.rerun_failed", "run.rerun_failed", footer=3),
    _carries_out("builds.rerun", "run.rerun", footer=4),
    _carries_out("builds.cancel", "run.cancel", footer=5),
    _carries_out("builds.bisect", "run.bisect", footer=6),
    _carries_out("builds.changes", "repo.changes", footer=7),
    _carries_out("builds.plan", "run.plan"),
    Action("builds.mark", "space", "space", "mark", "Mark a run to compare."),
    _carries_out("builds.compare", "run.compare"),
    _carries_out("builds.flaky", "tests.flaky"),
    _carries_out("builds.history", "tests.history"),
    _carries_out("builds.keep", "run.pin"),
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
    _carries_out("models.promote", "model.promote", footer=1),
    _carries_out("models.rollback", "model.rollback", footer=2),
    Action("models.mark", "space", "space", "mark", "Mark a version to compare.", footer=3),
    _carries_out("models.compare", "model.compare", footer=4),
    _carries_out("models.verify", "model.verify", footer=5),
    _carries_out("models.train", "model.train", footer=6),
    Action("drift.open", "enter", "Enter", "evidence", "Read the alert, or the monitor, whole.", footer=1),
    _carries_out("drift.check", "drift.check", footer=4),
    _carries_out("drift.acknowledge", "alert.ack", footer=5),
    _carries_out("drift.snooze", "alert.snooze", footer=6),
    _carries_out("drift.retrain", "alert.retrain", footer=2),
    _carries_out("drift.explain", "drift.explain", footer=3),
    _carries_out("drift.labels", "drift.labels", footer=7),
    Action("drift.earlier", "left_square_bracket", "[", "earlier chunk", "Show the numbers of the chunk before."),
    Action("drift.later", "right_square_bracket", "]", "later chunk", "Show the numbers of the chunk after."),
    _carries_out("drift.replay", "drift.replay", footer=8),
    _carries_out("drift.sums", "drift.sums"),
    _carries_out("drift.baseline", "drift.baseline"),
    _carries_out("drift.rebaseline", "drift.rebaseline"),
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
    shown = [
        action
        for action in actions_of(*places)
        if action.footer and not (readonly and action.danger is not Danger.READ)
    ]
    return sorted(shown, key=lambda action: action.footer)
