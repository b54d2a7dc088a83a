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

export { assert, ConvexCacheClient, ConvexHttpClient, ConvexNativeVector, ConvexServerCache, ConvexStore, ConvexVector };

const CASE_DEADLINE_MS = 30_000;

const deploymentUrl = process.env.CONVEX_URL;
const adminAuthToken = process.env.CONVEX_ADMIN_KEY;
if (!deploymentUrl || !adminAuthToken) throw new Error("CONVEX_URL and CONVEX_ADMIN_KEY must be set");

/** The tables that the schema of `convex/schema.ts` holds for native vector search. */
export const nativeIndexes = {
  docs: { tableName: "docs_vectors", dimension: 3 },
  notes: { tableName: "notes_vectors", dimension: 3, filterFields: ["label", "tenant"] },
};

/** A moment of one and the same day, so that cases can name their times by a small number. */
export const minute = (number) => new Date(Date.UTC(2026, 0, 15, 0, number));

export const sleep = (duration_ms) => new Promise((resolve) => setTimeout(resolve, duration_ms));

/** The integers from 0 up to, not including, `count`. */
export const range = (count) => Array.from({ length: count }, (_, index) => index);

/** What a case is handed: clients of the deployment, and `t` for ids and for requests without a client. */
class Context {
  #store = new ConvexStore({ id: "store", deploymentUrl, adminAuthToken });

  constructor(prefix) {
    this.t = {
      deploymentUrl,
      adminAuthToken,
      id: (name) => `${prefix}.${name}`,
      post,
      storage: (request) => call("mutation", "mastra/storage:handle", request),
      cacheRequest: (request) => call("mutation", "mastra/cache:handle", request),
      call,
    };
    this.store = this.#store;
    this.vector = new ConvexVector({ id: "vector", deploymentUrl, adminAuthToken });
    this.nativeVector = new ConvexNativeVector({ id: "native", deploymentUrl, adminAuthToken, indexes: nativeIndexes });
    this.cacheWith = (options) =>
      new ConvexServerCache({ deploymentUrl, adminAuthToken, keyPrefix: `${prefix}:`, ...options });
    this.cache = this.cacheWith({});
  }

  async open() {
    const stores = ["memory", "workflows", "scores", "backgroundTasks", "schedules", "channels"];
    for (const name of stores) this[name] = await this.#store.getStore(name);
    return this;
  }
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
 * Registers a case. Options: `emulatorOnly: true` for what the oracle does not have (its limits, its key check).
 * The name must be one string literal on the line of `test(`: `node_cases.py` reads the names from the text.
 */
export function test(name, options, body) {
  if (typeof options === "function") [options, body] = [{}, options];
  if (cases.some((other) => other.name === name)) throw new Error(`Two cases are called "${name}"`);
  cases.push({ name, body, emulatorOnly: options.emulatorOnly === true });
}

async function runCase(one, prefix) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${CASE_DEADLINE_MS} ms`)), CASE_DEADLINE_MS);
  });
  const started = performance.now();
  let error = null;
  try {
    await Promise.race([one.body(await new Context(prefix).open()), deadline]);
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
