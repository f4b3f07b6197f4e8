// A reporter of vitest that tells each finished test at once. The report itself is vitest's own JUnit, unless one was
// asked for by the hook in this process: then it is written here, and vitest prints nothing of it.
import { appendFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const OUTCOMES = { passed: "passed", pass: "passed", failed: "failed", fail: "failed", broken: "error" };

const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const printable = (text) =>
  String(text).replace(CONTROL, (letter) => `#x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
const quoted = (text) => printable(text).replace(/[&<>"\n\r\t]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const plain = (text) => String(text ?? "").replace(/\x1b\[[0-9;]*m/g, "");

export default class OpsconsoleProgress {
  constructor() {
    this.told = new Set();
    this.cases = [];
    this.report = globalThis[Symbol.for("opsconsole.report")];
  }

  onInit(vitest) {
    this.vitest = vitest;
    this.root = (vitest && vitest.config && vitest.config.root) || process.cwd();
  }

  // From vitest 3 on.
  onTestCaseResult(test) {
    const { state, errors } = test.result();
    const duration = test.diagnostic()?.duration;
    this.tell(test.id, test.module.moduleId, test.fullName, state, duration, errors);
  }

  onTestSuiteResult(suite) {
    const errors = suite.errors();
    if (errors.length) this.tell(suite.id, suite.module.moduleId, suite.fullName, "broken", undefined, errors);
  }

  onTestModuleEnd(module) {
    const errors = module.errors();
    if (errors.length) this.tell(module.id, module.moduleId, "(file)", "broken", undefined, errors);
  }

  onTestRunEnd() {
    this.write();
  }

  // Before that; skipped tests are only known at the end.
  onFinished(files = []) {
    const inside = (task) => (task.tasks ? task.tasks.flatMap(inside) : [[task.id, task.result]]);
    this.onTaskUpdate(files.flatMap(inside));
    for (const file of files) this.brokenSuites(file, file, []);
    this.write();
  }

  brokenSuites(file, suite, names) {
    const errors = suite.result?.errors ?? [];
    if (errors.length) this.tell(suite.id, file.filepath, names.join(" > ") || "(file)", "broken", undefined, errors);
    for (const each of suite.tasks ?? []) if (each.tasks) this.brokenSuites(file, each, [...names, each.name]);
  }

  onTaskUpdate(packs) {
    if (!this.vitest?.state?.idMap) return;
    for (const [id, result] of packs) {
      const task = this.vitest.state.idMap.get(id);
      const state = result?.state ?? task?.mode;
      if (!task || (task.type !== "test" && task.type !== "custom") || state === "run") continue;
      const names = [task.name];
      for (let suite = task.suite; suite && suite.type === "suite" && suite.name && suite !== task.file; suite = suite.suite) {
        names.unshift(suite.name);
      }
      this.tell(id, task.file?.filepath ?? "", names.join(" > "), state, result?.duration, result?.errors);
    }
  }

  tell(key, file, name, state, duration, errors) {
    const out = process.env.OPSCONSOLE_OUT;
    if (!out || this.told.has(key) || state === "pending" || state === "queued" || state === "only") return;
    if (state === "broken" && !this.report) return; // vitest's own report has it by another name
    this.told.add(key);
    const place = relative(this.root, file).split(sep).join("/");
    const line = { id: `${place}::${name}`, outcome: OUTCOMES[state] ?? "skipped" };
    if (typeof duration === "number") line.s = Math.round(duration * 1000) / 1e6;
    try {
      appendFileSync(join(out, "progress.jsonl"), `${JSON.stringify(line)}\n`);
    } catch {
      // The tests go on without.
    }
    this.cases.push({ place, name, outcome: line.outcome, seconds: line.s ?? 0, error: errors?.[0] });
  }

  write() {
    if (!this.report || !this.cases.length) return;
    const cases = this.cases.map(({ place, name, outcome, seconds, error }) => {
      const start = `<testcase classname="${quoted(place)}" name="${quoted(name)}" time="${seconds}"`;
      if (outcome === "passed") return `${start}/>`;
      if (outcome === "skipped") return `${start}><skipped/></testcase>`;
      const kind = outcome === "error" ? "error" : "failure";
      const said = plain(error?.message ?? error);
      const detail = plain(error?.stack ?? said);
      return `${start}><${kind} message="${quoted(said.split("\n")[0])}">${quoted(detail)}</${kind}></testcase>`;
    });
    const lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", '<testsuite name="">', ...cases];
    writeFileSync(this.report, [...lines, "</testsuite>", "</testsuites>", ""].join("\n"));
  }
}
