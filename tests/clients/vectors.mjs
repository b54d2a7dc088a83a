// ConvexVector: vectors in an ordinary table, searched in the client.

import { assert, ConvexVector, range, run, test } from "./harness.mjs";

const ids = (results) => results.map((one) => one.id);

/** An index of its own for the case, with these vectors. */
const fill = async (vector, t, entries) => {
  const indexName = t.id("index");
  await vector.createIndex({ indexName, dimension: 2 });
  await vector.upsert({
    indexName,
    ids: entries.map((entry) => entry.id),
    vectors: entries.map((entry) => entry.vector ?? [1, 0]),
    metadata: entries.map((entry) => entry.metadata),
  });
  return indexName;
};

/** The ids that a filter finds, in index order: all vectors are alike. */
const matching = async (vector, indexName, filter) =>
  ids(await vector.query({ indexName, queryVector: [1, 0], topK: 1000, filter }));

test("an index is described with its dimension and its count", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "a" }, { id: "b" }]);

  assert.deepEqual(await vector.describeIndex({ indexName }), { dimension: 2, count: 2, metric: "cosine" });
});

test("an index that was never created cannot be described", async ({ vector, t }) => {
  await assert.rejects(vector.describeIndex({ indexName: t.id("missing") }), {
    message: `Index ${t.id("missing")} not found`,
  });
});

test("creating an index again changes its dimension and keeps its vectors", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "a" }]);

  await vector.createIndex({ indexName, dimension: 7, metric: "euclidean" });

  assert.deepEqual(await vector.describeIndex({ indexName }), { dimension: 7, count: 1, metric: "cosine" });
});

test("indexes are listed in the order of their creation", async ({ vector, t }) => {
  for (const name of ["c", "a", "b"]) await vector.createIndex({ indexName: t.id(name), dimension: 2 });

  const listed = (await vector.listIndexes()).filter((name) => name.startsWith(t.id("")));

  assert.deepEqual(listed, [t.id("c"), t.id("a"), t.id("b")]);
});

test("deleting an index deletes its vectors and no others", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(60).map((number) => ({ id: `${number}` })),
  );
  await vector.upsert({ indexName: t.id("other"), vectors: [[1, 0]], ids: ["a"] });

  await vector.deleteIndex({ indexName });
  await vector.deleteIndex({ indexName: t.id("missing") });

  assert.ok(!(await vector.listIndexes()).includes(indexName));
  assert.deepEqual(await matching(vector, indexName), []);
  assert.deepEqual(await matching(vector, t.id("other")), ["a"]);
});

test("truncating an index keeps the index", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(60).map((number) => ({ id: `${number}` })),
  );

  await vector.truncateIndex({ indexName });
  await vector.truncateIndex({ indexName: t.id("missing") });

  assert.deepEqual(await vector.describeIndex({ indexName }), { dimension: 2, count: 0, metric: "cosine" });
});

test("upsert answers its ids or makes some", async ({ vector, t }) => {
  const indexName = t.id("index");

  assert.deepEqual(await vector.upsert({ indexName, vectors: [[1, 0]], ids: ["a"] }), ["a"]);
  const made = await vector.upsert({
    indexName,
    vectors: [
      [1, 0],
      [0, 1],
    ],
  });

  assert.equal(new Set(made).size, 2);
  assert.deepEqual((await matching(vector, indexName)).sort(), ["a", ...made].sort());
});

test("upsert replaces a vector and erases metadata that is not sent", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [
    { id: "a", metadata: { old: true } },
    { id: "b", metadata: { old: true } },
  ]);

  await vector.upsert({
    indexName,
    ids: ["a", "b"],
    vectors: [
      [0, 1],
      [0, 2],
    ],
    metadata: [{ fresh: true }],
  });

  const results = await vector.query({ indexName, queryVector: [0, 1], includeVector: true });
  assert.deepEqual(results, [
    { id: "a", score: 1, metadata: { fresh: true }, vector: [0, 1] },
    { id: "b", score: 1, metadata: undefined, vector: [0, 2] },
  ]);
});

