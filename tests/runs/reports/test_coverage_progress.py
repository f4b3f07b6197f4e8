from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.runs.analyse.test_progress import NAME, ProgressReader
from opsconsole.runs.reports.coverage import Coverage, covered
from tests.runs.bench import Bench, commit_all

REPORTS = {
    "coverage.xml": '<?xml version="1.0"?><coverage line-rate="0.5" lines-covered="30" lines-valid="40"><packages/></coverage>',
    "jacoco.xml": '<report name="x"><package><counter type="LINE" missed="9" covered="9"/></package>'
    '<counter type="BRANCH" missed="1" covered="1"/><counter type="LINE" missed="10" covered="30"/></report>',
    "clover.xml": '<coverage><project><metrics statements="40" coveredstatements="30"/></project></coverage>',
    "lcov.info": "TN:\nSF:a\nLF:20\nLH:10\nend_of_record\nSF:b\nLF:20\nLH:20\nend_of_record\n",
}


@pytest.mark.parametrize("name", REPORTS)
def test_each_tool_says_how_much_was_run(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(REPORTS[name], encoding="utf-8")
    assert covered(tmp_path).share == 0.75


def test_reports_are_added_up_and_broken_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "coverage.xml").write_text(REPORTS["coverage.xml"], encoding="utf-8")
    (tmp_path / "deep" / "coverage.more.xml").write_text('<coverage lines-covered="0" lines-valid="10"/>')
    (tmp_path / "coverage.broken.xml").write_text("<coverage lines-va")
    (tmp_path / "coverage.empty.xml").write_text("")
    assert covered(tmp_path).share == 30 / 50
    assert covered(tmp_path / "none") == Coverage(None)


def test_a_run_keeps_its_coverage(bench: Bench) -> None:
    bench.task("cp cov.xml $OPSCONSOLE_OUT/coverage.xml")
    (bench.repo / "cov.xml").write_text(REPORTS["coverage.xml"], encoding="utf-8")
    commit_all(bench.repo, "Cover")
    assert bench.run().covered == 0.75


@given(st.lists(st.sampled_from(["passed", "failed", "skipped", "error"]), max_size=30), st.integers(1, 200))
def test_progress_is_the_same_however_it_is_read(outcomes: list[str], block: int) -> None:
    import tempfile

    lines = [
        json.dumps({"total": len(outcomes)}),
        *(json.dumps({"id": f"t{n}", "outcome": o}) for n, o in enumerate(outcomes)),
    ]
    data = ("\n".join([lines[0], "{broken", "[]", *lines[1:]]) + "\n").encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        reader = ProgressReader(Path(folder))
        assert reader.look() is None
        with path.open("ab", buffering=0) as file:
            for at in range(0, len(data), block):
                file.write(data[at : at + block])
                reader.look()
        found = reader.look()
    assert found is not None
    assert (found.done, found.total) == (len(outcomes), len(outcomes))
    assert found.failed == sum(outcome in {"failed", "error"} for outcome in outcomes)


def test_variants_are_added_up_and_an_unknown_total_stays_unknown(tmp_path: Path) -> None:
    for name, lines in (
        ("", '{"total": 4}\n{"id": "a"}\n'),
        ("test.3.12", '{"id": "b"}\n{"id": "c", "outcome": "failed"}\n'),
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / NAME).write_text(lines, encoding="utf-8")
    found = ProgressReader(tmp_path).look()
    assert found is not None
    assert (found.done, found.failed, found.total, found.share) == (3, 1, None, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("coverage.bad.xml", '<coverage lines-valid="-1" lines-covered="5"/>'),
        ("coverage.bad.xml", f'<coverage lines-valid="1" lines-covered="1{"0" * 400}"/>'),
        ("coverage.bad.xml", f'<coverage lines-valid="1{"0" * 5000}" lines-covered="5"/>'),
        ("coverage.bad.xml", '<coverage lines-valid="4" lines-covered="5"/>'),
        ("coverage.bad.xml", "<coverage lines-valid='many'/>"),
        ("lcov.info", f"LH:{'9' * 5000}\nLF:1\n"),
        ("lcov.info", "LH:7\nLF:1\n"),
        ("coverage.pipe.xml", None),
    ],
)
def test_a_coverage_report_nobody_can_believe_costs_only_itself(tmp_path: Path, name: str, content: str | None) -> None:
    (tmp_path / "coverage.xml").write_text(REPORTS["coverage.xml"], encoding="utf-8")
    if content is None:
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = covered(tmp_path)
    assert (found.share, len(found.notes)) == (0.75, 1)
    assert name in found.notes[0]
