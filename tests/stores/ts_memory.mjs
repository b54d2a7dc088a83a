// Performs calls on the domains of npm `@mastra/convex`' ConvexStore, given as JSON lines on standard input:
//
//   CONVEX_URL=… CONVEX_ADMIN_KEY=… node ts_memory.mjs < calls
//
// A line is `{"domain", "method", "arguments": […], "at": <ISO time>}`, where `{"$date": text}` is a Date, `{"$number":
// text}` a number that JSON cannot hold and `{"$result": n}` what the nth call returned. Every call answers with a line
// `{"result" | "error", "requests"}`. Time stands still during a call and ids are counted, so that what is sent can be
// compared to the last byte.

import process from "node:process";
import { createInterface } from "node:readline";

// Standard output belongs to the answers: whatever a library logs goes to standard error.
console.log = console.info = console.debug = console.error;

let now = 0;
let ids = 0;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [now] : parts));
  }
  static now() {
    return now;
  }
};
crypto.randomUUID = () => `id-${(ids += 1)}`;

let requests = [];
const send = globalThis.fetch;
globalThis.fetch = (url, options) => {
  const { path, args } = JSON.parse(options.body);
  requests.push({ kind: String(url).split("/api/")[1], path, args });
  return send(url, options);
};

const modules = new URL("../../convex/node_modules/", import.meta.url);
const { ConvexStore } = await import(new URL("@mastra/convex/dist/index.js", modules));

const store = new ConvexStore({
  id: "store",
  deploymentUrl: process.env.CONVEX_URL,
  adminAuthToken: process.env.CONVEX_ADMIN_KEY,
});
const results = [];

function decoded(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decoded);
  if ("$date" in value) return new Date(value.$date);
  if ("$number" in value) return Number(value.$number);
  if ("$result" in value) return results[value.$result];
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decoded(item)]));
}

function described(error) {
  const { id, domain, category, details, message } = error;
  return { name: id ? "MastraError" : error.constructor.name, message, id, domain, category, details };
}

async function perform({ domain, method, arguments: given, at }) {
  now = RealDate.parse(at);
  requests = [];
  try {
    const result = await (await store.getStore(domain))[method](...given.map(decoded));
    results.push(result);
    return { result, requests };
  } catch (error) {
    results.push(undefined);
    return { error: described(error), requests };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  // `details` may hold NaN, which JSON writes as null.
  process.stdout.write(`${JSON.stringify(await perform(JSON.parse(line)))}\n`);
}
