// ConvexServerCache.

import { assert, ConvexCacheClient, ConvexServerCache, range, run, sleep, test } from "./harness.mjs";

const push = async (cache, key, count) => {
  for (const number of range(count)) await cache.listPush(key, number);
};

test("a value comes back as it was", async ({ cache }) => {
  const values = ["text", "é😀", 0.1, -7, true, null, [], {}, { list: [1, { deep: null }], empty: {} }];

  for (const [index, value] of values.entries()) {
    await cache.set(`${index}`, value);
    assert.deepEqual(await cache.get(`${index}`), value);
  }
});

test("a key that was never set is null", async ({ cache }) => {
  assert.equal(await cache.get("missing"), null);
  assert.equal(await cache.listLength("missing"), 0);
  assert.deepEqual(await cache.listFromTo("missing", 0), []);
});

test("undefined is stored as null", async ({ cache }) => {
  await cache.set("a", undefined);
  await cache.listPush("list", undefined);

  assert.equal(await cache.get("a"), null);
  assert.deepEqual(await cache.listFromTo("list", 0), [null]);
});

test("set replaces", async ({ cache }) => {
  await cache.set("a", 1);
  await cache.set("a", { two: 2 });

  assert.deepEqual(await cache.get("a"), { two: 2 });
});

test("keys may hold any text", async ({ cache }) => {
  for (const key of ["", "a:b:c", "größe 😀", "$ref", "line\nbreak"]) {
    await cache.set(key, key);
    assert.equal(await cache.get(key), key);
  }
});

// mastra-ai/mastra#16110: cache values travel as Convex values, not as JSON text.
test("a value with a dollar key is refused", async ({ cache }) => {
  await assert.rejects(cache.set("a", { $ref: 1 }), /\$ref starts with/);
  await assert.rejects(cache.listPush("list", [{ $schema: 1 }]), /\$schema starts with/);

  assert.equal(await cache.get("a"), null);
  assert.equal(await cache.listLength("list"), 0);
});

// These are Convex' own encodings: the function is handed bytes, NaN and an integer, and stores their JSON text.
test("values that look like encoded Convex values change or fail", async ({ cache }) => {
  await cache.set("bytes", { $bytes: "AAE=" });
  await cache.set("nan", { $float: "AAAAAAAA+H8=" });

  assert.deepEqual(await cache.get("bytes"), {});
  assert.equal(await cache.get("nan"), null);
  await assert.rejects(cache.set("integer", { $integer: "BwAAAAAAAAA=" }), /Do not know how to serialize a BigInt/);
});

// Nothing here looks before the time is up: a busy machine may be slow, but never early.
test("a value expires after its time to live", async ({ cache }) => {
  await cache.set("short", 1, 1);
  await cache.set("long", 2, 60_000);

  await sleep(20);

  assert.equal(await cache.get("short"), null);
  assert.equal(await cache.get("long"), 2);
});

test("a time to live of zero is for ever", async ({ cacheWith, t }) => {
  const cache = cacheWith({ ttlMs: 0 });
  await cache.set("a", 1);

  assert.equal(await cache.get("a"), 1);
  const far = { op: "set", key: `${t.id("b")}`, keyPrefix: t.id("raw"), value: 1, expiresAt: null };
  assert.deepEqual((await t.cacheRequest(far)).value, { ok: true });
});

// A row lives as long as expiresAt lies in the future: the moment itself is too late.
test("a value that expires in the past is gone at once", async ({ t }) => {
  const key = t.id("a");
  const request = { key, keyPrefix: t.id("raw") };
  await t.cacheRequest({ op: "set", ...request, value: 1, expiresAt: Date.now() - 1 });

  assert.deepEqual((await t.cacheRequest({ op: "get", key })).value, { ok: true, result: null });

  await t.cacheRequest({ op: "set", ...request, value: 1, expiresAt: Date.now() + 60_000 });
  assert.deepEqual((await t.cacheRequest({ op: "get", key })).value, { ok: true, result: 1 });
});

test("expired lists and counters start again", async ({ cache, cacheWith }) => {
  const short = cacheWith({ ttlMs: 1 });
  await short.listPush("list", "old");
  await short.increment("counter");

  await sleep(20);

  assert.equal(await cache.listLength("list"), 0);
  await cache.listPush("list", "fresh");
  assert.deepEqual(await cache.listFromTo("list", 0), ["fresh"]);
  assert.equal(await cache.increment("counter"), 1);
});

test("an expired list of more than 25 is cleaned away by whatever meets it", async ({ cache, cacheWith }) => {
  const short = cacheWith({ ttlMs: 1 });
  const meetings = [
    [(key) => cache.get(key), null],
    [(key) => cache.listLength(key), 0],
    [(key) => cache.listFromTo(key, 0), []],
    [(key) => cache.increment(key), 1],
  ];

  for (const [number, [meet, expected]] of meetings.entries()) {
    await push(cache, `${number}`, 60);
    await short.listPush(`${number}`, "last");
    await sleep(20);
    assert.deepEqual(await meet(`${number}`), expected);
  }
});

