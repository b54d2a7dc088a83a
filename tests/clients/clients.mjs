// What all clients have in common: settings, keys, paths and errors; and npm `convex`'s ConvexHttpClient.

import { createServer } from "node:http";
import { once } from "node:events";

import {
  assert,
  ConvexHttpClient,
  ConvexNativeVector,
  ConvexServerCache,
  ConvexStore,
  ConvexVector,
  minute,
  range,
  run,
  test,
} from "./harness.mjs";

const storage = "mastra/storage:handle";
const read = "mastra/nativeVector:read";
const search = "mastra/nativeVector:query";
const config = { tableName: "docs_vectors", vectorIndexName: "by_embedding" };

const httpClient = (t, key = t.adminAuthToken) => {
  const client = new ConvexHttpClient(t.deploymentUrl, { logger: false });
  if (key !== undefined) client.setAdminAuth(key);
  return client;
};

const thread = (t, name) => ({
  id: t.id(name),
  resourceId: t.id("resource"),
  title: "",
  createdAt: minute(0).toISOString(),
  updatedAt: minute(0).toISOString(),
});

const insertThread = (t, name) => ({ op: "insert", tableName: "mastra_threads", record: thread(t, name) });

const insertNote = (t, name, fields = {}) => ({
  op: "insert",
  tableName: "notes",
  record: { id: t.id(name), ...fields },
});

const loadNote = (t, name) => ({ op: "load", tableName: "notes", keys: { id: t.id(name) } });

const describe = { op: "describe", config };

/** Runs `use` with the address of a server of Node's own that answers every request with `answer`. */
const withServer = async (answer, use) => {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

test("the store hands out its six domains and no other", async ({ store }) => {
  await store.init();

  for (const name of ["memory", "workflows", "scores", "backgroundTasks", "schedules", "channels"]) {
    assert.ok(await store.getStore(name), name);
  }
  assert.equal(await store.getStore("observability"), undefined);
});

test("the store is named as its settings say, and is closed without a word", async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const store = new ConvexStore({ id: "i", name: "n", deploymentUrl, adminAuthToken, disableInit: true });

  assert.deepEqual([store.id, store.name, store.disableInit], ["i", "n", true]);
  await store.init();
  assert.deepEqual(await store.prune(), []);
  await store.close();
});

test("one trailing slash of the address does not matter", async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const store = new ConvexStore({ id: "i", deploymentUrl: `${deploymentUrl}/`, adminAuthToken });

  const memory = await store.getStore("memory");

  assert.equal(await memory.getThreadById({ threadId: t.id("missing") }), null);
});

test("address and key must be set", async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  for (const Store of [ConvexStore, ConvexVector, ConvexNativeVector]) {
    const make = (settings) => new Store({ id: "i", indexes: {}, deploymentUrl, adminAuthToken, ...settings });

    assert.throws(() => make({ deploymentUrl: "" }), { message: "ConvexAdminClient: deploymentUrl is required." });
    assert.throws(() => make({ adminAuthToken: "" }), { message: "ConvexAdminClient: adminAuthToken is required." });
  }
});

// The canonical form of a path has ".js"; both forms name the function.
test("functions may be named by their canonical paths", async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const settings = { deploymentUrl, adminAuthToken };
  const store = new ConvexStore({ id: "i", ...settings, storageFunction: "mastra/storage.js:handle" });
  const cache = new ConvexServerCache({ ...settings, keyPrefix: t.id(""), cacheFunction: "mastra/cache.js:handle" });
  const native = new ConvexNativeVector({
    id: "i",
    ...settings,
    indexes: { docs: { tableName: "docs_vectors", dimension: 3 } },
    nativeVectorAction: "mastra/nativeVector.js:query",
    nativeVectorQuery: "mastra/nativeVector.js:read",
    nativeVectorMutation: "mastra/nativeVector.js:write",
  });

  const memory = await store.getStore("memory");
  assert.equal(await memory.getThreadById({ threadId: t.id("missing") }), null);
  assert.equal(await cache.increment("a"), 1);
  await native.upsert({ indexName: "docs", ids: [t.id("a")], vectors: [[1, 0, 0]] });
  assert.ok((await native.query({ indexName: "docs", queryVector: [1, 0, 0] })).length > 0);
});

