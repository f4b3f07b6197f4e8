"""The hook below a script: runners that are met where they lie, beside their own reporters, each with its own report.

Node's own runner is real. The others are stand-ins of the shape that theirs have: where they are found and what they
call is what the hook holds on to.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from opsconsole.runs.analyse.test_progress import ProgressReader
from tests.testrunners.test_runs_reporters import Bench, Told, steps_of

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")

NODE_TEST = (
    "const { test } = require('node:test');\ntest('good', () => {}); test('bad', () => { throw new Error('no'); });\n"
)
MOCHA_RUNNER = """
const { EventEmitter } = require("node:events");
module.exports = class Runner extends EventEmitter {
  run(done) {
    const test = (name, duration) => ({ file: `${process.cwd()}/m.js`, duration, titlePath: () => ["s", name] });
    this.total = 3;
    this.emit("start");
    this.emit("pass", test("good", 2));
    this.emit("fail", test("bad", 1), new Error("1 <is> 2"));
    this.emit("pending", test("later"));
    this.emit("end");
    console.log(`reporter ${process.argv[2]}, options ${process.env.NODE_OPTIONS}`);
    done(1);
  }
};
"""
MOCHA = 'const R = require("../lib/runner.js"); const r = new R(); r.run((bad) => (process.exitCode = bad));\n'
JEST_CONFIG = (
    "exports.readConfigs = async () => ({ globalConfig: Object.freeze({ reporters: [['own', {}]] }), configs: [] });\n"
)
JEST = """
(async () => {
  const { globalConfig } = await require("jest-config").readConfigs();
  const [[own], [ours, options]] = globalConfig.reporters;
  const reporter = new (require(ours))(globalConfig, options);
  const result = { testFilePath: `${process.cwd()}/j.js`, testResults: [
    { ancestorTitles: ["s"], title: "good", status: "passed", duration: 3 },
    { ancestorTitles: [], title: "bad", status: "failed", failureMessages: ["no"] } ] };
  reporter.onTestResult({}, result);
  reporter.onRunComplete([], { testResults: [result] });
  console.log("reporter", own);
})();
"""
AVA = """
import Reporter from "../lib/reporters/default.js";
import { EventEmitter } from "node:events";
export default function run() {
  const status = new EventEmitter();
  new Reporter().startRun({ status });
  const testFile = new URL("../../../a.mjs", import.meta.url).href;
  for (const event of [
    { type: "test-passed", testFile, title: "good", duration: 4 },
    { type: "test-failed", testFile, title: "bad", duration: 4, err: { message: "no", stack: "at a" } },
    { type: "selected-test", testFile, title: "later", skip: true },
    { type: "selected-test", testFile, title: "good" },
    { type: "timeout", pendingTests: new Map([[testFile, new Set(["slow"])]]) },
    { type: "uncaught-exception", testFile, err: { message: "thrown" } },
  ]) status.emit("stateChange", event);
}
"""
VITEST = """
const [reporter, ours] = process.argv.filter((word) => word.startsWith("--reporter")).map((word) => word.split("=")[1]);
console.log("reporter", reporter, "words", process.argv.slice(2).join(" ").split("--reporter")[0]);
const made = new (await import(ours)).default();
const module = { moduleId: `${process.cwd()}/v.js`, id: "f", errors: () => [] };
const test = (id, state, errors) => ({ id, module, fullName: `s > ${id}`, result: () => ({ state, errors }), diagnostic: () => ({ duration: 2 }) });
made.onInit({ config: { root: process.cwd() } });
made.onTestCaseResult(test("good", "passed"));
made.onTestCaseResult(test("bad", "failed", [{ message: "\\x1b[31mno\\x1b[0m", stack: "at v" }]));
made.onTestModuleEnd({ ...module, id: "g", errors: () => [{ message: "not loaded" }] });
made.onTestRunEnd();
"""
TAP = """
const fs = require("node:fs");
const said = `TAP version 13
# Subtest: t.js
    # Subtest: sub
        ok 1 - eq
        not ok 2 - eq
          ---
          at: line 3
          ...
        1..2
    not ok 1 - sub # time=3ms
    ok 2 - later # SKIP why
    1..2
not ok 1 - t.js # time=20ms
ok 2 - none.js # time=1ms {
    1..0 # SKIP nothing here
}
not ok 3 - gone.js # time=2.5ms
1..3
`;
fs.writeFileSync(process.argv[2].split("=")[1], said);
console.log("words", process.argv.slice(3).join(" "));
process.exitCode = 1;
"""
FILES = {
    "n.test.js": NODE_TEST,
    "m.js": "",
    "vitest.config.ts": "export default { test: { reporters: ['verbose', thing()] } }\n",
    "modules/mocha/lib/runner.js": MOCHA_RUNNER,
    "modules/mocha/bin/mocha.js": MOCHA,
    "modules/jest-config/package.json": '{"main": "build/index.js"}',
    "modules/jest-config/build/index.js": JEST_CONFIG,
    "modules/jest/bin/jest.js": JEST,
    "modules/ava/package.json": '{"type": "module"}',
    "modules/ava/entrypoints/cli.mjs": 'import run from "../lib/cli.js";\nrun();\n',
    "modules/ava/lib/cli.js": AVA,
    "modules/ava/lib/reporters/default.js": "export default class Reporter { startRun() { console.log('own'); } }\n",
    "modules/vitest/vitest.mjs": VITEST,
    "modules/tap/package.json": '{"version": "16.0.0"}',
    "modules/tap/bin/run.js": TAP,
}
BINS = {
    "mocha": "mocha/bin/mocha.js",
    "jest": "jest/bin/jest.js",
    "ava": "ava/entrypoints/cli.mjs",
    "vitest": "vitest/vitest.mjs",
    "tap": "tap/bin/run.js",
}


def bench_of(folder: Path, **scripts: str) -> Bench:
    bench = Bench(folder, FILES | {"package.json": json.dumps({"scripts": scripts})})
    modules = bench.tree / "node_modules"
    (bench.tree / "modules").rename(modules)
    (modules / ".bin").mkdir()
    for name, place in BINS.items():
        program = modules / place
        program.write_text(f"#!/usr/bin/env node\n{program.read_text()}")
        program.chmod(0o755)
        (modules / ".bin" / name).symlink_to(Path("..", place))
    return bench


def told_by(folder: Path, script: str, **variables: str) -> tuple[Told, Bench]:
    bench = bench_of(folder, test="npm run inner; node -e 0", inner=script)
    assert bench.found[0].counted
    return bench.run(*steps_of(bench.found[0]), **variables), bench


@pytest.mark.parametrize(
    ("script", "counts", "bad", "said"),
    [
        ("mocha dot", {"passed": 1, "failed": 1, "skipped": 1}, {"m.js::s > bad": "1 <is> 2"}, "reporter dot, options undefined"),
        ("jest", {"passed": 1, "failed": 1}, {"j.js::bad": "no"}, "reporter own"),
        (
            "ava",
            {"passed": 1, "failed": 1, "skipped": 1, "error": 2},
            {"a.mjs::bad": "no", "a.mjs::slow": "timed out", "a.mjs::(uncaught-exception)": "thrown"},
            "own",
        ),
        (
            "vitest run x",
            {"passed": 1, "failed": 1, "error": 1},
            {"v.js::s > bad": "no", "v.js::(file)": "not loaded"},
            "reporter verbose words run x",
        ),
        (
            "tap --reporter=x a.js",
            {"passed": 1, "failed": 2, "skipped": 2},
            {"t.js::sub > eq (2)": "eq", "gone.js::(file)": "gone.js"},
            "words --reporter=x a.js",
        ),
        ("node --test", {"passed": 1, "failed": 1}, {"n.test.js::bad": "no"}, "fail 1"),
        ("node --test --test-reporter dot", {"passed": 1, "failed": 1}, {"n.test.js::bad": "no"}, ".X"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_runner_below_a_script_reports_and_speaks_as_it_does(
    script: str, counts: dict[str, int], bad: dict[str, str], said: str, tmp_path: Path
) -> None:
    told, _ = told_by(tmp_path, script)
    assert (told.counts, told.notes) == (counts, ()), told.log
    assert {case.test_id: case.message for case in told.cases if case.test_id in bad} == bad
    assert told.told_ids == told.ids
    assert said in told.log


def test_each_of_several_runners_leaves_its_report_and_their_progress_adds_up(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, test="npm run a; npm run b; node --test; true", a="mocha", b="mocha && x || jest; tap")
    detection = bench.found[0]
    assert detection.runner == "npm test (mocha, tap, node --test)"
    told = bench.run(*steps_of(detection))
    assert told.exit_code == 0
    assert told.counts == {"passed": 5, "failed": 6, "skipped": 4}, told.log
    assert told.told_ids == told.ids
    assert [line["total"] for line in told.progress if "total" in line] == [3, 6, None, None, None]
    progress = ProgressReader(bench.tree.parent / "out 1").look()
    assert progress is not None
    assert (progress.done, progress.failed, progress.total) == (15, 6, None)


def test_what_a_runners_tests_start_is_not_counted(tmp_path: Path) -> None:
    inner = "const { spawnSync } = require('node:child_process');\nspawnSync('mocha', { stdio: 'inherit' });\n"
    bench = bench_of(tmp_path, test="node --test; true")
    (bench.tree / "n.test.js").write_text(NODE_TEST + inner)
    told = bench.run(*steps_of(bench.found[0]))
    assert told.counts == {"passed": 1, "failed": 1}, told.log


def test_a_program_between_that_replaces_node_options_does_not_hide_the_runner(tmp_path: Path) -> None:
    between = (
        "const { spawn } = require('node:child_process');\n"
        "spawn('mocha', { stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '--no-warnings' } })"
        ".on('exit', (code) => process.exit(code));\n"
    )
    bench = bench_of(tmp_path, test="node between.js && true")
    (bench.tree / "between.js").write_text(between)
    told = bench.run(*steps_of(bench.found[0]), NODE_OPTIONS="--no-deprecation")
    assert (told.exit_code, told.counts) == (1, {"passed": 1, "failed": 1, "skipped": 1}), told.log
    assert "options --no-warnings\n" in told.log


@pytest.mark.parametrize("program", ["ava", "tap", "mocha"])
def test_a_runner_that_is_made_otherwise_runs_as_ever(program: str, tmp_path: Path) -> None:
    bench = bench_of(tmp_path, test=f"{program}; echo ended")
    for place in ("mocha/lib/runner.js", "tap/package.json", "ava/lib/reporters/default.js"):
        (bench.tree / "node_modules" / place).write_text("{}" if place.endswith("json") else "")
    (bench.tree / "node_modules" / BINS[program]).write_text("#!/usr/bin/env node\nconsole.log('by itself');\n")
    told = bench.run(*steps_of(bench.found[0]))
    assert (told.exit_code, told.cases) == (0, ())
    assert "by itself\nended" in told.log
