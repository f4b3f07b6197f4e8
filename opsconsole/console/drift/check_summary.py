"""The result of a monitor's check in one sentence: the chunks judged, their verdict, alerts opened and resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsconsole.config import metrics
from opsconsole.core import text
from opsconsole.core.nouns import DATA_ALONE, version_name


def check_summary(data: dict[str, Any], stood: Sequence[int]) -> str:
    """Return it from the CLI twin's answer; ``stood`` are the alerts that stood before."""
    judged = sorted(data["chunks"], key=lambda chunk: str(chunk["start"]))
    words = "nothing new to judge" if not judged else _chunk_words(judged[-1])
    if len(judged) > 1:
        words = f"{text.plural(len(judged), 'chunk')} judged, the last {words}"
    standing = {alert["id"]: alert for alert in data["alerts"]}
    gone = [f"alert {number}" for number in stood if number not in standing]
    if gone:
        words += f"; {', '.join(gone)} resolved by {version_name(data['version'])}"
    new = [f"{alert['severity']} alert {number}" for number, alert in standing.items() if number not in stood]
    return words + (f"; {', '.join(new)} opened" if new else "")


def _chunk_words(chunk: dict[str, Any]) -> str:
    calm = "still filling" if chunk.get("partial") else "healthy"
    word = calm if chunk["severity"] == "ok" else str(chunk["severity"])
    if chunk["version"] == DATA_ALONE:
        moved = [one["text"] for one in chunk["findings"] if chunk["severity"] != "ok"]
        return f"{chunk['label']}: {word}" + (f", {moved[0]}" if moved else "")
    measured = "no labels yet"
    if chunk["realised"] is not None:
        measured = f"{metrics.short(chunk['metric'])} {text.decimals(chunk['realised'])}"
    return f"{chunk['label']}: {word}, {measured}, {version_name(chunk['version'])}"
