/**
 * What `console` is to functions: each line goes to the log of the call that writes it.
 *
 * A deployment's own runtime has these methods and no others (convex-backend npm-packages/udf-runtime/src/02_console.ts,
 * crates/isolate/src/ops/console.rs); with "use node" it is Node's, whose lines are written by Node's `inspect`
 * (npm-packages/node-executor/src/executor.ts `setupConsole`; checked 2026-11-21).
 */
import { inspect } from "node:util";

import { userFramesOf } from "./failures.mjs";
import { inspected } from "./inspect.mjs";

const LEVELS = ["log", "debug", "info", "warn", "error"];
// npm-packages/node-executor/src/executor.ts
const NODE_OPTIONS = { maxStringLength: 32768, customInspect: true };

/**
 * Set up `globalThis.console`.
 *
 * @param write takes a level and a text.
 * @param timers gives the timers of the function that is running: a Map from labels to milliseconds.
 * @param now gives the time for these.
 */
export function setUpConsole({ write, timers, now, isNode }) {
  if (isNode) {
    const message = (level, values) => write(level, values.map((value) => inspect(value, NODE_OPTIONS)).join(" "));
    Object.assign(console, levels(message), timing(message, timers, now));
    return;
  }
  const message = (level, values) => write(level, values.map(inspected).join(" "));
  // What the deployment itself writes stands there as it is.
  const plain = (level, [text, ...values]) => write(level, [text, ...values.map(inspected)].join(" "));
  const methods = { ...levels(message), ...timing(plain, timers, now), trace: tracing(write) };
  const own = Object.assign(Object.create({}), methods);
  Object.defineProperty(own, Symbol.toStringTag, { value: "console", configurable: true });
  Object.defineProperty(globalThis, "console", { value: own, enumerable: false, writable: true, configurable: true });
}

function levels(message) {
  return Object.fromEntries(LEVELS.map((level) => [level, (...values) => message(level, values)]));
}

function tracing(write) {
  return function trace(...values) {
    const frames = userFramesOf(new Error()).map((frame) => `${frame}\n`);
    write("log", [...values.map(inspected), `\n${frames.join("")}`].join(" "));
  };
}

function timing(write, timers, now) {
  const labelOf = (label) => (label === undefined ? "default" : String(label));
  const elapsed = (label, ...values) => {
    const since = timers().get(label);
    if (since === undefined) write("warn", [`Timer '${label}' does not exist`]);
    else write("info", [`${label}: ${now() - since}ms`, ...values]);
  };
  return {
    time(given) {
      const label = labelOf(given);
      if (timers().has(label)) write("warn", [`Timer '${label}' already exists`]);
      else timers().set(label, now());
    },
    timeLog: (given, ...values) => elapsed(labelOf(given), ...values),
    timeEnd(given) {
      elapsed(labelOf(given));
      timers().delete(labelOf(given));
    },
  };
}
