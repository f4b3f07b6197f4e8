"""Chunks are told apart in few cells, by their unit and what it is part of."""

from __future__ import annotations

import pytest

from opsconsole.console.drift.chunk_headings import UNIT, grouped, heading, ticks
from opsconsole.console.drift.history import picture_rows
from opsconsole.core.nouns import Severity
from opsconsole.drift.report.monitor_report import HeatRow, PlotPoint, Plots
from tests.console.shell.test_console_screens import said

CASES = {
    "hours of a day": ["2013-10-01 06:00", "2013-10-01 07:00", "2013-10-01 08:00", "2013-10-01 09:00"],
    "hours of two days": ["2013-10-01 06:00", "2013-10-01 07:00", "2013-10-02 06:00", "2013-10-02 07:00"],
    "days": ["2013-09-29", "2013-09-30", "2013-10-01", "2013-10-29"],
    "weeks": ["2013-W05", "2013-W06", "2013-W52", "2014-W05"],
    "months": ["Jan 2013", "Feb 2013", "Dec 2013", "Jan 2014"],
    "old months": ["2013-01", "2013-02", "2013-03", "2014-01"],
    "quarters": ["2013-Q1", "2013-Q2", "2013-Q4", "2014-Q1"],
    "numbers": ["#9", "#10", "#99", "#100", "#1199", "#1200"],
    "joined": ["2013-W05 – 2013-W06", "2013-W07 – 2013-W09"],
}


@pytest.mark.parametrize("name", CASES)
def test_no_two_chunks_have_one_heading(name: str) -> None:
    labels = CASES[name]
    found = [heading(label) for label in labels]
    assert all(len(one.unit) <= UNIT for one in found)
    assert len(set(ticks(found))) == len(labels)
    assert len({(one.unit, *one.groups[:1]) for one in found}) == len(labels)
    above = grouped(found, 4)
    assert above is not None or len({one.unit for one in found}) == len(labels)


def test_hours_and_weeks_stand_under_their_day_and_year_on_the_tab() -> None:
    def drawn(labels: list[str]) -> str:
        points = tuple(PlotPoint(label, 1, 0.7, 0.6, 0.75, 0.68, Severity.OK) for label in labels)
        heat = (HeatRow("temp", (0.1,) * len(labels), ("warn",) * len(labels)),)
        return "\n".join(said(row) for row in picture_rows(Plots(tuple(labels), points, heat), "auc", 120, labels[-1]))

    hours = drawn(CASES["hours of two days"])
    assert "10-01   10-02" in hours
    assert "06h 07h 06h 07h▾" in hours
    assert "W05 W06 W52 W05▾" in drawn(CASES["weeks"])
    assert "2013        '14" in drawn(CASES["weeks"])
    assert "06h 07h 08h 09h▾" in drawn(CASES["hours of a day"])
