/**
 * Runs actions and HTTP actions of a deployed bundle, side by side: each waits for what it likes, timers and `fetch`
 * among it, and asks the emulator by `Convex.asyncSyscall`.
 *
 * `node actions.mjs READ WRITE isolate|node`: modules with "use node" see all of Node, the others what a deployment's
 * own runtime has.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Buffer } from "node:buffer";
import { Socket } from "node:net";

import { setUpConsole } from "./console.mjs";
import { randomStream, setUpActionsDeterminism } from "./determinism.mjs";
import { environment, nodeEnvironment, setEnvironment } from "./environment.mjs";
import { failureOf, loadFailureOf } from "./failures.mjs";
import { setUpFetch } from "./fetch.mjs";
import { FrameReader, KIND, READ_FD, writeFrame } from "./frames.mjs";
import { setUpRuntimeGlobals } from "./globals.mjs";
import { loadModules } from "./modules.mjs";
import { unawaitedLines } from "./unawaited.mjs";

const host = process;
const isNode = host.argv[4] === "node";
// Functions see another clock and other numbers.
const realNow = Date.now;
const setTimer = setTimeout;
const setTurn = setImmediate;
const clearTimer = clearTimeout;
const realCrypto = globalThis.crypto;
const invocations = new AsyncLocalStorage();
const waiting = new Map();
// What modules time while they are loaded.
const importing = { timers: new Map() };
let lastCall = 0;
let modules;

class Invocation {
  constructor({ id, nowMs, isClockRunning, seed }) {
    this.id = id;
    this.operations = new Map(); // that it waits for, by call
    this.timers = new Map(); // of console.time
    this.isClockRunning = isClockRunning;
    this.nextByte = randomStream(seed);
    this.setTime(nowMs);
    // Rejected when something fails that nobody waits for.
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  setTime(nowMs) {
    this.nowMs = nowMs;
    this.since = realNow();
  }

  now() {
    return this.isClockRunning ? this.nowMs + (realNow() - this.since) : this.nowMs;
  }
}

/** Ask the emulator for the action that is running. */
function ask(operation, json) {
  const invocation = invocations.getStore();
  if (invocation === undefined) return Promise.reject(new Error("Cannot call another function at import time"));
  const call = (lastCall += 1);
  writeFrame(KIND.syscall, `${invocation.id}\n${call}\n${operation}\0${json}`);
  invocation.operations.set(call, operation);
  return new Promise((resolve, reject) => waiting.set(call, { invocation, resolve, reject }));
}

/** Takes an answer: in its first line which call it is for, and the emulator's time. */
function answer(text, isRefusal) {
  const end = text.indexOf("\n");
  const [call, nowMs] = text.slice(0, end).split(" ").map(Number);
  const { invocation, resolve, reject } = waiting.get(call);
  waiting.delete(call);
  invocation.operations.delete(call);
  invocation.setTime(nowMs);
  if (!isRefusal) return resolve(text.slice(end + 1));
  const { message, data } = JSON.parse(text.slice(end + 1));
  const error = new Error(message);
  if (data !== undefined) error.data = data;
  return reject(error);
}

globalThis.Convex = {
  syscall(operation) {
    throw new Error(`Unknown operation ${operation}`);
  },
  asyncSyscall: ask,
  jsSyscall(operation, request) {
    const answer = JS_SYSCALLS[operation];
    if (answer === undefined) throw new Error(`Unknown JS operation ${operation}`);
    return answer(request);
  },
};

const JS_SYSCALLS = {
  "storage/storeBlob": storeBlob,
  "storage/getBlob": getBlob,
  requestFromConvexJson: ({ convexJson }) => requestOf(convexJson),
  convexJsonFromResponse: ({ response }) => keepResponse(response),
};

async function storeBlob({ blob, options }) {
  const body = Buffer.from(await blob.arrayBuffer()).toString("base64");
  const request = { blob: body, contentType: blob.type === "" ? null : blob.type, sha256: options?.sha256 ?? null };
  return JSON.parse(await ask("1.0/storageStore", JSON.stringify(request)));
}

async function getBlob({ storageId }) {
  const found = JSON.parse(await ask("1.0/storageGet", JSON.stringify({ storageId })));
  if (found === null) return null;
  return new Blob([Buffer.from(found.blob, "base64")], { type: found.contentType ?? "" });
}

/** Run a function; the first line says which, the rest is its arguments. */
async function invoke(text) {
  const end = text.indexOf("\n");
  const request = JSON.parse(text.slice(0, end));
  const invocation = new Invocation(request);
  let kind = KIND.result;
  let told;
  try {
    told = await invocations.run(invocation, () => settled(invocation, request, text.slice(end + 1)));
  } catch (error) {
    kind = KIND.failure;
    told = JSON.stringify(error instanceof Ended ? error.failure : failureOf(error));
  }
  for (const line of unawaitedLines([...invocation.operations.values()], isNode)) {
    writeFrame(KIND.log, `${request.id}\nwarn\n${line}`);
  }
  writeFrame(kind, `${request.id}\n${told}`);
}

