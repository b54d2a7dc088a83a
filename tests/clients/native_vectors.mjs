// ConvexNativeVector: vectors in a table with a vector index, searched by the deployment.
//
// The index belongs to a whole table, so the cases share it. Searches that must see no other case's rows filter by a
// tenant of their own ("notes"); those without a filter ("docs") look at their own ids only.

import { assert, ConvexNativeVector, range, run, test } from "./harness.mjs";

const fill = (nativeVector, t, entries, indexName = "notes") =>
  nativeVector.upsert({
    indexName,
    ids: entries.map((entry) => t.id(entry.name)),
    vectors: entries.map((entry) => entry.vector ?? [1, 0, 0]),
    metadata: entries.map((entry) => ({ tenant: t.id("tenant"), ...entry.metadata })),
  });

const search = (nativeVector, t, fields = {}) =>
  nativeVector.query({ indexName: "notes", queryVector: [1, 0, 0], filter: { tenant: t.id("tenant") }, ...fields });

const names = (results) => results.map((one) => one.id.split(".").at(-1));

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not near ${expected}`);

const count = async (nativeVector, indexName = "notes") => (await nativeVector.describeIndex({ indexName })).count;

test("the indexes are those of the configuration", async ({ nativeVector }) => {
  assert.deepEqual(await nativeVector.listIndexes(), ["docs", "notes"]);
});

test("createIndex only compares with the configuration", async ({ nativeVector }) => {
  await nativeVector.createIndex({ indexName: "docs", dimension: 3 });

  await assert.rejects(nativeVector.createIndex({ indexName: "docs", dimension: 4 }), {
    message: 'ConvexNativeVector.createIndex: deployed Convex index "docs" has 3 dimensions, but 4 were requested',
  });
  await assert.rejects(nativeVector.createIndex({ indexName: "docs", dimension: 3, metric: "euclidean" }), {
    message: "ConvexNativeVector.createIndex: Convex native vector search currently supports cosine only",
  });
});

test("an index that is not configured is refused by every method", async ({ nativeVector }) => {
  const indexName = "other";
  const calls = [
    () => nativeVector.createIndex({ indexName, dimension: 3 }),
    () => nativeVector.describeIndex({ indexName }),
    () => nativeVector.upsert({ indexName, vectors: [[1, 0, 0]] }),
    () => nativeVector.query({ indexName, queryVector: [1, 0, 0] }),
    () => nativeVector.updateVector({ indexName, id: "a", update: {} }),
    () => nativeVector.deleteVector({ indexName, id: "a" }),
    () => nativeVector.deleteVectors({ indexName, ids: ["a"] }),
    () => nativeVector.deleteIndex({ indexName }),
  ];

  for (const call of calls) {
    await assert.rejects(call, { message: 'ConvexNativeVector: index "other" is not configured' });
  }
});

test("an index cannot be deleted", async ({ nativeVector }) => {
  await assert.rejects(nativeVector.deleteIndex({ indexName: "docs" }), /managed in convex\/schema\.ts/);
});

test("describeIndex counts the rows of the whole table", async ({ nativeVector, t }) => {
  const before = await count(nativeVector);

  await fill(
    nativeVector,
    t,
    range(30).map((number) => ({ name: `${number}` })),
  );

  assert.deepEqual(await nativeVector.describeIndex({ indexName: "notes" }), {
    dimension: 3,
    count: before + 30,
    metric: "cosine",
  });
});

test("describeIndex counts up to the configured limit", async ({ nativeVector, t }) => {
  await fill(
    nativeVector,
    t,
    range(5).map((number) => ({ name: `${number}` })),
  );
  const { deploymentUrl, adminAuthToken } = t;
  const indexes = { notes: { tableName: "notes_vectors", dimension: 3 } };

  const limited = new ConvexNativeVector({ id: "l", deploymentUrl, adminAuthToken, indexes, describeCountLimit: 3 });

  assert.equal(await count(limited), 3);
});

test("a search finds the nearest by cosine", async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [
    { name: "opposite", vector: [-1, 0, 0] },
    { name: "same", vector: [2, 0, 0] },
    { name: "diagonal", vector: [3, 3, 0] },
    { name: "orthogonal", vector: [0, 0, 1] },
  ]);

  const results = await search(nativeVector, t);

  assert.deepEqual(names(results), ["same", "diagonal", "orthogonal", "opposite"]);
  for (const [index, score] of [1, Math.SQRT1_2, 0, -1].entries()) near(results[index].score, score);
  assert.ok(!("vector" in results[0]));
});

test("metadata and vectors come back with a search", async ({ nativeVector, t }) => {
  const metadata = { label: "x", nested: { list: [1, null, "é"] }, tenant: t.id("tenant") };
  await fill(nativeVector, t, [{ name: "a", vector: [0.5, 0.25, 0], metadata }]);

  const [result] = await search(nativeVector, t, { includeVector: true });

  assert.deepEqual([result.id, result.metadata, result.vector], [t.id("a"), metadata, [0.5, 0.25, 0]]);
});

test("a vector without metadata is found by a search without filter", async ({ nativeVector, t }) => {
  await nativeVector.upsert({ indexName: "docs", ids: [t.id("a")], vectors: [[0, 0.6, 0.8]] });

  const results = await nativeVector.query({ indexName: "docs", queryVector: [0, 0.6, 0.8], topK: 256 });

  const own = results.find((one) => one.id === t.id("a"));
  near(own.score, 1);
  assert.equal(own.metadata, undefined);
});

test("a search of a tenant without vectors finds nothing", async ({ nativeVector, t }) => {
  assert.deepEqual(await search(nativeVector, t), []);
});

// Convex gives at most 256 results; the client refuses more, and what is no count, before it asks.
test("topK may be anything from 1 to 256", async ({ nativeVector, t }) => {
  const vectors = range(300).map((number) => ({ name: `${number}`, vector: [1, number / 100, 0] }));
  await fill(nativeVector, t, vectors);

  assert.deepEqual(names(await search(nativeVector, t, { topK: 1 })), ["0"]);
  assert.deepEqual(names(await search(nativeVector, t, { topK: undefined })), range(10).map(String));
  assert.deepEqual(names(await search(nativeVector, t, { topK: 256 })), range(256).map(String));
});

test("topK beyond 1 to 256 is refused", async ({ nativeVector, t }) => {
  const message = "ConvexNativeVector.query: topK must be an integer between 1 and 256";

  for (const topK of [0, 257, 1.5, -1, NaN, Infinity]) {
    await assert.rejects(search(nativeVector, t, { topK }), { message });
  }
});

// The function checks for itself, for clients that are not this one.
test("the action refuses limits beyond 1 to 256", async ({ t }) => {
  const config = { tableName: "docs_vectors", vectorIndexName: "by_embedding" };
  const query = (limit) => t.call("action", "mastra/nativeVector:query", { config, vector: [1, 0, 0], limit });

  for (const limit of [1, 256]) assert.equal((await query(limit)).status, "success");
  for (const limit of [0, 257, 1.5]) {
    const { status, errorMessage } = await query(limit);
    assert.equal(status, "error");
    assert.match(errorMessage, /Native vector query: limit must be an integer between 1 and 256/);
  }
});

test("a search needs a vector", async ({ nativeVector }) => {
  await assert.rejects(nativeVector.query({ indexName: "docs" }), {
    id: "MASTRA_VECTOR_CONVEX_NATIVE_QUERY_MISSING_VECTOR",
    message: "queryVector is required for Convex native vector queries.",
  });
});

test("a filter is one equality on a declared field", async ({ nativeVector, t }) => {
  const label = t.id("label");
  await fill(nativeVector, t, [
    { name: "x", metadata: { label } },
    { name: "other", metadata: { label: t.id("other") } },
    { name: "none" },
  ]);

  for (const filter of [{ label }, { label: { $eq: label } }, { metadata: { label } }, { label, tenant: undefined }]) {
    assert.deepEqual(names(await search(nativeVector, t, { filter })), ["x"]);
  }
});

// Labels of other cases are texts with their prefix, so these few plain values are this case's alone.
test("a filter tells numbers, booleans, texts and null apart", async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [
    { name: "number", metadata: { label: 1 } },
    { name: "boolean", metadata: { label: true } },
    { name: "text", metadata: { label: "1" } },
    { name: "null", metadata: { label: null } },
    { name: "absent" },
  ]);
  const find = async (label) => {
    const results = await search(nativeVector, t, { filter: { label } });
    return names(results.filter((one) => one.id.startsWith(t.id(""))));
  };

  assert.deepEqual(await find(1), ["number"]);
  assert.deepEqual(await find(true), ["boolean"]);
  assert.deepEqual(await find("1"), ["text"]);
  assert.deepEqual(await find(null), ["null"]);
});

test("a filter of two fields, of a list or on another field is refused", async ({ nativeVector, t }) => {
  const query = (filter) => search(nativeVector, t, { filter });

  await assert.rejects(query({ label: "x", tenant: "y" }), /support one equality field or \$or of equality fields/);
  await assert.rejects(query({ color: "x" }), /field "color" is not configured as a Convex vector filter field/);
  await assert.rejects(query({ label: ["x"] }), /support string, number, boolean, and null values/);
});

// Mastra documents $or, and the client sends it; but no object on the wire may have a key that starts with "$".
test("an or of equality fields does not cross the wire", async ({ nativeVector, t }) => {
  const filter = { $or: [{ label: t.id("x") }, { label: t.id("y") }] };

  await assert.rejects(search(nativeVector, t, { filter }), /\$or starts with/);
});

test("upsert answers its ids or makes some", async ({ nativeVector, t }) => {
  const metadata = [{ tenant: t.id("tenant") }, { tenant: t.id("tenant") }];

  const made = await nativeVector.upsert({
    indexName: "notes",
    vectors: [
      [1, 0, 0],
      [1, 0, 0],
    ],
    metadata,
  });

  assert.equal(new Set(made).size, 2);
  assert.deepEqual((await search(nativeVector, t)).map((one) => one.id).sort(), [...made].sort());
});

test("upsert replaces metadata and clears the filter fields that it lacks", async ({ nativeVector, t }) => {
  const label = t.id("label");
  await fill(nativeVector, t, [{ name: "a", metadata: { label, old: true } }]);
  await fill(nativeVector, t, [{ name: "a", vector: [0, 1, 0], metadata: { fresh: true } }]);

  const [result] = await search(nativeVector, t, { includeVector: true });

  assert.deepEqual(result.metadata, { fresh: true, tenant: t.id("tenant") });
  assert.deepEqual(result.vector, [0, 1, 0]);
  assert.deepEqual(await search(nativeVector, t, { filter: { label } }), []);
});

// The table of ConvexVector loses its metadata here; this one keeps it.
test("upsert without metadata keeps the old", async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [{ name: "a", metadata: { kept: true } }]);

  await nativeVector.upsert({ indexName: "notes", ids: [t.id("a")], vectors: [[0, 1, 0]] });

  const [result] = await search(nativeVector, t, { includeVector: true });
  assert.deepEqual(result.metadata, { kept: true, tenant: t.id("tenant") });
  assert.deepEqual(result.vector, [0, 1, 0]);
});

test("upsert refuses lists that do not fit together", async ({ nativeVector, t }) => {
  const upsert = (fields) =>
    nativeVector.upsert({
      indexName: "notes",
      vectors: [
        [1, 0, 0],
        [1, 0, 0],
      ],
      ...fields,
    });

  await assert.rejects(upsert({ ids: [t.id("a")] }), /ids length \(1\) must match vectors length \(2\)/);
  await assert.rejects(upsert({ metadata: [{}] }), /metadata length \(1\) must match vectors length \(2\)/);
  await assert.rejects(upsert({ metadata: [{}, null] }), /metadata entries must be objects when provided/);
  await assert.rejects(upsert({ ids: [t.id("a"), t.id("a")] }), /upsert: ids must be unique/);
  await assert.rejects(upsert({ deleteFilter: { label: "x" } }), /deleteFilter is not supported/);
});

test("vectors that are not lists of finite numbers are refused", async ({ nativeVector, t }) => {
  for (const bad of [[NaN, 0, 0], ["1", 0, 0], "text", null]) {
    const upsert = nativeVector.upsert({ indexName: "notes", ids: [t.id("a")], vectors: [bad] });
    await assert.rejects(upsert, /vectors|Expected|v\.float64\(\)|Validator/);
  }

  const config = { tableName: "notes_vectors", vectorIndexName: "by_embedding" };
  const { value } = await t.call("query", "mastra/nativeVector:read", { op: "listByIds", config, ids: [t.id("a")] });
  assert.deepEqual(value, [null]);
});

// One write takes 100 rows: of 150, the first hundred stay when the second call fails. Within a call all or nothing.
test("a refused batch leaves those before it", async ({ nativeVector, t }) => {
  const entries = range(150).map((number) => ({ name: `${number}`, metadata: number === 140 ? { $bad: 1 } : {} }));

  await assert.rejects(fill(nativeVector, t, entries), /\$bad starts with/);

  assert.equal((await search(nativeVector, t, { topK: 256 })).length, 100);
});

test("an update merges metadata and refreshes the filter fields", async ({ nativeVector, t }) => {
  const label = t.id("label");
  await fill(nativeVector, t, [{ name: "a", vector: [0, 1, 0], metadata: { kept: true, label: t.id("old") } }]);

  await nativeVector.updateVector({ indexName: "notes", id: t.id("a"), update: { metadata: { label } } });

  const [result] = await search(nativeVector, t, { filter: { label }, includeVector: true });
  assert.deepEqual(result.metadata, { kept: true, label, tenant: t.id("tenant") });
  assert.deepEqual(result.vector, [0, 1, 0]);
  assert.deepEqual(await search(nativeVector, t, { filter: { label: t.id("old") } }), []);
});

test("an update of the vector moves it at once", async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [
    { name: "a", vector: [0, 1, 0] },
    { name: "b", vector: [1, 1, 0] },
  ]);

  await nativeVector.updateVector({ indexName: "notes", id: t.id("a"), update: { vector: [1, 0, 0] } });

  assert.deepEqual(names(await search(nativeVector, t)), ["a", "b"]);
});

test("an update of a missing id and an empty update change nothing", async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [{ name: "a" }]);

  await nativeVector.updateVector({ indexName: "notes", id: t.id("missing"), update: { vector: [1, 0, 0] } });
  await nativeVector.updateVector({ indexName: "notes", id: t.id("a"), update: {} });

  assert.deepEqual(names(await search(nativeVector, t)), ["a"]);
});

test("an update refuses a filter and metadata that is no object", async ({ nativeVector, t }) => {
  const update = (fields) => nativeVector.updateVector({ indexName: "notes", id: t.id("a"), update: {}, ...fields });

  await assert.rejects(update({ filter: { label: "x" } }), /filter-based updates are not supported/);
  await assert.rejects(update({ update: { metadata: [1] } }), /metadata must be an object when provided/);
});

test("deletes take a missing id, and many at once", async ({ nativeVector, t }) => {
  await fill(
    nativeVector,
    t,
    range(40).map((number) => ({ name: `${number}` })),
  );
  const before = await count(nativeVector);

  await nativeVector.deleteVector({ indexName: "notes", id: t.id("39") });
  await nativeVector.deleteVector({ indexName: "notes", id: t.id("39") });
  await nativeVector.deleteVectors({ indexName: "notes", ids: range(38).map((number) => t.id(`${number}`)) });

  assert.deepEqual(names(await search(nativeVector, t)), ["38"]);
  assert.equal(await count(nativeVector), before - 39);
});

test("deletes refuse a filter and an empty list", async ({ nativeVector }) => {
  const remove = (fields) => nativeVector.deleteVectors({ indexName: "notes", ...fields });

  await assert.rejects(remove({ filter: { label: "x" } }), /filter-based deletes are not supported/);
  await assert.rejects(remove({ ids: [] }), /deleteVectors: ids are required/);
  await assert.rejects(remove({}), /deleteVectors: ids are required/);
});

test("fields and operations that the functions do not declare are refused", async ({ t }) => {
  const config = { tableName: "docs_vectors", vectorIndexName: "by_embedding" };
  const refused = [
    ["query", "mastra/nativeVector:read", { op: "scan", config }],
    ["query", "mastra/nativeVector:read", { op: "describe", config: { tableName: "docs_vectors" } }],
    ["query", "mastra/nativeVector:read", { op: "describe", config: { ...config, color: "x" } }],
    ["mutation", "mastra/nativeVector:write", { op: "upsert", config, color: "x" }],
    ["action", "mastra/nativeVector:query", { config }],
  ];

  for (const [kind, path, args] of refused) {
    const { status, errorMessage } = await t.call(kind, path, args);
    assert.equal(status, "error", JSON.stringify(args));
    assert.match(errorMessage, /Validat/);
  }
});

test("writes check what the validators cannot", async ({ t }) => {
  const config = { tableName: "docs_vectors", vectorIndexName: "by_embedding" };
  const error = async (args) => {
    const { status, errorMessage } = await t.call("mutation", "mastra/nativeVector:write", { config, ...args });
    assert.equal(status, "error", JSON.stringify(args));
    return errorMessage;
  };
  const upsert = { op: "upsert", ids: [t.id("a")], vectors: [[1, 0, 0]] };

  assert.match(await error({ op: "upsert" }), /Native vector upsert: ids and vectors are required/);
  assert.match(await error({ ...upsert, vectors: [] }), /vectors length \(0\) must match ids length \(1\)/);
  assert.match(await error({ ...upsert, metadata: {} }), /metadata must be an array matching ids when provided/);
  assert.match(await error({ ...upsert, metadata: [] }), /metadata length \(0\) must match ids length \(1\)/);
  assert.match(await error({ ...upsert, metadata: [1] }), /metadata entries must be objects when provided/);
  assert.match(await error({ op: "updateById" }), /Native vector update: id is required/);
  assert.match(await error({ op: "deleteByIds" }), /Native vector deleteByIds: ids are required/);
});

test("listByIds answers rows in request order, null for missing ones", async ({ nativeVector, t }) => {
  await fill(
    nativeVector,
    t,
    range(30).map((number) => ({ name: `${number}`, vector: [number, 1, 0] })),
  );
  const config = { tableName: "notes_vectors", vectorIndexName: "by_embedding" };
  const ids = ["29", "missing", "0"].map((name) => t.id(name));

  const { value } = await t.call("query", "mastra/nativeVector:read", { op: "listByIds", config, ids });

  assert.deepEqual(
    value.map((row) => row && [row.id, row.embedding]),
    [[t.id("29"), [29, 1, 0]], null, [t.id("0"), [0, 1, 0]]],
  );
});

// convex-test checks neither the length of a vector nor the fields of a filter; a deployment does both in the search.
test("a search with a vector of another length is refused", { emulatorOnly: true }, async ({ nativeVector, t }) => {
  await assert.rejects(
    search(nativeVector, t, { queryVector: [1, 0] }),
    /Expected a vector with dimensions 3, received 2\./,
  );
});

test("a stored vector of another length is never found", { emulatorOnly: true }, async ({ nativeVector, t }) => {
  await fill(nativeVector, t, [{ name: "short", vector: [1, 0] }, { name: "right" }]);

  assert.deepEqual(names(await search(nativeVector, t)), ["right"]);
});

test("a filter on a field that the index does not declare is refused", { emulatorOnly: true }, async ({ t }) => {
  const { deploymentUrl, adminAuthToken } = t;
  const indexes = { docs: { tableName: "docs_vectors", dimension: 3, filterFields: ["label"] } };
  const undeclared = new ConvexNativeVector({ id: "u", deploymentUrl, adminAuthToken, indexes });

  await assert.rejects(
    undeclared.query({ indexName: "docs", queryVector: [1, 0, 0], filter: { label: "x" } }),
    /contains a filter on .*label.* but that field isn't indexed for filtering in `filterFields`/,
  );
});

test("a vector of more than one MiB undoes its whole batch", { emulatorOnly: true }, async ({ nativeVector, t }) => {
  const large = { name: "large", metadata: { text: "x".repeat(1 << 20) } };

  await assert.rejects(fill(nativeVector, t, [{ name: "small" }, large]), /Value is too large/);

  assert.deepEqual(await search(nativeVector, t), []);
});

await run(import.meta);
