// Tap writes what its tests said into a file besides; at its end the asserts in it are reported.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { Results, unknown } = require("./results.cjs");

const LINE = /^(?<not>not )?ok\b(?: \d+)?(?: -)?(?: (?<name>.*?))??(?:\s+#\s*(?<kind>skip|todo)\b\S*\s*(?<why>.*?))?(?:\s+#\s*time=(?<ms>[\d.]+)ms)?(?<open> \{)?$/i;

// Tests lie in tests by four blanks each; the outermost are files. The line that closes a test is no assert of it.
class Tap {
  constructor(results) {
    this.results = results;
    this.open = [];
    this.last = null;
    this.said = null;
  }

  line(text) {
    const depth = (text.length - text.trimStart().length) >> 2;
    const own = text.slice(4 * depth);
    if (this.said !== null && own.trim() !== "...") return void this.said.push(text.trim());
    if (this.last && text.trim() === "---") return void (this.said = []);
    if (text.trim() === "...") return this.flush();
    const begins = /^# Subtest(?:: (.*))?$/.exec(own);
    const skips = /^1\.\.0\s*#\s*(?:skip\s*)?(.*)$/i.exec(own);
    if (begins) this.begin(depth, begins[1] || "");
    else if (own === "}" && this.open[depth]) this.close(depth);
    else if (skips && this.open[depth - 1]) this.open[depth - 1].skipped = skips[1] || "skipped";
    else if (LINE.test(own)) this.result(depth, LINE.exec(own).groups);
  }

  begin(depth, name) {
    this.flush();
    this.open.length = depth;
    this.open[depth] = { name, cases: 0, bad: 0 };
  }

  result(depth, found) {
    this.flush();
    const name = (found.name || "").trim();
    if (found.open) {
      this.begin(depth, name);
      this.open[depth].found = found;
    } else if (this.open[depth]) {
      this.open[depth].found = found;
      this.close(depth);
    } else this.add(depth, name || "(assert)", found);
  }

  // A test is only a case of its own where it held none, or failed though all in it passed.
  close(depth) {
    this.flush();
    const { name, cases, bad, found, skipped } = this.open[depth];
    this.open.length = depth;
    if (!found) return;
    if (cases === 0) this.add(depth, name, skipped === undefined ? found : { ...found, kind: "skip", why: skipped });
    else if (found.not && !found.kind && bad === 0) this.add(depth, `${name} (whole)`, found);
  }

  add(depth, name, { not, kind, why, ms }) {
    const [file, ...around] = this.open.slice(0, depth).map((test) => test.name);
    const skipped = kind && (not || /skip/i.test(kind));
    const outcome = skipped ? "skipped" : not ? "failed" : "passed";
    for (const test of this.open.slice(0, depth)) {
      test.cases += 1;
      test.bad += outcome === "failed" ? 1 : 0;
    }
    const seconds = ms === undefined ? undefined : Number(ms) / 1000;
    const path = file === undefined ? { file: name, name: "(file)" } : { file, name: [...around, name].join(" > ") };
    this.last = { ...path, outcome, seconds, message: skipped ? why : not ? name : "" };
    if (outcome !== "failed") this.flush();
  }

  flush() {
    if (this.last) this.results.finished({ ...this.last, detail: (this.said || []).join("\n") });
    this.last = this.said = null;
  }
}

const OLDEST = 14;

// The version of the tap whose program this is; an older one may not know the option.
function version() {
  const program = fs.realpathSync(process.argv[1]);
  const home = program.slice(0, program.lastIndexOf(`${path.sep}tap${path.sep}`) + 4);
  return Number.parseInt(JSON.parse(fs.readFileSync(path.join(home, "package.json"), "utf8")).version, 10);
}

exports.begin = (engage) => {
  if (!(version() >= OLDEST)) return;
  engage();
  unknown();
  const raw = path.join(process.env.OPSCONSOLE_OUT, `tap-${process.pid}.txt`);
  process.argv.splice(2, 0, `--output-file=${raw}`);
  process.once("exit", () => {
    if (!fs.existsSync(raw)) return;
    const results = new Results();
    const tap = new Tap(results);
    for (const line of fs.readFileSync(raw, "utf8").split(/\r?\n/)) tap.line(line);
    tap.flush();
    results.write();
    fs.rmSync(raw, { force: true });
  });
};
