// A reporter of node's own test runner: JUnit to its destination, and each finished test at once.
// Node's own JUnit knows no files, and calls a file without tests by its place on this machine.
import { appendFileSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";

const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const printable = (text) =>
  String(text).replace(CONTROL, (letter) => `#x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
const quoted = (text) => printable(text).replace(/[&<>"\n\r\t]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const fromHere = (file) => (isAbsolute(file) ? relative(process.cwd(), file).split(sep).join("/") : file);

function tell(line) {
  try {
    if (process.env.OPSCONSOLE_OUT) {
      appendFileSync(join(process.env.OPSCONSOLE_OUT, "progress.jsonl"), `${JSON.stringify(line)}\n`);
    }
  } catch {
    // The tests go on without.
  }
}

function finished(type, data, names) {
  const file = fromHere(data.file ?? "");
  const own = data.name === data.file || data.name === file;
  const path = own ? [] : [...names.slice(0, data.nesting), data.name];
  const id = printable([file, ...path].filter(Boolean).join("::"));
  const given = (mark) => mark !== undefined && mark !== false;
  const skipped = given(data.skip) || given(data.todo);
  const outcome = skipped ? "skipped" : type === "test:pass" ? "passed" : "failed";
  const seconds = Math.round((data.details?.duration_ms ?? 0) * 1000) / 1e6;
  tell({ id, outcome, s: seconds });
  const start =
    `<testcase nodeid="${quoted(id)}" name="${quoted(own ? file : data.name)}" file="${quoted(file)}"` +
    `${data.line ? ` line="${data.line}"` : ""} time="${seconds}"`;
  if (outcome === "passed") return `${start}/>\n`;
  if (skipped) return `${start}><skipped message="${quoted(given(data.skip) ? data.skip : data.todo)}"/></testcase>\n`;
  const error = data.details?.error;
  const cause = error?.cause ?? error;
  const message = String(cause?.message ?? cause ?? error?.message ?? "").trim();
  const detail = String(cause?.stack ?? message);
  return `${start}><failure message="${quoted(message.split("\n")[0])}">${quoted(detail)}</failure></testcase>\n`;
}

export default async function* junit(source) {
  const names = [];
  yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n<testsuite name="">\n';
  for await (const { type, data } of source) {
    if (type === "test:start") {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    } else if (type === "test:pass" || type === "test:fail") {
      const suite = data.details?.type === "suite";
      const byItself = type === "test:fail" && data.details?.error?.failureType !== "subtestsFailed";
      if (!suite || byItself) yield finished(type, data, names);
    }
  }
  yield "</testsuite>\n</testsuites>\n";
}
