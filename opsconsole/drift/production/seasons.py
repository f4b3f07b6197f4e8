"""The season that rows belong to: the hour of the day, the weekday, the month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seasons_of(season: str, times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return each wall-clock time's season: 0–23, 0–6 from Monday, 1–12; all times must be known."""
    days = times.astype("datetime64[D]")
    numbers: NDArray[np.int64]
    if season == "hour":
        numbers = (times.astype("datetime64[h]") - days.astype("datetime64[h]")).astype(np.int64)
    elif season == "weekday":
        numbers = (days.astype(np.int64) + 3) % 7
    else:
        numbers = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return numbers


def season_named(season: str, number: int) -> str:
    """Return a season in words: ``08:00``, ``Mondays``, ``Mar``."""
    if season == "hour":
        return f"{number:02d}:00"
    return WEEKDAYS[number] if season == "weekday" else MONTHS[number - 1]
