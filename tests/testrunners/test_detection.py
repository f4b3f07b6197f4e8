from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from opsconsole.repos.interpreters import choose
from opsconsole.testrunners.detection import Detection, detect, detect_in
from tests.repos.making import commit, detected

PACKAGE = '{{"scripts": {{"test": "{}"}}}}'
UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"


def only(files: dict[str, str]) -> Detection:
    (detection,) = detected(files)
    return detection


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"pytest.ini": ""}, "pytest.ini"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "[tool.pytest] in pyproject.toml"),
        ({"tox.ini": "[pytest]\n"}, "[pytest] in tox.ini"),
        ({"setup.cfg": "[tool:pytest]\n"}, "[tool:pytest] in setup.cfg"),
        ({"sub/conftest.py": ""}, "sub/conftest.py"),
        ({"tests/test_a.py": "def test_x(): pass\n"}, "tests/test_a.py holds tests in pytest's style"),
        ({"a_test.py": "import pytest\n"}, "a_test.py holds tests in pytest's style"),
    ],
)
def test_pytest_is_told_by_its_plainest_sign(files: dict[str, str], reason: str) -> None:
    detection = only(files)
    assert (detection.runner, detection.reason) == ("pytest", reason)
    assert [step.name for step in detection.steps] == ["test"]


def test_unittest_is_told_from_pytest_by_what_the_tests_import() -> None:
    detection = only({"tests/test_a.py": UNITTEST})
    assert (detection.runner, detection.reason) == ("unittest", "tests/test_a.py imports unittest")
    assert detection.test_step().run.endswith('"$OPSCONSOLE_OUT/junit.xml" tests')
    packaged = only({"tests/test_a.py": "import unittest\n", "tests/__init__.py": ""})
    assert packaged.test_step().run.endswith(" .")


def test_a_repo_of_both_styles_is_run_by_pytest_and_the_other_is_named() -> None:
    both = detected({"tests/test_a.py": "import unittest\n", "tests/test_b.py": "def test_b(): pass\n"})
    assert [detection.runner for detection in both] == ["pytest", "unittest"]


