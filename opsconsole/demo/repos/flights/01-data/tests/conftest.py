"""A few days of made-up flights, small enough to reason about."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
import pytest


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    """Return 600 flights, ten a day from the first of January; those in the rain are late, every 50th was cancelled."""
    count = 600
    start = datetime(2013, 1, 1, 6)
    rain = [(number * 7919 % 13) / 13 for number in range(count)]
    return pa.table(
        {
            "row_id": pa.array(range(1, count + 1), pa.int32()),
            "sched_dep": pa.array(
                [start + timedelta(days=n // 10, hours=n % 10) for n in range(count)], pa.timestamp("ms")
            ),
            "carrier": [("UA", "B6", "AA", "DL")[n % 4] for n in range(count)],
            "flight": pa.array([n % 900 + 1 for n in range(count)], pa.int16()),
            "origin": [("EWR", "JFK", "LGA")[n % 3] for n in range(count)],
            "dest": [("IAH", "MIA", "BOS", "ATL", "ORD")[n % 5] for n in range(count)],
            "dep_minute": pa.array([360 + 60 * (n % 10) for n in range(count)], pa.int16()),
            "arr_minute": pa.array([500 + 60 * (n % 10) for n in range(count)], pa.int16()),
            "weekday": pa.array([(n // 10) % 7 for n in range(count)], pa.int16()),
            "distance": pa.array([200 + n % 2400 for n in range(count)], pa.int16()),
            **{
                name: pa.array([10 + (n * 31 % 17) for n in range(count)], pa.float32())
                for name in ("temp", "dewp", "humid", "wind_dir", "wind_speed", "pressure", "visib")
            },
            "wind_gust": pa.array([None if n % 3 else 20.0 for n in range(count)], pa.float32()),
            "precip": pa.array(rain, pa.float32()),
            "plane_year": pa.array([None if n % 9 == 0 else 1990 + n % 20 for n in range(count)], pa.int16()),
            "seats": pa.array([None if n % 9 == 0 else 55 + n % 200 for n in range(count)], pa.int16()),
            "manufacturer": [("BOEING", "AIRBUS", None)[n % 3] for n in range(count)],
            "late": [None if n % 50 == 49 else rain[n] > 0.6 for n in range(count)],
        }
    )