// The last push or increment decides how long all of it lives.
test("a push and an increment set the time to live anew", async ({ cache, cacheWith }) => {
  const short = cacheWith({ ttlMs: 1 });
  await cache.listPush("list", 1);
  await cache.increment("counter");

  await short.listPush("list", 2);
  await short.increment("counter");
  await sleep(20);

  assert.deepEqual(await cache.listFromTo("list", 0), []);
  assert.equal(await cache.increment("counter"), 1);
});

test("a list keeps the order of its pushes", async ({ cache }) => {
  await push(cache, "list", 60);

  assert.equal(await cache.listLength("list"), 60);
  assert.deepEqual(await cache.listFromTo("list", 0), range(60));
});

test("a range of a list includes both its ends and counts from the back", async ({ cache }) => {
  await push(cache, "list", 5);
  const list = (from, to) => cache.listFromTo("list", from, to);

  assert.deepEqual(await list(1, 3), [1, 2, 3]);
  assert.deepEqual(await list(2), [2, 3, 4]);
  assert.deepEqual(await list(-2), [3, 4]);
  assert.deepEqual(await list(-99, 1), [0, 1]);
  assert.deepEqual(await list(1, -2), [1, 2, 3]);
  assert.deepEqual(await list(0, 99), [0, 1, 2, 3, 4]);
  assert.deepEqual(await list(4, 4), [4]);
  assert.deepEqual(await list(5, 9), []);
  assert.deepEqual(await list(3, 2), []);
  assert.deepEqual(await list(0, -99), []);
});

// Durable streams publish every chunk this way.
test("listPushIndexed writes the index into the value", async ({ cache }) => {
  const indexes = [];
  for (const name of ["a", "b"]) indexes.push(await cache.listPushIndexed("list", "counter", { name }));

  assert.deepEqual(indexes, [0, 1]);
  assert.deepEqual(await cache.listFromTo("list", 0), [
    { name: "a", index: 0 },
    { name: "b", index: 1 },
  ]);
});

test("a hundred parallel increments end at exactly one hundred", async ({ cache }) => {
  const numbers = await Promise.all(range(100).map(() => cache.increment("counter")));

  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    range(100).map((number) => number + 1),
  );
  assert.equal(await cache.increment("counter"), 101);
});

test("a hundred parallel pushes are all kept", async ({ cache }) => {
  await Promise.all(range(100).map((number) => cache.listPush("list", number)));

  assert.equal(await cache.listLength("list"), 100);
  assert.deepEqual(
    (await cache.listFromTo("list", 0)).sort((a, b) => a - b),
    range(100),
  );
});

// Error texts name the key with its prefix.
test("an operation for another kind of entry is refused or finds nothing", async ({ cache, t }) => {
  const prefix = cache.keyPrefix;
  await cache.set("value", 1);
  await cache.listPush("list", 1);
  await cache.increment("counter");

  assert.equal(await cache.get("list"), null);
  assert.equal(await cache.get("counter"), null);
  assert.deepEqual(await cache.listFromTo("value", 0), []);
  for (const key of ["value", "counter"]) {
    const message = `${prefix}${key} exists but is not an array`;
    await assert.rejects(cache.listLength(key), { message });
    await assert.rejects(cache.listPush(key, 1), { message });
  }
  for (const key of ["value", "list"]) {
    await assert.rejects(cache.increment(key), { message: `${prefix}${key} exists but is not a number` });
  }
  assert.deepEqual([await cache.get("value"), await cache.listLength("list")], [1, 1]);
  assert.ok(prefix.startsWith(t.id("").split(".")[0]));
});

test("set takes the place of a list of more than 25 and of a counter", async ({ cache }) => {
  await push(cache, "list", 60);
  await cache.increment("counter");

  await cache.set("list", "value");
  await cache.set("counter", "value");

  assert.deepEqual([await cache.get("list"), await cache.get("counter")], ["value", "value"]);
  await cache.delete("list");
  assert.deepEqual(await cache.listFromTo("list", 0), []);
});

test("delete removes any kind and takes a missing key", async ({ cache }) => {
  await cache.set("value", 1);
  await push(cache, "list", 60);
  await cache.increment("counter");

  for (const key of ["value", "list", "counter", "missing"]) await cache.delete(key);

  assert.equal(await cache.get("value"), null);
  assert.equal(await cache.listLength("list"), 0);
  assert.equal(await cache.increment("counter"), 1);
  await cache.listPush("list", "fresh");
  assert.deepEqual(await cache.listFromTo("list", 0), ["fresh"]);
});