@pytest.mark.parametrize(
    ("files", "runner", "reason", "command", "programs", "counted"),
    [
        ({"tox.ini": "[testenv]\ncommands=pytest\n"}, "tox", "tox.ini", "tox run", ("tox",), True),
        ({"tox.ini": "[testenv]\ncommands=stestr\n"}, "tox", "tox.ini", "tox run", ("tox",), False),
        (
            {"noxfile.py": "@nox.session\ndef tests(s): s.run('pytest')\n"},
            "nox", "noxfile.py", "nox -s tests", ("nox",), True,
        ),
        (
            {"pyproject.toml": "[tool.hatch.envs.hatch-test]\n"},
            "hatch", "[tool.hatch.envs.hatch-test]", "hatch test", ("hatch",), True,
        ),
        (
            {"Makefile": "CC := gcc\ntest: all\n\tpytest -x\n"},
            "make test", "Makefile: test", "make test", ("make",), True,
        ),
        ({"Makefile": ".PHONY: check\ncheck:\n\t./t\n"}, "make check", "Makefile: check", "make check", ("make",), False),
        ({"justfile": "test *args:\n  cargo x\n"}, "just test", "justfile: test", "just test", ("just",), False),
        ({"Rakefile": "Rake::TestTask.new\n"}, "rake test", "Rakefile: TestTask", "rake test", ("rake",), False),
        (
            {"package.json": PACKAGE.format("jest --coverage")},
            "npm test (jest)", "package.json: test = 'jest --coverage'", "jest_junit.cjs", ("node", "npm"), True,
        ),
        (
            {"package.json": PACKAGE.format("tsc && NODE_ENV=test npx mocha -r x"), "yarn.lock": ""},
            "yarn test (mocha)", "package.json: test = 'tsc && NODE_ENV=test npx mocha -r x'", "mocha_junit.cjs",
            ("node", "yarn"), True,
        ),
        (
            {"package.json": PACKAGE.format("xo && ava"), "pnpm-lock.yaml": ""},
            "pnpm test (ava)", "package.json: test = 'xo && ava'", "pnpm test", ("node", "pnpm"), True,
        ),
        (
            {"go.mod": "module x\n", "a_test.go": ""},
            "go test", "go.mod", "go test -json ./...", ("go",), True,
        ),
        ({"go.work": "use (\n\t./a\n\t./b\n)\n", "a/a_test.go": ""}, "go test", "go.work", "./a/... ./b/...", ("go",), True),
        (
            {"Cargo.toml": "[workspace]\n", "Cargo.lock": "", "src/lib.rs": "#[test]\nfn a() {}\n"},
            "cargo test", "Cargo.toml", "cargo test --locked --workspace --no-fail-fast", ("cargo",), True,
        ),
        (
            {"CMakeLists.txt": "project(x)\n", "t/CMakeLists.txt": "  add_test(NAME a COMMAND a)\n"},
            "ctest", "t/CMakeLists.txt adds tests", "ctest --test-dir .opsconsole-build", ("cmake", "ctest"), True,
        ),
        (
            {"meson.build": "project('x')\n", "t/meson.build": "test('a', exe)\n"},
            "meson test", "t/meson.build declares tests", "meson test -C", ("meson", "ninja"), True,
        ),
        ({"pom.xml": "", "src/test/java/A.java": ""}, "maven", "pom.xml", "mvn --batch-mode", ("java", "mvn"), True),
        ({"pom.xml": "", "mvnw": "", "a/src/test/java/A.java": ""}, "maven", "pom.xml", "sh ./mvnw", ("java",), True),
        (
            {"build.gradle.kts": "", "gradlew": "", "app/src/test/kotlin/A.kt": ""},
            "gradle", "build.gradle.kts", "sh ./gradlew --no-daemon", ("java",), True,
        ),
        ({".rspec": "", "spec/a_spec.rb": ""}, "rspec", ".rspec", "rspec --require", ("rspec",), True),
        (
            {"Gemfile": "", "Gemfile.lock": "", "spec/a_spec.rb": ""},
            "rspec", "spec/a_spec.rb", "bundle exec rspec", ("ruby", "bundle"), True,
        ),
        ({"phpunit.xml.dist": ""}, "phpunit", "phpunit.xml.dist", "-- phpunit --log-junit", ("php", "phpunit"), True),
        (
            {"composer.json": '{"require-dev": {"phpunit/phpunit": "^10"}}', "composer.lock": ""},
            "phpunit", "phpunit/phpunit in composer.json", "vendor/bin/phpunit", ("php", "composer"), True,
        ),
        (
            {"App.sln": "", "T/T.csproj": '<PackageReference Include="Microsoft.NET.Test.Sdk"/>'},
            "dotnet test", "Microsoft.NET.Test.Sdk in T/T.csproj", "dotnet test ./App.sln", ("dotnet",), True,
        ),
        ({"t/a.bats": "", "docs/b.bats": ""}, "bats", "t/a.bats", "bats --tap t", ("bats",), True),
        ({"cpanfile": "", "t/a.t": ""}, "prove", "cpanfile and t/a.t", "prove -l -r", ("perl", "prove"), True),
        (
            {"Makefile.PL": "", "t/a.t": ""},
            "prove", "Makefile.PL and t/a.t", "prove -b -r", ("perl", "prove", "make"), True,
        ),
        ({"run_tests.sh": ""}, "run_tests.sh", "run_tests.sh is called like a test", "./run_tests.sh", (), False),
    ],
)  # fmt: skip
def test_every_runner_is_told_with_its_reason_and_what_it_needs(
    files: dict[str, str], runner: str, reason: str, command: str, programs: tuple[str, ...], counted: bool
) -> None:
    detection = only(files)
    assert (detection.runner, detection.reason) == (runner, reason)
    assert command in detection.test_step().run
    assert (detection.programs, detection.counted) == (programs, counted)