test("an id that comes twice in one upsert is one vector, the last", async ({ vector, t }) => {
  const indexName = t.id("index");

  await vector.upsert({
    indexName,
    ids: ["a", "b", "a"],
    vectors: [
      [1, 0],
      [1, 0],
      [0, 5],
    ],
    metadata: [{ first: true }, {}, { last: true }],
  });

  const results = await vector.query({ indexName, queryVector: [0, 1], includeVector: true });
  assert.deepEqual(
    results.map((one) => [one.id, one.vector]),
    [
      ["a", [0, 5]],
      ["b", [1, 0]],
    ],
  );
  assert.deepEqual(results[0].metadata, { last: true });
});

test("a vector without id is left out", async ({ vector, t }) => {
  const indexName = t.id("index");

  await vector.upsert({
    indexName,
    ids: ["a", undefined, ""],
    vectors: [
      [1, 0],
      [1, 0],
      [1, 0],
    ],
  });

  assert.deepEqual(await matching(vector, indexName), ["a"]);
});

test("the same id in two indexes is two vectors", async ({ vector, t }) => {
  await vector.upsert({ indexName: t.id("one"), ids: ["a"], vectors: [[1, 0]], metadata: [{ index: 1 }] });
  await vector.upsert({ indexName: t.id("two"), ids: ["a"], vectors: [[1, 0]], metadata: [{ index: 2 }] });

  await vector.deleteVector({ indexName: t.id("one"), id: "a" });

  assert.deepEqual(await matching(vector, t.id("one")), []);
  const [left] = await vector.query({ indexName: t.id("two"), queryVector: [1, 0] });
  assert.deepEqual(left.metadata, { index: 2 });
});

// NaN and Infinity travel as null, and null is no number: the schema refuses them, with ok: false in a success.
test("vectors that are not lists of finite numbers are refused", async ({ vector, t }) => {
  const indexName = t.id("index");
  const refused = [[NaN, 0], [Infinity, 0], ["1", 0], "text", 5, null, { 0: 1 }];

  for (const [number, bad] of refused.entries()) {
    await assert.rejects(vector.upsert({ indexName, ids: [`${number}`], vectors: [bad] }), Error, String(bad));
  }

  assert.deepEqual(await matching(vector, indexName), []);
});

// A vector table answers ok: false and keeps what the call wrote: batches of 25 before the bad record, and all good
// records of its own batch. Batches after it never start.
test("a refused vector leaves the good ones of its batch and those before", async ({ vector, t }) => {
  const indexName = t.id("index");
  const vectors = range(80).map((number) => (number === 30 ? [NaN, 0] : [1, 0]));

  await assert.rejects(vector.upsert({ indexName, ids: range(80).map(String), vectors }), /embedding|null/);

  assert.deepEqual(
    await matching(vector, indexName),
    range(50)
      .filter((number) => number !== 30)
      .map(String),
  );
});

test("a dollar key in vector metadata is refused", async ({ vector, t }) => {
  const indexName = t.id("index");

  await assert.rejects(
    vector.upsert({ indexName, ids: ["a"], vectors: [[1, 0]], metadata: [{ $ref: 1 }] }),
    /\$ref starts with/,
  );

  assert.deepEqual(await matching(vector, indexName), []);
});

test("numbers, nulls and nested values of metadata survive", async ({ vector, t }) => {
  const metadata = { text: "é", number: 0.1, null: null, list: [1, [2]], nested: { deep: { yes: true } }, empty: {} };
  const indexName = await fill(vector, t, [{ id: "a", metadata }]);

  const [result] = await vector.query({ indexName, queryVector: [1, 0] });

  assert.deepEqual(result.metadata, metadata);
});

test("a query finds the nearest by cosine", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [
    { id: "opposite", vector: [-1, 0] },
    { id: "same", vector: [2, 0] },
    { id: "diagonal", vector: [3, 3] },
    { id: "orthogonal", vector: [0, 1] },
  ]);

  const results = await vector.query({ indexName, queryVector: [1, 0] });

  assert.deepEqual(ids(results), ["same", "diagonal", "orthogonal", "opposite"]);
  assert.deepEqual(
    results.map((one) => Number(one.score.toFixed(6))),
    [1, 0.707107, 0, -1],
  );
  assert.ok(!("vector" in results[0]));
});

