/**
 * Runs queries and mutations of a deployed bundle, one at a time, each within a transaction of the emulator.
 *
 * A function asks the emulator by `Convex.syscall` and `Convex.asyncSyscall` (npm convex src/server/impl/syscall.ts).
 * While it waits for the answer of a call to another function, the emulator may ask for that function to be run here, so
 * calls nest; the caller's other requests wait meanwhile, as on a deployment.
 */
import { AsyncLocalStorage } from "node:async_hooks";

import { setUpConsole } from "./console.mjs";
import { hostPromises, makeDeterministic, setUpDeterminism } from "./determinism.mjs";
import { environment, onRead, setEnvironment } from "./environment.mjs";
import { failureOf, loadFailureOf } from "./failures.mjs";
import { KIND, readFrame, writeFrame } from "./frames.mjs";
import { setUpRuntimeGlobals } from "./globals.mjs";
import { loadModules, refuseImports } from "./modules.mjs";
import { QueryStreams } from "./query_streams.mjs";

// Functions do not see these; taken before they are hidden.
const host = process;
const setTurn = setImmediate;
const clearTurn = clearImmediate;
const realNow = Date.now;
const invocations = new AsyncLocalStorage();
const PREFIX = { query: "invokeQuery", mutation: "invokeMutation" };

// What modules time while they are loaded.
const importing = { timers: new Map() };
let active; // the innermost invocation
let modules;
let rejection; // what nobody caught

class Invocation {
  constructor(request, caller) {
    this.request = request;
    this.caller = caller;
    this.streams = new QueryStreams(ask);
    // The environment variables it has looked up.
    this.variables = new Set();
    this.timers = new Map(); // of console.time
    this.isOver = false;
    this.isCalling = false;
    // Resolved when a call that this one has made is over.
    this.waiting = [];
  }
}

/** An error of the emulator's answer, as a deployment's syscall throws it. */
function refusal(text) {
  const { message, data } = JSON.parse(text);
  const error = new Error(message);
  if (data !== undefined) error.data = data;
  return error;
}

/** Send a request and wait for its answer. */
function ask(operation, json) {
  send(operation, json);
  return answered(readFrame());
}

function send(operation, json) {
  writeFrame(KIND.syscall, `${active.streams.takeNotes()}\0${operation}\0${json}`);
}

function answered(frame) {
  if (frame === undefined) host.exit(0);
  if (frame.kind === KIND.reply) return frame.text;
  if (frame.kind === KIND.refuse) throw refusal(frame.text);
  if (frame.kind === KIND.abort) throw new Aborted();
  throw new Error(`unexpected frame ${frame.kind}`);
}

// crates/isolate/src/environment/udf/mod.rs: no error of the function's own.
const NEVER = "Returned promise will never resolve";
class NeverSettled extends Error {}

/** The emulator has ended the function, whatever it does about it. */
class Aborted extends Error {}

/** The same for a call of a function, which the emulator may want to be run here. */
async function askCalling(invocation, operation, json) {
  invocation.isCalling = true;
  try {
    send(operation, json);
    let frame = readFrame();
    while (frame?.kind === KIND.invoke) {
      const [kind, answer] = await invoke(frame.text);
      // Nothing may come in between: what is read next is the answer to this.
      writeFrame(kind, answer);
      frame = readFrame();
    }
    return answered(frame);
  } finally {
    invocation.isCalling = false;
    for (const resume of invocation.waiting.splice(0)) resume();
  }
}

const CALLS = new Set(["1.0/runUdf"]);

globalThis.Convex = {
  syscall(operation, json) {
    const invocation = invocations.getStore();
    if (invocation === undefined) throw atImport(operation);
    const own = invocation.streams.answerNow(operation, json);
    return own ?? ask(operation, json);
  },
  async asyncSyscall(operation, json) {
    const invocation = invocations.getStore();
    if (invocation === undefined) throw atImport(operation);
    // What this function does beside a call it has made waits until that is over.
    while (active !== invocation || invocation.isCalling) await waitUntilActive(invocation);
    const own = invocation.streams.answer(operation, json);
    if (own !== undefined) return own;
    return CALLS.has(operation) ? await askCalling(invocation, operation, json) : ask(operation, json);
  },
  jsSyscall(operation) {
    throw new Error(`Unknown JS operation ${operation}`);
  },
};

