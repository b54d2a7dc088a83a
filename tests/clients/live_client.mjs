// Runs npm `convex`'s live clients against a served child process, on the global WebSocket of Node 22 and later.
//
//   CONVEX_URL=… CONVEX_SITE_URL=… CONVEX_ADMIN_KEY=… CONVEX_USER_TOKEN=… node live_client.mjs
//
// Prints one JSON line per case, `{ name, ok, error, ms }`. A case that wants the server stopped, or started again on
// the same port, prints `{ ask: "stop" }` or `{ ask: "start" }` and waits for a line on standard input.
// `test_npm_convex_client.py` reads the names of the cases from the text of this script: `live("name", …)` at the
// beginning of a line.

import assert from "node:assert/strict";
import process from "node:process";
import { createInterface } from "node:readline";

// Standard output belongs to the results: whatever the client logs goes to standard error.
console.log = console.info = console.debug = console.error;

const modules = new URL("../../convex/node_modules/convex/dist/esm/", import.meta.url);
const { BaseConvexClient, ConvexClient } = await import(new URL("browser/index.js", modules));
const { anyApi } = await import(new URL("server/index.js", modules));

const { CONVEX_URL: url, CONVEX_SITE_URL: siteUrl, CONVEX_ADMIN_KEY: adminKey, CONVEX_USER_TOKEN: userToken } =
  process.env;
const CASE_DEADLINE_MS = 20_000;
const api = anyApi.live;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const cases = [];

/** Registers a case; it is handed a client and the room that its documents carry. */
function live(name, body) {
  cases.push({ name, body });
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Has the server stopped, or started; resolves when that is done. */
async function server(ask) {
  print({ ask });
  await answers.next();
}

/** What an `onUpdate` callback was given, and a way to wait for one of them. */
class Updates {
  values = [];
  #waiting = [];

  take = (value) => {
    this.values.push(value);
    this.#waiting = this.#waiting.filter(({ expected, resolve }) => {
      const isIt = JSON.stringify(value) === JSON.stringify(expected);
      if (isIt) resolve();
      return !isIt;
    });
  };

  /** Resolves at once if the last value is it, else when it comes. */
  until(expected) {
    if (JSON.stringify(this.values.at(-1)) === JSON.stringify(expected)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ expected, resolve }));
  }
}

live("onUpdate shows the result and what becomes of it", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  await client.mutation(api.send, { room, text: "one" });
  await client.mutation(api.send, { room, text: "two" });
  await updates.until(["one", "two"]);
  assert.deepEqual(updates.values, [[], ["one"], ["one", "two"]]);
});

live("writes of another client are shown", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  const other = new ConvexClient(url);
  await other.mutation(api.send, { room, text: "theirs" });
  await other.close();
  await updates.until(["theirs"]);
});

live("a callback that was taken away is not called", async (client, room) => {
  const [kept, taken] = [new Updates(), new Updates()];
  const unsubscribe = client.onUpdate(api.list, { room }, taken.take);
  client.onUpdate(api.list, { room, again: true }, kept.take);
  await taken.until([]);
  unsubscribe();
  await client.mutation(api.send, { room, text: "one" });
  await kept.until(["one"]);
  assert.deepEqual(taken.values, [[]]);
});

live("a query is run once", async (client, room) => {
  await client.mutation(api.send, { room, text: "one" });
  assert.deepEqual(await client.query(api.list, { room }), ["one"]);
});

live("values of every type come back", async (client) => {
  const value = { null: null, yes: true, n: 1.5, i: 2n ** 53n + 1n, zero: -0, inf: Infinity, s: "𝄞", l: [[], {}] };
  for (const call of [
    client.query(api.echo, { value }),
    client.mutation(api.echoMutation, { value }),
    client.action(api.echoAction, { value }),
  ]) {
    assert.deepEqual(await call, value);
  }
  const { bytes, int64 } = await client.query(api.values, {});
  assert.deepEqual([[...new Uint8Array(bytes)], int64], [[0, 255], 2n ** 53n + 1n]);
});

