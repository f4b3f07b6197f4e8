"""Glyphs and their tones: the same mark for a state wherever it is shown, its word always beside it."""

from __future__ import annotations

from opsconsole.console.widgets.tones import Toned
from opsconsole.core.nouns import RunState, Severity, StepState

STATE_MARKS: dict[str, Toned] = {
    RunState.QUEUED: Toned("○", "dim"),
    RunState.RUNNING: Toned("●", "accent"),
    RunState.ENDING: Toned("…", "accent"),
    RunState.PASSED: Toned("✓", "good"),
    RunState.FAILED: Toned("✗", "bad"),
    RunState.CANCELLED: Toned("⊘", "dim"),
    RunState.TIMED_OUT: Toned("⧗", "bad"),
    RunState.LOST: Toned("?", "warn"),
    RunState.ERROR: Toned("!", "bad"),
    StepState.SKIPPED: Toned("–", "dim"),
    StepState.CACHED: Toned("≡", "dim"),
    StepState.NOT_REACHED: Toned("–", "dim"),
}
SEVERITY_MARKS: dict[str, Toned] = {
    Severity.CRITICAL: Toned("▲", "bad"),
    Severity.WARN: Toned("△", "warn"),
    Severity.INFO: Toned("·", "dim"),
    Severity.OK: Toned("✓", "good"),
}


def state_cell(state: str) -> tuple[Toned, ...]:
    """Return a state as glyph and word."""
    mark = STATE_MARKS[state]
    return (mark, Toned(f" {state.replace('_', ' ')}", mark.tone))


def progress(share: float, width: int) -> tuple[Toned, ...]:
    """Return how far something is: a bar that never claims to be full."""
    filled = min(round(share * width), width - 1)
    return (Toned("━" * filled, "accent"), Toned("─" * (width - filled), "faint"))