function atImport(operation) {
  const what = operation.includes("runUdf") ? "Cannot call another function" : "Can't use database";
  return new Error(`${what} at import time`);
}

function waitUntilActive(invocation) {
  if (invocation.isOver) throw new Error("the function has ended");
  return new Promise((resolve) => invocation.waiting.push(resolve));
}

/** Run a function and give the frame that tells how it ended. The first line says which; the rest is its arguments. */
async function invoke(text) {
  const end = text.indexOf("\n");
  const request = JSON.parse(text.slice(0, end));
  const invocation = new Invocation(request, active);
  active = invocation;
  rejection = undefined;
  const ended = makeDeterministic(request);
  let kind = KIND.result;
  let answer;
  try {
    answer = await invocations.run(invocation, () => settled(invocation, () => run(request, text.slice(end + 1))));
    await turn();
    if (rejection !== undefined) throw rejection.reason;
  } catch (error) {
    kind = KIND.failure;
    answer = JSON.stringify(error instanceof NeverSettled ? { message: NEVER, frames: [] } : failureOf(error));
  } finally {
    invocation.isOver = true;
    invocation.streams.close();
    answer = `${invocation.streams.takeNotes()}\0${answer}`;
    ended();
    active = invocation.caller;
  }
  return [kind, answer];
}

function run(request, args) {
  const registered = modules.functionOf(request.module, request.name);
  return registered[PREFIX[request.kind]](args);
}

// One turn of the event loop: rejections nobody caught are told in it.
function turn() {
  return new Promise((resolve) => setTurn(resolve));
}

// Turns of the event loop after which a function is looked at.
let looks = 0;

/** What a promise settles to; it fails when nothing is left that could settle it. */
function settled(invocation, start) {
  return new Promise((resolve, reject) => {
    let next;
    function lookLater() {
      looks += 1;
      next = setTurn(look);
    }
    function look() {
      looks -= 1;
      next = undefined;
      // A function that has called another one waits for that.
      if (active !== invocation || isPlatformBusy()) lookLater();
      else reject(new NeverSettled());
    }
    function stopLooking() {
      if (next === undefined) return;
      looks -= 1;
      clearTurn(next);
    }
    lookLater();
    start().then(resolve, reject).finally(stopLooking);
  });
}

/** Whether promises of the platform's own, such as those of crypto.subtle and of FormData, wait for the event loop. */
function isPlatformBusy() {
  if (hostPromises.count > 0) return true;
  return host.getActiveResourcesInfo().filter((resource) => resource === "Immediate").length > looks;
}

host.on("unhandledRejection", (reason) => {
  rejection ??= { reason };
});

setUpConsole({
  write: (level, text) => {
    // What modules say when they are loaded is nobody's line (crates/isolate/src/environment/analyze.rs `trace`).
    if (active !== undefined) writeFrame(KIND.log, `${level}\n${text}`);
  },
  timers: () => (active ?? importing).timers,
  now: () => (active?.request.isClockRunning ? realNow() : 0),
  isNode: false,
});
setUpDeterminism();
setUpRuntimeGlobals(environment);

/** Tells the emulator which variable of the environment is read, once. */
function noteRead(name) {
  const invocation = invocations.getStore();
  if (invocation === undefined || invocation.isOver || invocation.variables.has(name)) return;
  invocation.variables.add(name);
  writeFrame(KIND.variable, name);
}

async function main() {
  for (;;) {
    const frame = readFrame();
    if (frame === undefined) host.exit(0);
    if (frame.kind === KIND.invoke) writeFrame(...(await invoke(frame.text)));
    else if (frame.kind === KIND.load) modules = await loaded(frame.text);
    else if (frame.kind === KIND.environment) setEnvironment(JSON.parse(frame.text));
  }
}

async function loaded(text) {
  const request = JSON.parse(text);
  const ended = makeDeterministic(request);
  try {
    const { modules: found, exported } = await loadModules(request);
    refuseImports();
    writeFrame(KIND.result, JSON.stringify(exported));
    return found;
  } catch (error) {
    writeFrame(KIND.failure, JSON.stringify(loadFailureOf(error)));
    return modules;
  } finally {
    ended();
    onRead(noteRead);
  }
}

await main();
