"""Editing ``opsconsole.toml`` for the operator: a section is added or taken out, and all else stays as it was written.

The outcome is checked before it is written, and written whole under a lock, so that neither a crash nor two writers at
once lose anything. A section is added at the end of the file, with why a value was chosen beside it.
"""

from __future__ import annotations

import difflib
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.config.load import FILE_NAME, parse, validated
from opsconsole.config.table import NAME_PATTERN, NAME_RULE
from opsconsole.core import toml
from opsconsole.core.errors import ConfigError, ConflictError, NotFoundError, RefusedError, UsageError
from opsconsole.core.files import locked, write_atomically
from opsconsole.core.text import clean, listed

if TYPE_CHECKING:
    from opsconsole.config.schema import Config

Data = dict[str, Any]
KIND = {"repos": "repo", "models": "model", "monitors": "monitor"}
"""What a section of each table is called."""


@dataclass(frozen=True)
class Setting:
    """A value to write, and why it is that one; a guess says so in the file too."""

    value: object
    why: str = ""


Settings = Mapping[str, "Setting | Settings"]


@dataclass(frozen=True)
class Section:
    """``[TABLE.NAME]`` and what shall stand in it; a mapping is a table below it."""

    table: str
    name: str
    settings: Settings

    @property
    def header(self) -> str:
        """As the file has it."""
        return f"[{self.table}.{_key(self.name)}]"


@dataclass(frozen=True)
class Edit:
    """What a change makes of the file."""

    path: Path
    before: str
    after: str
    config: Config
    """As the file reads after the change."""

    @property
    def changed(self) -> bool:
        """False where what was asked for stood there already."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """The change as a patch; empty where there is none."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), FILE_NAME, FILE_NAME, n=1
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines).rstrip("\n")


def require_name(name: str, kind: str) -> None:
    """Refuse a name that no table can have (UsageError)."""
    import re

    if re.fullmatch(NAME_PATTERN, name) is None:
        raise UsageError(f"{clean(name, limit=80)!r} is no name for a {kind}", hint=NAME_RULE)


def add_sections(path: Path, sections: Sequence[Section], *, dry_run: bool = False) -> Edit:
    """Write each ``[TABLE.NAME]``, all or none; the very same settings again change nothing.

    Raises ConflictError when a name is taken or the file changed meanwhile, ConfigError when the outcome would not
    hold, RefusedError when the file cannot be written.
    """
    for one in sections:
        require_name(one.name, KIND[one.table])

    def change(text: str, data: Data) -> str:
        for one in sections:
            there = data.get(one.table, {}).get(one.name)
            if there is None:
                text = _added(text, data, one)
                data = toml.loads(text)
            else:
                _require_as_is(path, one, there)
        return text

    return edit(path, change, dry_run=dry_run)


def _require_as_is(path: Path, section: Section, there: Data) -> None:
    wanted = plain(section.settings)
    if there != wanted:
        other = [key for key in {**there, **wanted} if there.get(key) != wanted.get(key)]
        raise ConflictError(
            f"{section.header} is in {path} already, with another {listed(other)}",
            hint=f"edit it there, or take it out first: opsconsole {KIND[section.table]} rm {section.name}",
        )


def remove_section(path: Path, table: str, name: str, *, dry_run: bool = False) -> Edit:
    """Take ``[TABLE.NAME]`` out with all its tables; comments around it stay. NotFoundError where there is none."""

    def change(text: str, data: Data) -> str:
        known = data.get(table, {})
        if name not in known:
            raise NotFoundError(
                f"there is no [{table}.{name}] in {path}", hint=f"it has: {', '.join(sorted(known)) or 'none'}"
            )
        return _removed(text, data, table, name)

    return edit(path, change, dry_run=dry_run)


def edit(path: Path, change: Callable[[str, Data], str], *, dry_run: bool = False) -> Edit:
    """Change the file's text under a lock; ``change`` gets the text and what it says. A symlink stays one."""
    real = path.resolve()
    with locked(real.parent):
        raw = _read(real, path)
        text, windows = _text(raw, path)
        before = validated(text, str(path))
        after = change(text, parse(text, str(path)))
        if after == text:
            return Edit(path, text, text, before)
        edited = Edit(path, text, after, _outcome(after, path))
        if not dry_run:
            _write(real, raw, after.replace("\n", "\r\n").encode() if windows else after.encode(), path)
        return edited


def _outcome(text: str, path: Path) -> Config:
    """Check what the file would say; the lines that an error names are those that it would have."""
    try:
        return validated(text, str(path))
    except ConfigError as error:
        raise ConfigError(f"nothing was written: {error.message}", hint=error.hint) from error


def plain(settings: Settings) -> Data:
    """Return settings as the file says them, without their reasons."""
    return {key: plain(one) if isinstance(one, Mapping) else one.value for key, one in settings.items()}


def _read(real: Path, path: Path) -> bytes:
    try:
        return real.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such file", hint="opsconsole init writes one") from error
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror}", hint="check who may read it") from error


