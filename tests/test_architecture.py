"""What keeps the console quick and the code readable: light imports, small modules, short functions. CI holds the layers."""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import opsconsole
from opsconsole.core import errors
from opsconsole.registry.gates.names import GateName

PACKAGE = Path(opsconsole.__file__).parent
HEAVY = {
    "git", "httpx", "lxml", "numpy", "pandas", "polars", "pyarrow", "scipy", "skops", "sklearn", "sqlite_utils",
}  # fmt: skip
STATUS = """
import sys
from opsconsole.cli.root import run
code = run(["-C", sys.argv[1], "status", "--json"])
assert code == 0, code
"""
HEADLESS = "import opsconsole.cli.root, opsconsole.lifecycle.usecases, opsconsole.lifecycle.inbox"
CONSOLE = """
import importlib, pkgutil
import opsconsole.cli.console, opsconsole.console
for module in pkgutil.walk_packages(opsconsole.console.__path__, "opsconsole.console."):
    importlib.import_module(module.name)
"""
SUPERVISION = "import opsconsole.runs.execute.keeper, opsconsole.runs.execute.supervisor"
STORED_GATES = """
from opsconsole.registry.gates.stored import read_gates
assert read_gates([{"name": "floor", "outcome": "skip", "detail": "no floor is set", "evidence": {}}])
"""
UNANNOUNCED = {"AssertionError", "NotImplementedError", "StopIteration", "SystemExit"}
"""What no caller catches: mistakes of the program, and ends."""
ROOMS = "import opsconsole.config.workspace, opsconsole.core.http, opsconsole.core.text, opsconsole.store.connection"


@cache
def sources() -> dict[Path, str]:
    """The text of every module of the product; the demo's repositories are programs of their own."""
    return {
        path: path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if PACKAGE / "demo" / "repos" not in path.parents
    }


@cache
def trees() -> dict[Path, ast.Module]:
    """Every module of the product as its syntax tree, parsed once for all tests of a process."""
    return {path: ast.parse(source) for path, source in sources().items()}


def imported(script: str, *arguments: str) -> set[str]:
    """Run a script in a fresh interpreter; return the top-level modules it had at its end."""
    listing = script + "\nimport sys\nprint('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))\n"
    argv = [sys.executable, "-I", "-c", listing, *arguments]
    answer = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.splitlines()[-1].split())


def test_status_of_a_workspace_imports_nothing_heavy(shop: object, tmp_path: Path) -> None:
    assert imported(STATUS, str(tmp_path / "shop")) & (HEAVY | {"textual", "rich"}) == set()


@pytest.mark.parametrize(
    ("script", "forbidden"),
    [
        (HEADLESS, HEAVY | {"textual", "rich"}),
        (CONSOLE, HEAVY),
        (SUPERVISION, HEAVY | {"textual", "rich", "click", "msgspec"}),
        (ROOMS, HEAVY | {"textual", "rich", "click"}),
        (STORED_GATES, HEAVY | {"textual", "rich", "click"}),
    ],
    ids=["command line", "console", "supervisor", "rooms below", "stored gates"],
)
def test_what_must_start_at_once_imports_nothing_heavy(script: str, forbidden: set[str]) -> None:
    assert imported(script) & forbidden == set()


def test_every_module_is_one_idea_below_400_lines() -> None:
    long = {str(path.relative_to(PACKAGE)): len(source.splitlines()) for path, source in sources().items()}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_every_function_fits_in_50_lines() -> None:
    found = {}
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 50:
                    found[f"{path.relative_to(PACKAGE)}: {node.name}"] = lines
    assert found == {}


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + 'Error("')
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{number}"
        for path in [*sources(), *sorted(Path(__file__).parent.rglob("*.py"))]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if any(mark in line for mark in marks)
    ]
    assert found == []


def test_only_the_outermost_edge_of_a_process_catches_everything() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert {line.partition(":")[0] for line in found} == {
        "cli/root.py",
        "demo/driver.py",
        "lifecycle/intake/intake.py",
        "lifecycle/intake/containment.py",  # the edge between the parts of a run that strangers wrote
    }