test("a query gives ten results unless told otherwise", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(12).map((number) => ({ id: `${number}` })),
  );
  const count = async (topK) => (await vector.query({ indexName, queryVector: [1, 0], topK })).length;

  assert.equal(await count(undefined), 10);
  assert.equal(await count(3), 3);
  assert.equal(await count(0), 0);
  assert.equal(await count(100), 12);
});

test("equal scores keep the order of the index", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    ["c", "a", "b"].map((id) => ({ id })),
  );

  assert.deepEqual(await matching(vector, indexName), ["c", "a", "b"]);
});

// Dimensions are never checked: a vector of another length scores -1, and so does one of zeros.
test("vectors of another length or of zeros score minus one", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [
    { id: "long", vector: [1, 0, 0] },
    { id: "zero", vector: [0, 0] },
    { id: "opposite", vector: [-1, 0.5] },
  ]);

  const results = await vector.query({ indexName, queryVector: [1, 0] });

  assert.deepEqual(ids(results), ["opposite", "long", "zero"]);
  assert.deepEqual(results.map((one) => one.score).slice(1), [-1, -1]);
});

test("scores that are not finite are left out", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "huge", vector: [1e200, 0] }, { id: "small" }]);

  const results = await vector.query({ indexName, queryVector: [1e200, 0] });

  assert.deepEqual(
    results.map((one) => [one.id, one.score]),
    [["small", 0]],
  );
});

test("a query of a missing index finds nothing", async ({ vector, t }) => {
  assert.deepEqual(await vector.query({ indexName: t.id("missing"), queryVector: [1, 0] }), []);
});

test("a query needs a vector", async ({ vector, t }) => {
  await assert.rejects(vector.query({ indexName: t.id("index") }), {
    id: "MASTRA_VECTOR_CONVEX_QUERY_MISSING_VECTOR",
    message: /queryVector is required for Convex queries/,
  });
});

// The client reads pages of 256, and mastra-ai/mastra#17269 lost the nearest beyond the last page it read.
test("the nearest of 600 vectors is found on the third page", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(600).map((number) => ({ id: `${number}`, vector: number === 599 ? [1, 0] : [0, 1] })),
  );

  const [nearest] = await vector.query({ indexName, queryVector: [1, 0], topK: 1 });

  assert.equal(nearest.id, "599");
  assert.equal((await vector.describeIndex({ indexName })).count, 600);
});

// One page exactly, and one more than that: the boundary where a cursor is needed.
test("an index of 256 and one of 257 vectors are read in full", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(256).map((number) => ({ id: `${number}` })),
  );
  assert.equal((await vector.describeIndex({ indexName })).count, 256);

  await vector.upsert({ indexName, ids: ["one more"], vectors: [[1, 0]] });
  assert.equal((await vector.describeIndex({ indexName })).count, 257);
  assert.equal((await matching(vector, indexName)).at(-1), "one more");
});

test("a page of vectors ends with a cursor for the next", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(5).map((number) => ({ id: `${number}` })),
  );
  const tableName = `mastra_vector_${indexName}`;
  const page = async (cursor) => (await t.storage({ op: "queryTable", tableName, pageSize: 2, cursor })).value;

  const first = await page(null);
  const second = await page(first.continuationCursor);
  const third = await page(second.continuationCursor);

  assert.deepEqual(
    [first, second, third].map((one) => ids(one.result)),
    [["0", "1"], ["2", "3"], ["4"]],
  );
  assert.deepEqual(
    [first, second, third].map((one) => one.hasMore),
    [true, true, false],
  );
});

test("page size, cursor and limit of a vector table are checked", async ({ t }) => {
  const error = async (args) => {
    const tableName = `mastra_vector_${t.id("index")}`;
    const { status, value } = await t.storage({ op: "queryTable", tableName, ...args });
    assert.deepEqual([status, value.ok], ["success", false]);
    return value.error;
  };

  assert.equal(await error({ cursor: null }), "queryTable cursor requires pageSize");
  for (const pageSize of [0, -1, 1.5, null]) {
    assert.equal(await error({ pageSize }), "queryTable pageSize must be a positive integer");
  }
  assert.equal(await error({ pageSize: 1, limit: 1 }), "queryTable limit cannot be combined with pageSize");
});

