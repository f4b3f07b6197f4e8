"""The tabs, declared once: name, title, key, what is at home there. Bar, keys, jumps and the app read this."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsconsole.console.host.host import Tab


@dataclass(frozen=True)
class TabSpec:
    """One tab."""

    id: str
    title: str
    key: str
    help: str
    factory: str
    """``module:class``, imported when the tab is first opened."""
    kinds: tuple[str, ...] = ()
    """What ``:KIND NAME`` and Enter jump to in it."""
    inner: tuple[str, ...] = ()
    """What a sheet jumps to in it, and no line."""
    panes: tuple[str, ...] = ()
    """Panes with keys of their own beside those of the tab."""
    shows_repos: bool = False
    """It shows where work trees stand, so they are looked at while it is open."""

    def made_of(self) -> type[Tab]:
        """Return the class of the tab."""
        module, _, name = self.factory.partition(":")
        tab_class: type[Tab] = getattr(import_module(module), name)
        return tab_class

    def make(self) -> Tab:
        """Return the tab as a widget."""
        return self.made_of()(id=self.id)


TABS: tuple[TabSpec, ...] = (
    TabSpec(
        "overview",
        "Overview",
        "1",
        "The loop at a glance.",
        "opsconsole.console.overview.tab:OverviewTab",
        shows_repos=True,
    ),
    TabSpec(
        "builds",
        "Builds",
        "2",
        "Repos, runs, steps, tests, logs.",
        "opsconsole.console.builds.tab:BuildsTab",
        kinds=("run", "repo"),
        panes=("log",),
        shows_repos=True,
    ),
    TabSpec(
        "models",
        "Models",
        "3",
        "Models, versions, gates, promotion.",
        "opsconsole.console.models.tab:ModelsTab",
        kinds=("model",),
    ),
    TabSpec(
        "drift",
        "Drift",
        "4",
        "Alerts and monitors.",
        "opsconsole.console.drift.tab:DriftTab",
        kinds=("alert", "monitor"),
        inner=("column",),
    ),
    TabSpec(
        "activity",
        "Activity",
        "5",
        "Who did what, why, and the command it amounts to.",
        "opsconsole.console.activity.tab:ActivityTab",
    ),
)
TABS_BY_ID: dict[str, TabSpec] = {spec.id: spec for spec in TABS}
FIRST = TABS[0]
"""The tab that a console opens with."""
HOMES: dict[str, TabSpec] = {kind: spec for spec in TABS for kind in spec.kinds}
"""Where each kind of thing is at home."""
PLACES: tuple[str, ...] = ("everywhere", *(place for spec in TABS for place in (spec.id, *spec.panes)))
"""Where keys hold."""