test("a function that does not exist is named in the error", { emulatorOnly: true }, async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const store = new ConvexStore({ id: "i", deploymentUrl, adminAuthToken, storageFunction: "mastra/other:handle" });
  const cache = new ConvexServerCache({ deploymentUrl, adminAuthToken, cacheFunction: "mastra/cache:other" });
  const text = (path) => new RegExp(`Server Error\\nCould not find public function for '${path}'\\.`);

  const memory = await store.getStore("memory");

  await assert.rejects(memory.getThreadById({ threadId: "a" }), { message: text("mastra/other:handle") });
  await assert.rejects(cache.get("a"), { message: text("mastra/cache:other") });
});

test("a wrong key is refused with 401 and its reason", { emulatorOnly: true }, async ({ t }) => {
  const settings = { deploymentUrl: t.deploymentUrl, adminAuthToken: "wrong|key" };
  const store = new ConvexStore({ id: "i", ...settings });
  const memory = await store.getStore("memory");
  const calls = [
    () => memory.getThreadById({ threadId: "a" }),
    () => new ConvexVector({ id: "i", ...settings }).listIndexes(),
    () => new ConvexServerCache(settings).get("a"),
  ];

  for (const call of calls) {
    await assert.rejects(call, ({ message }) => {
      const [, body] = /^Convex API error: 401 (.*)$/s.exec(message);
      assert.deepEqual(JSON.parse(body), {
        code: "BadAdminKey",
        message: "The provided admin key was invalid for this instance",
      });
      return true;
    });
  }
});

// Mastra's functions are public: whoever knows the address may call them.
test("no key at all is accepted", async ({ t }) => {
  const { status, text } = await t.post(
    "/api/mutation",
    { path: storage, args: insertThread(t, "a"), format: "json" },
    {},
  );

  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text).value, { ok: true });
});

test("an operation that the function does not know is refused", async ({ t }) => {
  for (const tableName of ["mastra_threads", `mastra_vector_${t.id("index")}`, "notes"]) {
    const { status, value } = await t.storage({ op: "vacuum", tableName });
    assert.deepEqual([status, value], ["success", { ok: false, error: "Unsupported operation vacuum" }]);
  }
});

test("an operation for another table is refused", async ({ t }) => {
  const update = { id: t.id("a"), title: "", metadata: {}, updatedAt: minute(0).toISOString() };
  const { value } = await t.storage({ op: "updateThread", tableName: "mastra_messages", ...update });
  const { errorMessage } = await t.storage({ op: "omGetLatest", tableName: "mastra_threads", lookupKey: "x" });

  assert.deepEqual(value, { ok: false, error: "Unsupported operation updateThread for table mastra_messages" });
  assert.match(errorMessage, /omGetLatest is only supported for mastra_observational_memory/);
});

test("a request without a table is answered with the text of the fault", async ({ t }) => {
  const { status, value } = await t.storage({ op: "load", keys: {} });

  assert.equal(status, "success");
  assert.deepEqual(value, { ok: false, error: "Cannot read properties of undefined (reading 'startsWith')" });
});

test("a record without id is refused", async ({ t }) => {
  const insert = (tableName, record) => t.storage({ op: "insert", tableName, record });

  assert.match((await insert("mastra_threads", { title: "" })).errorMessage, /Record is missing an id/);
  assert.match((await insert("notes", { id: "" })).errorMessage, /Record for table notes is missing an id/);
  const { value } = await insert("mastra_vector_x", { embedding: [1] });
  assert.deepEqual(value, { ok: false, error: "Vector record is missing an id" });
});

// Tables that Mastra does not know share one table of documents. Inserting replaces the record, patching merges.
test("the fallback table keeps records of any shape", async ({ t }) => {
  const request = async (args) => (await t.storage({ tableName: t.id("table"), ...args })).value.result;
  await request({ op: "insert", record: { id: "a", old: { deep: [null] } } });
  await request({ op: "insert", record: { id: "a", label: "x", number: 1 } });
  await request({
    op: "batchInsert",
    records: [{ id: 7 }, { id: "b", label: "x" }, { noId: true }, { id: 7, last: 1 }],
  });

  assert.equal(await request({ op: "patch", id: "a", record: { id: "ignored", number: 2 } }), true);
  assert.equal(await request({ op: "patch", id: "missing", record: {} }), false);
  const [a, seven, b] = [
    { id: "a", label: "x", number: 2 },
    { id: 7, last: 1 },
    { id: "b", label: "x" },
  ];
  assert.deepEqual(await request({ op: "load", keys: { id: "a" } }), a);
  assert.deepEqual(await request({ op: "load", keys: { label: "x" } }), a);
  assert.equal(await request({ op: "load", keys: { label: "y" } }), null);
  assert.deepEqual(await request({ op: "loadMany", ids: ["b", "missing", 7, "b"] }), [b, seven]);
  assert.deepEqual(await request({ op: "queryTable" }), [a, seven, b]);
  assert.deepEqual(await request({ op: "queryTable", filters: [{ field: "label", value: "x" }] }), [a, b]);
  assert.deepEqual(await request({ op: "queryTable", limit: 1 }), [a]);
  await request({ op: "deleteMany", ids: ["a", "missing"] });
  assert.deepEqual(await request({ op: "queryTable" }), [seven, b]);
});

