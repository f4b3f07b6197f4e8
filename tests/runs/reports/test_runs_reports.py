from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.nouns import PipelineKind, RunState, StepState, TestOutcome
from opsconsole.runs.execute.outcome import count, outcome
from opsconsole.runs.record.journal import Journal, RunHistory, replay
from opsconsole.runs.record.log_reader import LogFollower, tail_offset
from opsconsole.runs.record.spec import Plan, PlannedStep, RunSpec
from opsconsole.runs.reports import junit
from opsconsole.runs.reports.attempts import merged
from opsconsole.runs.reports.junit import Report, read_report
from opsconsole.store.runs import TestCounts
from opsconsole.store.test_results import TestResult

NODE = """<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testsuite name="suite" time="0.002737" tests="2" failures="1">
		<testcase name="inner [/]" time="0.000610" classname="test"/>
		<testsuite name="deep" tests="1" failures="1">
			<testcase name="x" time="0.000999" classname="test" failure="1 == 2">
				<failure type="testCodeFailure" message="1 == 2">Error [ERR_TEST_FAILURE]: 1 == 2</failure>
			</testcase>
		</testsuite>
	</testsuite>
	<testcase name="top" time="0.000107" classname="test"/>
	<testcase name="sk" classname="test"><skipped type="skipped" message="true"/></testcase>
</testsuites>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY file SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="n" classname="c"><failure message="m">&c;&file;</failure></testcase></testsuite>"""


def report(tmp_path: Path, content: str | bytes) -> Report:
    path = tmp_path / "junit.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_report(path)


def outcomes(found: Report) -> dict[str, str]:
    return {case.test_id: case.outcome.value for case in found.cases}


def test_nodes_report_outside_of_suites_counts(tmp_path: Path) -> None:
    found = report(tmp_path, NODE)
    assert found.note is None
    assert outcomes(found) == {
        "suite::inner [/]": "passed",
        "suite::deep::x": "failed",
        "top": "passed",
        "sk": "skipped",
    }


@pytest.mark.parametrize(
    "content",
    [
        b'<testsuite xmlns="http://x"><testcase name="a" classname="c"/></testsuite>',
        b'<a><b><testsuite><c><testcase name="a" classname="c"/></c></testsuite></b></a>',
        b'<testcase name="a" classname="c"/>',
        b'\xef\xbb\xbf<testsuites><testcase name="a" classname="c"/></testsuites>',
    ],
)
def test_a_case_counts_at_any_depth_and_in_any_namespace(tmp_path: Path, content: bytes) -> None:
    found = report(tmp_path, content)
    assert (outcomes(found), found.note) == ({"c::a": "passed"}, None)


@pytest.mark.parametrize(
    ("content", "least"),
    [
        (b'<s><testcase name="a"/><testcase name="b\x1b[31m"/><testcase name="c"/></s>', 2),
        (b'<s><testcase name="a"/><testcase name="b">&#27;</testcase></s>', 1),
        (b'<s><testcase name="a"/><testcase name="b"/><testcase na', 2),
        (b'<s><testcase name="a"/><testcase name="\xff\xfe"/></s>', 1),
        (b'<s><testcase name="a"/></s><s><testcase name="b"/></s>', 1),
    ],
)
def test_a_broken_report_is_salvaged_and_says_so(tmp_path: Path, content: bytes, least: int) -> None:
    found = report(tmp_path, content)
    assert len(found.cases) >= least
    assert "salvaged" in (found.note or "")


@pytest.mark.parametrize("content", [b"", b"not xml", b"<testsuites>", b"\0" * 100])
def test_a_report_without_a_case_gives_none_and_says_why(tmp_path: Path, content: bytes) -> None:
    found = report(tmp_path, content)
    assert found.cases == ()
    assert found.note is not None


def test_entities_are_neither_blown_up_nor_fetched(tmp_path: Path) -> None:
    found = report(tmp_path, BOMB)
    assert all("root:" not in (case.detail or "") and len(case.detail or "") < 2_000 for case in found.cases)


def test_retries_are_seen_and_the_last_word_counts(tmp_path: Path) -> None:
    text = (
        '<s><testcase name="a"><flakyFailure message="x"/><flakyError/></testcase>'
        '<testcase name="b"><failure message="last"/><rerunFailure/></testcase>'
        '<testcase name="c"><failure/><error message="teardown"/></testcase></s>'
    )
    found = report(tmp_path, text)
    assert outcomes(found) == {"a": "passed", "b": "failed", "c": "error"}
    assert [case.message for case in found.cases] == ["flaky: passed after 2 failed tries", "last", "teardown"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1,234.5", 1234.5), ("", None), ("NaN", None), ("-1", None), ("inf", None), ("0.25", 0.25)]
)
def test_times_are_read_as_runners_write_them(tmp_path: Path, text: str, seconds: float | None) -> None:
    assert report(tmp_path, f'<s><testcase name="a" time="{text}"/></s>').cases[0].duration_s == seconds