live("a result larger than a chunk comes in one piece", async (client) => {
  const value = "€".repeat(2_000_000);
  assert.equal(await client.query(api.echo, { value }), value);
});

live("mutations run in the order they were called", async (client, room) => {
  const texts = Array.from({ length: 20 }, (_, number) => `text ${number}`);
  const counts = await Promise.all(texts.map((text) => client.mutation(api.send, { room, text })));
  assert.deepEqual(counts, texts.map((_, number) => number + 1));
  assert.deepEqual(await client.query(api.list, { room }), texts);
});

live("a mutation is shown before its promise resolves", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  await client.mutation(api.send, { room, text: "one" });
  assert.deepEqual(updates.values.at(-1), ["one"]);
});

live("an optimistic update gives way to the result", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  const optimisticUpdate = (store) => {
    store.setQuery(api.list, { room }, [...(store.getQuery(api.list, { room }) ?? []), "expected"]);
  };
  await client.mutation(api.send, { room, text: "real" }, { optimisticUpdate });
  assert.deepEqual(updates.values, [[], ["expected"], ["real"]]);
});

live("optimistic updates are applied in order and never shown twice", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  const texts = ["a", "b", "c", "d", "e"];
  const send = (text) => {
    const optimisticUpdate = (store) => {
      store.setQuery(api.list, { room }, [...(store.getQuery(api.list, { room }) ?? []), text]);
    };
    return client.mutation(api.send, { room, text }, { optimisticUpdate });
  };
  await Promise.all(texts.map(send));
  // Whatever mixture of results and expectations was shown, it was a beginning of the list, and it only grew.
  for (const [index, value] of updates.values.entries()) {
    assert.deepEqual(value, texts.slice(0, value.length));
    assert.ok(index === 0 || value.length >= updates.values[index - 1].length, JSON.stringify(updates.values));
  }
  assert.deepEqual(updates.values.at(-1), texts);
});

live("an optimistic update is taken back when the mutation fails", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  const optimisticUpdate = (store) => store.setQuery(api.list, { room }, ["expected"]);
  await assert.rejects(client.mutation(api.refuse, {}, { optimisticUpdate }), /no such room/);
  await updates.until([]);
  assert.deepEqual(updates.values, [[], ["expected"], []]);
});

live("a file is uploaded, shown and deleted", async (client) => {
  const body = new Uint8Array(100_000).map((_, place) => place % 256);
  const uploadUrl = await client.mutation(api.uploadUrl, {});
  const uploaded = await fetch(uploadUrl, { method: "POST", body: new Blob([body], { type: "image/PNG" }) });
  assert.equal(uploaded.status, 200);
  const { storageId: id } = await uploaded.json();
  const updates = new Updates();
  client.onUpdate(api.fileUrl, { id }, updates.take);
  const fileUrl = await client.query(api.fileUrl, { id });
  await updates.until(fileUrl);
  const fetched = await fetch(fileUrl);
  assert.deepEqual(new Uint8Array(await fetched.arrayBuffer()), body);
  assert.equal(fetched.headers.get("content-type"), "image/png");
  const part = await fetch(fileUrl, { headers: { Range: "bytes=10-19" } });
  assert.deepEqual([part.status, ...new Uint8Array(await part.arrayBuffer())], [206, ...body.slice(10, 20)]);
  const document = await client.query(api.file, { id });
  assert.deepEqual([document.contentType, document.size], ["image/png", 100_000]);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", body)).toString("base64");
  assert.equal(document.sha256, digest);
  assert.equal(fetched.headers.get("digest"), `sha-256=${digest}`);
  await client.mutation(api.deleteFile, { id });
  await updates.until(null);
  assert.equal((await fetch(fileUrl)).status, 404);
});

