"""The palette: every act of every tab by name, with where it acts, on what, its key, and why it cannot when it cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from opsconsole.console.host.host import Host, Tab, refusal
from opsconsole.console.host.keymap import ACTIONS, Action
from opsconsole.console.host.tabs import TABS, TABS_BY_ID
from opsconsole.core import text
from opsconsole.lifecycle.use_case import UseCase
from opsconsole.lifecycle.usecases import BY_WORD

LEFT_OUT = frozenset({"everywhere.palette", "everywhere.next_pane", "everywhere.previous_pane"})
"""Keys that mean nothing by name."""


@dataclass(frozen=True)
class Entry:
    """One act."""

    title: str
    """Where it acts, what it does, on what."""
    description: str
    """Its key or its word, and what it is, or why it cannot be done now."""
    act: Callable[[], Awaitable[None] | None]
    use_case: str | None = None
    blocked: bool = False


def entries(app: Host) -> list[Entry]:
    """Return every act: those of the open tab first, then those that hold everywhere, then those of the other tabs."""
    tab = app.tab
    here = tab.places()
    offered = [action for action in ACTIONS if action.verb != "open" and action.id not in LEFT_OUT]
    at_home = {action.use_case for action in offered if action.use_case and action.place != "overview"}
    listed = [_here(app, tab, action) for place in (*here, "everywhere") for action in offered if action.place == place]
    listed += [
        _elsewhere(app, action)
        for action in offered
        if action.place not in (*here, "everywhere") and not (action.place == "overview" and action.use_case in at_home)
    ]
    return [*listed, *_words(app)]


class ActsProvider(Provider):
    """Finds acts for Textual's palette."""

    async def discover(self) -> Hits:
        """Offer all of them while nothing is typed."""
        for entry in entries(self._host):
            yield DiscoveryHit(
                _shown(entry), cast("Callable[[], None]", entry.act), entry.title, escape(entry.description)
            )

    async def search(self, query: str) -> Hits:
        """Offer those that match, by title, key and word."""
        matcher = self.matcher(query)
        for entry in entries(self._host):
            score = matcher.match(entry.title)
            if score > 0:
                shown = _shown(entry) if entry.blocked else matcher.highlight(entry.title)
                yield Hit(score, shown, cast("Callable[[], None]", entry.act), entry.title, escape(entry.description))

    @property
    def _host(self) -> Host:
        return cast("Host", self.app)


def _shown(entry: Entry) -> Content:
    return Content.styled(entry.title, "dim" if entry.blocked else "")


def _here(app: Host, tab: Tab, action: Action) -> Entry:
    """Return an act of the open tab, on what is under its cursor."""
    why = _why_not(app, tab, action)
    place = "Everywhere" if action.place == "everywhere" else _place_name(action.place)
    subject = "" if why or action.place == "everywhere" else _plain(tab.subject(action.verb))
    return Entry(
        f"{place} · {action.title}{' ' if subject else ''}{subject}",
        f"{action.shown}  {why or action.help}",
        lambda: app.action_do(action.id),
        action.use_case,
        blocked=bool(why),
    )


def _elsewhere(app: Host, action: Action) -> Entry:
    """Return an act of another tab: choosing it goes there, where one sees what it would act on."""
    home = next(spec for spec in TABS if action.place in (spec.id, *spec.panes))
    why = refusal(app, action.danger)

    def go() -> None:
        app.open_tab(home.id, lambda tab: app.say(_description_there(tab, action, why), "warn" if why else "text"))

    return Entry(
        f"{_place_name(action.place)} · {action.title}",
        f"{action.shown}  {why or f'goes to {home.title}: {action.help}'}",
        go,
        action.use_case,
        blocked=bool(why),
    )


def _description_there(tab: Tab, action: Action, why: str) -> str:
    why = why or tab.blocked(action.verb)
    subject = tab.subject(action.verb)
    place = TABS_BY_ID[tab.place].title
    return (
        f"{place}: {why}"
        if why
        else f"{place}: {action.shown} does it: {action.title}{' ' if subject else ''}{subject}"
    )


def _words(app: Host) -> Iterator[Entry]:
    """Yield the acts that have a word and no key: the ``:`` line opens with it."""
    keyed = {action.use_case for action in ACTIONS}
    for word, case in BY_WORD.items():
        if case.id not in keyed:
            why = refusal(app, case.danger)
            yield Entry(
                f"Everywhere · {case.title[:1].lower()}{case.title[1:]}",
                f":{word} {case.behind_word}".rstrip() + (f"  {why}" if why else ""),
                _begins(app, word, case),
                case.id,
                blocked=bool(why),
            )


def _begins(app: Host, word: str, case: UseCase) -> Callable[[], Awaitable[None]]:
    return lambda: app.ask_command(f"{word} " if case.needs else word)


def _why_not(app: Host, tab: Tab, action: Action) -> str:
    return refusal(app, action.danger) or ("" if action.place == "everywhere" else tab.blocked(action.verb))


def _plain(subject: str) -> str:
    """Return a name as the palette can show it: harmless, short, and without what it takes for markup."""
    return text.clean(subject, limit=40).replace("[", "(").replace("]", ")")


def _place_name(place: str) -> str:
    return TABS_BY_ID[place].title if place in TABS_BY_ID else place.capitalize()