/** Ends an action in the deployment's words. */
class Ended extends Error {
  constructor(message) {
    super(message);
    this.failure = { message, frames: [] };
  }
}

async function settled(invocation, request, args) {
  const parts = [run(request, args), invocation.failed];
  let timer;
  if (isNode) {
    // npm-packages/node-executor/src/executor.ts; an action that computes and computes is ended by the emulator.
    const text = `Action \`${request.name}\` execution timed out (maximum duration ${request.secondsMax}s)`;
    const late = (_, reject) => (timer = setTimer(() => reject(new Ended(text)), request.secondsMax * 1000));
    parts.push(new Promise(late));
  }
  try {
    const result = await Promise.race(parts);
    // One turn of the event loop: rejections nobody caught are told in it.
    await Promise.race([new Promise((resolve) => setTurn(resolve)), invocation.failed]);
    return result;
  } finally {
    clearTimer(timer);
  }
}

function run({ kind, module, name, path }, args) {
  if (kind === "action") return modules.functionOf(module, name).invokeAction("", args);
  const router = modules.module(module)[name];
  return kind === "route" ? findRoute(router, JSON.parse(args)) : runHttp(router, path, args);
}

// Routers are asked as npm convex' own one (src/server/router.ts): `lookup` names the route, `runRequest` answers.

async function findRoute(router, [path, method]) {
  const found = router.lookup(path, method);
  return JSON.stringify(found === null ? null : found.slice(1));
}

async function runHttp(router, path, args) {
  await router.runRequest(args, path);
  const { response } = invocations.getStore();
  const body = Buffer.from(await response.arrayBuffer()).toString("base64");
  return JSON.stringify({ status: response.status, headerPairs: [...response.headers], body });
}

function requestOf({ url, method, headerPairs, body }) {
  const content = ["GET", "HEAD"].includes(method) || body === "" ? undefined : Buffer.from(body, "base64");
  return new Request(url, { method, headers: headerPairs, body: content });
}

// npm-packages/udf-runtime/src/23_response.ts; the body is read when `runRequest` is over.
function keepResponse(response) {
  if (!(response instanceof Response)) throw new Error("HTTP actions must return a Response");
  invocations.getStore().response = response;
  return { status: response.status, headerPairs: [...response.headers] };
}

async function load(text) {
  try {
    const { modules: found, exported } = await loadModules(JSON.parse(text));
    modules = found;
    writeFrame(KIND.result, `0\n${JSON.stringify(exported)}`);
  } catch (error) {
    writeFrame(KIND.failure, `0\n${JSON.stringify(loadFailureOf(error))}`);
  }
}

/** What fails without anybody waiting for it ends the action it belongs to. */
function failUnawaited(event, error) {
  const invocation = invocations.getStore();
  // npm-packages/node-executor/src/executor.ts: there the error is called by the event.
  invocation?.fail(isNode ? new Ended(`Uncaught ${event}: ${error?.message ?? String(error)}`) : error);
}

setUpConsole({
  write: (level, text) => {
    // What modules say when they are loaded is nobody's line (crates/isolate/src/environment/analyze.rs `trace`).
    const invocation = invocations.getStore();
    if (invocation !== undefined) writeFrame(KIND.log, `${invocation.id}\n${level}\n${text}`);
  },
  timers: () => (invocations.getStore() ?? importing).timers,
  now: () => Math.round(invocations.getStore()?.now() ?? 0),
  isNode,
});
host.on("unhandledRejection", (reason) => failUnawaited("unhandledRejection", reason));
host.on("uncaughtException", (error) => failUnawaited("uncaughtException", error));

setUpFetch(ask);
setUpActionsDeterminism(
  () => invocations.getStore()?.now() ?? realNow(),
  () => invocations.getStore()?.nextByte() ?? realCrypto.getRandomValues(new Uint8Array(1))[0],
);
const exit = host.exit.bind(host);
if (isNode) {
  host.env = nodeEnvironment;
  host.exit = (code) => {
    const how = code === undefined ? "no exit code" : `exit code ${code}`;
    failUnawaited("process.exit", new Error(`process.exit() called with ${how}`));
    throw new Error("the process goes on for other actions");
  };
} else {
  setUpRuntimeGlobals(environment);
}

const HANDLERS = {
  [KIND.load]: load,
  [KIND.invoke]: invoke,
  [KIND.reply]: (text) => answer(text, false),
  [KIND.refuse]: (text) => answer(text, true),
  [KIND.environment]: (text) => setEnvironment(JSON.parse(text)),
};

const reader = new FrameReader();
const socket = new Socket({ fd: READ_FD, readable: true, writable: false });
socket.on("data", (chunk) => {
  for (const { kind, text } of reader.feed(chunk)) HANDLERS[kind](text);
});
socket.on("close", () => exit(0));
