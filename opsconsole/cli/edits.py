"""Shared by the verbs that edit ``opsconsole.toml``: ``--dry-run``, and the change as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from opsconsole.core import text

if TYPE_CHECKING:
    from opsconsole.config.editing import Edit
    from opsconsole.lifecycle.adding.choices import Choice
    from opsconsole.lifecycle.adding.remove import Removed

dry_run_option = click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")


def edit_json(edit: Edit, *, dry_run: bool) -> dict[str, Any]:
    """Return a change of the file as JSON says it."""
    return {"path": str(edit.path), "changed": edit.changed and not dry_run, "diff": edit.diff}


def edit_lines(edit: Edit, *, dry_run: bool) -> list[str]:
    """Return a change of the file in words, or as the patch that it would be."""
    if not edit.changed:
        return [f"it stands in {edit.path} already: nothing was changed"]
    if dry_run:
        return [*edit.diff.splitlines(), "nothing was written: --dry-run"]
    added = [line[1:] for line in edit.diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    while added and not added[0].strip():
        added = added[1:]
    return [f"wrote to {edit.path}:", *(f"  {line}".rstrip() for line in added)]


def choices_json(choices: tuple[Choice, ...]) -> list[dict[str, Any]]:
    """Return what was chosen, by whom, and why."""
    return [{"key": one.key, "value": one.value, "by": one.by, "why": one.why or None} for one in choices]


def choice_lines(choices: tuple[Choice, ...]) -> list[str]:
    """Return what was not named by the operator, in words."""
    return [text.clean(one.words) for one in choices if one.by != "given"]


def removed(done: Removed, *, dry_run: bool) -> tuple[dict[str, Any], list[str]]:
    """Return what was taken out, and what stays."""
    edit = done.edit
    diff = "" if edit is None else edit.diff
    data = {"name": done.name, "removed": not dry_run, "stays": list(done.stays), "diff": diff}
    if dry_run:
        return data, [*diff.splitlines(), "nothing was written: --dry-run"]
    gone = [line[1:] for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    lines = [f"{done.name} is forgotten" + ("" if edit is None else f"; taken out of {edit.path}:")]
    lines += [f"  {line}".rstrip() for line in gone if line.strip()]
    return data, [*lines, *(f"stays: {one}" for one in done.stays)]
