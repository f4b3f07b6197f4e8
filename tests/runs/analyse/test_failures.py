"""Which lines tell of a failure, and which begin a section: the words of each tool, and words that only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.runs.analyse import log_errors, log_sections
from opsconsole.runs.analyse.log_errors import Weight, is_failure, weight

CLEAR = {
    "pytest": """
E   ValueError: unknown category 'JFK2' in column 'origin'
E       assert 1 == 2
FAILED tests/test_api.py::test_predict_batch - ValueError: unknown
ERROR tests/test_api.py - ImportError: cannot import name 'x'
tests/test_api.py:57: AssertionError
INTERNALERROR> Traceback (most recent call last):
""",
    "unittest and python": """
FAIL: test_adds (test_sums.Sums.test_adds)
ERROR: setUpClass (test_sums.Sums)
FAILED (failures=1, errors=2)
Traceback (most recent call last):
  Traceback (most recent call last):
ValueError: bad
requests.exceptions.ConnectTimeout: gone
subprocess.CalledProcessError: Command 'x' returned non-zero exit status 1.
KeyboardInterrupt
""",
    "node": """
not ok 3 - parses dates
    not ok 1 - inner
✖ parses dates (1.2ms)
  ● Api › answers › with json
 FAIL  src/api.test.ts > answers
FAIL src/api.test.js
  × answers 12ms
  2 failing
TypeError: x is not a function
Error [ERR_MODULE_NOT_FOUND]: Cannot find package
npm ERR! code ELIFECYCLE
npm error Missing script: "test"
src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.
  12:3  error  'x' is never used  no-unused-vars
""",
    "go": """
--- FAIL: TestAdd (0.00s)
    --- FAIL: TestAdd/negative (0.00s)
FAIL	example.com/adder	0.003s
FAIL	example.com/adder [build failed]
panic: runtime error: index out of range [5] with length 3
./adder.go:4:9: undefined: foo
pkg/adder.go:12:2: "os" imported and not used
""",
    "cargo": """
error[E0308]: mismatched types
error: could not compile `demo` (lib test) due to 1 previous error
test tests::adds ... FAILED
thread 'tests::adds' panicked at src/lib.rs:9:9:
thread 'main' (8121) panicked at src/main.rs:2:5:
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
""",
    "c and c++": """
