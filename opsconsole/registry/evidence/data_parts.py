"""A version's data: its named parts and the ids of their rows, read and checked once at intake."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from opsconsole.core.errors import UsageError
from opsconsole.core.files import digest_rows
from opsconsole.core.foreign_files import is_there, open_foreign, read_foreign
from opsconsole.core.nouns import Digest
from opsconsole.registry.evidence.scored import Scored
from opsconsole.store.models import DataPart

TRAINING = "training"
EVALUATION = "evaluation"
MOST = 16 << 20
"""Bytes of ``data.json``, at most."""
MOST_IDS = 1 << 30
"""Bytes of a file of row ids, unpacked, at most."""
LONGEST = 4096
"""Bytes of one row id, at most."""
_HINT = 'it holds {"parts": [{"name", "path", "rows", "row_ids", "ids"}]}'
_WHOLE = re.compile(r"(-?\d+)\.0+")


def read_parts(out: Path) -> tuple[DataPart, ...]:
    """Read ``data.json``: the named parts of the data, each with the file of its row ids where one was left.

    UsageError when it is not as the contract says.
    """
    path = out / "data.json"
    if not is_there(path):
        return ()
    try:
        parts = json.loads(read_foreign(path, limit=MOST))["parts"]
        return tuple(_part(part) for part in parts)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"data.json: {type(error).__name__}: {str(error)[:200]}", hint=_HINT) from error


def _part(part: dict[str, object]) -> DataPart:
    paths, rows, ids = part["path"], int(part["rows"]), part.get("ids")  # type: ignore[call-overload]
    if not 0 <= rows < 1 << 53:
        raise ValueError(f"rows is {str(rows)[:40]}")
    named = [paths] if isinstance(paths, str) else [str(item) for item in cast("list[object]", paths)]
    texts = (str(part["name"]), *named, str(part["row_ids"]), "" if ids is None else str(ids))
    "".join(texts).encode()  # half a character is refused here, with what says so
    return DataPart(
        name=texts[0], paths=tuple(named), rows=rows, row_ids=Digest(texts[-2]), ids=None if ids is None else texts[-1]
    )


def read_ids(path: Path, *, follow: bool = False) -> list[str]:
    """Read a file of row ids, one a line, plain or gzip; UsageError for anything else."""
    try:
        with open_foreign(path, limit=MOST_IDS, follow=follow) as file:
            packed = path.suffix == ".gz"
            lines = _lines(path, cast("BinaryIO", gzip.GzipFile(fileobj=file)) if packed else file)
            return [line for line in lines if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UsageError(f"{path.name}: not a file of row ids: {error}") from error


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    total = 0
    while line := file.readline(LONGEST + 2):
        total += len(line)
        if len(line) > LONGEST + 1 or total > MOST_IDS:
            what = (
                f"one longer than {LONGEST:,} bytes" if total <= MOST_IDS else f"more than {MOST_IDS >> 30} GiB of them"
            )
            raise UsageError(f"{path.name}: not a file of row ids: {what}")
        yield line.decode("utf-8").rstrip("\r\n")


def read_part(part: DataPart, path: Path) -> list[str]:
    """Read the row ids of a part; UsageError when they do not have its digest.

    Ids that were thinned out would hide an overlap.
    """
    ids = read_ids(path)
    if digest_rows(ids) != part.row_ids or len(ids) != part.rows:
        raise UsageError(f"part {part.name} of the data: {path.name} holds other rows than were named")
    return ids


def check_parts(parts: tuple[DataPart, ...], out: Path, evaluated: Scored | None) -> None:
    """Compare what ``data.json`` claims with the files that were left; UsageError for a wrong claim."""
    for part in parts:
        if part.ids is None:
            continue
        if Path(part.ids).name != part.ids or not is_there(out / part.ids):
            raise UsageError(f"data.json: part {part.name}: there is no file {part.ids[:200]} in out/")
        read_part(part, out / part.ids)
    claimed = next((part for part in parts if part.name == EVALUATION), None)
    if claimed is not None and evaluated is not None and claimed.row_ids != evaluated.digest:
        raise UsageError("data.json: the evaluation part names other rows than the evaluation file holds")


def overlap(judged: Iterable[str], trained: Iterable[str]) -> int:
    """Count the rows that stand on both sides; the same number counts however it was written."""
    return len({_plain(row) for row in judged} & {_plain(row) for row in trained})


def _plain(row: str) -> str:
    word = row.strip()
    whole = _WHOLE.fullmatch(word)
    return whole[1] if whole else word
