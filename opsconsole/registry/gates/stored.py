"""Reading gates back from stored promotions and judgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.gate import Evidence, Gate


def read_gates(documents: Iterable[Mapping[str, Any]]) -> list[Gate]:
    """Return gates from the JSON that ``Gate.as_json`` made, also where another version of the program wrote it.

    A gate that is not known here, or whose evidence has another shape, keeps its name and its sentence.
    """
    from opsconsole.registry.gates.catalogue import GATES  # the console's start reads no gate

    kinds = {str(spec.name): spec.evidence for spec in GATES}
    return [
        Gate(
            name=item["name"],
            outcome=GateOutcome(item["outcome"]),
            detail=item["detail"],
            evidence=_evidence(kinds.get(item["name"]), item.get("evidence")),
        )
        for item in documents
    ]


def _evidence(kind: type[Evidence] | None, document: dict[str, Any] | None) -> Evidence | None:
    if kind is None or not document:
        return None
    try:
        return kind.from_json(document)
    except msgspec.ValidationError:
        return None