def test_long_texts_and_long_reports_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 300_000
    found = report(tmp_path, f'<s><testcase name="{long}"><failure message="{long}">{long}</failure></testcase></s>')
    (case,) = found.cases
    assert (len(case.test_id), len(case.message or ""), len(case.detail or "")) == (2_000, 500, 64 << 10)
    monkeypatch.setattr(junit, "SIZE_LIMIT", 1000)
    assert "more than is read" in (read_report(tmp_path / "junit.xml").note or "")


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_at_all_make_the_reader_fail(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    content = NODE.encode()
    report(tmp_path_factory.mktemp("noise"), content[:at] + noise + content[at:])


ORDER = RunSpec(
    run_id=1,
    workspace=Path("/w"),
    plan=Plan(
        repo="app",
        repo_path=Path("/w/app"),
        pipeline="build",
        kind=PipelineKind.BUILD,
        commit="c" * 40,
        branch="main",
        subject="",
        dirty=False,
        steps=(PlannedStep("a", "1"), PlannedStep("b", "2", ("a",))),
        environment=(),
        passed_on=(),
        runner="pytest",
        reason="",
        interpreter=Path("/p"),
        interpreter_reason="",
        missing=(),
    ),
    environment=(),
    slots=1,
)


def history(*states: StepState, cancelled: bool = False) -> RunHistory:
    lines: list[dict[str, object]] = []
    for name, state in zip("ab", states, strict=False):
        code = 0 if state is StepState.PASSED else 1
        lines.append({"event": "step_started", "step": name, "process": ""})
        if state is not StepState.RUNNING:
            lines.append({"event": "step_ended", "step": name, "state": state, "exit_code": code})
    lines += [{"event": "cancel"}] if cancelled else []
    return replay(json.dumps(line | {"at": "2026-01-01T00:00:00Z"}).encode() for line in lines)


def cases(**numbers: int) -> Report:
    found = [TestOutcome(name) for name, number in numbers.items() for _ in range(number)]
    return Report(tuple(TestResult(0, position, "t", kind) for position, kind in enumerate(found)))


PASSED, FAILED = StepState.PASSED, StepState.FAILED


@pytest.mark.parametrize(
    ("past", "reports", "state", "error"),
    [
        (history(PASSED, PASSED), [cases(passed=2)], RunState.PASSED, None),
        (history(FAILED), [cases(passed=2)], RunState.FAILED, "step a: exit 1"),
        (history(PASSED, PASSED), [], RunState.FAILED, "pytest left no report of its tests"),
        (
            history(PASSED, PASSED),
            [Report((), "junit.xml: broken")],
            RunState.FAILED,
            "0 tests were reported (junit.xml: broken)",
        ),
        (history(PASSED, StepState.TIMED_OUT), [cases(passed=1)], RunState.TIMED_OUT, "step b"),
        (history(PASSED, StepState.ERROR), [], RunState.ERROR, "step b"),
        (history(PASSED, StepState.CANCELLED, cancelled=True), [], RunState.CANCELLED, None),
        (history(PASSED, PASSED, cancelled=True), [cases(passed=1)], RunState.PASSED, None),
        (history(cancelled=True), [], RunState.CANCELLED, None),
        (history(PASSED, StepState.RUNNING), [cases(passed=1)], RunState.LOST, "nobody saw it to its end"),
        (history(), [], RunState.LOST, "nobody saw it to its end"),
    ],
)
def test_the_outcome_follows_from_steps_and_reports(
    past: RunHistory, reports: list[Report], state: RunState, error: str | None
) -> None:
    found = outcome(ORDER, past, reports)
    assert found.state is state
    assert (found.error or "").startswith(error or "")
    assert (found.error is None) == (error is None)


def test_failed_tests_under_a_green_exit_code_are_said(tmp_path: Path) -> None:
    found = outcome(ORDER, history(PASSED, PASSED), [cases(passed=1, failed=2)])
    assert (found.state, found.tests) == (RunState.PASSED, TestCounts(passed=1, failed=2))
    assert found.note == "the report counts 2 failed tests, but every step ended with exit 0"


def test_nothing_is_known_of_tests_without_a_report() -> None:
    assert count([]) is None
    assert count([cases(passed=1, skipped=2), cases(error=1)]) == TestCounts(passed=1, skipped=2, errors=1)


@given(st.lists(st.binary(max_size=80)))
def test_a_journal_with_torn_or_foreign_lines_is_still_read(noise: list[bytes]) -> None:
    good = b'{"at": "2026-01-01T00:00:00Z", "event": "ended"}'
    assert replay([*noise, good]).complete


@pytest.mark.parametrize(
    "line", [b"3", b"[]", b'"x"', b'{"at": 3, "event": "ended"}', b'{"event": "step_ended"}', b"{"]
)
def test_a_line_that_is_no_fact_is_passed_over(line: bytes) -> None:
    assert replay([line]) == RunHistory()


def test_a_journal_on_a_full_disk_neither_raises_nor_forgets(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.symlink_to("/dev/full")
    journal = Journal(path)
    journal.write("started", durable=True)
    journal.write("ended", durable=True)
    assert b"started" in journal._waiting
    journal.close()


def test_the_reserve_is_given_up_before_a_line_is_lost_and_gone_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    assert (tmp_path / "reserve").stat().st_size == 64 * 1024
    journal.write("ended")
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]


@given(
    st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=30),
    st.integers(0, 12),
    st.booleans(),
)
def test_the_tail_begins_where_the_last_lines_begin(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], wanted: int, ended: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.log"
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    path.write_bytes(content)
    tail = content[tail_offset(path, wanted) :]
    whole = content.split(b"\n")
    if content.endswith(b"\n") or not content:
        whole.pop()
    assert (
        tail.split(b"\n")[: len(whole[-wanted:])] == whole[len(whole) - min(wanted, len(whole)) :]
        if wanted
        else tail == b""
    )


