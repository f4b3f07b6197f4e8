// Node's own runner takes reporters from its command line alone: it is started again with ours besides.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { spawnSync } = require("node:child_process");
const { report, unknown } = require("./results.cjs");

const REPORTER = path.join(__dirname, "..", "node_junit.mjs");
const count = (name) => process.execArgv.filter((word) => word === name || word.startsWith(`${name}=`)).length;

// One reporter needs no destination; several need one each. Without any it is node that chooses, by version.
function reporters(file) {
  const ours = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${file}`];
  const named = count("--test-reporter");
  const unsaid = named === 1 && count("--test-reporter-destination") === 0;
  if (named) return [...(unsaid ? ["--test-reporter-destination=stdout"] : []), ...ours];
  const usual = process.stdout.isTTY || Number(process.versions.node.split(".")[0]) >= 23 ? "spec" : "tap";
  return [`--test-reporter=${usual}`, "--test-reporter-destination=stdout", ...ours];
}

exports.begin = (engage) => {
  if (process.execArgv.some((word) => word === "--watch")) return;
  engage();
  unknown();
  const file = report();
  const words = [...process.execArgv, ...reporters(file), ...process.argv.slice(1)];
  const { status, signal } = spawnSync(process.execPath, words, { stdio: "inherit" });
  if (fs.existsSync(file) && !fs.readFileSync(file, "utf8").includes("<testcase ")) fs.rmSync(file);
  if (signal) process.kill(process.pid, signal);
  process.exit(status === null ? 1 : status);
};
