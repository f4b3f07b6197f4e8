"""A Python project's metadata as its files say it: pyproject.toml, setup.cfg, and setup.py as far as it is plain text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from opsconsole.testrunners.detection.tree import Tree, table, texts

_LEGACY = ("setuptools", "wheel")
_FOR_EDITABLE = {"setuptools": "wheel", "hatchling": "editables", "pdm.backend": "editables"}
"""What back ends ask for only when they are asked for an editable build."""


@dataclass
class Metadata:
    """What is known of a project without building it."""

    package: bool = False
    """Whether there is something to install."""
    backend: str = ""
    build_requires: tuple[str, ...] = ()
    dependencies: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    entry_points: bool = False
    unreadable: bool = False
    """Some of it is computed when it is built."""


def metadata(tree: Tree) -> Metadata:
    """Return the metadata of the project at the root of the tree."""
    found = Metadata()
    data = tree.toml("pyproject.toml")
    _from_project(table(data, "project"), found)
    found.groups = {
        name: _group(table(data, "dependency-groups"), name, ()) for name in table(data, "dependency-groups")
    }
    _from_poetry(table(data, "tool", "poetry"), found)
    _from_setup_cfg(tree, found)
    _from_setup_py(tree, found)
    build = table(data, "build-system")
    found.package = (
        "build-system" in data
        or "setup.py" in tree
        or ("setup.cfg" in tree and tree.ini("setup.cfg").has_section("metadata"))
    )
    found.backend = str(build.get("build-backend", ""))
    also = [item for start, item in _FOR_EDITABLE.items() if found.backend.startswith(start)]
    found.build_requires = tuple(dict.fromkeys([*texts(build.get("requires")), *also])) or _LEGACY
    dynamic = texts(table(data, "project").get("dynamic"))
    from_file = table(data, "tool", "setuptools", "dynamic", "dependencies")
    if "dependencies" in dynamic and not from_file and not found.dependencies and not _legacy(tree):
        found.unreadable = True
    found.unreadable = found.unreadable and found.package
    return found


def _legacy(tree: Tree) -> bool:
    return "setup.py" in tree or "setup.cfg" in tree


def _from_project(project: dict[str, object], found: Metadata) -> None:
    found.dependencies += texts(project.get("dependencies"))
    extras = {name: texts(items) for name, items in table(project, "optional-dependencies").items()}
    own = re.escape(str(project.get("name", "")))
    found.extras = {name: _with_own(extras, name, own, ()) for name in extras}
    found.entry_points = any(table(project, key) for key in ("scripts", "gui-scripts", "entry-points"))


def _with_own(extras: dict[str, list[str]], name: str, own: str, seen: tuple[str, ...]) -> list[str]:
    """Return an extra's requirements, with those of other extras that it names as ``project[extra]``."""
    found = []
    for item in extras.get(name, []):
        others = re.fullmatch(rf"{own}\s*\[([^\]]*)\]", item.strip(), re.IGNORECASE) if own else None
        if others is None:
            found.append(item)
            continue
        for other in others[1].split(","):
            if other.strip() not in (*seen, name):
                found += _with_own(extras, other.strip(), own, (*seen, name))
    return found


def _group(groups: dict[str, object], name: str, seen: tuple[str, ...]) -> list[str]:
    """Return a dependency group's requirements, with those of the groups that it includes (PEP 735)."""
    items = groups.get(name)
    found = texts(items)
    for item in items if isinstance(items, list) else []:
        other = item.get("include-group") if isinstance(item, dict) else None
        if isinstance(other, str) and other not in (*seen, name):
            found += _group(groups, other, (*seen, name))
    return found


def _from_poetry(poetry: dict[str, object], found: Metadata) -> None:
    """Take poetry's own tables; their version marks are its own, so only names are kept, for when there is no lock."""
    found.dependencies += [name for name in table(poetry, "dependencies") if name.lower() != "python"]
    for name, group in table(poetry, "group").items():
        found.groups.setdefault(name, list(table(group, "dependencies")))
    if table(poetry, "dev-dependencies"):
        found.groups.setdefault("dev", list(table(poetry, "dev-dependencies")))
    found.entry_points = found.entry_points or bool(table(poetry, "scripts") or table(poetry, "plugins"))


def _from_setup_cfg(tree: Tree, found: Metadata) -> None:
    if "setup.cfg" not in tree:
        return
    parser = tree.ini("setup.cfg")
    if parser.has_option("options", "install_requires"):
        found.dependencies += _lines(parser.get("options", "install_requires"))
    if parser.has_section("options.extras_require"):
        for name, items in parser.items("options.extras_require"):
            found.extras.setdefault(name, _lines(items))
    found.entry_points = found.entry_points or parser.has_section("options.entry_points")


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip() and not line.strip().startswith("#")]


def _from_setup_py(tree: Tree, found: Metadata) -> None:
    """Take what the call of ``setup`` says in literals; ``setup.py`` itself is never run here."""
    if "setup.py" not in tree:
        return
    try:
        calls = [node for node in ast.walk(ast.parse(tree.text("setup.py"))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found.unreadable = True
        return
    for call in calls:
        if not (isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func).endswith("setup")):
            continue
        for keyword in call.keywords:
            _take(keyword.arg or "", keyword.value, found)


def _take(key: str, value: ast.expr, found: Metadata) -> None:
    found.entry_points = found.entry_points or key == "entry_points"
    if key not in ("install_requires", "extras_require", "tests_require"):
        return
    try:
        said = ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        found.unreadable = True
        return
    if key == "install_requires":
        found.dependencies += [said] if isinstance(said, str) else texts(said)
    elif key == "tests_require":
        found.extras.setdefault("tests", []).extend([said] if isinstance(said, str) else texts(said))
    elif isinstance(said, dict):
        for name, items in said.items():
            found.extras.setdefault(str(name), [items] if isinstance(items, str) else texts(items))
