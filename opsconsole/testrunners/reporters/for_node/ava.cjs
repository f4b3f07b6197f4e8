// AVA: its reporters are told of every change, and so are we.
"use strict";
const path = require("node:path");
const { fileURLToPath } = require("node:url");
const { Results, unknown } = require("./results.cjs");

const BROKEN = ["hook-failed", "uncaught-exception", "unhandled-rejection", "internal-error", "shared-worker-error", "worker-failed"];

function place(file) {
  if (!file) return "";
  const plain = String(file).startsWith("file:") ? fileURLToPath(file) : String(file);
  return path.relative(process.cwd(), plain).split(path.sep).join("/");
}

function listen(status, results) {
  const end = (event, outcome, name) => {
    const said = event.err || {};
    const seconds = typeof event.duration === "number" ? event.duration / 1000 : undefined;
    const message = String(said.message || said.summary || "").split("\n")[0];
    const detail = String(said.stack || said.formattedError || said.formatted || message);
    results.finished({ file: place(event.testFile), name, outcome, seconds, message, detail });
  };
  status.on("stateChange", (change) => {
    const event = change && change.type === undefined && change.data ? change.data : change; // newer ones wrap it
    if (event.type === "test-passed") end(event, "passed", event.title);
    else if (event.type === "test-failed") end(event, "failed", event.title);
    else if (event.type === "selected-test" && (event.skip || event.todo)) end(event, "skipped", event.title);
    else if (BROKEN.includes(event.type)) end(event, "error", event.title || `(${event.type})`);
    else if (event.type === "timeout") {
      for (const [testFile, titles] of event.pendingTests || []) {
        for (const title of titles) end({ testFile, err: { message: "timed out" } }, "error", title);
      }
    }
  });
}

exports.listenTo = (Reporter, engage) => {
  const { startRun } = Reporter.prototype;
  const results = new Results();
  Reporter.prototype.startRun = function (plan) {
    engage();
    unknown();
    listen(plan.status, results);
    process.once("exit", () => results.write());
    return startRun.apply(this, arguments);
  };
};

exports.watch = (module, engage) => {
  if (typeof module.exports === "function" && module.exports.prototype.startRun) exports.listenTo(module.exports, engage);
};
