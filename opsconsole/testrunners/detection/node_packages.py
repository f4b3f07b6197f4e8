"""How a Node project gets its packages: by the manager whose lock file the commit holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from opsconsole.testrunners.detection.shape import DetectedStep
from opsconsole.testrunners.detection.tree import Tree, table, texts

_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_HOOKS_ONLY = re.compile(r"husky|simple-git-hooks|lefthook|git config")


@dataclass(frozen=True)
class Packages:
    """The package manager of a project."""

    manager: str
    """``npm``, ``pnpm`` or ``yarn``."""
    install: str
    steps: tuple[DetectedStep, ...]
    """Empty when nothing is to be installed."""

    def script(self, name: str, arguments: str = "") -> str:
        """Return the command that runs a script of package.json with further arguments."""
        if not arguments:
            return f"{self.manager} {'test' if name == 'test' else f'run {name}'}"
        return f"{self.manager} run {name} {'-- ' if self.manager == 'npm' else ''}{arguments}"

    def tool(self, name: str) -> str:
        """Return the command that runs an installed program."""
        return {"npm": f"npx --no-install {name}", "pnpm": f"pnpm exec {name}", "yarn": f"yarn run {name}"}[
            self.manager
        ]


def packages(tree: Tree) -> Packages:
    """Return the manager and what it has to do first; hooks for git are never set up in the operator's repo."""
    package = tree.json("package.json")
    lock, manager, install = _manager(tree, package)
    if not any(table(package, key) for key in _DEPENDENCIES) and not _workspaces(tree, package):
        return Packages(manager, install, ())
    members = _members(tree) if _workspaces(tree, package) else []
    also = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpm-workspace.yaml", ".node-version", ".nvmrc")
    named = ("package.json", *((lock,) if lock else ()), *also, *(f"{name}/package.json" for name in members))
    step = DetectedStep(
        "install",
        f"HUSKY=0 {install}",
        inputs=tree.those(*named),
        outputs=("node_modules", *(f"{name}/node_modules" for name in members)),
        versions=("node --version", f"{manager} --version"),
    )
    if "--immutable" in install and "node-modules" not in tree.text(".yarnrc.yml"):
        step = replace(step, inputs=(), outputs=())  # Plug'n'Play leaves files at the root; its own cache is quick
    prepare = table(package, "scripts").get("prepare")
    steps = [step]
    if isinstance(prepare, str) and prepare.strip() and not _HOOKS_ONLY.search(prepare):
        steps.append(DetectedStep("prepare", f"HUSKY=0 {manager} run prepare"))
    return Packages(manager, install, tuple(steps))


def _manager(tree: Tree, package: dict[str, object]) -> tuple[str | None, str, str]:
    """Return the lock file, whose it is, and the command that installs what it says."""
    wanted = str(package.get("packageManager", ""))
    lock = tree.first("pnpm-lock.yaml", "yarn.lock", "package-lock.json", "npm-shrinkwrap.json")
    if lock == "pnpm-lock.yaml":
        return lock, "pnpm", "pnpm install --frozen-lockfile"
    if lock == "yarn.lock":
        berry = ".yarnrc.yml" in tree or "__metadata:" in tree.text(lock)[:2000]
        return lock, "yarn", "yarn install --immutable" if berry else "yarn install --frozen-lockfile"
    if lock is not None:
        return lock, "npm", "npm ci --no-audit --no-fund"
    manager = next((name for name in ("pnpm", "yarn") if wanted.startswith(name)), "npm")
    return None, manager, {"npm": "npm install --no-audit --no-fund"}.get(manager, f"{manager} install")


def _workspaces(tree: Tree, package: dict[str, object]) -> bool:
    workspaces = package.get("workspaces")
    return (
        bool(texts(workspaces) or table(workspaces, "packages") or isinstance(workspaces, dict))
        or "pnpm-workspace.yaml" in tree
    )


def _members(tree: Tree) -> list[str]:
    """Return the folders that may be members of the workspace: each that has a manifest of its own."""
    manifests = [PurePosixPath(name) for name in tree.matching(re.compile(r"/package\.json$"))]
    return sorted(str(name.parent) for name in manifests)[:500]
