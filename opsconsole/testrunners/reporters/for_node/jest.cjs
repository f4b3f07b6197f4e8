// Jest: our reporter comes after those that its configuration names.
"use strict";
const path = require("node:path");
const { report, unknown } = require("./results.cjs");

const REPORTER = path.join(__dirname, "..", "jest_junit.cjs");

exports.watch = (module, engage) => {
  const { readConfigs } = module.exports;
  const reading = async function () {
    engage();
    const read = await readConfigs.apply(this, arguments);
    const reporters = [...(read.globalConfig.reporters || [["default", {}]]), [REPORTER, { report: report() }]];
    unknown();
    return { ...read, globalConfig: Object.freeze({ ...read.globalConfig, reporters }) };
  };
  module.exports = Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(module.exports),
      readConfigs: { value: reading, enumerable: true, configurable: true, writable: true },
    },
  );
};
