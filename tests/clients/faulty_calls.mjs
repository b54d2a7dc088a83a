// Makes one call with one of npm `convex`'s clients, and prints how it ended as a line of JSON.
//
//   CONVEX_URL=… node faulty_calls.mjs http|live|watch
//
// `http` and `live` call the mutation notes:add; `watch` subscribes to notes:count until it says 1, and calls the
// mutation when it has said 0.

import process from "node:process";

// Standard output belongs to the result: whatever the client logs goes to standard error.
console.log = console.info = console.debug = console.error;

const modules = new URL("../../convex/node_modules/convex/dist/esm/", import.meta.url);
const { ConvexClient, ConvexHttpClient } = await import(new URL("browser/index.js", modules));
const { anyApi } = await import(new URL("server/index.js", modules));

const url = process.env.CONVEX_URL;
const { add, count } = anyApi.notes;

async function http() {
  return await new ConvexHttpClient(url, { logger: false }).mutation(add, {});
}

async function live() {
  const client = new ConvexClient(url);
  try {
    return await client.mutation(add, {});
  } finally {
    await client.close();
  }
}

async function watch() {
  const client = new ConvexClient(url);
  const seen = [];
  await new Promise((resolve) => {
    client.onUpdate(count, {}, (value) => {
      seen.push(value);
      if (value === 0) client.mutation(add, {});
      if (value === 1) resolve();
    });
  });
  await client.close();
  return seen;
}

try {
  const value = await { http, live, watch }[process.argv[2]]();
  process.stdout.write(`${JSON.stringify({ value })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ name: error.name, error: error.message })}\n`);
}
