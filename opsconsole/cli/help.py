"""``opsconsole help``: the reference, a page a topic."""

from __future__ import annotations

import click

from opsconsole.cli.base import emit, json_option, table
from opsconsole.docs import TOPICS, topic


@click.command("help")
@click.argument("name", metavar="[TOPIC]", required=False)
@json_option
def help_command(name: str | None, as_json: bool) -> None:
    """Show a page of the reference; without a topic, which there are."""
    if name is None:
        lines = table(("topic", "what it tells"), [(item.name, item.title) for item in TOPICS])
        emit(
            [{"topic": item.name, "title": item.title} for item in TOPICS],
            [*lines, "", "opsconsole help TOPIC shows one; opsconsole COMMAND --help tells a command's options"],
            as_json=as_json,
        )
        return
    chosen = topic(name)
    emit({"topic": chosen.name, "title": chosen.title, "text": chosen.text()}, chosen.text().rstrip(), as_json=as_json)
