"""What Tab offers on the ``:`` line: words, then the names that fit the word, read only when it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opsconsole.console.host.host import Host
from opsconsole.console.host.line_help import Candidate, Completion
from opsconsole.console.host.paths import paths
from opsconsole.console.host.tabs import HOMES, TABS_BY_ID
from opsconsole.console.shell.typed_line import TYPED
from opsconsole.console.shell.word_acts import WORDS
from opsconsole.core import text
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.lifecycle.usecases import BY_WORD
from opsconsole.store import alerts, models, runs

LIMIT = 50
"""Candidates that are read from the store, and shown at most."""
OTHERWISE = {"help": "topic", "model": "held", "promote": "version", "theme": "theme"}
"""What stands behind a word, where that is not what its use case needs first; a monitor is often called as its model."""


class Completer:
    """Offers what fits where the cursor stands."""

    def __init__(self, app: Host) -> None:
        self.app = app
        self._sources: dict[str, Callable[[str], Iterable[Candidate]]] = {
            "repo": self._repos,
            "target": self._targets,
            "run": self._runs,
            "model": self._models,
            "version": self._versions,
            "held": self._held,
            "alert": self._alerts,
            "monitor": self._monitors,
            "path": self._paths,
            "topic": self._topics,
            "theme": self._themes,
        }

    def complete(self, line: str) -> Completion:
        """Complete what stands before the cursor: the word itself, or all that follows it as one name."""
        word, blank, rest = line.partition(" ")
        if not blank:
            return Completion(0, self._fitting(word, self._first(word)))
        typed = rest.lstrip()
        kind = _kind_after(word)
        candidates = [*(self._sources[kind](typed) if kind else ()), *_second_words(word)]
        return Completion(len(line) - len(typed), self._fitting(typed, candidates))

    def _fitting(self, typed: str, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        """Keep what begins as typed; what a line cannot hold harmlessly is never offered."""
        kept = {
            item.word: item for item in candidates if item.word.startswith(typed) and text.clean(item.word) == item.word
        }
        return tuple(kept.values())[: LIMIT * 2]

    def _first(self, word: str) -> Iterable[Candidate]:
        yield from (Candidate(item, _about(item)) for item in sorted(set(WORDS)))
        if word.isdecimal():
            yield from self._runs(word)
        elif word:
            yield from (Candidate(name, "repo") for name in self.app.repo_names())
            yield from (Candidate(name, "model") for name in self.app.workspace.config.models)
            yield from (Candidate(name, "monitor") for name in self.app.workspace.config.monitors)

    def _repos(self, _typed: str) -> Iterable[Candidate]:
        return (Candidate(name) for name in self.app.repo_names())

    def _targets(self, typed: str) -> Iterable[Candidate]:
        """Repos, and the pipelines of each that the configuration names; of one that is typed also those that ran."""
        known = self.app.workspace.config.repos
        for name in self.app.repo_names():
            yield Candidate(name, "build")
            config = known.get(name)
            yield from (Candidate(f"{name}/{pipeline}") for pipeline in (config.pipelines if config else ()))
        repo, slash, _ = typed.partition("/")
        if slash:
            yield from (
                Candidate(f"{repo}/{run.pipeline}") for run in runs.page(self.app.store, repo=repo, limit=LIMIT)
            )

    def _runs(self, typed: str) -> Iterable[Candidate]:
        return (
            Candidate(str(run.id), f"{run.repo}/{run.pipeline} {run.state}")
            for run in runs.numbered(self.app.store, typed, limit=LIMIT)
        )

    def _model_names(self) -> list[str]:
        return sorted({*self.app.workspace.config.models, *models.names(self.app.store)})

    def _models(self, _typed: str) -> Iterable[Candidate]:
        return (Candidate(name) for name in self._model_names())

    def _versions(self, typed: str) -> Iterable[Candidate]:
        """Models; of the one that is meant, its versions, too."""
        for name, meant in self._meant(typed):
            yield Candidate(name, open=True)
            versions = models.versions(self.app.store, name, limit=LIMIT) if meant else ()
            yield from (Candidate(f"{name}:{item.version}") for item in versions)

    def _held(self, typed: str) -> Iterable[Candidate]:
        """Models; of the one that is meant, its rungs, the highest first, and its versions."""
        for name, meant in self._meant(typed):
            yield Candidate(name, open=True)
            ladder = ladder_of(self.app.workspace, name) if meant else []
            yield from (Candidate(f"{name}@{rung}") for rung in reversed(ladder))
        yield from self._versions(typed)

    def _meant(self, typed: str) -> list[tuple[str, bool]]:
        """Return the models that may be meant, and of each whether it is the one."""
        names = self._model_names()
        fitting = [name for name in names if name.startswith(typed) or typed.startswith((f"{name}:", f"{name}@"))]
        return [(name, len(fitting) == 1 or typed.startswith(name)) for name in fitting]

    def _alerts(self, _typed: str) -> Iterable[Candidate]:
        listed = alerts.alerts(self.app.store, limit=LIMIT)
        listed.sort(key=lambda item: not item.live)
        return (Candidate(str(item.id), f"{item.monitor} {item.state}") for item in listed)

    def _monitors(self, _typed: str) -> Iterable[Candidate]:
        return (Candidate(name) for name in self.app.workspace.config.monitors)

    def _topics(self, _typed: str) -> Iterable[Candidate]:
        from opsconsole.docs import TOPICS

        return (Candidate(item.name) for item in TOPICS)

    def _themes(self, _typed: str) -> Iterable[Candidate]:
        return (Candidate(name) for name in sorted(self.app.available_themes))

    def _paths(self, typed: str) -> Iterable[Candidate]:
        return paths(typed)


def _second_words(word: str) -> list[Candidate]:
    """Return what makes two words of one, as on the command line: ``monitor add``."""
    pairs = ((pair.partition(" "), case) for pair, case in TYPED.items())
    return [Candidate(second, case.title) for (first, _, second), case in pairs if first == word]


def _kind_after(word: str) -> str | None:
    """Return what stands behind a word: of a use case what its line needs first, of a jump what it goes to."""
    if word in OTHERWISE:
        return OTHERWISE[word]
    case = BY_WORD.get(word)
    if case is not None:
        return next(iter(case.needs), None)
    return word if word in HOMES else None


def _about(word: str) -> str:
    case = BY_WORD.get(word)
    if case is not None:
        return case.behind_word
    return "tab" if word in TABS_BY_ID else word.upper() if word in HOMES else ""
