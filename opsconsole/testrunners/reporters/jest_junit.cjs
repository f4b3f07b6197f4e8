// A reporter of jest: JUnit at the end, and each finished test at once. It needs no package in the repo.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const OUTCOMES = { passed: "passed", failed: "failed" };
const printable = (text) =>
  // eslint-disable-next-line no-control-regex
  String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (letter) => `#x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
const quoted = (text) =>
  printable(text).replace(/[&<>"\n\r\t]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const plain = (text) => String(text).replace(/\x1b\[[0-9;]*m/g, "");

module.exports = class OpsconsoleJunit {
  constructor(globalConfig, options) {
    this.root = (globalConfig && globalConfig.rootDir) || process.cwd();
    this.out = process.env.OPSCONSOLE_OUT;
    this.report = options && options.report;
  }

  tell(line) {
    try {
      if (this.out) fs.appendFileSync(path.join(this.out, "progress.jsonl"), `${JSON.stringify(line)}\n`);
    } catch {
      // The tests go on without.
    }
  }

  onTestResult(test, result) {
    const file = this.relative(result.testFilePath || test.path);
    for (const each of result.testResults) {
      const name = [...each.ancestorTitles, each.title].join(" > ");
      const line = { id: printable(`${file}::${name}`), outcome: OUTCOMES[each.status] || "skipped" };
      this.tell(each.duration == null ? line : { ...line, s: each.duration / 1000 });
    }
    if (result.testExecError || (result.failureMessage && result.testResults.length === 0)) {
      this.tell({ id: `${file}::(file)`, outcome: "error" });
    }
  }

  onRunComplete(_contexts, results) {
    if (!this.out || (this.report && !results.testResults.length)) return;
    const lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>"];
    for (const result of results.testResults) {
      const file = this.relative(result.testFilePath);
      lines.push(`<testsuite name="${quoted(file)}">`);
      for (const each of result.testResults) lines.push(this.testcase(file, each));
      if (result.testExecError || (result.failureMessage && result.testResults.length === 0)) {
        const said = plain(result.failureMessage || result.testExecError.message || "");
        lines.push(
          `<testcase classname="${quoted(file)}" name="(file)">`,
          `<error message="${quoted(said.trim().split("\n")[0])}">${quoted(said)}</error></testcase>`,
        );
      }
      lines.push("</testsuite>");
    }
    lines.push("</testsuites>", "");
    fs.writeFileSync(this.report || path.join(this.out, "junit.xml"), lines.join("\n"));
  }

  testcase(file, each) {
    const name = [...each.ancestorTitles, each.title].join(" > ");
    const start = `<testcase classname="${quoted(file)}" name="${quoted(name)}" time="${(each.duration || 0) / 1000}"`;
    if (each.status === "passed") return `${start}/>`;
    if (each.status !== "failed") return `${start}><skipped message="${quoted(each.status)}"/></testcase>`;
    const said = plain((each.failureMessages || []).join("\n"));
    return `${start}><failure message="${quoted(said.split("\n")[0])}">${quoted(said)}</failure></testcase>`;
  }

  relative(file) {
    return path.relative(process.cwd(), file).split(path.sep).join("/");
  }
};
