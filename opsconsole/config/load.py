"""Reading ``opsconsole.toml``: an error names the file, the line, the key, and the nearest right spelling."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from opsconsole.config.quantities import Duration, Size, parse_duration, parse_size
from opsconsole.config.schema import Config
from opsconsole.ground.errors import ConfigError

FILE_NAME = "opsconsole.toml"
T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`")
_PATH = re.compile(r" - at (?P<of_key>`key` in )?`(?P<path>[^`]*)`$")
_KEY_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_ANY = "..."
"""How msgspec calls the name of an entry."""
_HEADER = re.compile(r"""^(?P<array>\[)?\[(?P<name>(?:"[^"]*"|'[^']*'|[^\]"'])+)\]""")
_ASSIGNMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|[A-Za-z0-9_.\-\s])+?)\s*=""")
_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def load(path: Path) -> Config:
    """Read and check a configuration file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file", hint="opsconsole init writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    config = convert(parse(text, str(path)), Config, text=text, source=str(path))
    _check_references(config, text, str(path))
    return config


def parse(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; a syntax error carries its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        said = _LINE.sub("", str(error))
        where = f"{source}:{at[1]}" if at else source
        raise ConfigError(f"{where}: not valid TOML: {said[:1].lower()}{said[1:]}") from error


def convert(data: object, kind: type[T], *, text: str, source: str, prefix: tuple[str, ...] = ()) -> T:
    """Turn parsed TOML into ``kind``; ``text`` and ``prefix`` say where in the file it stood."""
    try:
        return msgspec.convert(data, kind, strict=True, dec_hook=_decode)
    except msgspec.ValidationError as error:
        complaint = _complaint(str(error), data, kind)
        where = [*prefix, *complaint.keys]
        line = find_line(text, where)
        at = f"{source}:{line}" if line else source
        raise ConfigError(f"{at}: {'.'.join(where) or 'the file'}: {complaint.said}", hint=complaint.hint) from error


def _decode(kind: type, value: object) -> object:
    if kind is Duration:
        return parse_duration(value)
    if kind is Size:
        return parse_size(value)
    raise NotImplementedError(kind)


@dataclass(frozen=True)
class _Complaint:
    keys: list[str]
    said: str
    hint: str


def _complaint(message: str, data: object, kind: type) -> _Complaint:
    """Say what is wrong at which key, and what was meant."""
    path = _PATH.search(message)
    keys = [name or index for name, index in _KEY_PART.findall(path["path"].removeprefix("$"))] if path else []
    if path and path["of_key"]:
        keys.append(_ANY)
    keys = _resolved(message, data, kind, keys)
    said = _PATH.sub("", message)
    known = _fields(_type_at(kind, keys))
    if unknown := _UNKNOWN.search(said):
        wrong = unknown["key"]
        return _Complaint([*keys, wrong], f"there is no key `{wrong}` here", _meant(wrong, known, "known keys"))
    if missing := _MISSING.search(said):
        return _Complaint(keys, f"`{missing['key']}` is missing", f"known keys: {', '.join(sorted(known))}")
    found = _type_at(kind, keys[:-1] if path and path["of_key"] else keys)
    if path and path["of_key"] and isinstance(found, msgspec.inspect.DictType):
        return _Complaint(keys, f"`{keys[-1]}` is no name", f"a name is {_rule(found.key_type).description}")
    rule, value = _rule(found), str(_at(data, keys))
    if "matching regex" in said:
        return _Complaint(keys, f"`{value}` is not {rule.description}", _meant(value, rule.choices, "such as"))
    if rule.choices:
        return _Complaint(keys, f"there is no `{value}` here", _meant(value, rule.choices, "known"))
    said = said[:1].lower() + said[1:].replace("`object`", "a table").replace("`array`", "a list")
    return _Complaint(keys, said, "opsconsole config schema lists every key and its type")


def _meant(wrong: str, known: list[str], introduction: str) -> str:
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"{introduction}: {', '.join(sorted(known)) or 'none'}"


def _resolved(message: str, data: object, kind: type, keys: list[str]) -> list[str]:
    """Put real names for each ``...``: the entry that alone still brings the same complaint."""
    found = list(keys)
    for position, key in enumerate(found):
        entries = _at(data, found[:position])
        if key != _ANY or not isinstance(entries, dict):
            continue
        for name in entries:
            alone = _narrowed(data, found[:position], name)
            try:
                msgspec.convert(alone, kind, strict=True, dec_hook=_decode)
            except msgspec.ValidationError as error:
                if str(error) == message:
                    found[position], data = name, alone
                    break
    return found


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


def _rule(found: Any) -> _Rule:
    """Return what the schema says of a value in words, and the values it could have."""
    said: dict[str, Any] = {}
    while isinstance(found, msgspec.inspect.Metadata):
        said |= found.extra_json_schema or {}
        found = found.type
    if isinstance(found, msgspec.inspect.EnumType):
        return _Rule("", [str(item.value) for item in found.cls])
    return _Rule(str(said.get("description", "as the schema says")), [str(item) for item in said.get("examples", [])])


def _type_at(kind: type, keys: list[str]) -> Any:
    found: Any = msgspec.inspect.type_info(kind)
    for key in keys:
        found = _unwrapped(found)
        if isinstance(found, msgspec.inspect.StructType):
            found = next((field.type for field in found.fields if field.encode_name == key), None)
        elif isinstance(found, msgspec.inspect.DictType):
            found = found.value_type
        elif isinstance(found, msgspec.inspect.ListType):
            found = found.item_type
    return found


def _fields(found: Any) -> list[str]:
    found = _unwrapped(found)
    return [field.encode_name for field in found.fields] if isinstance(found, msgspec.inspect.StructType) else []


def _unwrapped(found: Any) -> Any:
    while isinstance(found, msgspec.inspect.Metadata):
        found = found.type
    if isinstance(found, msgspec.inspect.UnionType):
        structs = [part for part in found.types if isinstance(part, msgspec.inspect.StructType)]
        return structs[0] if structs else found
    return found


def find_line(text: str, keys: list[str]) -> int | None:
    """Return the line (from 1) where a dotted key stands; the deepest match wins.

    tomllib gives no positions, so this reads headers and keys line by line: exact for the way people write the file,
    and for an inline table on one line it is the line of the key that holds it.
    """
    best: tuple[int, int] | None = None
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
        elif assignment := _ASSIGNMENT.match(line.strip()):
            here = table + _dotted(assignment[1])
        else:
            continue
        if _matches(here, keys):
            best = _better(best, (len(here), number + _lines_into(lines[number - 1 :], keys[len(here) :])))
    return best[1] if best else None


def _lines_into(lines: list[str], inner: list[str]) -> int:
    """Return how many lines below the first one a key inside its value stands: a list of inline tables, one a line."""
    wanted = int(inner[0]) + 1 if inner and inner[0].isdigit() else 0
    opened = 0
    for below, line in enumerate(lines):
        if below and (_HEADER.match(line.strip()) or _ASSIGNMENT.match(line.strip())):
            break
        opened += line.count("{")
        if inner and opened >= wanted and re.search(rf"\b{re.escape(inner[-1])}\b\s*=", line):
            return below
    return 0


def _better(best: tuple[int, int] | None, found: tuple[int, int]) -> tuple[int, int]:
    return found if best is None or found[0] > best[0] else best


def _matches(here: list[str], keys: list[str]) -> bool:
    return len(here) <= len(keys) and all(mine == theirs for mine, theirs in zip(here, keys, strict=False))


def _dotted(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"""\s*("[^"]*"|'[^']*'|[^.]+)""", text)]


@dataclass(frozen=True)
class _Reference:
    keys: list[str]
    kind: str
    wanted: str
    known: list[str]


def _check_references(config: Config, text: str, source: str) -> None:
    """Refuse names that point nowhere, where the schema alone cannot see it."""
    for item in _references(config):
        if item.wanted not in item.known:
            line = find_line(text, item.keys)
            raise ConfigError(
                f"{source}:{line or 1}: {'.'.join(item.keys)}: {item.kind} `{item.wanted}`",
                hint=_meant(item.wanted, item.known, "known"),
            )


def _references(config: Config) -> Iterator[_Reference]:
    models, monitors, repos = list(config.models), list(config.monitors), list(config.repos)
    for name, monitor in config.monitors.items():
        keys = ["monitors", name, "model"]
        model, _, alias = monitor.model.partition("@")
        yield _Reference(keys, "there is no model", model, models)
        yield _Reference(keys, f"`{model}` has no rung", alias, config.models[model].ladder)
        if monitor.refresh is not None:
            wanted = monitor.refresh.partition("/")[0]
            yield _Reference(["monitors", name, "refresh"], "there is no repo", wanted, repos)
    for name, model_config in config.models.items():
        for alias in model_config.gates:
            yield _Reference(["models", name, "gates", alias], f"`{name}` has no rung", alias, model_config.ladder)
    for repo, repo_config in config.repos.items():
        for name, pipeline in repo_config.pipelines.items():
            if pipeline.on.alert is not None:
                keys = ["repos", repo, "pipelines", name, "on", "alert"]
                yield _Reference(keys, "there is no monitor", pipeline.on.alert, monitors)