def test_sql_is_spoken_in_the_store_alone() -> None:
    words = ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM")
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in trees().items()
        if PACKAGE / "store" not in path.parents
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(words)
    ]
    assert found == []


def test_no_room_finds_a_gate_by_its_name_as_text() -> None:
    """A name of one word is many things besides, so that only comparing with it counts; one of several words is a gate's."""
    names = {str(name) for name in GateName}
    found = [
        f"{path.relative_to(PACKAGE)}:{constant.lineno}: {constant.value!r}"
        for path, tree in trees().items()
        if PACKAGE / "registry" / "gates" not in path.parents
        for node in ast.walk(tree)
        for constant in (ast.walk(node) if isinstance(node, ast.Compare | ast.match_case) else [node])
        if isinstance(constant, ast.Constant)
        and constant.value in names
        and (constant is not node or " " in constant.value)
    ]
    assert found == [], "registry.gates has GateName, and evidence_of finds a gate by its evidence"


def test_the_command_line_prints_through_one_door() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in (PACKAGE / "cli").glob("*.py")
        if path.name != "base.py" and "click.echo" in path.read_text(encoding="utf-8")
    }
    assert found == set(), "opsconsole.cli.base.say passes the sanitiser"


Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: Sequence[ast.stmt], owner: str = "") -> Iterator[tuple[str, Function]]:
    """Every public function and method, with what builds a public class; never one inside another function."""
    for node in body:
        name = getattr(node, "name", "_")
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(node, ast.ClassDef):
            yield from public_functions(node.body, f"{owner}{name}.")
        elif isinstance(node, Function):
            yield f"{owner}{name}", node


def raised(nodes: Iterable[ast.AST], caught: frozenset[str] = frozenset()) -> Iterator[str]:
    """The classes of the errors that statements make and do not catch themselves."""
    for node in nodes:
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(error, ast.Name) and error.id[0].isupper() and caught.isdisjoint(ancestry(error.id)):
                yield error.id
        if isinstance(node, ast.Try):
            types = [handler.type for handler in node.handlers if handler.type is not None]
            names = {name.id for kind in types for name in ast.walk(kind) if isinstance(name, ast.Name)}
            yield from raised(node.body, caught | names)
            yield from raised([*node.handlers, *node.orelse, *node.finalbody], caught)
        else:
            yield from raised(ast.iter_child_nodes(node), caught)


def ancestry(name: str) -> set[str]:
    known = getattr(errors, name, None) or getattr(builtins, name, None)
    return {name, *(base.__name__ for base in (known.__mro__ if isinstance(known, type) else ()))}


def is_verb(node: Function) -> bool:
    """Whether click calls it: the docstring is its help then, and the documents list its exit codes."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_a_docstring_names_the_errors_that_its_function_raises() -> None:
    silent = {
        f"{path.relative_to(PACKAGE)}: {name}": sorted(unnamed)
        for path, tree in trees().items()
        for name, node in public_functions(tree.body)
        if not is_verb(node)
        and (unnamed := {one for one in raised(node.body) if one not in (ast.get_docstring(node) or "")} - UNANNOUNCED)
    }
    assert silent == {}


def test_a_name_is_the_noun_of_what_it_holds() -> None:
    """A migration is as it was released."""
    empty = {"told", "said", "found", "works", "course"}
    fitting = {"not_found", "found_at"}  # an exit code, and the column of a search's last commit
    found = [
        f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}: {name}"
        for path, tree in trees().items()
        if PACKAGE / "store" / "migrations" not in path.parents
        for node in ast.walk(tree)
        if (name := named_by(node).lower()) and name not in fitting and empty & set(name.split("_"))
    ]
    assert found == [], "name the thing: a message, an answer, a note, a history"


def named_by(node: ast.AST) -> str:
    """The name that a node makes: of a class, a function, an argument, a variable or an attribute."""
    if isinstance(node, Function | ast.ClassDef):
        return node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.id if isinstance(node, ast.Name) else node.attr
    return ""
