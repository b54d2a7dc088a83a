/**
 * Evaluates `auth.config.js` once, as a deployment does: {path, root, env} comes on standard input, and what its default
 * export is, or why there is none, goes to standard output.
 *
 * It sees the variables of the environment and nothing else that changes, so that it always gives the same (convex-backend
 * crates/isolate/src/environment/auth_config.rs; checked 2026-11-21).
 */
import { readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { setUpConsole } from "./console.mjs";
import { setUpActionsDeterminism } from "./determinism.mjs";
import { environment, onRead, setEnvironment } from "./environment.mjs";
import { failureOf, setRoot } from "./failures.mjs";
import { setUpRuntimeGlobals } from "./globals.mjs";

const { path, root, env } = JSON.parse(readFileSync(0, "utf8"));
const reads = new Set();

function refuse(text) {
  return () => {
    throw new Error(text);
  };
}

function refuseEverythingElse() {
  setUpActionsDeterminism(
    refuse("Date unsupported when evaluating auth config file"),
    refuse("Cannot use cryptographic randomness when evaluating auth config file"),
  );
  Math.random = refuse("Math.random unsupported when evaluating auth config file");
  const get = refuse("The Performance API is not supported when evaluating auth config file");
  const performance = Object.create(null, { now: { value: get }, timeOrigin: { get } });
  Object.defineProperty(globalThis, "performance", { configurable: true, value: performance });
  globalThis.fetch = async () => refuse("fetch() unsupported while evaluating auth config file")();
  for (const name of ["setTimeout", "setInterval"]) {
    globalThis[name] = refuse(`${name} unsupported while evaluating auth config file`);
  }
  globalThis.Convex = {
    syscall: (name) => refuse(`Syscall ${name} unsupported when evaluating auth config file`)(),
    asyncSyscall: async (name) => refuse(`Syscall ${name} unsupported while evaluating auth config file`)(),
    jsSyscall: async (name) => refuse(`Syscall ${name} unsupported while evaluating auth config file`)(),
  };
  // What is logged is told to nobody.
  setUpConsole({ write: () => undefined, timers: () => new Map(), now: () => 0, isNode: false });
}

function readVariable(name) {
  reads.add(name);
  if (!Object.hasOwn(env, name)) {
    throw new Error(`Environment variable ${name} is used in auth config file but its value was not set`);
  }
}

async function evaluated() {
  let module;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    return { failure: failureOf(error) };
  }
  const config = module.default;
  if (config === undefined || config === null) return { problem: "missing" };
  try {
    // Of a function there is no text: a deployment then reads the word.
    return { text: JSON.stringify(config) ?? "undefined" };
  } catch {
    return { problem: "unserializable" };
  }
}

setRoot(root);
setEnvironment(env);
onRead(readVariable);
refuseEverythingElse();
setUpRuntimeGlobals(environment);
writeSync(1, JSON.stringify({ ...(await evaluated()), reads: [...reads] }));