const labelled = [
  { id: "x1", metadata: { label: "x", number: 1 } },
  { id: "x2", metadata: { label: "x", number: 2 } },
  { id: "y3", metadata: { label: "y", number: 3 } },
  { id: "null", metadata: { label: null, number: null } },
  { id: "bare", metadata: {} },
  { id: "none" },
];

test("a filter compares fields strictly, flat or under metadata", async ({ vector, t }) => {
  const indexName = await fill(vector, t, labelled);
  const match = (filter) => matching(vector, indexName, filter);

  assert.deepEqual(await match({ label: "x" }), ["x1", "x2"]);
  assert.deepEqual(await match({ metadata: { label: "x" } }), ["x1", "x2"]);
  assert.deepEqual(await match({ label: "x", number: 2 }), ["x2"]);
  assert.deepEqual(await match({ number: "2" }), []);
  assert.deepEqual(await match({ label: null }), ["null"]);
  assert.deepEqual(await match({}), ["x1", "x2", "y3", "null", "bare", "none"]);
});

test("a filter knows lists, comparisons and inequality", async ({ vector, t }) => {
  const indexName = await fill(vector, t, labelled);
  const match = (filter) => matching(vector, indexName, filter);

  assert.deepEqual(await match({ label: { $in: ["y", null] } }), ["y3", "null"]);
  assert.deepEqual(await match({ label: { $nin: ["x", null] } }), ["y3", "bare"]);
  assert.deepEqual(await match({ number: { $gt: 1 } }), ["x2", "y3"]);
  assert.deepEqual(await match({ number: { $gte: 2 } }), ["x2", "y3"]);
  assert.deepEqual(await match({ number: { $lt: 2 } }), ["x1", "null"]);
  assert.deepEqual(await match({ number: { $lte: "2" } }), ["x1", "x2", "null"]);
  assert.deepEqual(await match({ label: { $ne: "x" } }), ["y3", "null", "bare"]);
  assert.deepEqual(await match({ label: { $ne: null } }), ["x1", "x2", "y3", "bare"]);
  assert.deepEqual(await match({ label: { $in: "x" } }), []);
  assert.deepEqual(await match({ label: { $nin: "x" } }), ["x1", "x2", "y3", "null", "bare"]);
});

test("a filter knows and and or", async ({ vector, t }) => {
  const indexName = await fill(vector, t, labelled);
  const match = (filter) => matching(vector, indexName, filter);

  assert.deepEqual(await match({ $or: [{ label: "y" }, { number: 1 }] }), ["x1", "y3"]);
  assert.deepEqual(await match({ $and: [{ label: "x" }, { number: { $gt: 1 } }] }), ["x2"]);
  assert.deepEqual(await match({ label: "x", $or: [{ number: 2 }, { number: 3 }] }), ["x2"]);
  assert.deepEqual(await match({ $and: [] }), ["x1", "x2", "y3", "null", "bare"]);
  assert.deepEqual(await match({ $or: [] }), []);
});

// What the 1.5.2 client gets wrong belongs to what an application sees.
test("gaps of the filter: $eq, a second operator, objects", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [...labelled, { id: "object", metadata: { label: { a: 1 } } }]);
  const match = (filter) => matching(vector, indexName, filter);

  assert.deepEqual(await match({ label: { $eq: "x" } }), []);
  assert.deepEqual(await match({ number: { $gt: 1, $lt: 3 } }), ["x2", "y3"]);
  assert.deepEqual(await match({ label: { a: 1 } }), []);
});

test("an update by id merges metadata and keeps the vector", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "a", vector: [0, 1], metadata: { kept: 1, replaced: { x: 1 } } }]);

  await vector.updateVector({ indexName, id: "a", update: { metadata: { replaced: { y: 2 } } } });
  await vector.updateVector({ indexName, id: "missing", update: { metadata: { x: 1 } } });

  const results = await vector.query({ indexName, queryVector: [0, 1], includeVector: true });
  assert.deepEqual(results, [{ id: "a", score: 1, metadata: { kept: 1, replaced: { y: 2 } }, vector: [0, 1] }]);
});