def test_nextest_comes_before_cargos_own_runner_where_it_is_configured() -> None:
    files = {"Cargo.toml": "", ".config/nextest.toml": "", "tests/a.rs": ""}
    assert [detection.runner for detection in detected(files)] == ["cargo nextest", "cargo test"]


@pytest.mark.parametrize(
    ("script", "command_end"),
    [
        ("node --test", "stdout"),
        ("node --test test/", "stdout test/"),
        ("node --no-warnings --test a.js", "stdout a.js"),
    ],
)
def test_node_is_told_by_its_script_and_keeps_its_arguments(script: str, command_end: str) -> None:
    detection = only({"package.json": PACKAGE.format(script)})
    assert detection.runner == "node --test"
    assert detection.test_step().run.endswith(command_end)
    assert '--test-reporter-destination="$OPSCONSOLE_OUT/junit.xml"' in detection.test_step().run


def test_a_script_that_only_calls_another_is_that_other() -> None:
    scripts = '{"scripts": {"test": "npm run test:unit", "test:unit": "vitest", "loop": "npm run loop"}}'
    detection = only({"package.json": scripts})
    assert detection.runner == "npm run test:unit (vitest)"
    assert detection.test_step().run.startswith("CI=true npm run test:unit -- --run ")
    assert detected({"package.json": '{"scripts": {"test": "npm run test"}}'})[0].counted is False


def test_a_runner_within_a_script_can_be_run_by_itself_but_the_script_comes_first() -> None:
    found = detected({"package.json": PACKAGE.format("jest && eslint .")})
    assert [(detection.runner, detection.counted) for detection in found] == [("npm test (jest)", True), ("jest", True)]


@pytest.mark.parametrize(
    ("scripts", "runners"),
    [
        ({"test": "npm run lint && npm run test-ci", "test-ci": "nyc --reporter lcov mocha -r x"}, "mocha"),
        ({"test": "npm run a && npm run b", "a": "mocha", "b": "cross-env NODE_OPTIONS=--x jest"}, "mocha, jest"),
        ({"test": "mocha && jest"}, "mocha, jest"),
        ({"test": "pnpm lint && vitest run --typecheck; pnpm exec ava"}, "vitest, ava"),
        ({"test": "run-p lint test:*", "test:a": "c8 tap", "test:b": "yarn run jest", "lint": "eslint"}, "tap, jest"),
        ({"test": "tsc", "posttest": "npx -p x mocha"}, "mocha"),
        ({"test": "tsx --test && if true; then (yarn jest); fi"}, "node --test, jest"),
        ({"test": "find . -name '*.js' | xargs ./node_modules/.bin/mocha; x"}, "mocha"),
        ({"test": "nyc node test.js && node test.mjs"}, "mocha"),
        ({"test": "npm run test"}, ""),
        ({"test": "echo jest; eslint mocha"}, ""),
        ({"test": "eslint . || jest; true"}, ""),
        ({"test": "NODE_OPTIONS=--no-warnings mocha; tsc"}, ""),
        ({"test": "npm run t --workspaces && npm --prefix x test && yarn workspace a jest", "t": "jest"}, ""),
        ({"test": "x && 'jest", "jest": 3}, ""),
        ({"test": "jest --clearCache; vitest bench; ./scripts/jest.js; node scripts/mocha.js; x"}, ""),
        ({"test": "env NODE_OPTIONS=x mocha && export NODE_OPTIONS=x && jest; x"}, ""),
        ({"test": 'NODE_OPTIONS="$NODE_OPTIONS -x" mocha; x'}, "mocha"),
    ],
)
def test_a_runner_is_claimed_where_the_scripts_surely_come_to_it(scripts: dict[str, object], runners: str) -> None:
    files = {"package.json": json.dumps({"scripts": scripts}), "test.js": "const M = require('mocha')", "test.mjs": ""}
    detection = detected(files)[0]
    assert detection.runner == ("npm test" + (f" ({runners})" if runners else ""))
    assert detection.counted is bool(runners)
    assert detection.narrow is None


