"""Acts as the CLI twin carries them out in a child: said when they begin and when they end, asked about where it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opsconsole.console.host.host import Done, Host, refusal
from opsconsole.core.errors import ConfirmationError

if TYPE_CHECKING:
    from opsconsole.console.processes.cli_client import Answer

Then = Callable[[dict[str, Any]], object]


class Acts:
    """Carries use cases out for the whole console."""

    def __init__(self, app: Host) -> None:
        self.app = app

    def carry_out(self, use_case: str, done: Done, then: Then | None, values: dict[str, object]) -> None:
        """Carry out a use case in a child and say how it went; ``then`` gets its answer."""
        from opsconsole.lifecycle.usecases import USE_CASES

        case = USE_CASES[use_case]
        if why := refusal(self.app, case.danger):
            self.app.say(f"{case.title}: {why}", "warn")
            return
        self.app.say(f"{case.title} …", "dim")
        self.app.run_worker(
            self._carry_out(use_case, done, then, values), group=use_case, exit_on_error=False, name=use_case
        )

    async def _carry_out(self, use_case: str, done: Done, then: Then | None, values: dict[str, object]) -> None:
        answer = await self.app.ask(use_case, **values)
        if answer.code_word == ConfirmationError.code and "yes" not in values:
            self._ask_first(use_case, done, then, values, answer)
            return
        if answer.problem:
            self.app.say(f"{answer.problem}  {answer.hint}".strip(), "bad")
            return
        data = answer.data if isinstance(answer.data, dict) else {}
        self.app.say(done.format(**data) if isinstance(done, str) else done(data), "good")
        if then is not None and isinstance(answer.data, dict):
            then(answer.data)

    def _ask_first(
        self, use_case: str, done: Done, then: Then | None, values: dict[str, object], answer: Answer
    ) -> None:
        from opsconsole.console.dialogs.ask import AskDialog
        from opsconsole.lifecycle.usecases import USE_CASES

        def go_on() -> None:
            self.carry_out(use_case, done, then, values | {"yes": "--yes"})

        asks = answer.asks or (answer.problem,)
        self.app.push_screen(AskDialog(USE_CASES[use_case].title, asks, answer.hint, go_on))