def test_the_tail_is_found_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsconsole.runs.record.log_reader.BLOCK", 7)
    path = tmp_path / "x.log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(50)))
    assert path.read_bytes()[tail_offset(path, 3) :] == b"line 47\nline 48\nline 49\n"
    assert tail_offset(path, 100) == 0
    assert tail_offset(tmp_path / "gone", 3) == 0


def test_a_follower_hands_on_what_is_new_and_survives_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    follower = LogFollower({"a": path, "b": tmp_path / "b.log"})
    assert list(follower.pieces()) == []
    path.write_bytes(b"one\ntw")
    assert [piece.data for piece in follower.pieces()] == [b"one\ntw"]
    assert list(follower.pieces()) == []
    path.write_bytes(b"new\n")
    assert [(piece.step, piece.data) for piece in follower.pieces()] == [("a", b"new\n")]


@pytest.mark.parametrize(
    "tail",
    [
        '<testcase name="c" cla',
        '<testcase name="c" classname="k">',
        '<testcase name="c"><system-out>it st',
        '<testcase name="c"><failure>a < b</failure></testcase>',
        '<testcase name="c"><failure message="a<b"/></testcase>',
        '<testcase name="c"><failure></testcase><testcase name="d"/>',
        '<testcase name="c<"/>',
    ],
)
def test_what_broke_in_a_report_gives_no_verdict_and_the_rest_keeps_its_own(tmp_path: Path, tail: str) -> None:
    found = report(
        tmp_path, f'<s><testsuite name="q"><testcase name="a"/><testcase name="b"><failure/></testcase>{tail}'
    )
    told = outcomes(found)
    assert (told.pop("q::a"), told.pop("q::b")) == ("passed", "failed")
    assert told in ({}, {"q::d": "passed"})
    assert "1 tell nothing" in (found.note or "")


@pytest.mark.parametrize("sign", ["\x1b[31m", "&#27;", "&nbsp;", "a & b", "&#xD800;"])
def test_signs_that_xml_does_not_know_hide_no_failure(tmp_path: Path, sign: str) -> None:
    text = f'<s><testcase name="a"/><testcase name="b"><failure message="m">{sign}</failure></testcase></s>'
    assert outcomes(report(tmp_path, text)) == {"a": "passed", "b": "failed"}


def test_a_case_that_stands_in_another_s_text_is_none(tmp_path: Path) -> None:
    text = '<s><testcase name="a"><failure><![CDATA[<testcase name="x"/>]]></failure></testcase><!-- <testcase name="y"/> --><testcase na'
    assert outcomes(report(tmp_path, text)) == {"a": "failed"}


def test_texts_of_any_length_cost_no_verdict(tmp_path: Path) -> None:
    text = (
        f'<s><testcase name="a"><system-out>{"x" * (11 << 20)}</system-out></testcase>'
        '<testcase name="b"><failure message="boom">t</failure></testcase></s>'
    )
    found = report(tmp_path, text)
    assert (outcomes(found), found.note) == ({"a": "passed", "b": "failed"}, None)


