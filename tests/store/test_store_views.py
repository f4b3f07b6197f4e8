"""What anybody may ask of the store: views that are as they are told, and nothing that changes it."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from opsconsole.core.errors import ConflictError, NotFoundError, UsageError
from opsconsole.store.views import VIEWS, View, export, query
from tests.model_workspace import opsconsole

EACH = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


@EACH
def test_a_view_has_the_columns_that_are_told(filled: Path, view: View) -> None:
    with query(filled / ".opsconsole", f"SELECT * FROM {view.name}") as (names, rows):
        assert names == view.names
        assert len(list(rows)) > 0, "the filled workspace has one of everything"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM main.runs",
        "UPDATE main.runs SET state = 'passed'",
        "DROP VIEW runs",
        "CREATE TEMP TABLE t (a)",
        "ATTACH '/etc/passwd' AS x",
        "PRAGMA user_version = 1",
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM main.runs",
        "SELECT nothing FROM runs",
        "",
        "VACUUM",
        "SELECT writefile('x', 'y')",
    ],
)
def test_a_query_reads_and_does_nothing_else(filled: Path, sql: str) -> None:
    with pytest.raises(UsageError, match=r"query|answers nothing"), query(filled / ".opsconsole", sql) as (_, rows):
        list(rows)


@EACH
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".db"])
def test_a_view_is_exported_whole(filled: Path, tmp_path: Path, view: View, ending: str) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    file = folder / f"out{ending}"
    count = export(filled / ".opsconsole", view.name, file)
    with query(filled / ".opsconsole", f"SELECT count(*) FROM {view.name}") as (_, rows):
        assert [tuple(row) for row in rows] == [(count,)]
    if ending == ".csv":
        with file.open(newline="", encoding="utf-8") as opened:
            found = list(csv.DictReader(opened))
        assert (len(found), list(found[0])) == (count, view.names)
    elif ending == ".jsonl":
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert (len(lines), list(lines[0])) == (count, view.names)
    else:
        with sqlite3.connect(file) as database:
            assert database.execute(f"SELECT count(*) FROM {view.name}").fetchone() == (count,)
    assert list(folder.iterdir()) == [file]


def test_an_export_overwrites_nothing_and_names_what_there_is(filled: Path, tmp_path: Path) -> None:
    state = filled / ".opsconsole"
    (tmp_path / "there.csv").touch()
    with pytest.raises(ConflictError):
        export(state, "runs", tmp_path / "there.csv")
    with pytest.raises(UsageError, match="its ending says no format"):
        export(state, "runs", tmp_path / "runs.xlsx")
    with pytest.raises(NotFoundError, match="there is no view `run`"):
        export(state, "run", tmp_path / "runs.csv")


def test_the_command_line_answers_as_table_csv_and_json(filled: Path) -> None:
    sql = "SELECT model, version FROM versions ORDER BY version"
    assert opsconsole(filled, "store", "query", sql, "--json").json == [
        {"model": "m", "version": 1},
        {"model": "m", "version": 2},
    ]
