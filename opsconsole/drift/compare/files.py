"""``drift compare``: two data files, column by column; no workspace, no model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.columns import (
    ColumnComparison,
    Judgement,
    Rows,
    column_comparison,
    id_notes,
    outcome_of,
    vector_notes,
)
from opsconsole.drift.data.errors import shown
from opsconsole.drift.data.sources import DataError, Source, open_source
from opsconsole.drift.facts.column import ColumnFacts, Effect, Role, fits
from opsconsole.drift.facts.unseen_categories import expected_unseen, with_newcomers
from opsconsole.drift.measures.distances import NOTHING, Distances, distances
from opsconsole.drift.measures.exact import exact as exactly
from opsconsole.drift.sketches.layout import Layout, count, lay_out, layout_of
from opsconsole.drift.sketches.sketch import CategorySketch, NumericSketch, Sketch, TableSketch
from opsconsole.drift.verdicts.criteria import judge

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnComparison", "Comparison", "Rows", "compare", "compare_sources"]

HELD_ROWS = 500_000
"""A reference up to this size is decoded once and held; a larger one, or one of vectors, is read twice, so that memory
stays flat."""


@dataclass(frozen=True)
class Comparison:
    """What ``drift compare`` answers."""

    reference: str
    current: str
    rows: Rows
    exact: bool
    columns: tuple[ColumnComparison, ...]
    left_out: tuple[str, ...]
    """Columns of lists or records, which are not compared."""
    severity: Judgement
    drifted: bool | None
    """Whether any column is past its limits; None when none is and some have too few rows to say."""
    rows_needed: int | None
    """Where that is so, how many rows each side needs before all columns have a verdict."""
    notes: tuple[str, ...] = ()
    """What was left out or is read otherwise than it looks, and why."""


@dataclass(frozen=True)
class Choice:
    """What of two files is compared: columns by name (none: all), without some, and those that only name rows."""

    columns: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def require(self, reference: Source, current: Source) -> None:
        """DataError where a column that is to be compared is not in the reference, or another is on no side."""
        if self.columns:
            reference.require(list(self.columns))
        there = {name for file in (*reference.files, *current.files) for name in (*file.kinds, *file.nested)}
        for name in sorted(self.ignore | self.ids):
            if name not in there:
                raise DataError(
                    f"{reference.name}, {current.name}: neither has a column `{shown(name)}`",
                    hint=f"they have: {', '.join(shown(one) for one in sorted(there)[:12])}",
                )

    def names(self, kinds: Iterable[str]) -> list[str]:
        """Return those of some columns that are compared."""
        return [name for name in kinds if name not in self.ignore and (not self.columns or name in self.columns)]


ALL = Choice()


def compare(
    reference_file: str | Path,
    current_file: str | Path,
    *,
    exact: bool = False,
    choice: Choice = ALL,
    programs: bool = True,
) -> Comparison:
    """Compare two data files (or folders, or globs) column by column; without ``programs`` no command is run.

    Raises DataError for files that cannot be read, hold no rows, or lack a column of the ``choice``.
    """
    reference, current = (open_source(one, programs=programs) for one in (reference_file, current_file))
    choice.require(reference, current)
    return compare_sources(reference, current, exact=exact, choice=choice)


def compare_sources(reference: Source, current: Source, *, exact: bool = False, choice: Choice = ALL) -> Comparison:
    """Compare two sources column by column; text is text on both sides where one says that it is.

    DataError for a source without rows.
    """
    reference = reference.spelled_as(current)
    current = current.as_text(reference.of_kind(ColumnKind.CATEGORICAL, typed=False))
    current = current.as_flags(reference.of_kind(ColumnKind.BOOLEAN, typed=False))
    kinds, current_kinds = (
        {name: side.kinds[name] for name in choice.names(side.kinds)} for side in (reference, current)
    )
    schema = schema_changes(kinds, current_kinds, typed=all(file.typed for file in current.files))
    mine = reference_sketch(reference, resolved(kinds, current_kinds))
    theirs = sketch_source(current, layouts(mine, [name for name in mine.columns if name not in schema]))
    for name, sketch in (("reference", mine), ("current", theirs)):
        if not sketch.rows:
            raise DataError(f"{reference.name if name == 'reference' else current.name}: there are no rows in it")
    facts = facts_of(mine, theirs, schema, new=current_kinds, ids=choice.ids)
    if exact:
        facts = [_exact(one, reference, current, mine.columns) for one in facts]
    verdicts = judge(facts)
    order = choice.names(choice.columns) or [*kinds, *(name for name in current_kinds if name not in kinds)]
    compared = {
        one.name: column_comparison(one, verdicts[one.name], mine.columns.get(one.name), theirs.columns.get(one.name))
        for one in facts
    }
    columns = tuple(compared[name] for name in dict.fromkeys(order))
    severity, drifted, needed = outcome_of(columns)
    notes = (note.text for note in (*reference.notes, *current.notes))
    return Comparison(
        reference=reference.name,
        current=current.name,
        rows=Rows(mine.rows, theirs.rows),
        exact=exact,
        columns=columns,
        left_out=tuple(dict.fromkeys(name for file in (*reference.files, *current.files) for name in file.nested)),
        severity=severity,
        drifted=drifted,
        rows_needed=needed,
        notes=tuple(dict.fromkeys((*notes, *vector_notes(columns), *id_notes(columns)))),
    )


def schema_changes(
    reference: Mapping[str, ColumnKind | None], current: Mapping[str, ColumnKind | None], *, typed: bool = True
) -> dict[str, Effect]:
    """Return the columns that are gone, new, or of another kind; a side without any value disagrees with nothing.

    ``typed`` is whether the current side's format keeps types.
    """
    effects: dict[str, Effect] = {}
    for name, kind in reference.items():
        if name not in current:
            effects[name] = Effect.GONE
        elif kind is not None and not fits(kind, current[name], typed=typed):
            effects[name] = Effect.TYPE_CHANGED
    return effects | {name: Effect.NEW for name in current if name not in reference}


def resolved(
    kinds: Mapping[str, ColumnKind | None], others: Mapping[str, ColumnKind | None]
) -> dict[str, ColumnKind | None]:
    """Give a column that has no value on this side the kind that it has on the other."""
    return {name: kind or others.get(name) for name, kind in kinds.items()}


def reference_sketch(source: Source, kinds: Mapping[str, ColumnKind | None]) -> TableSketch:
    """Lay out the columns of a reference and count it."""
    names = list(kinds)
    rows = [file.rows for file in source.files]
    if (
        None not in rows
        and ColumnKind.EMBEDDING not in kinds.values()
        and sum(number or 0 for number in rows) <= HELD_ROWS
    ):
        held = list(record_batches(source, names))
        return count(held, lay_out(held, kinds))
    return count(record_batches(source, names), lay_out(record_batches(source, names), kinds))


def layouts(sketch: TableSketch, names: list[str]) -> dict[str, Layout]:
    """Return the layouts of some columns of a sketch."""
    return {name: layout_of(sketch.columns[name]) for name in names}


def sketch_source(source: Source, layout: Mapping[str, Layout]) -> TableSketch:
    """Count a source in given layouts."""
    return count(record_batches(source, list(layout)), layout)


def record_batches(source: Source, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Stream the batches of some columns."""
    return (batch.table for batch in source.batches(names))


