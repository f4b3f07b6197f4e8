// AVA from 4 on is made of modules: its reporters hand themselves over as they are loaded.
"use strict";
const Module = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { listenTo } = require("./ava.cjs");

exports.begin = (engage) => {
  if (typeof Module.register !== "function") return;
  globalThis[Symbol.for("opsconsole.ava")] = (Reporter) => listenTo(Reporter, engage);
  Module.register(pathToFileURL(path.join(__dirname, "ava_loader.mjs")));
};