test("an update by filter changes every match", async ({ vector, t }) => {
  const indexName = await fill(vector, t, labelled);

  await vector.updateVector({
    indexName,
    filter: { label: "x" },
    update: { vector: [0, 1], metadata: { seen: true } },
  });

  assert.deepEqual(await matching(vector, indexName, { seen: true }), ["x1", "x2"]);
  const results = await vector.query({ indexName, queryVector: [0, 1], topK: 2, includeVector: true });
  assert.deepEqual(
    results.map((one) => [one.id, one.vector]),
    [
      ["x1", [0, 1]],
      ["x2", [0, 1]],
    ],
  );
});

test("an update refuses two targets, none, and an empty filter", async ({ vector, t }) => {
  const update = (target) => vector.updateVector({ indexName: t.id("index"), update: { vector: [1, 0] }, ...target });

  await assert.rejects(update({ id: "a", filter: { x: 1 } }), /updateVector: id and filter are mutually exclusive/);
  await assert.rejects(update({}), /updateVector: Either id or filter must be provided/);
  await assert.rejects(update({ filter: {} }), /updateVector: cannot update with empty filter/);
});

test("a delete by id takes a missing one", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "a" }, { id: "b" }]);

  await vector.deleteVector({ indexName, id: "a" });
  await vector.deleteVector({ indexName, id: "a" });

  assert.deepEqual(await matching(vector, indexName), ["b"]);
});

test("five hundred vectors are deleted by their ids at once", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(501).map((number) => ({ id: `${number}` })),
  );

  await vector.deleteVectors({ indexName, ids: [...range(500).map(String), "missing", "0"] });

  assert.deepEqual(await matching(vector, indexName), ["500"]);
});

test("a delete by filter deletes every match, on every page", async ({ vector, t }) => {
  const indexName = await fill(
    vector,
    t,
    range(300).map((number) => ({ id: `${number}`, metadata: { odd: number % 2 === 1 } })),
  );

  await vector.deleteVectors({ indexName, filter: { odd: true } });
  await vector.deleteVectors({ indexName, filter: { label: "nothing" } });

  assert.deepEqual(
    await matching(vector, indexName),
    range(150).map((number) => `${number * 2}`),
  );
});

test("a delete refuses two targets, none, and empty ones", async ({ vector, t }) => {
  const remove = (target) => vector.deleteVectors({ indexName: t.id("index"), ...target });

  await assert.rejects(
    remove({ ids: ["a"], filter: { x: 1 } }),
    /deleteVectors: ids and filter are mutually exclusive/,
  );
  await assert.rejects(remove({}), /deleteVectors: Either filter or ids must be provided/);
  await assert.rejects(remove({ ids: [] }), /deleteVectors: cannot delete with empty ids array/);
  await assert.rejects(remove({ filter: {} }), /deleteVectors: cannot delete with empty filter/);
});

// The name of its table is that of the metadata table, so its "vectors" are rows about other indexes.
test("an index called indexes is the list of indexes", async ({ vector, t }) => {
  await vector.createIndex({ indexName: t.id("other"), dimension: 2 });

  await assert.rejects(vector.upsert({ indexName: "indexes", ids: ["a"], vectors: [[1, 0]] }), /indexName|embedding/);
  await vector.truncateIndex({ indexName: "indexes" });

  assert.deepEqual(await vector.listIndexes(), []);
});

test("a store of another name reads the same indexes", async ({ vector, t }) => {
  const indexName = await fill(vector, t, [{ id: "a" }]);
  const { deploymentUrl, adminAuthToken } = t;

  const other = new ConvexVector({ id: "other", deploymentUrl: `${deploymentUrl}/`, adminAuthToken });

  assert.deepEqual(await matching(other, indexName), ["a"]);
});

test("a vector of more than one MiB is refused and leaves nothing", { emulatorOnly: true }, async ({ vector, t }) => {
  const indexName = t.id("index");
  const metadata = [{ text: "x".repeat(1 << 20) }];

  await assert.rejects(vector.upsert({ indexName, ids: ["a"], vectors: [[1, 0]], metadata }), /Value is too large/);

  assert.deepEqual(await matching(vector, indexName), []);
});

await run(import.meta);
