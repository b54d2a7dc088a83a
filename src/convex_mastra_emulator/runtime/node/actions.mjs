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

import { lineOf, LEVELS } from "./console.mjs";
import { hideNode } from "./determinism.mjs";
import { failureOf, loadFailureOf } from "./failures.mjs";
import { FrameReader, KIND, READ_FD, writeFrame } from "./frames.mjs";
import { environment, loadModules, setEnvironment } from "./modules.mjs";

const host = process;
const invocations = new AsyncLocalStorage();
const waiting = new Map();
let lastCall = 0;
let modules;

/** Ask the emulator for the action that is running. */
function ask(operation, json) {
  const invocation = invocations.getStore();
  if (invocation === undefined) return Promise.reject(new Error("Cannot call another function at import time"));
  const call = (lastCall += 1);
  writeFrame(KIND.syscall, `${invocation.id}\n${call}\n${operation}\0${json}`);
  return new Promise((resolve, reject) => waiting.set(call, { resolve, reject }));
}

function answer(text, isRefusal) {
  const end = text.indexOf("\n");
  const call = Number(text.slice(0, end));
  const { resolve, reject } = waiting.get(call);
  waiting.delete(call);
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
  async jsSyscall(operation, request) {
    if (operation === "storage/storeBlob") return await storeBlob(request);
    if (operation === "storage/getBlob") return await getBlob(request);
    throw new Error(`Unknown JS operation ${operation}`);
  },
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

// What an action fetches goes through the emulator, where a test answers it.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const sent = {
    url: request.url,
    method: request.method,
    headers: [...request.headers],
    body: Buffer.from(await request.arrayBuffer()).toString("base64"),
  };
  request.signal?.throwIfAborted();
  const { status, headers, body, failure } = JSON.parse(await ask("emulator/fetch", JSON.stringify(sent)));
  if (failure !== undefined) throw new TypeError("fetch failed", { cause: new Error(failure) });
  const hasBody = ![101, 204, 205, 304].includes(status);
  const response = new Response(hasBody ? Buffer.from(body, "base64") : null, { status, headers });
  Object.defineProperty(response, "url", { value: request.url });
  return response;
};

/** Run a function; the first line says which, the rest is its arguments. */
async function invoke(text) {
  const end = text.indexOf("\n");
  const request = JSON.parse(text.slice(0, end));
  let kind = KIND.result;
  let told;
  try {
    told = await invocations.run({ id: request.id }, () => run(request, text.slice(end + 1)));
  } catch (error) {
    kind = KIND.failure;
    told = JSON.stringify(failureOf(error));
  }
  writeFrame(kind, `${request.id}\n${told}`);
}

function run({ kind, module, name, route }, args) {
  if (kind === "action") return modules.functionOf(module, name).invokeAction("", args);
  return runHttp(module, route, JSON.parse(args));
}

async function runHttp(module, [path, method], { url, headers, body }) {
  const [handler] = modules.module(module).default.lookup(path, method);
  const content = ["GET", "HEAD"].includes(method) || body === "" ? undefined : Buffer.from(body, "base64");
  const request = new Request(url, { method, headers, body: content });
  const response = await handler.invokeHttpAction(request);
  return JSON.stringify({
    status: response.status,
    headers: [...response.headers],
    body: Buffer.from(await response.arrayBuffer()).toString("base64"),
  });
}

async function load(text) {
  try {
    modules = await loadModules(JSON.parse(text));
    writeFrame(KIND.result, `0\n${JSON.stringify(modules.exported())}`);
  } catch (error) {
    writeFrame(KIND.failure, `0\n${JSON.stringify(loadFailureOf(error))}`);
  }
}

for (const level of LEVELS) {
  console[level] = (...values) => {
    const { id } = invocations.getStore() ?? { id: 0 };
    writeFrame(KIND.log, `${id}\n${level}\n${lineOf(values)}`);
  };
}
// One action's carelessness must not end the others.
host.on("unhandledRejection", () => undefined);
host.on("uncaughtException", () => undefined);

if (host.argv[4] === "node") host.env = environment;
else hideNode(environment);

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
socket.on("close", () => host.exit(0));
