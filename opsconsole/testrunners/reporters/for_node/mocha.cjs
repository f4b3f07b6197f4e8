// Mocha, however it is started: beside its own reporter we listen to its runner.
"use strict";
const { Listener } = require("../mocha_junit.cjs");
const { before, report } = require("./results.cjs");

let running = false;

exports.watch = (module, engage) => {
  const Runner = module.exports;
  const run = Runner.prototype.run;
  Runner.prototype.run = function () {
    if (!running) {
      running = true;
      engage();
      const listener = new Listener(this, { report: report(), before: before() });
      this.once("end", () => (running = false));
      process.once("exit", () => listener.write());
    }
    return run.apply(this, arguments);
  };
};