// The limit reads twice its number of rows before the filter, and zero is no limit.
test("the limit of the fallback table counts before the filter", async ({ t }) => {
  const tableName = t.id("table");
  const records = range(5).map((number) => ({ id: `${number}`, label: number < 3 ? "first" : "last" }));
  await t.storage({ op: "batchInsert", tableName, records });
  const query = async (limit) => {
    const filters = [{ field: "label", value: "last" }];
    const { value } = await t.storage({ op: "queryTable", tableName, filters, limit });
    return value.result.map((record) => record.id);
  };

  assert.deepEqual(await query(1), []);
  assert.deepEqual(await query(2), ["3"]);
  assert.deepEqual(await query(3), ["3", "4"]);
  assert.deepEqual(await query(0), ["3", "4"]);
});

test("the fallback table is cleared 25 records at a time", async ({ t }) => {
  const clear = async (count) => {
    const tableName = t.id(`table-${count}`);
    const records = range(count).map((number) => ({ id: `${number}` }));
    await t.storage({ op: "batchInsert", tableName, records });
    const { value } = await t.storage({ op: "clearTable", tableName });
    const left = (await t.storage({ op: "queryTable", tableName })).value.result.length;
    return [value, left];
  };

  assert.deepEqual(await clear(25), [{ ok: true, hasMore: false }, 0]);
  assert.deepEqual(await clear(26), [{ ok: true, hasMore: true }, 1]);
});

// A filter without a value finds rows that lack the field; a null finds null only.
test("a filter tells an absent field from null", async ({ t }) => {
  const tableName = "mastra_resources";
  const times = { createdAt: minute(0).toISOString(), updatedAt: t.id("updated") };
  const records = [
    { id: t.id("null"), metadata: null, ...times },
    { id: t.id("absent"), ...times },
    { id: t.id("object"), metadata: {}, ...times },
  ];
  await t.storage({ op: "batchInsert", tableName, records });
  const query = async (filter) => {
    const filters = [{ field: "updatedAt", value: t.id("updated") }, filter];
    const { value } = await t.storage({ op: "queryTable", tableName, filters });
    return value.result.map((row) => row.id);
  };

  assert.deepEqual(await query({ field: "metadata", value: null }), [t.id("null")]);
  assert.deepEqual(await query({ field: "metadata" }), [t.id("absent")]);
});

test("rows go in index order, and the order of the text is that of its UTF-8 bytes", async ({ t }) => {
  const tableName = "mastra_messages";
  const times = ["😀", "￮", "b", "a", "Z", ""];
  const records = times.map((createdAt, number) => ({
    id: t.id(`${number}`),
    thread_id: t.id("thread"),
    content: "{}",
    role: "user",
    type: "v2",
    createdAt,
  }));
  await t.storage({ op: "batchInsert", tableName, records });

  const filters = [{ field: "thread_id", value: t.id("thread") }];
  const { value } = await t.storage({ op: "queryTable", tableName, filters });

  assert.deepEqual(
    value.result.map((row) => row.createdAt),
    ["", "Z", "a", "b", "￮", "😀"],
  );
});

test("the system fields of a row survive the way to the client and back", async ({ t }) => {
  const tableName = "mastra_threads";
  await t.storage(insertThread(t, "a"));
  const keys = { id: t.id("a") };
  const row = (await t.storage({ op: "load", tableName, keys })).value.result;

  const { value } = await t.storage({ op: "insert", tableName, record: { ...row, title: "New" } });

  assert.deepEqual(value, { ok: true });
  assert.deepEqual((await t.storage({ op: "load", tableName, keys })).value.result, { ...row, title: "New" });
});

