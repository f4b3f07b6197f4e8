"""Which runners the scripts of package.json come to: read from their text, through the scripts that they call."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from opsconsole.testrunners.detection.tree import Tree

DEPTH = 8
"""How deep scripts may call scripts."""
CALLS = 200
"""How many scripts are looked into, each as often as it is called."""
LONGEST = 10_000
"""Characters of a script that are read."""
RUNNERS = {
    "mocha": "mocha", "_mocha": "mocha", "ts-mocha": "mocha", "mocha.js": "mocha", "_mocha.js": "mocha",
    "jest": "jest", "jest.js": "jest", "vitest": "vitest", "vitest.mjs": "vitest", "ava": "ava", "tap": "tap",
}  # fmt: skip
_MANAGERS = ("npm", "pnpm", "yarn")
_AROUND = frozenset(
    {"cross-env", "cross-env-shell", "npx", "c8", "nyc", "dotenv", "env", "xargs", "time", "exec", "node", "tsx"}
)
_GROUPS = {"npm-run-all", "run-s", "run-p", "npm-run-all2"}
_ELSEWHERE = re.compile(r"--(?:prefix|workspaces?|filter|cwd|dir|recursive)(?:=.*)?|-(?:w|ws|C|F|r)")
_ASSIGNED = re.compile(r"\w+=.*", re.DOTALL)
_HIDES = re.compile(r"NODE_OPTIONS=(?!.*\$\{?NODE_OPTIONS)", re.DOTALL)
_KEYWORDS = frozenset({"then", "else", "do", "!", "(", "{", "if", "while"})
_MOCHA = re.compile(rb"""(?:require\(|from\s+|import\()\s*["']mocha["']""")
_NOT_SURE = "||"
_RUNS_NOTHING = frozenset(
    {
        "--version",
        "--versions",
        "--help",
        "--showConfig",
        "--listTests",
        "--clearCache",
        "--dump-config",
        "bench",
        "list",
    }
)


class Scripts:
    """The scripts of one package.json."""

    def __init__(self, tree: Tree, scripts: dict[str, object]) -> None:
        self._tree = tree
        self._texts = {name: text[:LONGEST] for name, text in scripts.items() if isinstance(text, str)}
        self._left = CALLS

    def runners(self, name: str) -> tuple[str, ...]:
        """Return the known runners that a script surely starts, at any depth, each as often as it is started."""
        self._left = CALLS
        return tuple(self._of_script(name, ()))

    def _of_script(self, name: str, callers: tuple[str, ...]) -> list[str]:
        if name in callers or len(callers) >= DEPTH or self._left <= 0:
            return []
        self._left -= 1
        around = (f"pre{name}", name, f"post{name}")
        runners: list[str] = []
        for text in (self._texts[each] for each in around if each in self._texts):
            for command in _commands(text):
                if command[:1] == ["export"] and any(_HIDES.match(word) for word in command):
                    break  # what follows does not hear of us
                runners += self._of_command(command, (*callers, name))
        return runners

    def _of_command(self, words: list[str], callers: tuple[str, ...]) -> list[str]:
        while words and (words[0] in _KEYWORDS or _ASSIGNED.fullmatch(words[0])):
            if _HIDES.match(words[0]):  # what it starts does not hear of us
                return []
            words = words[1:]
        if not words:
            return []
        if runner := _runner(words[0]):
            return [] if _RUNS_NOTHING.intersection(words) else [runner]
        program = PurePosixPath(words[0]).name
        if program in _MANAGERS:
            return self._of_manager(program, words[1:], callers)
        if program in _GROUPS:
            wanted = [word for word in words[1:] if not word.startswith("-")]
            return [kind for name in self._matching(wanted) for kind in self._of_script(name, callers)]
        return self._within(words, callers) if program in _AROUND else []

    def _of_manager(self, manager: str, words: list[str], callers: tuple[str, ...]) -> list[str]:
        """Follow ``npm run x``, ``npm test``, ``pnpm x``, ``yarn exec jest``; not into the members of a workspace."""
        ours = words[: words.index("--")] if "--" in words else words
        if any(_ELSEWHERE.fullmatch(word) for word in ours):
            return []
        named = [word for word in words if not word.startswith("-")]
        if not named:
            return []
        if named[0] in {"run", "run-script", "rum"}:
            named = named[1:]
        elif named[0] in {"exec", "dlx", "x"}:
            return self._of_command(named[1:], callers)
        elif manager == "npm":
            named = ["test"] if named[0] in {"test", "t", "tst"} else []
        if named and named[0] in self._texts:
            return self._of_script(named[0], callers)
        return self._of_command(named, callers) if manager != "npm" else []

    def _within(self, words: list[str], callers: tuple[str, ...]) -> list[str]:
        """Return the runner that stands behind a program which only starts another: ``nyc``, ``cross-env``, ``node``."""
        program = PurePosixPath(words[0]).name
        if program in {"node", "tsx"} and "--test" in words:
            return ["node --test"]
        for at, word in enumerate(words[1:], 1):
            if program == "env" and _HIDES.match(word):
                return []
            if _runner(word) or word in _MANAGERS or word in _AROUND:
                return self._of_command(words[at:], callers)
            if program in {"node", "tsx"} and re.search(r"\.[cm]?[jt]s$", word):
                content = self._tree.contents([str(PurePosixPath(word))]).values()
                return ["mocha"] if any(_MOCHA.search(text) for text in content) else []
        return []

    def _matching(self, wanted: list[str]) -> list[str]:
        return [name for pattern in wanted for name in self._texts if fnmatchcase(name, pattern)]


def _runner(word: str) -> str | None:
    """Return the runner that a word starts: by its name alone, or by its place among the installed packages."""
    if "/" in word and "node_modules/" not in word:
        return None
    return RUNNERS.get(PurePosixPath(word).name)


def _commands(text: str) -> list[list[str]]:
    """Return the commands of a script as words, without those that only run when another failed."""
    commands: list[list[str]] = []
    for part in re.split(r"&&|[;&\n]|(?<!\|)\|(?!\|)", text):
        sure = part.split(_NOT_SURE)[0]
        try:
            commands.append(shlex.split(sure.replace("(", " ( ").replace(")", " ")))
        except ValueError:
            commands.append(sure.split())
    return commands
