// Performs calls on classes of npm `@mastra/convex`, given as JSON lines on standard input:
//
//   CONVEX_URL=… CONVEX_ADMIN_KEY=… node ts_rest.mjs < calls
//
// A line is `{"store", "method", "arguments": […], "at": <ms>}`, where `{"$date": text}` is a Date, `{"$number": text}` a
// number that JSON cannot hold and `{"$undefined": true}` undefined. Every call answers with a line `{"result" | "error",
// "requests"}`. Time stands still during a call and ids are counted, so that what is sent can be compared as it is.

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
const { ConvexNativeVector, ConvexServerCache, ConvexStore, ConvexVector } = await import(
  new URL("@mastra/convex/dist/index.js", modules)
);

const settings = { deploymentUrl: process.env.CONVEX_URL, adminAuthToken: process.env.CONVEX_ADMIN_KEY };
const { stores } = new ConvexStore({ id: "store", ...settings });
const performers = {
  ...stores,
  vector: new ConvexVector({ id: "vector", ...settings }),
  nativeVector: new ConvexNativeVector({
    id: "native",
    ...settings,
    indexes: {
      docs: { tableName: "docs_vectors", dimension: 3 },
      notes: { tableName: "notes_vectors", dimension: 3, filterFields: ["label", "tenant"] },
    },
  }),
  cache: new ConvexServerCache({ ...settings }),
  cacheForEver: new ConvexServerCache({ ...settings, keyPrefix: "p:", ttlMs: 0 }),
};

function decoded(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decoded);
  if ("$date" in value) return new Date(value.$date);
  if ("$number" in value) return Number(value.$number);
  if ("$undefined" in value) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decoded(item)]));
}

function described(error) {
  const { id, domain, category, details, message } = error;
  return { name: id ? "MastraError" : error.constructor.name, message, id, domain, category, details };
}

async function perform({ store, method, arguments: given, at }) {
  now = at;
  requests = [];
  try {
    const result = await performers[store][method](...given.map(decoded));
    return { result, requests };
  } catch (error) {
    return { error: described(error), requests };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await perform(JSON.parse(line)))}\n`);
}
