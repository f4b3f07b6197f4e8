"""Reading an ``MLmodel``, which describes a model that MLflow wrote: its signature, entry file, flavour and provenance.

The file is YAML as ``yaml.safe_dump`` writes it: mappings by indentation, scalars plain or quoted, long ones folded over
lines. That much is read here, and nothing of it is ever executed or trusted: a trust list in it counts for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import UsageError
from opsconsole.core.foreign_files import read_foreign
from opsconsole.registry.versions.columns import columns_of
from opsconsole.store.models import Signature

MOST = 4 << 20
_KEY = re.compile(r"^( *)([A-Za-z_][\w.-]*):(?: +(.*))?$")
_ENTRIES = ("model_path", "pickled_model", "model_data", "data")
_DEEPEST = 32


@dataclass(frozen=True)
class MLmodel:
    """What it says."""

    signature: Signature
    entry: str
    """The file that holds the model, relative to the folder; empty when it names none."""
    framework: str
    """The flavour that is no wrapper, with its version where there is one: ``sklearn 1.9.1``."""
    params: dict[str, object]
    """Where it came from: MLflow's run, its model's id, when it was made."""


def read_mlmodel(path: Path, *, follow: bool = False) -> MLmodel:
    """Read it; UsageError when it is none."""
    data = read_foreign(path, limit=MOST, follow=follow)
    try:
        values = _values(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"MLmodel: not UTF-8: {error}") from error
    flavours = list(dict.fromkeys(keys[1] for keys in values if keys[0] == "flavors" and len(keys) > 1))
    if not flavours:
        raise UsageError("MLmodel: it names no flavours", hint="MLflow writes it beside the model")
    own = next((name for name in flavours if name != "python_function"), flavours[0])
    version = next(
        (word for keys, word in values.items() if keys[:2] == ("flavors", own) and keys[-1].endswith("_version")), ""
    )
    entry = next((values[at] for name in _ENTRIES for at in (("flavors", own, name),) if values.get(at)), "")
    try:
        inputs = columns_of(values.get(("signature", "inputs")) or "[]")
        outputs = columns_of(values.get(("signature", "outputs")) or "[]")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"MLmodel: its signature cannot be read: {str(error)[:200]}") from error
    params = {
        f"mlflow.{name}": values.get((name,)) for name in ("run_id", "model_uuid", "utc_time_created", "mlflow_version")
    }
    return MLmodel(
        signature=Signature(inputs, ", ".join(column.type for column in outputs)),
        entry=entry,
        framework=f"{own} {version}".strip(),
        params={name: word for name, word in params.items() if word},
    )


def _values(text: str) -> dict[tuple[str, ...], str]:
    """Return every scalar by its path of keys."""
    values: dict[tuple[str, ...], str] = {}
    path: list[tuple[int, str]] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        match = _KEY.match(lines[number])
        number += 1
        if match is None:
            continue
        indent, key, raw = len(match[1]), match[2], match[3] or ""
        path = [item for item in path if item[0] < indent][:_DEEPEST]
        path.append((indent, key))
        parts, opened = [raw], _opened(raw, raw[:1])
        while number < len(lines) and (opened or _deeper(raw, lines[number], indent)):
            parts.append(lines[number].strip() or "\n")
            opened = opened and not _closes(lines[number], raw[:1])
            number += 1
        values[tuple(name for _, name in path)] = _scalar(" ".join(parts))
    return values


def _opened(raw: str, quote: str) -> bool:
    """Tell whether a quoted scalar goes on in the next line."""
    return quote in {"'", '"'} and not _closes(raw[1:], quote)


def _closes(line: str, quote: str) -> bool:
    plain = line.replace("''", "") if quote == "'" else line.replace("\\\\", "").replace('\\"', "")
    return quote in plain


def _deeper(raw: str, following: str, indent: int) -> bool:
    """Tell whether a plain scalar goes on: the next line is indented deeper and begins no key."""
    plain = bool(raw) and raw[0] not in "'\""
    return plain and following.startswith(" " * (indent + 1)) and _KEY.match(following) is None


def _scalar(raw: str) -> str:
    word = raw.strip()
    if len(word) >= 2 and word[0] == word[-1] == "'":
        return word[1:-1].replace("''", "'")
    if len(word) >= 2 and word[0] == word[-1] == '"':
        return word[1:-1].replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n")
    return "" if word in {"null", "~"} else word
