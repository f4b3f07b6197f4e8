"""What the words of the use cases do on the ``:`` line: each with what is typed behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsconsole.console.host.host import Host, refusal
from opsconsole.console.host.tabs import HOMES, TABS_BY_ID
from opsconsole.console.processes.launch import start_run
from opsconsole.core.nouns import RunPurpose
from opsconsole.lifecycle.use_case import UseCase
from opsconsole.lifecycle.usecases import BY_WORD
from opsconsole.store import alerts, runs

Act = Callable[[Host, str], None]
WORDS = (
    *HOMES,
    "line",
    *(word for word in BY_WORD if " " not in word),
    "rebaseline",
    "theme",
    "help",
    *TABS_BY_ID,
    "quit",
)
"""Every single word that the line knows."""


def do_word(app: Host, case: UseCase, rest: str) -> bool:
    """Carry out the use case of a word; return whether what it needs was given."""
    if case.needs and not rest:
        return False
    if why := refusal(app, case.danger):
        app.say(f"{case.title}: {why}", "warn")
        return True
    ACTS[case.id](app, rest)
    return True


def _simply(case_id: str, placeholder: str, done: str) -> Act:
    """Return the act of a word and one name; ``done`` is said of the name then."""

    def act(app: Host, rest: str) -> None:
        values: dict[str, Any] = {placeholder: rest.lstrip("#") if placeholder == "run" else rest}
        app.carry_out(case_id, f"{rest} {done}", **values)

    return act


def _add(app: Host, rest: str) -> None:
    app.carry_out("repo.add", f"{rest} added; :trust NAME lets its pipelines run", path=rest)


def _prune(app: Host, _rest: str) -> None:
    app.carry_out("store.prune", "pruned what retention does not keep: 5 says what")


def _build(app: Host, rest: str) -> None:
    start_run(app, target=rest)


def _rerun(app: Host, rest: str) -> None:
    number = _number(app, "run", rest)
    if number is not None:
        start_run(app, "run.rerun", run=number)


def _cancel(app: Host, rest: str) -> None:
    number = _number(app, "run", rest)
    run = runs.get(app.store, number) if number is not None else None
    if run is not None and run.purpose is RunPurpose.SERVE and not run.state.final:
        from opsconsole.console.builds.stop_service import StopDialog

        app.push_screen(StopDialog(run))
    elif number is not None:
        app.carry_out("run.cancel", f"run #{number}: cancelling", run=number)


def _plan(app: Host, rest: str) -> None:
    from opsconsole.console.builds.plan import PlanDialog

    app.push_screen(PlanDialog(rest))


def _promote(app: Host, rest: str) -> None:
    from opsconsole.console.models.moves import open_promotion
    from opsconsole.core.errors import NotFoundError
    from opsconsole.store import models

    model, _, version = rest.partition(":")
    number = _number(app, "version", version.removeprefix("v"), f":promote {model or 'MODEL'}:VERSION")
    if number is None:
        return
    try:
        models.version(app.store, model, number)
    except NotFoundError as error:
        app.say(f"{error.message}; {error.hint}", "warn")
        return
    open_promotion(app, model, number)


def _roll_back(app: Host, rest: str) -> None:
    from opsconsole.console.models.moves import open_rollback
    from opsconsole.store import models

    if rest in models.names(app.store):
        open_rollback(app, rest)
    else:
        app.say(f"there is no model {rest} with a version", "warn")


def _check(app: Host, rest: str) -> None:
    from opsconsole.console.drift.check_summary import check_summary

    stood = [item.id for item in alerts.alerts(app.store, monitor=rest, live=True)]
    app.carry_out("drift.check", lambda data: check_summary(data, stood), monitor=rest)


def _acknowledge(app: Host, rest: str) -> None:
    number, _, reason = rest.partition(" ")
    app.carry_out("alert.ack", f"alert {number} acknowledged", alert=number, reason=reason.strip())


def _resolve(app: Host, rest: str) -> None:
    number, _, reason = rest.partition(" ")
    reason = reason.strip() or "resolved by hand"
    app.carry_out("alert.resolve", f"alert {number} resolved", alert=number, reason=reason)


def _number(app: Host, noun: str, typed: str, wanted: str = "") -> int | None:
    """Return a number as typed, or say that it is none."""
    typed = typed.lstrip("#")
    if typed.isdecimal():
        return int(typed)
    app.say(wanted or f"which {noun}? a number is wanted, not {typed}", "warn")
    return None


ACTS: dict[str, Act] = {
    "repo.add": _add,
    "repo.trust": _simply("repo.trust", "repo", "trusted"),
    "repo.fetch": _simply("repo.fetch", "repo", "fetched"),
    "repo.remove": _simply("repo.remove", "repo", "forgotten; its runs stay"),
    "run.start": _build,
    "run.rerun": _rerun,
    "run.cancel": _cancel,
    "run.plan": _plan,
    "run.pin": _simply("run.pin", "run", "is kept for good"),
    "run.unpin": _simply("run.unpin", "run", "may be pruned again"),
    "model.promote": _promote,
    "model.rollback": _roll_back,
    "drift.check": _check,
    "alert.ack": _acknowledge,
    "alert.resolve": _resolve,
    "store.prune": _prune,
}
"""Every single word that the use cases declare; pairs such as ``monitor add`` are typed as on the command line."""
