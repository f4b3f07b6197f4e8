// What the reporters of one runner share: how far the others came, a report that is nobody else's, and its lines.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const KINDS = { failed: "failure", error: "error", skipped: "skipped" };
const printable = (text) =>
  // eslint-disable-next-line no-control-regex
  String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (letter) => `#x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
const quoted = (text) =>
  printable(text).replace(/[&<>"\n\r\t]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const progress = () => path.join(process.env.OPSCONSOLE_OUT, "progress.jsonl");

function tell(line) {
  try {
    fs.appendFileSync(progress(), `${JSON.stringify(line)}\n`);
  } catch {
    // The tests go on without.
  }
}

// How many tests others have told before.
function before() {
  try {
    return fs.readFileSync(progress(), "latin1").split("\n").filter((line) => line.startsWith('{"id"')).length;
  } catch {
    return 0;
  }
}

// From here on nobody knows how many there will be: what was told before is no longer all.
function unknown() {
  if (before()) tell({ total: null });
}

// Where this process may leave a report; another may have had its number before.
function report() {
  for (let again = 0; ; again++) {
    const file = path.join(process.env.OPSCONSOLE_OUT, `junit-${process.pid}${again ? `-${again}` : ""}.xml`);
    if (!fs.existsSync(file)) return file;
  }
}

class Results {
  constructor() {
    this.cases = [];
    this.names = new Map();
  }

  // A name that comes again in its file is told apart by its number.
  finished({ file, name, outcome, seconds, message, detail }) {
    const key = `${file}::${name}`;
    const times = (this.names.get(key) || 0) + 1;
    this.names.set(key, times);
    const known = times > 1 ? `${name} (${times})` : name;
    this.cases.push({ file, name: known, outcome, seconds, message, detail });
    const line = { id: printable(file ? `${file}::${known}` : known), outcome };
    tell(seconds === undefined ? line : { ...line, s: seconds });
  }

  // A runner that ran nothing leaves nothing.
  write() {
    if (!this.cases.length) return;
    const lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", '<testsuite name="">'];
    for (const { file, name, outcome, seconds, message, detail } of this.cases) {
      const time = seconds === undefined ? "" : ` time="${seconds}"`;
      const start = `<testcase classname="${quoted(file)}" name="${quoted(name)}"${time}`;
      const kind = KINDS[outcome];
      if (!kind) lines.push(`${start}/>`);
      else lines.push(`${start}><${kind} message="${quoted(message || "")}">${quoted(detail || "")}</${kind}></testcase>`);
    }
    lines.push("</testsuite>", "</testsuites>", "");
    try {
      fs.writeFileSync(report(), lines.join("\n"));
    } catch {
      // The tests end as they end.
    }
    this.cases = [];
  }
}

module.exports = { Results, before, report, tell, unknown };
