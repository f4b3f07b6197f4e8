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
    project = Metadata()
    data = tree.toml("pyproject.toml")
    _from_project(table(data, "project"), project)
    project.groups = {
        name: _group(table(data, "dependency-groups"), name, ()) for name in table(data, "dependency-groups")
    }
    _from_poetry(table(data, "tool", "poetry"), project)
    _from_setup_cfg(tree, project)
    _from_setup_py(tree, project)
    build = table(data, "build-system")
    project.package = (
        "build-system" in data
        or "setup.py" in tree
        or ("setup.cfg" in tree and tree.ini("setup.cfg").has_section("metadata"))
    )
    project.backend = str(build.get("build-backend", ""))
    also = [item for start, item in _FOR_EDITABLE.items() if project.backend.startswith(start)]
    project.build_requires = tuple(dict.fromkeys([*texts(build.get("requires")), *also])) or _LEGACY
    dynamic = texts(table(data, "project").get("dynamic"))
    from_file = table(data, "tool", "setuptools", "dynamic", "dependencies")
    if "dependencies" in dynamic and not from_file and not project.dependencies and not _legacy(tree):
        project.unreadable = True
    project.unreadable = project.unreadable and project.package
    return project


def _legacy(tree: Tree) -> bool:
    return "setup.py" in tree or "setup.cfg" in tree


def _from_project(project: dict[str, object], declared: Metadata) -> None:
    declared.dependencies += texts(project.get("dependencies"))
    extras = {name: texts(items) for name, items in table(project, "optional-dependencies").items()}
    own = re.escape(str(project.get("name", "")))
    declared.extras = {name: _with_own(extras, name, own, ()) for name in extras}
    declared.entry_points = any(table(project, key) for key in ("scripts", "gui-scripts", "entry-points"))


def _with_own(extras: dict[str, list[str]], name: str, own: str, seen: tuple[str, ...]) -> list[str]:
    """Return an extra's requirements, with those of other extras that it names as ``project[extra]``."""
    names = []
    for item in extras.get(name, []):
        others = re.fullmatch(rf"{own}\s*\[([^\]]*)\]", item.strip(), re.IGNORECASE) if own else None
        if others is None:
            names.append(item)
            continue
        for other in others[1].split(","):
            if other.strip() not in (*seen, name):
                names += _with_own(extras, other.strip(), own, (*seen, name))
    return names


def _group(groups: dict[str, object], name: str, seen: tuple[str, ...]) -> list[str]:
    """Return a dependency group's requirements, with those of the groups that it includes (PEP 735)."""
    items = groups.get(name)
    names = texts(items)
    for item in items if isinstance(items, list) else []:
        other = item.get("include-group") if isinstance(item, dict) else None
        if isinstance(other, str) and other not in (*seen, name):
            names += _group(groups, other, (*seen, name))
    return names


def _from_poetry(poetry: dict[str, object], declared: Metadata) -> None:
    """Take poetry's own tables; their version marks are its own, so only names are kept, for when there is no lock."""
    declared.dependencies += [name for name in table(poetry, "dependencies") if name.lower() != "python"]
    for name, group in table(poetry, "group").items():
        declared.groups.setdefault(name, list(table(group, "dependencies")))
    if table(poetry, "dev-dependencies"):
        declared.groups.setdefault("dev", list(table(poetry, "dev-dependencies")))
    declared.entry_points = declared.entry_points or bool(table(poetry, "scripts") or table(poetry, "plugins"))


def _from_setup_cfg(tree: Tree, declared: Metadata) -> None:
    if "setup.cfg" not in tree:
        return
    parser = tree.ini("setup.cfg")
    if parser.has_option("options", "install_requires"):
        declared.dependencies += _lines(parser.get("options", "install_requires"))
    if parser.has_section("options.extras_require"):
        for name, items in parser.items("options.extras_require"):
            declared.extras.setdefault(name, _lines(items))
    declared.entry_points = declared.entry_points or parser.has_section("options.entry_points")


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip() and not line.strip().startswith("#")]


def _from_setup_py(tree: Tree, declared: Metadata) -> None:
    """Take what the call of ``setup`` says in literals; ``setup.py`` itself is never run here."""
    if "setup.py" not in tree:
        return
    try:
        calls = [node for node in ast.walk(ast.parse(tree.text("setup.py"))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        declared.unreadable = True
        return
    for call in calls:
        if not (isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func).endswith("setup")):
            continue
        for keyword in call.keywords:
            _take(keyword.arg or "", keyword.value, declared)


def _take(key: str, value: ast.expr, declared: Metadata) -> None:
    declared.entry_points = declared.entry_points or key == "entry_points"
    if key not in ("install_requires", "extras_require", "tests_require"):
        return
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        declared.unreadable = True
        return
    if key == "install_requires":
        declared.dependencies += [literal] if isinstance(literal, str) else texts(literal)
    elif key == "tests_require":
        declared.extras.setdefault("tests", []).extend([literal] if isinstance(literal, str) else texts(literal))
    elif isinstance(literal, dict):
        for name, items in literal.items():
            declared.extras.setdefault(str(name), [items] if isinstance(items, str) else texts(items))
