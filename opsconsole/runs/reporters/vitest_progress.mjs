// A reporter of vitest that tells each finished test at once; the report itself is vitest's own JUnit.
import { appendFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const OUTCOMES = { passed: "passed", pass: "passed", failed: "failed", fail: "failed" };

export default class OpsconsoleProgress {
  constructor() {
    this.told = new Set();
  }

  onInit(vitest) {
    this.vitest = vitest;
    this.root = (vitest && vitest.config && vitest.config.root) || process.cwd();
  }

  // From vitest 3 on.
  onTestCaseResult(test) {
    const { state } = test.result();
    const duration = test.diagnostic()?.duration;
    this.tell(test.id, test.module.moduleId, test.fullName, state, duration);
  }

  // Before that; skipped tests are only known at the end.
  onFinished(files = []) {
    const inside = (task) => (task.tasks ? task.tasks.flatMap(inside) : [[task.id, task.result]]);
    this.onTaskUpdate(files.flatMap(inside));
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
      this.tell(id, task.file?.filepath ?? "", names.join(" > "), state, result?.duration);
    }
  }

  tell(key, file, name, state, duration) {
    const out = process.env.OPSCONSOLE_OUT;
    if (!out || this.told.has(key) || state === "pending" || state === "queued" || state === "only") return;
    this.told.add(key);
    const id = `${relative(this.root, file).split(sep).join("/")}::${name}`;
    const line = { id, outcome: OUTCOMES[state] ?? "skipped" };
    if (typeof duration === "number") line.s = Math.round(duration * 1000) / 1e6;
    try {
      appendFileSync(join(out, "progress.jsonl"), `${JSON.stringify(line)}\n`);
    } catch {
      // The tests go on without.
    }
  }
}
