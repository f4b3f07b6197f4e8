"""Which code an artifact would run when loaded, from its bytes: nothing is loaded."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ArtifactFormat
from opsconsole.registry.versions.artifacts import entries
from opsconsole.registry.versions.pickles import is_pickle
from opsconsole.store.models import Audit

KNOWN_TYPES = frozenset(
    {
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types of scikit-learn's own estimators that skops asks about; read and found harmless."""

_SCHEMA_LIMIT = 64 << 20


_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a skops file of someone's making ends with; skops itself checks little of what it reads."""


def audit(folder: Path) -> Audit:
    """Look at every file of an artifact; one pickle makes the whole artifact a pickle."""
    formats: set[ArtifactFormat] = set()
    types: set[str] = set()
    untrusted: set[str] = set()
    for path in [folder / entry.path for entry in entries(folder) if not entry.folder]:
        named, used = _audit_file(path)
        formats.add(named)
        types |= used
        if named is ArtifactFormat.SKOPS:
            untrusted |= _untrusted(path)
    worst_first = (ArtifactFormat.PICKLE, ArtifactFormat.SKOPS)
    kind = next((one for one in worst_first if one in formats), ArtifactFormat.OTHER)
    return Audit(format=kind, untrusted=tuple(sorted(untrusted - KNOWN_TYPES)), types=len(types))


def _untrusted(path: Path) -> set[str]:
    """Return what skops itself would refuse to load unasked; it reads the schema and builds nothing."""
    from skops.io import get_untrusted_types

    try:
        return set(get_untrusted_types(file=path))
    except _UNREADABLE as error:
        raise UsageError(
            f"{path.name}: skops cannot read it: {type(error).__name__}: {str(error)[:200]}",
            hint="write it with the skops that is installed here",
        ) from error


def _audit_file(path: Path) -> tuple[ArtifactFormat, set[str]]:
    if is_pickle(path):
        return ArtifactFormat.PICKLE, set()
    if not zipfile.is_zipfile(path):
        return _other(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if "schema.json" not in archive.namelist():
                return _other(path)
            if archive.getinfo("schema.json").file_size > _SCHEMA_LIMIT:
                raise UsageError(f"{path.name}: its schema is larger than {_SCHEMA_LIMIT >> 20} MiB")
            schema = json.loads(archive.read("schema.json"))
    except _UNREADABLE as error:
        raise UsageError(f"{path.name}: not a whole skops file: {str(error)[:200]}", hint="write it again") from error
    return ArtifactFormat.SKOPS, _types(schema)


def _other(path: Path) -> tuple[ArtifactFormat, set[str]]:
    """Return that a file is neither skops nor a pickle, unless its name says skops: then nobody can load it."""
    if path.suffix == ".skops":
        raise UsageError(
            f"{path.name}: not a whole skops file: it is no archive with a schema", hint="write it with skops.io.dump"
        )
    return ArtifactFormat.OTHER, set()


def _types(node: Any) -> set[str]:
    """Return every type and function that a skops schema names."""
    types: set[str] = set()
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            module, name = item.get("__module__"), item.get("__class__")
            if isinstance(module, str) and isinstance(name, str):
                types.add(f"{module}.{name}")
            if str(item.get("__loader__")) in {"FunctionNode", "MethodNode", "OperatorFuncNode"}:
                content = item.get("content")
                if isinstance(content, dict) and "module_path" in content:
                    types.add(f"{content['module_path']}.{content.get('function', '')}")
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return types
