"""A chunk's label is read back as it was written, and nothing else is."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.drift.chunk_labels import ChunkName, Period, joined, label_of, numbered, read

TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1))  # noqa: DTZ001 - as a clock on a wall shows them


@given(TIMES, st.sampled_from([one for one in Period if one is not Period.NUMBER]))
def test_a_period_is_read_back(start: datetime, period: Period) -> None:
    name = read(label_of(period, start))
    assert name is not None
    assert name.period is period
    year, week, _ = start.isocalendar()
    wanted = {
        Period.HOUR: ChunkName(period, start.year, start.month, start.day, start.hour),
        Period.DAY: ChunkName(period, start.year, start.month, start.day),
        Period.MONTH: ChunkName(period, start.year, start.month),
        Period.QUARTER: ChunkName(period, start.year, part=(start.month + 2) // 3),
        Period.WEEK: ChunkName(period, year, part=week),
    }
    assert name == wanted[period]


@given(st.integers(0, 10**9))
def test_a_number_is_read_back_and_joined_chunks_are_called_by_the_first(number: int) -> None:
    assert read(numbered(number)) == ChunkName(Period.NUMBER, number=number)
    assert read(joined(numbered(number), numbered(number + 3))) == ChunkName(Period.NUMBER, number=number)


@pytest.mark.parametrize("label", ["", "Jxn 2013", "2013", "2013-13", "#", "#x", "[/]", "2013-W", "\x1b[31m"])
def test_what_was_not_written_here_is_no_label(label: str) -> None:
    assert read(label) is None
