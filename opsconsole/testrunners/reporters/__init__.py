"""Reporters for runners: JUnit as the final result, and ``$OPSCONSOLE_OUT/progress.jsonl`` while tests run.

A line of ``progress.jsonl`` is ``{"total": 38}``, how many tests there will be in all as far as is known (a later line
replaces it; null: nobody knows any more), or one finished test, ``{"id": "a.py::test_b", "outcome": "passed|failed|skipped|error", "s": 0.012}``; ``s`` is missing where
the runner does not say it. The ids are those that the JUnit report gives. Plugins run in the repo's own runner: each is
one file that imports nothing of ours. Filters run a command, on our interpreter: they show what it says, report on it,
and end with its exit code.
"""
