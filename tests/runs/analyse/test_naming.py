"""A run in words: where it broke, and what it waits for."""

from __future__ import annotations

from opsconsole.core.nouns import RunState
from opsconsole.runs.analyse.description import run_words, waiting_words
from opsconsole.runs.execute.cancel import cancel
from opsconsole.runs.execute.slots import QueueLook, Waiting
from tests.model_workspace import opsconsole
from tests.runs.bench import Bench, until

REPORT = (
    "<testsuite><testcase name='a'/><testcase name='b'><failure message='boom'/></testcase>"
    "<testcase name='c'><error message='bang'/></testcase></testsuite>"
)


def test_a_broken_run_names_its_pipeline_its_step_and_its_tests(bench: Bench) -> None:
    bench.task(f'echo "{REPORT}" > $OPSCONSOLE_OUT/junit.xml; exit 1')
    record = bench.run()
    assert run_words(bench.store, record) == f"app/job #{record.id}: step job, b and 1 more"
    shown = opsconsole(bench.root, "show", str(record.id), "--json").json
    assert shown["failed_step"] == "job"
    assert [(case["id"], case["message"]) for case in shown["failed_tests"]] == [("b", "boom"), ("c", "bang")]
    said = opsconsole(bench.root, "show", str(record.id)).out.decode()
    assert "step job: exit 1" in said
    assert "boom" in said


def test_a_good_run_is_its_pipeline(bench: Bench) -> None:
    bench.task("true")
    record = bench.run()
    assert run_words(bench.store, record) == f"app/job #{record.id}"


def test_a_queued_run_says_what_it_waits_for_wherever_it_is_shown(bench: Bench) -> None:
    bench.task("echo up; sleep 600", slots=1)
    first = bench.start()
    bench.until_log(first, b"up")
    second, third = bench.start(), bench.start()
    until(lambda: QueueLook(bench.workspace.state).of(third) is not None)
    until(lambda: QueueLook(bench.workspace.state).of(second) is not None)
    shown = opsconsole(bench.root, "show", str(third), "--json").json
    assert shown["waits_for"] == {"repo": None, "slots": 1, "holders": [first], "before": [second]}
    words = f"waits for the slot: #{first} at work, 1 run before it"
    assert words in opsconsole(bench.root, "show", str(third)).out.decode()
    assert words in opsconsole(bench.root, "status").out.decode()
    running = opsconsole(bench.root, "status", "--json").json["running"]
    assert {run["id"]: run["waits_for"] is not None for run in running} == {first: False, second: True, third: True}
    for run_id in (third, second, first):
        cancel(bench.workspace, bench.store, run_id)
    assert bench.wait(third).state is RunState.CANCELLED


def test_what_is_waited_for_is_told_in_words() -> None:
    assert waiting_words(Waiting("api", 1, (4,), ())) == "waits for the slot of api: #4 at work"
    assert waiting_words(Waiting(None, 5, (1, 2, 3, 4, 5), (6, 7))) == (
        "waits for one of 5 slots: #1, #2, #3 and 2 more at work, 2 runs before it"
    )
    assert waiting_words(Waiting(None, 1, (), ())) == "waits for the slot"