def facts_of(
    reference: TableSketch,
    current: TableSketch,
    schema: Mapping[str, Effect],
    *,
    new: Mapping[str, ColumnKind | None],
    score: str | None = None,
    ids: frozenset[str] = frozenset(),
) -> list[ColumnFacts]:
    """Measure every column that both sides have, and name those of one side; ``ids`` are declared to name rows."""
    role = Role.PLAIN if score is None else Role.INPUT
    facts = []
    for name, sketch in reference.columns.items():
        expected = expected_unseen(sketch)
        facts.append(
            ColumnFacts(
                name=name,
                kind=sketch.kind,
                role=Role.SCORE if name == score else role,
                distances=_lost(reference, name)
                if name in schema
                else with_newcomers(distances(sketch, current.columns[name]), sketch, current.columns[name], expected),
                rows_reference=reference.rows,
                rows_current=current.rows,
                schema=schema.get(name) or (Effect.IDENTIFIER if name in ids or identifies(sketch) else None),
                expected_unseen=expected,
            )
        )
    for name, effect in schema.items():
        if effect is Effect.NEW:
            kind = new.get(name) or ColumnKind.CATEGORICAL
            facts.append(ColumnFacts(name, kind, role, NOTHING, reference.rows, current.rows, Effect.NEW))
    return facts


def identifies(sketch: Sketch) -> bool:
    """Whether a column names rows instead of describing them."""
    return isinstance(sketch, CategorySketch | NumericSketch) and sketch.identifying


def _lost(reference: TableSketch, name: str) -> Distances:
    sketch = reference.columns[name]
    return replace(NOTHING, missing_reference=sketch.missing / sketch.rows if sketch.rows else 0.0, missing_current=1.0)


def _exact(facts: ColumnFacts, reference: Source, current: Source, sketches: Mapping[str, Sketch]) -> ColumnFacts:
    if facts.schema is not None:
        return facts
    exact = exactly(facts.distances, reference, current, facts.name, sketches[facts.name])
    return replace(facts, distances=exact)