// What the adapter makes of answers that a deployment gives in trouble; a server of Node's own plays the deployment.
test("answers that are no results become errors", async ({ t }) => {
  const answers = [
    [503, "busy", "Convex API error: 503 busy"],
    [200, '{"status":"error"}', "Unknown Convex error"],
    [200, '{"status":"odd"}', `Convex mutation ${storage} returned an invalid response`],
    [200, '{"status":"success"}', `Convex mutation ${storage} returned no value`],
    [200, '{"status":"success","value":null}', "Unknown Convex storage error"],
    [200, '{"status":"success","value":{"ok":false,"error":"no"}}', "no"],
  ];
  let number = 0;
  const answer = (_, response) => {
    const [status, body] = answers[number++];
    response.writeHead(status).end(body);
  };

  await withServer(answer, async (deploymentUrl) => {
    const store = new ConvexStore({ id: "i", deploymentUrl, adminAuthToken: "k" });
    const memory = await store.getStore("memory");
    for (const [, , message] of answers) {
      await assert.rejects(memory.getThreadById({ threadId: t.id("a") }), { message });
    }
  });
});

test("the adapter sends its key, the path and the format", async ({ t }) => {
  const requests = [];
  const answer = async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push([request.method, request.url, request.headers.authorization, JSON.parse(body)]);
    response.end('{"status":"success","value":{"ok":true,"result":null}}');
  };

  await withServer(answer, async (deploymentUrl) => {
    const store = new ConvexStore({ id: "i", deploymentUrl, adminAuthToken: "k" });
    await (await store.getStore("memory")).getThreadById({ threadId: t.id("a") });
  });

  const args = { op: "load", tableName: "mastra_threads", keys: { id: t.id("a") } };
  assert.deepEqual(requests, [["POST", "/api/mutation", "Convex k", { path: storage, args, format: "json" }]]);
});

test("a cache request that takes too long is given up", async () => {
  await withServer(
    () => {},
    async (deploymentUrl) => {
      const cache = new ConvexServerCache({ deploymentUrl, adminAuthToken: "k", requestTimeoutMs: 50 });
      await assert.rejects(cache.get("a"), { message: "Convex cache request timed out after 50 ms." });
    },
  );
});

test("ConvexHttpClient calls queries, mutations and actions", async ({ t }) => {
  const client = httpClient(t);
  const upsert = { op: "upsert", config, ids: [t.id("a")], vectors: [[0, 1, 0]] };

  assert.deepEqual(await client.mutation("mastra/nativeVector:write", upsert), { ok: true });
  const found = await client.action(search, { config, vector: [0, 1, 0], limit: 256 });
  const ids = found.map((one) => one.id);
  const rows = await client.query(read, { op: "getByConvexIds", config, ids });

  assert.ok(rows.some((row) => row.id === t.id("a")));
  assert.ok((await client.query(read, describe)).count >= 1);
});

test("ConvexHttpClient needs no key for public functions", async ({ t }) => {
  const client = new ConvexHttpClient(t.deploymentUrl, { logger: false });

  assert.equal(typeof (await client.query(read, describe)).countIsLimited, "boolean");
});

test("ConvexHttpClient carries every kind of value", async ({ t }) => {
  const client = httpClient(t);
  const values = {
    integers: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
    floats: [0.1, NaN, Infinity, -Infinity, 5e-324],
    zero: -0,
    bytes: new Uint8Array([0, 1, 255]).buffer,
    texts: ["", "é😀", "\u0000"],
    others: [null, true, [], {}],
  };
  await client.mutation(storage, insertNote(t, "a", values));

  const { result } = await client.mutation(storage, loadNote(t, "a"));

  assert.ok(Object.is(result.zero, -0));
  assert.deepEqual(new Uint8Array(result.bytes), new Uint8Array(values.bytes));
  const { bytes: _, ...others } = result;
  const { bytes: __, ...expected } = values;
  assert.deepEqual(others, { id: t.id("a"), ...expected });
});

test("ConvexHttpClient runs its mutations in order unless told otherwise", async ({ t }) => {
  const client = httpClient(t);
  const increment = { op: "increment", key: t.id("counter"), keyPrefix: t.id(""), expiresAt: null };
  const call = (options) => client.mutation("mastra/cache:handle", increment, options);

  const queued = await Promise.all(range(10).map(() => call()));
  const parallel = await Promise.all(range(10).map(() => call({ skipQueue: true })));

  assert.deepEqual(
    queued.map(({ result }) => result),
    range(10).map((number) => number + 1),
  );
  const numbers = parallel.map(({ result }) => result).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    range(10).map((number) => number + 11),
  );
});

