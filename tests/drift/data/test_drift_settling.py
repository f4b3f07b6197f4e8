"""Files that are still being written: waited for, left out with a note, or refused; old files are never held up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.drift.data import settling
from opsconsole.drift.data.notes import Note
from opsconsole.drift.data.sources import DataError, open_source
from tests.drift.data.test_drift_origins import rows


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "WAIT_S", 0.8)
    monkeypatch.setattr(settling, "QUIET_S", 0.4)
    monkeypatch.setattr(settling, "POLL_S", 0.01)


@contextmanager
def being_written(path: Path) -> Iterator[None]:
    """Append rows to a file all the while."""
    started, stop = threading.Event(), threading.Event()

    def append() -> None:
        with path.open("a") as file:
            while not stop.is_set():
                file.write("1\n")
                file.flush()
                started.set()
                stop.wait(0.01)

    path.write_text("n\n1\n")
    writer = threading.Thread(target=append)
    writer.start()
    assert started.wait(10)
    try:
        yield
    finally:
        stop.set()
        writer.join()


def test_a_csv_file_that_keeps_growing_is_refused(tmp_path: Path) -> None:
    with being_written(tmp_path / "live.csv"), pytest.raises(DataError, match=r"live\.csv: still being written"):
        open_source(tmp_path / "live.csv")
    assert len(rows(open_source(tmp_path / "live.csv"))["n"]) > 1


def test_a_growing_file_of_a_folder_is_left_out_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "done.csv").write_text("n\n7\n")
    with being_written(tmp_path / "live.csv"):
        source = open_source(tmp_path / "*.csv")
    assert rows(source) == {"n": [7]}
    assert source.notes == (Note(f"{tmp_path}/live.csv: left out: still being written"),)


def test_a_parquet_file_without_its_footer_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "WAIT_S", 20.0)
    path = tmp_path / "late.parquet"
    writer = pq.ParquetWriter(path, pa.schema([("n", pa.int64())]))
    writer.write_table(pa.table({"n": [1, 2]}))
    asked = threading.Event()
    found: list[dict[str, list[int]]] = []
    real = settling._closed

    def closed(one: Path) -> bool:
        asked.set()
        return real(one)

    monkeypatch.setattr(settling, "_closed", closed)
    reader = threading.Thread(target=lambda: found.append(rows(open_source(path))))
    reader.start()
    assert asked.wait(10)
    writer.close()
    reader.join()
    assert found == [{"n": [1, 2]}]


def test_a_parquet_file_whose_footer_never_comes_is_still_being_written_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "half.parquet"
    with path.open("wb") as file:
        file.write(b"PAR1" + b"x" * 100)
        file.flush()
        with pytest.raises(DataError, match=r"half\.parquet: still being written"):
            open_source(path)
    with pytest.raises(DataError, match=r"half\.parquet: cannot be read: it is cut short"):
        open_source(path)


def test_where_the_system_does_not_tell_a_file_counts_as_written_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_closed", lambda path: False)
    (tmp_path / "a.csv").write_text("n\n1\n")
    start = time.monotonic()
    assert rows(open_source(tmp_path / "a.csv")) == {"n": [1]}
    assert time.monotonic() - start >= settling.QUIET_S
    with being_written(tmp_path / "a.csv"), pytest.raises(DataError, match="still being written"):
        open_source(tmp_path / "a.csv")


def test_old_files_are_not_even_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_closed", lambda path: pytest.fail("asked"))
    path = tmp_path / "old.csv"
    path.write_text("n\n1\n")
    os.utime(path, (time.time() - 60, time.time() - 60))
    with path.open("a"):
        assert rows(open_source(path)) == {"n": [1]}


def test_a_lease_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n\n1\n")
    assert settling._closed(path)
    with path.open("a") as file:
        file.write("2\n")
        assert not settling._closed(path)
