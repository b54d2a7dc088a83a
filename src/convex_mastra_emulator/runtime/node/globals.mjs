/**
 * What functions of the default runtime find in `globalThis`: what a deployment's own runtime has, and nothing of Node's
 * (convex-backend npm-packages/udf-runtime/src/setup.ts and the files it sets up; checked 2026-11-21).
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

// Node has these, a deployment's runtime has not.
const HIDDEN = [
  "BroadcastChannel",
  "CloseEvent",
  "CompressionStream",
  "CustomEvent",
  "DecompressionStream",
  "EventSource",
  "MessageChannel",
  "MessageEvent",
  "Navigator",
  "PerformanceObserver",
  "PerformanceObserverEntryList",
  "PerformanceResourceTiming",
  "Storage",
  "URLPattern",
  "WebSocket",
  "clearImmediate",
  "localStorage",
  "navigator",
  "require",
  "sessionStorage",
  "setImmediate",
];
// Node's own fetch, Request and Response look these up when they are used.
const NEEDED_BY_NODE = ["Buffer", "global", "queueMicrotask"];

/** Take away what is Node's, and add what is Convex'; `environment` becomes `process.env`. */
export function setUpRuntimeGlobals(environment) {
  for (const name of HIDDEN) delete globalThis[name];
  for (const name of NEEDED_BY_NODE) showToNode(name, globalThis[name]);
  define("process", { env: environment });
  define("self", globalThis);
  define("AsyncLocalStorage", AsyncLocalStorage);
  define("AsyncResource", AsyncResource);
  define("WeakRef", StrongRef);
  define("FinalizationRegistry", SilentRegistry);
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, writable: true, value });
}

function showToNode(name, value) {
  function get() {
    return isCalledByNode(get) ? value : undefined;
  }
  // What a function defines for itself, everybody sees.
  Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, get, set: (given) => define(name, given) });
}

/** Whether the code that called a function is part of Node. */
function isCalledByNode(callee) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder = {};
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, [site]) => site?.getFileName() ?? "";
    Error.captureStackTrace(holder, callee);
    return String(holder.stack).startsWith("node:");
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

// When memory is collected must not be seen: a weak reference is a strong one, and nobody is told of what has gone.
class StrongRef {
  #target;

  constructor(target) {
    if (target === undefined) throw new TypeError("target must be an object");
    this.#target = target;
  }

  deref() {
    return this.#target;
  }

  get [Symbol.toStringTag]() {
    return "WeakRef";
  }
}
Object.defineProperty(StrongRef, "name", { value: "WeakRef" });

class SilentRegistry {
  constructor(callback) {
    if (typeof callback !== "function") throw new TypeError("cleanup must be callable");
  }

  register() {}

  unregister() {}

  get [Symbol.toStringTag]() {
    return "FinalizationRegistry";
  }
}
Object.defineProperty(SilentRegistry, "name", { value: "FinalizationRegistry" });
