// A reporter of mocha: its own "spec" for the reader, JUnit at the end, and each finished test at once.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const printable = (text) =>
  // eslint-disable-next-line no-control-regex
  String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (letter) => `#x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
const quoted = (text) =>
  printable(text).replace(/[&<>"\n\r\t]/g, (letter) => `&#${letter.charCodeAt(0)};`);

function mocha() {
  try {
    return createRequire(path.join(process.cwd(), "package.json"))("mocha");
  } catch {
    return require.main.require("mocha");
  }
}

class Listener {
  constructor(runner, { report, before = 0 } = {}) {
    this.out = process.env.OPSCONSOLE_OUT;
    this.report = report;
    this.cases = [];
    runner.once("start", () => this.tell({ total: runner.total ? before + runner.total : null }));
    runner.on("pass", (test) => this.finished(test, "passed"));
    runner.on("pending", (test) => this.finished(test, "skipped"));
    runner.on("fail", (test, error) => this.finished(test, test.type === "hook" ? "error" : "failed", error));
    runner.once("end", () => this.write());
  }

  tell(line) {
    try {
      if (this.out) fs.appendFileSync(path.join(this.out, "progress.jsonl"), `${JSON.stringify(line)}\n`);
    } catch {
      // The tests go on without.
    }
  }

  finished(test, outcome, error) {
    const file = test.file ? path.relative(process.cwd(), test.file).split(path.sep).join("/") : "";
    const name = test.titlePath().join(" > ");
    const seconds = (test.duration || 0) / 1000;
    this.cases.push({ file, name, outcome, seconds, error });
    this.tell({ id: printable(file ? `${file}::${name}` : name), outcome, s: seconds });
  }

  // Once. Without a report of its own to leave, it says that nothing ran.
  write() {
    if (!this.out || this.written || (this.report && !this.cases.length)) return;
    this.written = true;
    const lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", '<testsuite name="">'];
    for (const { file, name, outcome, seconds, error } of this.cases) {
      const start = `<testcase classname="${quoted(file)}" name="${quoted(name)}" time="${seconds}"`;
      const message = quoted((error && error.message) || "");
      const kind = outcome === "failed" ? "failure" : outcome;
      if (outcome === "passed") lines.push(`${start}/>`);
      else lines.push(`${start}><${kind} message="${message}">${quoted((error && error.stack) || "")}</${kind}></testcase>`);
    }
    lines.push("</testsuite>", "</testsuites>", "");
    fs.writeFileSync(this.report || path.join(this.out, "junit.xml"), lines.join("\n"));
  }
}

module.exports = class OpsconsoleJunit extends Listener {
  constructor(runner, options) {
    super(runner);
    const Spec = mocha().reporters.spec;
    this.spec = new Spec(runner, options);
  }

  done(failures, end) {
    if (this.spec.done) this.spec.done(failures, end);
    else end(failures);
  }
};
module.exports.Listener = Listener;