main.c:4:5: error: expected ';' before 'return'
/usr/include/x.h:10: fatal error: y.h: No such file or directory
main.c:(.text+0x5): undefined reference to `foo'
collect2: error: ld returned 1 exit status
/usr/bin/ld: cannot find -lfoo
make: *** [Makefile:2: all] Error 1
make[1]: *** No rule to make target 'x'.  Stop.
ninja: build stopped: subcommand failed.
FAILED: src/a.o
CMake Error at CMakeLists.txt:3 (find_package):
2/3 Test #2: adds .............................***Failed    0.00 sec
[  FAILED  ] Sums.Adds (0 ms)
==12==ERROR: AddressSanitizer: heap-use-after-free on address
Segmentation fault (core dumped)
""",
    "java": """
[ERROR] COMPILATION ERROR :
[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0
[ERROR] /src/Main.java:[3,5] cannot find symbol
Main.java:3: error: ';' expected
Exception in thread "main" java.lang.IllegalStateException
java.lang.AssertionError: expected:<1> but was:<2>
Caused by: java.io.IOException: gone
> Task :app:test FAILED
AdderTest > adds() FAILED
FAILURE: Build failed with an exception.
* What went wrong:
e: file:///src/Main.kt:3:5 Unresolved reference: x
""",
    "others": """
Program.cs(3,5): error CS1002: ; expected [/src/app.csproj]
rspec ./spec/sums_spec.rb:4 # Sums adds
     Failure/Error: expect(1).to eq 2
FAILURES!
PHP Fatal error:  Uncaught Error
fatal: not a git repository
ERROR: Could not find a version that satisfies the requirement nope
/bin/sh: 1: nope: not found
bash: line 3: nope: command not found
sh: ./run: Permission denied
OSError: [Errno 28] No space left on device
""",
}
LIKELY = """
2026-01-05 12:00:01,123 ERROR worker: gave up
[2026-01-05T12:00:01Z] ERROR gave up
ERROR | gave up
12:00:01 CRITICAL out of range
time=12:00 level=error msg="gave up"
{"level":"error","msg":"gave up"}
an error: it did not work
Unhandled exception: it did not work
the build failed after 3 s
"""
NONE = """
0 errors
no errors
No errors found
Found 0 errors, 0 warnings
Compiled with 0 errors and 3 warnings
Build succeeded. 0 Error(s)
finished without errors
error-free since Monday
Tests run: 3, Failures: 0, Errors: 0, Skipped: 0
[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out
12 passed, 0 failed
errors: 0
error: null
test error_is_reported ... ok
test_error (test_api.Errors.test_error) ... ok
tests/test_api.py::test_error_case PASSED [ 50%]
--- PASS: TestError (0.00s)
=== RUN   TestFailure
ok 4 - error: is thrown
  ✓ throws an error: of its own (2 ms)
✔ fails politely (0.5ms)
[       OK ] Errors.Thrown (0 ms)
Compiling thiserror v1.0.5
gcc -Werror -Wall -c error.c
cp src/errors.py build/
collecting tests/test_failures.py
INFO handling ErrorBoundary
def on_error(self): pass
tests/test_errors.py .....                                       [ 12%]
100% tests passed, 0 tests failed out of 3
not ok 3 - later # SKIP not written yet
all good
"""


def lines(block: str) -> list[str]:
    return [line for line in block.split("\n") if line]


@pytest.mark.parametrize("line", [line for block in CLEAR.values() for line in lines(block)])
def test_what_the_tools_say_of_a_failure_is_clear(line: str) -> None:
    assert weight(line) is Weight.CLEAR
    assert log_errors.tool(line)


@pytest.mark.parametrize("line", lines(LIKELY))
def test_what_a_healthy_program_may_say_too_is_likely(line: str) -> None:
    assert weight(line) is Weight.LIKELY


@pytest.mark.parametrize("line", lines(NONE))
def test_no_errors_is_no_error(line: str) -> None:
    assert weight(line) is Weight.NONE


def test_some_errors_beside_none_are_errors() -> None:
    assert is_failure("[ERROR] Tests run: 3, Failures: 1, Errors: 0")
    assert is_failure("error: 0 warnings, 2 errors")


SECTIONS = {
    "_______________________ test_predict_batch ________________________": "test_predict_batch",
    "=================================== FAILURES ===================================": "FAILURES",
    "----------------------------- Captured stdout call -----------------------------": "Captured stdout call",
    "---- tests::adds stdout ----": "tests::adds",
    "     Running unittests src/lib.rs (target/debug/deps/demo-1)": "unittests src/lib.rs (target/debug/deps/demo-1)",
    "=== RUN   TestAdd/negative": "TestAdd/negative",
    "# Subtest: parses dates": "parses dates",
    "  ● Api › answers": "Api › answers",
    "      Start  2: adds": "adds",
    "[INFO] Running com.example.AdderTest": "com.example.AdderTest",
    "> Task :app:compileJava": ":app:compileJava",
    "make[1]: Entering directory '/src'": "/src",
    "::group::Install": "Install",
    "FAIL: test_adds (test_sums.Sums.test_adds)": "test_adds (test_sums.Sums.test_adds)",
}


@pytest.mark.parametrize(("line", "name"), SECTIONS.items())
def test_a_section_is_known_by_its_heading(line: str, name: str) -> None:
    assert log_sections.name_of(line) == name


@pytest.mark.parametrize("line", ["----", "======", "- one", "> quoted", "a === b", "test_x PASSED", "", "___"])
def test_a_mere_rule_is_no_section(line: str) -> None:
    assert log_sections.name_of(line) is None


def test_whatever_is_judged_is_a_candidate_first() -> None:
    said = [line for block in (*CLEAR.values(), LIKELY) for line in lines(block)]
    assert [line for line in said if not any(word in line.lower() for word in log_errors.WORDS)] == []
    assert [line for line in SECTIONS if not any(word in line.lower() for word in log_sections.WORDS)] == []


@given(st.text(max_size=300))
def test_any_line_is_judged(line: str) -> None:
    weight(line)
    log_sections.name_of(line)


@pytest.mark.parametrize(
    "line", ["a " * 2000, "error " * 700, "=" * 4000, "_" * 4000, "x.y" * 1500, "(" * 4000, "1 " * 2000]
)
def test_no_line_makes_a_pattern_backtrack_for_ever(line: str) -> None:
    weight(line)
    log_sections.name_of(line)
