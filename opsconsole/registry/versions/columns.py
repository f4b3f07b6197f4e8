"""Columns of a signature, as opsconsole and MLflow write them."""

from __future__ import annotations

import json
from typing import Any

from opsconsole.store.models import Column


def columns_of(declared: Any) -> tuple[Column, ...]:
    """Return columns as opsconsole and MLflow write them: ``[{name, type}]``, also as text."""
    if isinstance(declared, str):
        declared = json.loads(declared)
    if isinstance(declared, dict):
        declared = [{"name": name, "type": kind} for name, kind in declared.items()]
    columns = tuple(
        Column(str(item.get("name", place)), _type(item)) for place, item in enumerate(declared or [], start=1)
    )
    "".join(column.name + column.type for column in columns).encode()
    return columns


def _type(item: dict[str, Any]) -> str:
    tensor = item.get("tensor-spec")
    if isinstance(tensor, dict):
        return f"{tensor['dtype']}{tensor['shape']}"
    return str(item["type"])
