// Runs the cases of one script against a deployment, one after the other, and prints one JSON line per case.
//
// A script imports `test` and calls `await run(import.meta)` at its end:
//
//   CONVEX_URL=… CONVEX_ADMIN_KEY=… node memory_threads.mjs ["name of a case" …]
//
// The clients are those of npm `@mastra/convex` and npm `convex`, as `convex/package-lock.json` pins them. Cases share
// the deployment and never clear it (except where a case is about clearing), so every id carries its case: `t.id("a")`.

import assert from "node:assert/strict";
import { basename } from "node:path";
import process from "node:process";

// Standard output belongs to the results: whatever a library logs goes to standard error.
console.log = console.info = console.debug = console.error;

const modules = new URL("../../convex/node_modules/", import.meta.url);
const { ConvexCacheClient, ConvexNativeVector, ConvexServerCache, ConvexStore, ConvexVector } = await import(
  new URL("@mastra/convex/dist/index.js", modules)
);
const { ConvexHttpClient } = await import(new URL("convex/dist/esm/browser/index-node.js", modules));

export {
  assert,
  ConvexCacheClient,
  ConvexHttpClient,
  ConvexNativeVector,
  ConvexServerCache,
  ConvexStore,
  ConvexVector,
};

const CASE_DEADLINE_MS = 15_000;

const deploymentUrl = process.env.CONVEX_URL;
const adminAuthToken = process.env.CONVEX_ADMIN_KEY;
if (!deploymentUrl || !adminAuthToken) throw new Error("CONVEX_URL and CONVEX_ADMIN_KEY must be set");

/** The tables that the schema of `convex/schema.ts` holds for native vector search. */
export const nativeIndexes = {
  docs: { tableName: "docs_vectors", dimension: 3 },
  notes: { tableName: "notes_vectors", dimension: 3, filterFields: ["label", "tenant"] },
};

/** A moment of one and the same day, long past, so that cases can name their times by a small number. */
export const minute = (number) => new Date(Date.UTC(2020, 0, 15, 0, number));

export const sleep = (duration_ms) => new Promise((resolve) => setTimeout(resolve, duration_ms));

/** The integers from 0 up to, not including, `count`. */
export const range = (count) => Array.from({ length: count }, (_, index) => index);

/** What a case is handed: clients of the deployment, and `t` for ids and for requests without a client. */
async function contextOf(prefix) {
  const settings = { deploymentUrl, adminAuthToken };
  const t = {
    ...settings,
    id: (name) => `${prefix}.${name}`,
    post,
    call,
    storage: (request) => call("mutation", "mastra/storage:handle", request),
    cacheRequest: (request) => call("mutation", "mastra/cache:handle", request),
  };
  const store = new ConvexStore({ id: "store", ...settings });
  const cacheWith = (options) => new ConvexServerCache({ keyPrefix: `${prefix}:`, ...settings, ...options });
  return {
    t,
    store,
    memory: await store.getStore("memory"),
    workflows: await store.getStore("workflows"),
    scores: await store.getStore("scores"),
    backgroundTasks: await store.getStore("backgroundTasks"),
    schedules: await store.getStore("schedules"),
    channels: await store.getStore("channels"),
    vector: new ConvexVector({ id: "vector", ...settings }),
    nativeVector: new ConvexNativeVector({ id: "native", ...settings, indexes: nativeIndexes }),
    cacheWith,
    cache: cacheWith({}),
  };
}

/** One HTTP request: `{ status, text }`. Without `headers` it carries the admin key, as the adapter's requests do. */
async function post(path, body, headers = { Authorization: `Convex ${adminAuthToken}` }) {
  const response = await fetch(`${deploymentUrl}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** One function call as the adapter sends it; answers the response's JSON, whatever its status field says. */
async function call(kind, path, args) {
  const { status, text } = await post(`/api/${kind}`, { path, args, format: "json" });
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

const cases = [];

/**
 * Registers a case. `node_cases.py` gives the option `{ emulatorOnly: true }` its meaning: the oracle is not asked.
 * The name must be a string literal in double quotes: `node_cases.py` reads the names from the text of the script.
 */
export function test(name, options, body) {
  if (typeof options === "function") body = options;
  if (cases.some((other) => other.name === name)) throw new Error(`Two cases are called "${name}"`);
  cases.push({ name, body });
}

async function runCase(one, prefix) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${CASE_DEADLINE_MS} ms`)), CASE_DEADLINE_MS);
  });
  const started = performance.now();
  let error = null;
  try {
    await Promise.race([one.body(await contextOf(prefix)), deadline]);
  } catch (caught) {
    error = caught?.stack ?? String(caught);
  } finally {
    clearTimeout(timer);
  }
  return { name: one.name, ok: error === null, error, ms: Math.round(performance.now() - started) };
}

/** Runs the cases named in `argv`, or all of them. */
export async function run(meta) {
  const script = basename(meta.filename, ".mjs");
  const wanted = new Set(process.argv.slice(2));
  const unknown = [...wanted].filter((name) => !cases.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`No such case in ${script}: ${unknown.join(", ")}`);
  for (const [index, one] of cases.entries()) {
    if (wanted.size > 0 && !wanted.has(one.name)) continue;
    const result = await runCase(one, `${script}-${index}`);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}