live("an HTTP action answers a webhook", async () => {
  for (const origin of [siteUrl, `${url}/http`]) {
    const response = await fetch(`${origin}/receive?a=1`, {
      method: "POST",
      headers: { "X-Kind": "hook", Authorization: `Bearer ${userToken}` },
      body: JSON.stringify({ n: 1, text: "grüß" }),
    });
    assert.deepEqual([response.status, response.headers.get("x-kind")], [201, "hook"]);
    const seen = `${new URL(origin).origin}/receive?a=1`;
    assert.deepEqual(await response.json(), { sent: { n: 1, text: "grüß" }, by: "ada", url: seen });
    assert.equal(await (await fetch(`${origin}/say/anything`)).text(), "said");
    assert.equal(await (await fetch(`${origin}/nothing`)).text(), "No matching routes found");
  }
});

live("an error has the deployment's text", async (client) => {
  const text = /^\[CONVEX M\(live:refuse\)\] \[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: no such room\n/;
  await assert.rejects(client.mutation(api.refuse, {}), { message: text });
});

live("a ConvexError brings its data", async (client) => {
  for (const call of [
    () => client.mutation(api.refuse, { data: { code: 4n } }),
    () => client.query(api.refuseQuery, { data: { code: 4n } }),
    () => client.action(api.refuseAction, { data: { code: 4n } }),
  ]) {
    await assert.rejects(call, (error) => {
      assert.deepEqual(error.data, { code: 4n });
      return error.name === "ConvexError";
    });
  }
});

live("a failing query tells onError and recovers", async (client, room) => {
  const [updates, errors] = [new Updates(), new Updates()];
  client.onUpdate(api.failWhileEmpty, { room }, updates.take, (error) => errors.take(error.data));
  await errors.until({ room });
  await client.mutation(api.send, { room, text: "mended" });
  await updates.until(["mended"]);
});

live("setAuth makes a user", async (client) => {
  const [subjects, states] = [new Updates(), new Updates()];
  client.onUpdate(api.who, {}, subjects.take);
  await subjects.until(null);
  client.setAuth(async () => userToken, states.take);
  await states.until(true);
  await subjects.until("ada");
  assert.equal(await client.query(api.who, {}), "ada");
});

live("a token that is refused is told to setAuth", async (client) => {
  const states = new Updates();
  client.setAuth(async () => "eyJ.a.b", states.take);
  await states.until(false);
  assert.equal(await client.query(api.who, {}), null);
});

live("an administrator may act as a user", async () => {
  const results = new Updates();
  const base = new BaseConvexClient(url, (tokens) => tokens.forEach((token) => {
    results.take(base.localQueryResultByToken(token));
  }), { unsavedChangesWarning: false });
  base.setAdminAuth(adminKey, { issuer: "https://issuer.test", subject: "grace" });
  base.subscribe("live:who", {});
  base.subscribe("live:secret", {});
  await results.until("secret");
  assert.deepEqual(new Set(results.values), new Set(["grace", "secret"]));
  await base.close();
});

live("the client comes back after a restart", async (client, room) => {
  const updates = new Updates();
  client.onUpdate(api.list, { room }, updates.take);
  await updates.until([]);
  await client.mutation(api.send, { room, text: "before" });
  await updates.until(["before"]);
  await server("stop");
  await server("start");
  await updates.until([]);
  await client.mutation(api.send, { room, text: "after" });
  await updates.until(["after"]);
});

live("a mutation called while the server is away runs when it is back", async (client, room) => {
  await client.query(api.list, { room });
  await server("stop");
  const sent = client.mutation(api.send, { room, text: "patient" });
  await server("start");
  assert.equal(await sent, 1);
  assert.deepEqual(await client.query(api.list, { room }), ["patient"]);
});

async function run({ name, body }) {
  const client = new ConvexClient(url);
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${CASE_DEADLINE_MS} ms`)), CASE_DEADLINE_MS);
  });
  const started = performance.now();
  let error = null;
  try {
    await Promise.race([body(client, name), deadline]);
  } catch (caught) {
    error = caught?.stack ?? String(caught);
  } finally {
    clearTimeout(timer);
    await client.close();
  }
  print({ name, ok: error === null, error, ms: Math.round(performance.now() - started) });
}

for (const one of cases) await run(one);
process.exit(0);
