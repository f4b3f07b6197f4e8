// Vitest takes several reporters, but only from one place: what its configuration names is named again before ours.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { report, unknown } = require("./results.cjs");

const REPORTER = path.join(__dirname, "..", "vitest_progress.mjs");
const CONFIGURATIONS = ["vitest", "vite"].flatMap((name) =>
  ["ts", "mts", "cts", "js", "mjs", "cjs"].map((kind) => `${name}.config.${kind}`));

// The names that stand there as plain text; a reporter that is made by code cannot be named.
function configured(words) {
  const given = words.findIndex((word) => /^(?:-c|--config)(?:=|$)/.test(word));
  const named = given < 0 ? [] : [words[given].split("=")[1] || words[given + 1]];
  const file = [...named, ...CONFIGURATIONS].find((name) => name && fs.existsSync(name));
  const found = file && fs.readFileSync(file, "utf8").match(/\breporters?\s*:\s*(\[[^\]]*\]|(["'`])[^"'`]*\2)/);
  const names = found ? [...found[1].matchAll(/(?<=^|\[|,)\s*(["'`])([^"'`]+)\1\s*(?=,|\]|$)/g)].map((name) => name[2]) : [];
  return names.length ? names : ["default"];
}

exports.begin = (engage) => {
  const words = process.argv.slice(2);
  if (["bench", "list", "init"].includes(words[0])) return;
  engage();
  unknown();
  globalThis[Symbol.for("opsconsole.report")] = report();
  const own = words.some((word) => /^--reporters?(?:=|$)/.test(word)) ? [] : configured(words);
  const end = process.argv.indexOf("--");
  process.argv.splice(end < 0 ? process.argv.length : end, 0, ...[...own, REPORTER].map((name) => `--reporter=${name}`));
};
