// Loaded into every node process below a script (NODE_OPTIONS=--require): where one is a test runner, it reports.
//
// What a runner prints and how it ends stay as they are. Once a runner is found nothing below it is looked at: what its
// tests start is theirs. Each runner leaves a report of its own and goes on in progress.jsonl where the last one ended.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { ChildProcess } = require("node:child_process");
const { isMainThread } = require("node:worker_threads");

const OURS = /\s*--require "(?:[^"\\]|\\.)*[/\\]for_node[/\\]hook\.cjs"/;
const BY_PROGRAM = [
  [/\/vitest\/vitest\.mjs$/, "vitest.cjs"],
  [/\/ava\/entrypoints\/cli\.mjs$/, "ava_modules.cjs"],
  [/\/tap\/(?:bin\/run\.js|dist\/esm\/run\.mjs)$/, "tap.cjs"],
];
const BY_MODULE = [
  [/\/mocha\/lib\/(?:runner|nodejs\/parallel-buffered-runner)\.js$/, "mocha.cjs"],
  [/\/jest-config\/build\/index\.js$/, "jest.cjs"],
  [/\/ava\/lib\/reporters\/(?:default|tap|verbose|mini)\.js$/, "ava.cjs"],
];

let engaged = false;
const engage = () => {
  engaged = true;
  if (process.env.NODE_OPTIONS === undefined) return;
  process.env.NODE_OPTIONS = process.env.NODE_OPTIONS.replace(OURS, "");
  if (!process.env.NODE_OPTIONS.trim()) delete process.env.NODE_OPTIONS;
};
const within = (name) => require(path.join(__dirname, name));
// What we do not understand is left alone: then its tests are not counted, but they run.
const attempt = (what) => {
  try {
    what();
  } catch {
    // A run that was claimed to be counted says that no report was left.
  }
};
const slashes = (file) => file.split(path.sep).join("/");

function program() {
  try {
    return slashes(fs.realpathSync(process.argv[1]));
  } catch {
    return "";
  }
}

// A runner that is CommonJS is met when its module is loaded, whoever loads it.
function watchModules() {
  const load = Module.prototype.load;
  Module.prototype.load = function (filename) {
    const answer = load.apply(this, arguments);
    if (!engaged && typeof filename === "string") {
      const name = slashes(filename);
      const found = BY_MODULE.find(([pattern]) => pattern.test(name));
      if (found) attempt(() => within(found[1]).watch(this, engage));
    }
    return answer;
  };
}

// A program between (cross-env, a package manager's settings) may replace NODE_OPTIONS for what it starts.
function followChildren() {
  const own = (process.env.NODE_OPTIONS || "").match(OURS);
  const spawn = ChildProcess.prototype.spawn;
  ChildProcess.prototype.spawn = function (options) {
    const pairs = options && options.envPairs;
    const at = Array.isArray(pairs) ? pairs.findIndex((pair) => pair.startsWith("NODE_OPTIONS=")) : -1;
    if (!engaged && own && at >= 0 && !OURS.test(pairs[at])) pairs[at] += ` ${own[0].trim()}`;
    return spawn.apply(this, arguments);
  };
}

function begin() {
  if (process.execArgv.includes("--test")) return within("node_test.cjs").begin(engage);
  const name = program();
  const found = BY_PROGRAM.find(([pattern]) => pattern.test(name));
  if (found) return attempt(() => within(found[1]).begin(engage));
  watchModules();
  followChildren();
}

if (isMainThread && process.env.OPSCONSOLE_OUT && !process.env.NODE_TEST_CONTEXT) begin();