test("ConvexHttpClient throws the text of a function that fails", async ({ t }) => {
  const client = httpClient(t);
  const record = { ...thread(t, "a"), title: undefined };

  await assert.rejects(
    client.mutation(storage, { op: "insert", tableName: "mastra_threads", record }),
    /required field `title`/,
  );
  await assert.rejects(client.query(read, { op: "scan", config }), /Validat/);
});

// On a deployment the text starts with the id of the request; the fault follows on a line of its own.
test("error texts carry a request id, and a thrown error its frames", { emulatorOnly: true }, async ({ t }) => {
  const client = httpClient(t);

  await assert.rejects(client.action(search, { config, vector: [1, 0, 0], limit: 257 }), {
    message: /^\[Request ID: \w+\] Server Error\nUncaught Error: Native vector query: limit must be .* and 256\n/,
  });
  await assert.rejects(client.query(read, { op: "scan", config }), {
    message: /^\[Request ID: \w+\] Server Error\nArgumentValidationError: /,
  });
});

test("a function of another kind is refused", { emulatorOnly: true }, async ({ t }) => {
  const client = httpClient(t);

  await assert.rejects(
    client.query(storage, loadNote(t, "a")),
    /Trying to execute mastra\/storage\.js:handle as Query, but it is defined as Mutation\./,
  );
  await assert.rejects(
    client.mutation(search, { config, vector: [1, 0, 0] }),
    /Trying to execute mastra\/nativeVector\.js:query as Mutation, but it is defined as Action\./,
  );
  await assert.rejects(
    client.action(read, describe),
    /Trying to execute mastra\/nativeVector\.js:read as Action, but it is defined as Query\./,
  );
});

test("an unknown function and an unknown module are refused alike", { emulatorOnly: true }, async ({ t }) => {
  const client = httpClient(t);

  await assert.rejects(
    client.query("mastra/storage:other", {}),
    /Could not find public function for 'mastra\/storage:other'\./,
  );
  await assert.rejects(client.query("other:handle", {}), /Could not find public function for 'other:handle'\./);
  await assert.rejects(client.query("other", {}), /Could not find public function for 'other'\./);
});

test("a path that is no path is refused before anything runs", { emulatorOnly: true }, async ({ t }) => {
  const { status, text } = await t.post("/api/query", { path: "a-b:handle", args: {}, format: "json" });

  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(text), {
    code: "BadConvexFunctionIdentifier",
    message:
      "a-b:handle is not a valid path to a Convex function. " +
      "Path component a-b.js can only contain alphanumeric characters, underscores, or periods.",
  });
  await assert.rejects(httpClient(t).query("a-b:handle", {}), /BadConvexFunctionIdentifier/);
});

test("ConvexHttpClient throws the body when its key is wrong", { emulatorOnly: true }, async ({ t }) => {
  const wrong = httpClient(t, "wrong|key");
  const bearer = new ConvexHttpClient(t.deploymentUrl, { logger: false, auth: "no token" });

  await assert.rejects(wrong.query(read, describe), /The provided admin key was invalid for this instance/);
  await assert.rejects(bearer.query(read, describe), /Could not parse JWT payload/);
});

// A public function, so even admin keys of another form would do, but the header itself must be readable.
test("an unreadable Authorization header is refused", { emulatorOnly: true }, async ({ t }) => {
  const request = { path: read, args: describe, format: "json" };
  const answer = async (Authorization) => {
    const { status, text } = await t.post("/api/query", request, { Authorization });
    return [status, JSON.parse(text).code];
  };

  assert.deepEqual(await answer("short"), [400, "InvalidHeaderFailure"]);
  assert.deepEqual(await answer("Something else"), [400, "InvalidAdminKey"]);
});

test("consistent queries of one client see one moment", { emulatorOnly: true }, async ({ t, nativeVector }) => {
  const [early, late] = [httpClient(t), httpClient(t)];
  const count = async (client) => (await client.consistentQuery(read, describe)).count;
  const before = await count(early);

  await nativeVector.upsert({ indexName: "docs", ids: [t.id("a")], vectors: [[1, 0, 0]] });

  assert.equal(await count(early), before);
  assert.equal(await count(late), before + 1);
});

await run(import.meta);
