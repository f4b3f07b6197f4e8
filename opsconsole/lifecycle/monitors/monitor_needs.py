"""What a monitor lacks before its first check: from its configuration, files and version, without reading rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsconsole.config.monitors import MonitorConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError, OpsconsoleError
from opsconsole.core.nouns import PipelineKind
from opsconsole.core.text import clean
from opsconsole.drift.data.formats.commands import COMMAND
from opsconsole.drift.data.formats.tables import SQLITE
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.monitors import EVALUATION, Subject, monitor_of
from opsconsole.drift.reference.reference_rows import brings_features
from opsconsole.lifecycle.monitors.monitor_check import subject_of
from opsconsole.store import baselines
from opsconsole.store.connection import Store

NAMED = 12
NO_FILE = "rows of a table or a command have no file whose time could be theirs: name their column"


@dataclass(frozen=True)
class Lack:
    """One thing that a check would stumble over."""

    monitor: str
    key: str
    """The key of ``[monitors.NAME]`` to look at."""
    detail: str


def lacks(workspace: Workspace, store: Store | None) -> list[Lack]:
    """Return what each monitor lacks; without a store nothing is known of versions and scores. No program is run."""
    return [
        Lack(name, key, detail)
        for name, config in workspace.config.monitors.items()
        for key, detail in _of_monitor(workspace, store, name, config)
    ]


def _of_monitor(
    workspace: Workspace, store: Store | None, name: str, config: MonitorConfig
) -> Iterator[tuple[str, str]]:
    try:
        monitor_of(workspace, name)
    except OpsconsoleError as error:
        yield "performance", error.message
        return
    if config.performance is not None and config.label is None:
        yield "label", 'performance is measured on labels: label = "…" names their column'
    subject = None
    if store is not None:
        try:
            subject = subject_of(workspace, store, name)
        except NotFoundError as error:
            yield "model", f"{error.message}: {error.hint}"
    yield from _of_current(workspace, store, config)
    yield from _of_reference(workspace, config, subject)


def _of_current(workspace: Workspace, store: Store | None, config: MonitorConfig) -> Iterator[tuple[str, str]]:
    try:
        source = _opened(workspace, config.current)
    except OpsconsoleError as error:
        yield "current", error.message
        return
    if source is None:
        if config.time is None:
            yield "time", NO_FILE
        return
    there = columns_of(source)
    yield from _of_time(source, config, there)
    joined = _joined(workspace, store, config)
    if joined is not None and config.id not in there:
        yield "id", f"{_no(config.id, source)}: {joined}"
    if config.model is not None and joined is None and config.score not in there:
        none = f'{_no(config.score, source)}, and no pipeline of kind "score" brings scores'
        yield "score", f'{none}: name the column, or refresh = "REPO/PIPELINE"'
    for key, named in (("columns", config.columns), ("slices", config.slices)):
        for one in named:
            if one not in there:
                yield key, _no(one, source)


def _of_time(source: Source, config: MonitorConfig, there: list[str]) -> Iterator[tuple[str, str]]:
    if config.time is None and config.current.startswith(SQLITE):
        yield "time", NO_FILE
    if config.time is not None and config.time not in there:
        yield "time", f"{_no(config.time, source)}: chunks are cut by time"


def _joined(workspace: Workspace, store: Store | None, config: MonitorConfig) -> str | None:
    """Return why rows need an id: what is joined with them; None where their own score column counts."""
    if config.model is None:
        return None
    pipelines = (one for repo in workspace.config.repos.values() for one in repo.pipelines.values())
    scored = config.refresh is not None or any(one.kind is PipelineKind.SCORE for one in pipelines)
    if scored or (store is not None and baselines.predictions(store, config.watched)):
        return "scores are joined by it"
    return None


def _of_reference(workspace: Workspace, config: MonitorConfig, subject: Subject | None) -> Iterator[tuple[str, str]]:
    if config.reference != EVALUATION:
        yield from _of_source(workspace, config)
        return
    if subject is None:
        return
    if subject.evaluation is not None and not subject.data and brings_features(subject.evaluation):
        return
    if subject.evaluation is None or not subject.data:
        left = "evaluation rows" if subject.evaluation is None else "word of the data that its evaluation rows stand in"
        yield (
            "reference",
            f'{subject.model} v{subject.version} left no {left}: name a file: reference = "data/….parquet"',
        )
        return
    for path in subject.data:
        try:
            source = open_source(path, base=workspace.root)
        except OpsconsoleError as error:
            yield "reference", error.message
            continue
        if config.id not in columns_of(source):
            yield "id", f"{_no(config.id, source)}: evaluated rows are found by it"


def _of_source(workspace: Workspace, config: MonitorConfig) -> Iterator[tuple[str, str]]:
    try:
        source = _opened(workspace, config.reference)
    except OpsconsoleError as error:
        yield "reference", error.message
        return
    relative = config.performance is not None and not isinstance(config.performance.floor, int | float)
    if source is None or not relative:
        return
    for key, named in (("label", config.label), ("score", config.score)):
        if named is not None and named not in columns_of(source):
            yield key, f"{_no(named, source)}: a floor that is relative to the reference needs labels and scores there"


def _opened(workspace: Workspace, location: str) -> Source | None:
    """Open a source without reading rows; None of a command, which is not run to ask."""
    return None if location.startswith(COMMAND) else open_source(location, base=workspace.root)


def columns_of(source: Source) -> list[str]:
    """Return the columns that any file of a source has."""
    return list(dict.fromkeys(name for file in source.files for name in (*file.kinds, *file.nested)))


def _no(column: str, source: Source) -> str:
    shown = ", ".join(clean(name, limit=40) for name in columns_of(source)[:NAMED])
    return f"{clean(source.name, limit=120)} has no column `{clean(column, limit=40)}` (it has: {shown or 'none'})"
