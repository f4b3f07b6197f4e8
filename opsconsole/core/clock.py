"""The one clock: aware UTC times, and their fixed-width text form that sorts as it reads."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return ISO 8601 with microseconds and ``Z``; equal width, so text order is time order.

    ValueError without a zone.
    """
    if moment.tzinfo is None:
        message = f"a time without a zone cannot be stored: {moment!r}"
        raise ValueError(message)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read what ``to_text`` wrote (or any ISO 8601 time; one without a zone is UTC)."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment  # as we wrote it
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_text_or_none(text: str | None) -> datetime | None:
    """Read a time that may be missing."""
    return None if text is None else from_text(text)