@pytest.mark.parametrize(
    ("attributes", "is_"),
    [
        ('status="notrun"', "skipped"),
        ('status="notrun" result="suppressed"', "skipped"),
        ('status="run" result="skipped"', "skipped"),
        ('status="Not Run"', "skipped"),
        ('status="disabled"', "skipped"),
        ('status="run" result="completed"', "passed"),
        ('status="fail"', "failed"),
        ('result="errored"', "error"),
        ("", "passed"),
    ],
)
def test_a_case_is_what_its_attributes_say_where_no_element_does(tmp_path: Path, attributes: str, is_: str) -> None:
    assert outcomes(report(tmp_path, f'<s><testcase name="a" {attributes}/></s>')) == {"a": is_}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<testsuite name="q"><error message="import"/><testcase name="a"/></testsuite>', ("q::(suite)", "error")),
        ('<testsuite name="q"><failure message="fixture"/></testsuite>', ("q::(suite)", "failed")),
        ('<testsuite name="p"><testsuite name="q" errors="1"/></testsuite>', ("p::q::(suite)", "error")),
    ],
)
def test_a_suite_that_failed_as_a_whole_is_a_case(tmp_path: Path, text: str, told: tuple[str, str]) -> None:
    found = outcomes(report(tmp_path, f"<testsuites>{text}</testsuites>"))
    assert found.pop(told[0]) == told[1]
    assert found in ({}, {"q::a": "passed"})


def test_a_suite_s_counts_add_nothing_to_failures_that_its_cases_bear(tmp_path: Path) -> None:
    text = '<testsuites failures="1"><testsuite name="q" failures="1"><testcase name="a"><failure/></testcase></testsuite></testsuites>'
    assert outcomes(report(tmp_path, text)) == {"q::a": "failed"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("0,004", 0.004), ("1.234,5", 1234.5), ("1,234,567.5", 1234567.5), ("1,5", 1.5)]
)
def test_decimal_commas_are_read(tmp_path: Path, text: str, seconds: float) -> None:
    assert report(tmp_path, f'<s><testcase name="a" time="{text}"/></s>').cases[0].duration_s == seconds


def attempts(*outcomes_: TestOutcome, name: str = "t") -> list[TestResult]:
    return [TestResult(0, place, name, kind, duration_s=1.0) for place, kind in enumerate(outcomes_)]


GOOD_, BAD_, ERROR_, SKIP_ = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.SKIPPED


@pytest.mark.parametrize(
    ("tries", "green", "is_", "flaky"),
    [
        ((GOOD_, GOOD_, BAD_), False, BAD_, False),
        ((GOOD_, GOOD_), True, GOOD_, False),
        ((BAD_, GOOD_), True, GOOD_, True),
        ((BAD_, GOOD_), False, BAD_, False),
        ((GOOD_, SKIP_), True, GOOD_, False),
        ((BAD_, ERROR_), False, ERROR_, False),
        ((SKIP_, SKIP_), True, SKIP_, False),
    ],
)
def test_cases_of_one_id_are_attempts_and_the_last_decides(
    tries: tuple[TestOutcome, ...], green: bool, is_: TestOutcome, flaky: bool
) -> None:
    (case,) = merged(attempts(*tries), green=green)
    assert (case.outcome, case.flaky, case.duration_s) == (is_, flaky, float(len(tries)))


def test_a_test_that_passed_at_last_is_not_blamed_for_another_s_failure() -> None:
    found = merged([*attempts(BAD_, GOOD_), *attempts(BAD_, name="other")], green=False)
    assert [(case.test_id, case.outcome, case.flaky) for case in found] == [("t", GOOD_, True), ("other", BAD_, False)]


def test_a_report_that_is_no_file_is_told_and_waits_for_nobody(tmp_path: Path) -> None:
    pipe, link, folder = (tmp_path / f"junit-{name}.xml" for name in ("pipe", "link", "folder"))
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    folder.mkdir()
    for path in (pipe, link, folder):
        found = read_report(path)
        assert (found.cases, path.name in (found.note or "")) == ((), True)


def test_a_failure_after_any_number_of_other_elements_is_a_failure(tmp_path: Path) -> None:
    crowd = "<property/>" * 3_000
    text = f'<s><testcase name="a"><properties>{crowd}</properties>{crowd}<failure message="m"/></testcase></s>'
    assert outcomes(report(tmp_path, text)) == {"a": "failed"}


def test_broken_cases_among_many_whole_ones_are_told_apart(tmp_path: Path) -> None:
    bad = {3, 4, 700, 1_499}
    body = "".join(
        f'<testcase name="c{number}">{"<failure>a < b</failure>" if number in bad else ""}</testcase>'
        for number in range(1_500)
    )
    found = report(tmp_path, f"<s>{body}")
    assert len(found.cases) == 1_496
    assert not {f"c{number}" for number in bad} & {case.test_id for case in found.cases}
    assert "4 tell nothing" in (found.note or "")