def test_scripts_that_all_call_each_other_come_to_an_end() -> None:
    calls = "; ".join(f"npm run s{number}" for number in range(60))
    scripts = {"test": calls} | {f"s{number}": calls for number in range(60)}
    assert detected({"package.json": json.dumps({"scripts": scripts})})[0].counted is False


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": 3}', '""', "null", "[" * 100_000, PACKAGE.format("")])
def test_a_package_that_is_broken_or_has_no_tests_is_left_alone(text: str) -> None:
    assert detected({"package.json": text, "src/a.js": ""}) == []


@pytest.mark.parametrize("script", ["node --test; rm x", "node --test $(id)", "`jest`", "jest > x", "echo jest"])
def test_a_script_that_is_more_than_its_runner_is_run_as_the_repo_says_it(script: str) -> None:
    detection = only({"package.json": PACKAGE.format(script)})
    assert detection.test_step().run.endswith("for_node/hook.cjs\"' CI=true npm test")


@pytest.mark.parametrize(
    ("files", "install", "outputs"),
    [
        ({"package-lock.json": ""}, "npm ci --no-audit --no-fund", ("node_modules",)),
        ({}, "npm install --no-audit --no-fund", ("node_modules",)),
        ({"yarn.lock": "# yarn lockfile v1"}, "yarn install --frozen-lockfile", ("node_modules",)),
        (
            {"yarn.lock": "__metadata:\n  version: 8", ".yarnrc.yml": "nodeLinker: node-modules\n"},
            "yarn install --immutable",
            ("node_modules",),
        ),
        (
            {"pnpm-lock.yaml": "", "pnpm-workspace.yaml": "", "packages/a/package.json": "{}"},
            "pnpm install --frozen-lockfile",
            ("node_modules", "packages/a/node_modules"),
        ),
    ],
)
def test_packages_are_installed_by_the_manager_of_the_lock(
    files: dict[str, str], install: str, outputs: tuple[str, ...]
) -> None:
    package = '{"scripts": {"test": "node --test", "prepare": "husky"}, "devDependencies": {"a": "1"}}'
    step, _ = only({"package.json": package} | files).steps
    assert (step.name, step.run, step.outputs) == ("install", f"HUSKY=0 {install}", outputs)
    assert set(step.inputs) == {"package.json", *files}
    assert step.versions[0] == "node --version"


def test_what_the_repo_builds_when_it_is_installed_is_built_each_time() -> None:
    package = '{"scripts": {"test": "node --test", "prepare": "tsc"}, "devDependencies": {"a": "1"}}'
    names = [(step.name, bool(step.inputs)) for step in only({"package.json": package}).steps]
    assert names == [("install", True), ("prepare", False), ("test", False)]


def test_a_project_in_a_folder_is_found_there_and_ranks_lower() -> None:
    package = '{"scripts": {"test": "jest"}, "devDependencies": {"jest": "29"}}'
    root, web = detected(
        {"go.mod": "", "a_test.go": "", "web/package.json": package, "examples/x/package.json": package}
    )
    assert (root.runner, web.runner) == ("go test", "npm test (jest) in web")
    assert web.reason == "package.json: test = 'jest', in web"
    assert web.rank == root.rank - 10
    install, test = web.steps
    assert (install.cwd, install.inputs, install.outputs) == ("web", ("web/package.json",), ("web/node_modules",))
    assert test.cwd == "web"


def test_hostile_names_stay_words_of_the_command() -> None:
    bats = only(
        {"$(touch x)/a.bats": "", "it's/b.bats": "", "-rf/c.bats": "", "new\nline/d.bats": "", "\udcff/e.bats": ""}
    )
    assert bats.test_step().run.endswith("""bats --tap '$(touch x)' ./-rf 'it'"'"'s'""")
    quoted = only({"a b/test_a.py": UNITTEST})
    assert quoted.test_step().run.endswith(" 'a b'")


@pytest.mark.parametrize("name", ["pyproject.toml", "tox.ini", "setup.cfg", "setup.py", "package.json", "Cargo.toml"])
def test_a_broken_configuration_file_does_not_stop_detection(name: str) -> None:
    (detection, *_) = detected({name: "[[[\n\0=", "test_a.py": "def test_a(): pass\n"})
    assert detection.runner == "pytest"


def test_detection_reads_the_commit_not_the_work_tree(repo: Path) -> None:
    first = commit(repo, **{"a.txt": ""})
    commit(repo, **{"pytest.ini": ""})
    (repo / "pytest.ini").unlink()
    assert detect(repo, first) == []
    assert [detection.runner for detection in detect(repo, "HEAD")] == ["pytest"]


def test_the_interpreter_is_the_repos_own_or_ours_and_says_which(tmp_path: Path) -> None:
    ours = choose(tmp_path)
    assert (ours.path, ours.reason) == (Path(sys.executable), "the one that runs opsconsole: the repo has no .venv")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    own = choose(tmp_path)
    assert (own.path, own.reason, own.environment) == (python, "the repo's own .venv", tmp_path / ".venv")
    assert choose(tmp_path, "../py/bin/python").path == tmp_path.parent / "py" / "bin" / "python"


def test_plug_n_play_packages_are_left_to_yarns_own_cache() -> None:
    package = '{"scripts": {"test": "node --test"}, "devDependencies": {"a": "1"}}'
    install, _ = only({"package.json": package, "yarn.lock": "__metadata:\n"}).steps
    assert (install.run, install.inputs, install.outputs) == ("HUSKY=0 yarn install --immutable", (), ())


def test_of_many_projects_in_folders_only_some_are_named() -> None:
    files = {f"svc{number}/package.json": PACKAGE.format("jest") for number in range(20)}
    assert len(detected(files | {"go.mod": "", "a_test.go": ""})) == 7


@pytest.mark.parametrize("text", ["import os, unittest\n", "import os as x,  unittest.mock\n", "import unittest\n"])
def test_unittest_is_seen_wherever_it_stands_in_an_import(text: str) -> None:
    body = f"{text}class TestA(unittest.TestCase): pass\n".encode()
    (found,) = detect_in(["tests/test_a.py"], lambda paths: dict.fromkeys(paths, body))
    assert found.runner == "unittest"


EMPTY_LINES = "\n" * 100_000


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": f'{{"scripts": {{"test": "{"--aa " * 60}x"}}}}'},
        {"package.json": f'{{"scripts": {{"test": "node {"a " * 20_000}"}}}}', "test/a.js": ""},
        {
            "test_a.py": EMPTY_LINES,
            "requirements-dev.txt": EMPTY_LINES,
            "setup.cfg": EMPTY_LINES,
            "tox.ini": EMPTY_LINES,
        },
        {"meson.build": EMPTY_LINES, "CMakeLists.txt": EMPTY_LINES},
        {"settings.gradle": EMPTY_LINES, "build.gradle": "", "src/test/java/A.java": ""},
        {"go.mod": "module x", "go.work": EMPTY_LINES, "a_test.go": ""},
        {
            "noxfile.py": f"nox.session\n{EMPTY_LINES}",
            "Makefile": "test:\n" + "\t \n" * 50_000,
            "justfile": EMPTY_LINES,
        },
        {"pyproject.toml": "a." * 50_000 + "a = 1", "Cargo.toml": "[a]", "src/lib.rs": "#[" + "a::" * 50_000},
        {"package.json": '{"a": ' * 50_000, "composer.json": "[" * 50_000},
    ],
    ids=lambda files: next(iter(files)),
)
def test_no_file_of_a_commit_holds_up_who_looks_at_it(files: dict[str, str]) -> None:
    detected(files)
