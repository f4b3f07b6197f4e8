"""What trusting a repo allows: shown before it is given; ``y`` gives it."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsconsole.console.builds.plan import WRAPPED, PlanDialog
from opsconsole.console.widgets.rows import BLANK, Row, note
from opsconsole.console.widgets.tones import Column, Toned

WIDE = (Column(),)
ALLOWS = (
    "What stands below runs on this machine, as you, and so does whatever its pipelines say at a later commit of a branch"
    " of yours. Branches that others pushed are asked about, and get no secrets. opsconsole repo rm NAME takes it back."
)


class TrustDialog(PlanDialog):
    """The plan of a repo that nothing was run of, and the question whether it may."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "trust", "trust", show=False)]

    def title_text(self) -> str:
        """Name it."""
        return f" Trust {self.target}? "

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return what is allowed, then the plan."""
        allowed = [Row(None, (Toned(line, "warn"),), WIDE) for line in textwrap.wrap(ALLOWS, WRAPPED + 8)]
        return [*allowed, BLANK, note("y trusts it   Esc leaves it"), BLANK, *super().rows(data)]

    def open_row(self, key: Hashable) -> None:  # noqa: ARG002 - whatever the row
        """Enter gives nothing away."""
        self.console.say("y trusts it, Esc leaves it", "warn")

    def action_trust(self) -> None:
        """Give it."""
        self.dismiss(None)
        self.console.carry_out("repo.trust", f"{self.target} is trusted", repo=self.target)
