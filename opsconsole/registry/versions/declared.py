"""Reading the files beside an artifact: ``model.toml``, ``metrics.json``, ``params.json``, a signature."""

from __future__ import annotations

import json
import math
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsconsole.core import toml
from opsconsole.core.errors import UsageError
from opsconsole.core.foreign_files import is_there, read_foreign
from opsconsole.registry.versions.columns import columns_of
from opsconsole.store.models import Signature

MOST = 8 << 20
"""Bytes of one of these files, at most."""
_LARGEST = (1 << 63) - 1
_SIGNATURE = "inputs = [{name, type}] and output, as in model.toml; or an MLmodel"


@dataclass(frozen=True)
class Declared:
    """What ``model.toml`` (or the command line, or an ``MLmodel``) says of an artifact."""

    name: str
    entry: str
    framework: str
    signature: Signature


def read_declared(path: Path) -> Declared:
    """Read ``model.toml``; UsageError when it is missing, or not as the contract says."""
    if not is_there(path):
        raise UsageError("the training left model/ but no model.toml", hint="it names the model and its entry file")
    data = read_foreign(path, limit=MOST)
    try:
        document = toml.loads(data.decode("utf-8"))
        return Declared(
            name=str(document["name"]),
            entry=str(document["entry"]),
            framework=str(document.get("framework", "")),
            signature=_signature(document.get("signature", {})),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"model.toml: {type(error).__name__}: {str(error)[:200]}",
            hint="it holds name, entry, framework and [signature] with inputs = [{name, type}]",
        ) from error


def read_signature(path: Path) -> Signature:
    """Read the columns that a model takes and gives from a file of its own: TOML, JSON, or an ``MLmodel``.

    UsageError for one without inputs, or of another shape.
    """
    from opsconsole.registry.versions.mlmodel import read_mlmodel

    if path.name == "MLmodel":
        return read_mlmodel(path, follow=True).signature
    data = read_foreign(path, limit=MOST, follow=True)
    try:
        word = data.decode("utf-8")
        document = toml.loads(word) if path.suffix == ".toml" else json.loads(word)
        if isinstance(document, list):
            document = {"inputs": document}
        signature = _signature(document.get("signature", document))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path.name}: not a signature: {type(error).__name__}: {str(error)[:200]}", hint=_SIGNATURE
        ) from error
    if not signature.inputs:
        raise UsageError(f"{path.name}: not a signature: it declares no inputs", hint=_SIGNATURE)
    return signature


def read_metrics(path: Path) -> dict[str, float]:
    """Read ``metrics.json``: numbers by name; one that is not finite counts as missing. UsageError for others."""
    metrics = _object(path)
    for key, value in metrics.items():
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > sys.float_info.max:
            raise UsageError(f"{path.name}: {key[:60]} is no number: {str(value)[:60]!r}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{path.name}: {key[:60]} is no number: {str(value)[:60]!r}")
    return {key: float(value) for key, value in metrics.items() if isinstance(value, int | float)}


def read_params(path: Path) -> dict[str, object]:
    """Read ``params.json``: settings by name, of any shape that JSON has. UsageError when nested too deeply."""
    try:
        return {key: _plain(value) for key, value in _object(path).items()}
    except RecursionError as error:
        raise UsageError(f"{path.name}: nested too deeply") from error


def read_lock(source: Path) -> str | None:
    """Return the packages the artifact was made with, where it brings a requirements file."""
    path = source / "requirements.txt"
    if not source.is_dir() or not path.is_file() or path.is_symlink():
        return None
    return read_foreign(path, limit=MOST).decode("utf-8", "replace")[:65536]


def _signature(document: Any) -> Signature:
    outputs = document.get("output", document.get("outputs", ""))
    if not isinstance(outputs, str):
        outputs = ", ".join(column.type for column in columns_of(outputs))
    return Signature(inputs=columns_of(document.get("inputs", [])), output=outputs)


def _object(path: Path) -> dict[str, object]:
    if not is_there(path):
        return {}
    data = read_foreign(path, limit=MOST)
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path.name}: not JSON: {str(error)[:200]}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path.name}: not a JSON object")
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{path.name}: holds half a character: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path.name}: nested too deeply") from error
    return {str(key): value for key, value in document.items()}


def _plain(value: object) -> object:
    """Return a value as strict JSON has it: what is not finite is null, a number past 64 bits its digits."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_LARGEST <= value <= _LARGEST else str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