def _text(raw: bytes, path: Path) -> tuple[str, bool]:
    """Return the text with ``\\n`` at the ends of lines, and whether they all were ``\\r\\n``."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: byte {error.start:,} is none", hint="convert it first") from error
    windows = "\r\n" in text and text.count("\r\n") == text.count("\n")
    return (text.replace("\r\n", "\n"), True) if windows else (text, False)


def _write(real: Path, before: bytes, after: bytes, path: Path) -> None:
    """Put the new content in the file's place, unless somebody who knows of no lock wrote meanwhile."""
    mode = stat.S_IMODE(real.stat().st_mode)
    if not mode & 0o222:
        raise RefusedError(f"{path} is read-only; nothing was written", hint=f"chmod u+w {path}")
    if _read(real, path) != before:
        raise ConflictError(f"{path} was changed meanwhile; nothing was written", hint="try again")
    try:
        write_atomically(real, after, mode=mode)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be written: {error.strerror}; it is as it was", hint="check the disk and who may write"
        ) from error


def _added(text: str, data: Data, section: Section) -> str:
    import tomlkit

    table, name, settings = section.table, section.name, section.settings
    wanted = {**data, table: {**data.get(table, {}), name: plain(settings)}}
    lines = text.rstrip("\n") + "\n\n" if text.strip() else ""
    appended = f"{lines}{_written(table, name, settings)}"
    if _parses_as(appended, wanted):
        return appended
    document = tomlkit.parse(text)  # the table stands within braces, where no header can add to it
    document[table][name] = plain(settings)
    return _require_same(tomlkit.dumps(document), wanted, section.header)


def _written(table: str, name: str, settings: Settings) -> str:
    """Return a section as text, its reasons aligned beside the values."""
    lines, below = [f"[{table}.{_key(name)}]"], {}
    rows = []
    for key, one in settings.items():
        if isinstance(one, Mapping):
            below[key] = one
        else:
            rows.append((f"{_key(key)} = {_value(one.value)}", clean(one.why)))
    width = max((len(row) for row, why in rows if why), default=0)
    lines += [f"{row:<{width}}  # {why}" if why else row for row, why in rows]
    parts = ["\n".join(lines) + "\n"] if rows or not below else []
    parts += [_written(f"{table}.{_key(name)}", key, one) for key, one in below.items()]
    return "\n".join(parts)


def _value(value: object) -> str:
    """Return a value as the file has it, a table of values within braces."""
    import tomlkit

    if not isinstance(value, Mapping):
        return tomlkit.item(value).as_string()
    return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"


def _key(name: str) -> str:
    """Return a name as a key: quoted where a dot would make two of it."""
    import tomlkit

    return tomlkit.key(name).as_string()


def _removed(text: str, data: Data, table: str, name: str) -> str:
    import tomlkit
    from tomlkit.items import Table

    wanted = {**data, table: {key: one for key, one in data[table].items() if key != name}}
    document = tomlkit.parse(text)
    section = document[table][name]
    if isinstance(section, Table) and not section.is_super_table():
        cut = _without_lines(text, table, name)
        if cut is not None and _parses_as(cut, wanted):
            return cut
    document[table].pop(name)
    if not document[table]:
        document.pop(table)
    return _require_same(tomlkit.dumps(document), wanted, f"[{table}.{name}]")


def _without_lines(text: str, table: str, name: str) -> str | None:
    """Return the text without the section's headers and values, with every comment that stands between them and the
    next; None where it is not written as sections of its own."""
    lines = text.split("\n")
    heads = [
        number for number, line in enumerate(lines) if line.lstrip().startswith("[") and not _within(lines, number)
    ]
    gone: set[int] = set()
    for number, after in zip(heads, [*heads[1:], len(lines)], strict=True):
        if _header(lines[number])[:2] != [table, name]:
            continue
        last = max((at for at in range(number, after) if not _idle(lines[at])), default=number)
        gone |= set(range(number, last + 1))
        if number and not lines[number - 1].strip() and (last + 1 == len(lines) or not lines[last + 1].strip()):
            gone.add(number - 1)
    kept = [line for number, line in enumerate(lines) if number not in gone]
    return "\n".join(kept) if gone else None


def _within(lines: list[str], number: int) -> bool:
    """Whether a line begins inside of a text of several lines."""
    above = "\n".join(lines[:number])
    return any(above.count(mark) % 2 for mark in ('"""', "'''"))


def _idle(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _header(line: str) -> list[str]:
    """Return the names that a line's header is made of; none where it is no header."""
    try:
        document: Any = toml.loads(line)
    except tomllib.TOMLDecodeError:
        return []
    names: list[str] = []
    while isinstance(document, dict) and document:
        key, document = next(iter(document.items()))
        names.append(key)
        document = document[0] if isinstance(document, list) and document else document
    return names


def _parses_as(text: str, wanted: Data) -> bool:
    """Whether a text says just that: the guard against a line that only looks like a header."""
    try:
        document = toml.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return _filled(document) == _filled(wanted)


def _filled(data: Data) -> Data:
    return {key: value for key, value in data.items() if value != {}}


def _require_same(text: str, wanted: Data, what: str) -> str:
    if not _parses_as(text, wanted):
        raise ConfigError(
            f"{what} is written in a way that cannot be edited safely; nothing was written", hint="edit it by hand"
        )
    return text