// 25 items go with one call; what meets the key before the rest is gone sees no list and deletes 25 more.
test("a list of 26 takes two calls to delete and is gone after the first", async ({ cache, t }) => {
  const key = (name) => `${cache.keyPrefix}${name}`;
  const remove = async (name) => (await t.cacheRequest({ op: "delete", key: key(name) })).value;
  await push(cache, "25", 25);
  await push(cache, "26", 26);

  assert.deepEqual(await remove("25"), { ok: true, hasMore: false });
  assert.deepEqual(await remove("26"), { ok: true, hasMore: true });
  assert.equal(await cache.listLength("26"), 0);
  assert.deepEqual(await remove("26"), { ok: true, hasMore: false });
});

test("reading a half-deleted list deletes on", async ({ cache, t }) => {
  const key = `${cache.keyPrefix}list`;
  await push(cache, "list", 60);

  await t.cacheRequest({ op: "delete", key });
  const read = (await t.cacheRequest({ op: "get", key })).value;

  assert.deepEqual(read, { ok: true, result: null, hasMore: true });
  assert.deepEqual((await t.cacheRequest({ op: "get", key })).value, { ok: true, result: null });
});

test("clear removes more than 25 entries of all kinds", async ({ cache }) => {
  for (const number of range(30)) await cache.set(`value${number}`, number);
  for (const number of range(3)) await push(cache, `list${number}`, 30);
  for (const number of range(30)) await cache.increment(`counter${number}`);

  await cache.clear();

  assert.equal(await cache.get("value29"), null);
  for (const number of range(3)) assert.equal(await cache.listLength(`list${number}`), 0);
  assert.equal(await cache.increment("counter29"), 1);
});

// A prefix is compared as a whole: clearing "a:" leaves what was written under "a:b:".
test("clear removes the entries of its own prefix only", async ({ cacheWith, t }) => {
  const outer = cacheWith({ keyPrefix: t.id("a:") });
  const inner = cacheWith({ keyPrefix: t.id("a:b:") });
  await outer.set("b:key", "outer");
  await inner.set("other", "inner");

  await outer.clear();

  assert.equal(await outer.get("b:key"), null);
  assert.equal(await inner.get("other"), "inner");
});

test("keys of one text are one entry, whatever prefix wrote them", async ({ cacheWith, t }) => {
  const outer = cacheWith({ keyPrefix: t.id("a:") });
  const inner = cacheWith({ keyPrefix: t.id("a:b:") });

  await inner.set("key", 1);

  assert.equal(await outer.get("b:key"), 1);
});

test("the prefix is mastra:cache: unless told otherwise", async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const cache = new ConvexServerCache({ deploymentUrl, adminAuthToken });

  await cache.set(t.id("a"), 1);

  const { value } = await t.cacheRequest({ op: "get", key: `mastra:cache:${t.id("a")}` });
  assert.deepEqual(value, { ok: true, result: 1 });
});

test("a client can be shared, and blanks around its settings do not matter", async ({ t }) => {
  const client = new ConvexCacheClient({
    deploymentUrl: ` ${t.deploymentUrl}// `,
    adminAuthToken: ` ${t.adminAuthToken} `,
    cacheFunction: " ",
    requestTimeoutMs: 0,
  });
  const [one, two] = [1, 2].map(() => new ConvexServerCache({ client, keyPrefix: t.id("shared:") }));

  await one.set("a", 1);

  assert.equal(await two.get("a"), 1);
  assert.equal(await client.callCache({ op: "get", key: t.id("shared:a") }), 1);
});

test("settings that cannot be are refused", async ({ t }) => {
  const settings = { deploymentUrl: t.deploymentUrl, adminAuthToken: t.adminAuthToken };
  const refused = [
    [{ ...settings, deploymentUrl: " " }, "ConvexCacheClient: deploymentUrl is required."],
    [{ ...settings, adminAuthToken: " " }, "ConvexCacheClient: adminAuthToken is required."],
    [{ ...settings, requestTimeoutMs: -1 }, "ConvexCacheClient: requestTimeoutMs must be greater than or equal to 0."],
  ];

  for (const [config, message] of refused) assert.throws(() => new ConvexServerCache(config), { message });
});

test("an operation that the function does not know is refused", async ({ t }) => {
  const { status, value } = await t.cacheRequest({ op: "flush", key: t.id("a") });

  assert.equal(status, "success");
  assert.deepEqual(value, { ok: false, error: "Unsupported operation flush" });
});

test("a value of more than one MiB is refused and keeps the old", { emulatorOnly: true }, async ({ cache }) => {
  await cache.set("a", "old");

  await assert.rejects(cache.set("a", "x".repeat(1 << 20)), /Value is too large \(1\.00 MiB > maximum size 1 MiB\)/);

  assert.equal(await cache.get("a"), "old");
});

await run(import.meta);
