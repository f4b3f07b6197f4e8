"""Explaining what is wrong with a configuration: file, line, key, and the nearest right spelling. Read only when it is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import msgspec.inspect

Decode: TypeAlias = Callable[[type, object], object]
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`")
_PATH = re.compile(r" - at (?P<of_key>`key` in )?`(?P<path>[^`]*)`$")
_KEY_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_ANY = "..."
"""How msgspec calls the name of an entry."""
_HEADER = re.compile(r"""^(?P<array>\[)?\[(?P<name>(?:"[^"]*"|'[^']*'|[^\]"'])+)\]""")
LONGEST = 1_000
"""Letters of a line in which its key is looked for."""
_ASSIGNMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|[A-Za-z0-9_.\-\s])+?)\s*=""")


@dataclass(frozen=True)
class Complaint:
    """What is wrong, at which key, and what may have been meant."""

    keys: list[str]
    message: str
    hint: str


def complaint_of(message: str, data: object, kind: type, decode: Decode) -> Complaint:
    """Say what is wrong at which key, and what was meant."""
    path = _PATH.search(message)
    keys = [name or index for name, index in _KEY_PART.findall(path["path"].removeprefix("$"))] if path else []
    if path and path["of_key"]:
        keys.append(_ANY)
    keys = _resolved(message, data, kind, keys, decode)
    message = _PATH.sub("", message)
    known = _fields(_type_at(kind, keys))
    if unknown := _UNKNOWN.search(message):
        wrong = unknown["key"]
        return Complaint([*keys, wrong], f"there is no key `{wrong}` here", meant(wrong, known, "known keys"))
    if missing := _MISSING.search(message):
        return Complaint(keys, f"`{missing['key']}` is missing", f"known keys: {', '.join(sorted(known))}")
    owner = _type_at(kind, keys[:-1] if path and path["of_key"] else keys)
    if path and path["of_key"] and isinstance(owner, msgspec.inspect.DictType):
        return Complaint(keys, f"`{keys[-1]}` is no name", f"a name is {_rule(owner.key_type).description}")
    rule, value = _rule(owner), str(_at(data, keys))
    if "matching regex" in message:
        return Complaint(keys, f"`{value}` is not {rule.description}", meant(value, rule.choices, "such as"))
    if rule.choices:
        return Complaint(keys, f"there is no `{value}` here", meant(value, rule.choices, "known"))
    message = message[:1].lower() + message[1:].replace("`object`", "a table").replace("`array`", "a list")
    return Complaint(keys, message, "opsconsole config schema lists every key and its type")


def meant(wrong: str, known: list[str], introduction: str) -> str:
    """Return the nearest right spelling, or every one there is."""
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"{introduction}: {', '.join(sorted(known)) or 'none'}"


def _resolved(message: str, data: object, kind: type, keys: list[str], decode: Decode) -> list[str]:
    """Put real names for each ``...``: the entry that alone still brings the same complaint."""
    resolved = list(keys)
    for position, key in enumerate(resolved):
        entries = _at(data, resolved[:position])
        if key != _ANY or not isinstance(entries, dict):
            continue
        for name in entries:
            alone = _narrowed(data, resolved[:position], name)
            try:
                msgspec.convert(alone, kind, strict=True, dec_hook=decode)
            except msgspec.ValidationError as error:
                if str(error) == message:
                    resolved[position], data = name, alone
                    break
    return resolved


def _at(data: Any, keys: list[str]) -> Any:
    for key in keys:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def _narrowed(data: Any, keys: list[str], name: str) -> Any:
    """Return ``data`` whose table at ``keys`` holds one entry only."""
    if not keys:
        return {name: data[name]}
    if isinstance(data, list):
        return [_narrowed(item, keys[1:], name) if str(at) == keys[0] else item for at, item in enumerate(data)]
    return {**data, keys[0]: _narrowed(data[keys[0]], keys[1:], name)}


@dataclass(frozen=True)
class _Rule:
    description: str
    choices: list[str]


def _rule(kind: Any) -> _Rule:
    """Return what the schema says of a value in words, and the values it could have."""
    schema: dict[str, Any] = {}
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next((part for part in kind.types if isinstance(part, msgspec.inspect.Metadata)), kind)
    while isinstance(kind, msgspec.inspect.Metadata):
        schema |= kind.extra_json_schema or {}
        kind = kind.type
    if isinstance(kind, msgspec.inspect.EnumType):
        return _Rule("", [str(item.value) for item in kind.cls])
    return _Rule(
        str(schema.get("description", "as the schema says")), [str(item) for item in schema.get("examples", [])]
    )


def _type_at(kind: type, keys: list[str]) -> Any:
    inner: Any = msgspec.inspect.type_info(kind)
    for key in keys:
        inner = _unwrapped(inner)
        if isinstance(inner, msgspec.inspect.StructType):
            inner = next((field.type for field in inner.fields if field.encode_name == key), None)
        elif isinstance(inner, msgspec.inspect.DictType):
            inner = inner.value_type
        elif isinstance(inner, msgspec.inspect.ListType):
            inner = inner.item_type
    return inner


def _fields(kind: Any) -> list[str]:
    kind = _unwrapped(kind)
    return [field.encode_name for field in kind.fields] if isinstance(kind, msgspec.inspect.StructType) else []


def _unwrapped(kind: Any) -> Any:
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.UnionType):
        structs = [part for part in kind.types if isinstance(part, msgspec.inspect.StructType)]
        return structs[0] if structs else kind
    return kind


def find_line(text: str, keys: list[str]) -> int | None:
    """Return the line (from 1) where a dotted key stands; the deepest match wins.

    tomllib gives no positions, so this reads headers and keys line by line: exact for the way people write the file,
    and for an inline table on one line it is the line of the key that holds it.
    """
    best: _Reading | None = None
    table: list[str] = []
    repeated: dict[str, int] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if header := _HEADER.match(line.strip()):
            table = _dotted(header["name"])
            if header["array"]:
                repeated[header["name"]] = repeated.get(header["name"], -1) + 1
                table.append(str(repeated[header["name"]]))
            here = table
        elif assignment := _ASSIGNMENT.match(line.strip()[:LONGEST]):
            here = table + _dotted(assignment[1])
        else:
            continue
        if _matches(here, keys):
            at = number + _lines_into(lines[number - 1 :], keys[len(here) :])
            best = _better(best, _Reading(min(len(here), len(keys)), len(here) <= len(keys), at))
    return best.line if best else None


def _lines_into(lines: list[str], inner: list[str]) -> int:
    """Return how many lines below the first one a key inside its value stands: a list of inline tables, one a line."""
    wanted = int(inner[0]) + 1 if inner and inner[0].isdigit() else 0
    opened = 0
    for below, line in enumerate(lines):
        if below and (_HEADER.match(line.strip()) or _ASSIGNMENT.match(line.strip()[:LONGEST])):
            break
        opened += line.count("{")
        if inner and opened >= wanted and re.search(rf"\b{re.escape(inner[-1])}\b\s*=", line):
            return below
    return 0


@dataclass(frozen=True)
class _Reading:
    depth: int
    itself: bool
    """Not a table below it, which is all that shows where a table without a header of its own stands."""
    line: int


def _better(best: _Reading | None, reading: _Reading) -> _Reading:
    return reading if best is None or (reading.depth, reading.itself) > (best.depth, best.itself) else best


def _matches(here: list[str], keys: list[str]) -> bool:
    return bool(keys) and all(mine == theirs for mine, theirs in zip(here, keys, strict=False))


def _dotted(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"""\s*("[^"]*"|'[^']*'|[^.]+)""", text)]
