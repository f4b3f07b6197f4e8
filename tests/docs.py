"""The tables of the reference, made of the code: ``python -m tests.docs`` writes them anew, ``test_docs`` holds them to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from opsconsole.cli.root import root_command
from opsconsole.config import metrics, monitors, schema
from opsconsole.config.metrics import Use
from opsconsole.console.host.keymap import Action, actions_of
from opsconsole.console.host.tabs import PLACES
from opsconsole.core.errors import ExitCode
from opsconsole.core.nouns import Danger, ModelTask
from opsconsole.docs import TOPICS
from opsconsole.lifecycle.usecases import BY_WORD
from opsconsole.registry.gates.catalogue import GATES
from opsconsole.store.views import VIEWS

PAGES = Path(__file__).parents[1] / "opsconsole" / "docs"
BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
MARKS = {Danger.READ: "", Danger.WRITE: " *(writes)*", Danger.PRODUCTION: " *(asks for the name)*"}
KINDS = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false", "list[str]": "list of text",
    "list[int]": "two whole numbers", "Duration": "time", "Size": "size", "Name": "name", "Variable": "variable",
    "Slots": "whole number", "Scalar": "value", "Share": "share", "Positive": "number", "Severity": "severity",
    "Sandboxing": '"auto" or "off"', "dict[str, str]": "table of text", "list[Variable]": "list of variables",
    "ModelTask": "task", "PipelineKind": "kind",
}  # fmt: skip
SAID = {
    ExitCode.OK: "good",
    ExitCode.NO: "the answer is no: a run failed, gates failed, drift past its limits, a digest is wrong",
    ExitCode.USAGE: "usage",
    ExitCode.CONFIG: "configuration",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.CONFLICT: "conflict: somebody changed it first",
    ExitCode.REFUSED: "refused: read-only, an untrusted repo, gates, a missing confirmation",
    ExitCode.STORE: "the store",
    ExitCode.UNREACHABLE: "an outside service did not answer",
    ExitCode.UNDECIDED: "too few rows to tell",
    ExitCode.INTERRUPTED: "interrupted",
}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def keys() -> str:
    def row(action: Action) -> tuple[str, ...]:
        return f"`{action.shown}`", action.title, f"{action.help}{MARKS[action.danger]}"

    parts = (
        f"**{place.capitalize()}**\n\n{table(('key', 'does', ''), map(row, actions_of(place)))}\n" for place in PLACES
    )
    return "".join(parts)


def words() -> str:
    rows = (
        (f"`:{word} {case.behind_word}`".replace(" `", "`"), case.title, f"`{case.line}`")
        for word, case in BY_WORD.items()
    )
    return table(("line", "does", "on the command line"), rows)


def verbs() -> str:
    return table(("command", "does"), ((f"`{line}`", told) for line, told in _commands(root_command, ())))


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            arguments = [
                argument.make_metavar(context) for argument in command.params if isinstance(argument, click.Argument)
            ]
            yield " ".join((*path, name, *arguments)), command.get_short_help_str(200)


def exits() -> str:
    return table(("code", "says"), ((f"`{int(code)}`", SAID[code]) for code in ExitCode))


def config() -> str:
    trees = [ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")) for module in (schema, monitors)]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    found = [node for node in classes if node.name.endswith(("Config", "Gate")) and node.name != "Config"]
    return "".join(_section(node) for node in found)


def _section(node: ast.ClassDef) -> str:
    told = (ast.get_docstring(node) or "").replace("``", "`")
    title, _, rest = told.partition(": ")
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    rows = [(f"`{_key(item)}`", _kind(item), _default(item), _told(node, item)) for item in fields]
    head = f"**{title}**: {rest}" if rest else f"**`{node.name}`**: {told}"
    return f"{head}\n\n{table(('key', 'is', 'default', ''), rows)}\n"


def _key(item: ast.AnnAssign) -> str:
    renamed = re.search(r"name='(\w+)'", ast.unparse(item.value)) if item.value is not None else None
    return renamed[1] if renamed is not None else ast.unparse(item.target)


def _kind(item: ast.AnnAssign) -> str:
    said = re.sub(r"Annotated\[(.+?), Meta\(.*?\)\]", r"\1", ast.unparse(item.annotation))
    said = re.sub(r"Literal\[(.*?)\]", lambda found: found[1].replace("'", '"').replace(", ", " or "), said)
    said = said.replace(" | None", "").replace("Annotated[", "").split(", Meta")[0]
    said = re.sub(r"\w+(?:Config|Gate)|dict\[.*?\](?=\]|$)", "table", said).replace("list[table]", "list of tables")
    return re.sub(r"\w+(\[.*\])?", lambda found: KINDS.get(found[0], found[0]), said).replace(" | ", " or ")


def _default(item: ast.AnnAssign) -> str:
    if item.value is None:
        return "*needed*"
    said = ast.unparse(item.value)
    made = re.search(r"lambda: (?:\w+\()?(.+?)\)*(?:, name=.*)?$", said)
    if said.startswith("field(default="):
        said = said.removeprefix("field(default=").partition(",")[0].rstrip(")")
    elif made is not None:
        said = made[1].replace(" * GIGABYTE", " GB").replace("GIGABYTE", "1 GB")
        said = "cores" if "cpu_count" in said else said
    elif "default_factory=list" in said:
        said = "[]"
    elif said.endswith("Config()") or "default_factory" in said:
        return "see below"
    said = re.sub(r"^([A-Za-z_]\w*)\.(\w+)$", lambda found: f'"{found[2].lower()}"', said)
    return "" if said == "None" else f"`{said.replace(chr(39), chr(34))}`"


def _told(node: ast.ClassDef, item: ast.AnnAssign) -> str:
    after = node.body[node.body.index(item) + 1 :]
    if after and isinstance(after[0], ast.Expr) and isinstance(after[0].value, ast.Constant):
        return " ".join(str(after[0].value.value).replace("``", "`").split())
    return ""


def metric_rows() -> str:
    rows = (
        (
            str(task),
            ", ".join(f"`{name}`" for name in metrics.names(task, Use.MEASURED)) or "–",
            ", ".join(f"`{name}`" for name in metrics.names(task, Use.COMPARED)) or "–",
            ", ".join(f"`{spec.name}`" for spec in metrics.used(task, Use.WATCHED)),
        )
        for task in ModelTask
    )
    return table(("task", "`floor` may be set on", "`not_worse` compares", "a monitor watches"), rows)


def gates() -> str:
    rows = (
        (
            str(spec.name),
            (__import__(spec.evaluate.__module__, fromlist=["_"]).__doc__ or "").strip(),
            "yes" if spec.forceable else "no",
        )
        for spec in GATES
    )
    return table(("gate", "holds that", "may be forced"), rows)


def view_rows() -> str:
    rows = ((f"`{view.name}`", view.description, ", ".join(f"`{name}`" for name in view.names)) for view in VIEWS)
    return table(("view", "a row is", "columns"), rows)


MADE: dict[str, Callable[[], str]] = {
    "keys": keys,
    "words": words,
    "verbs": verbs,
    "exits": exits,
    "config": config,
    "metrics": metric_rows,
    "gates": gates,
    "views": view_rows,
}


def filled(page: str) -> str:
    return BLOCK.sub(lambda found: f"{found[1]}\n{MADE[found[2]]()}\n{found[3]}", page)


if __name__ == "__main__":
    for topic in TOPICS:
        path = PAGES / f"{topic.name}.md"
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
