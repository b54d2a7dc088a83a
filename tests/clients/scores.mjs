// ConvexStore, scores domain.

import { assert, range, run, sleep, test } from "./harness.mjs";

const score = (t, name, fields = {}) => ({
  scorerId: t.id("scorer"),
  runId: t.id("run"),
  entityId: t.id("entity"),
  entityType: "AGENT",
  entity: { id: t.id("entity") },
  scorer: { id: t.id("scorer"), name: "Scorer" },
  source: "LIVE",
  score: 0.5,
  reason: name,
  input: [{ role: "user", content: "?" }],
  output: { text: "!" },
  ...fields,
});

/** Saves scores one after the other, each at a time of its own. */
const saveAll = async (scores, ...all) => {
  const saved = [];
  for (const one of all) {
    saved.push((await scores.saveScore(one)).score);
    await sleep(2);
  }
  return saved;
};

const reasons = (response) => response.scores.map((one) => one.reason);

const firstPage = { page: 0, perPage: 10 };

test("a saved score gets an id and its dates", async ({ scores, t }) => {
  const given = score(t, "a", { id: "ignored", metadata: { label: "x" }, additionalContext: [1, null] });

  const { score: saved } = await scores.saveScore(given);
  const loaded = await scores.getScoreById({ id: saved.id });

  assert.notEqual(saved.id, "ignored");
  assert.ok(saved.createdAt instanceof Date);
  assert.deepEqual(saved.createdAt, saved.updatedAt);
  const { _id, _creationTime, ...fields } = loaded;
  assert.deepEqual(fields, { ...given, id: saved.id, createdAt: saved.createdAt, updatedAt: saved.updatedAt });
});

test("a score that was never saved is null", async ({ scores, t }) => {
  assert.equal(await scores.getScoreById({ id: t.id("missing") }), null);
});

// Upstream's suite has one test that passes only while rows keep their system fields.
test("a loaded score carries the system fields of its document", async ({ scores, t }) => {
  const [saved] = await saveAll(scores, score(t, "a"));

  const loaded = await scores.getScoreById({ id: saved.id });

  assert.equal(typeof loaded._id, "string");
  assert.equal(typeof loaded._creationTime, "number");
});

test("where a score comes from is stored with it", async ({ scores, t }) => {
  const provenance = {
    organizationId: t.id("organization"),
    projectId: t.id("project"),
    batchId: "b",
    datasetId: "d",
    datasetItemId: "i",
    traceId: "t",
    spanId: "s",
  };

  const [saved] = await saveAll(scores, score(t, "a", provenance));

  const loaded = await scores.getScoreById({ id: saved.id });
  for (const [key, value] of Object.entries(provenance)) assert.equal(loaded[key], value, key);
});

// The types allow both; the schema does not know the one and takes no null for the other.
test("a score with structured output or a null organization is refused", async ({ scores, t }) => {
  await assert.rejects(scores.saveScore(score(t, "a", { structuredOutput: true })), /structuredOutput/);
  await assert.rejects(scores.saveScore(score(t, "b", { organizationId: null })), /organizationId|null/);

  assert.equal((await scores.listScoresByRunId({ runId: t.id("run"), pagination: firstPage })).pagination.total, 0);
});

test("a dollar key in the fields of a score is refused", async ({ scores, t }) => {
  await assert.rejects(scores.saveScore(score(t, "a", { input: { $ref: 1 } })), /\$ref starts with/);

  assert.equal((await scores.listScoresByRunId({ runId: t.id("run"), pagination: firstPage })).pagination.total, 0);
});

test("scores of a scorer are listed newest first", async ({ scores, t }) => {
  await saveAll(scores, score(t, "a"), score(t, "b"), score(t, "other", { scorerId: t.id("other") }), score(t, "c"));

  const response = await scores.listScoresByScorerId({ scorerId: t.id("scorer"), pagination: firstPage });

  assert.deepEqual(reasons(response), ["c", "b", "a"]);
  assert.deepEqual(response.pagination, { total: 3, page: 0, perPage: 10, hasMore: false });
});

test("scores of a scorer are filtered by entity, source and tenant", async ({ scores, t }) => {
  await saveAll(
    scores,
    score(t, "plain"),
    score(t, "workflow", { entityType: "WORKFLOW" }),
    score(t, "entity", { entityId: t.id("other") }),
    score(t, "test", { source: "TEST" }),
    score(t, "tenant", { organizationId: "o", projectId: "p" }),
  );
  const list = async (args) =>
    reasons(await scores.listScoresByScorerId({ scorerId: t.id("scorer"), pagination: firstPage, ...args }));

  assert.deepEqual(await list({ entityType: "WORKFLOW" }), ["workflow"]);
  assert.deepEqual(await list({ entityId: t.id("other") }), ["entity"]);
  assert.deepEqual(await list({ source: "TEST" }), ["test"]);
  assert.deepEqual(await list({ filters: { organizationId: "o", projectId: "p" } }), ["tenant"]);
  assert.deepEqual(await list({ filters: { organizationId: "o", projectId: "other" } }), []);
  assert.equal((await list({})).length, 5);
});

test("scores of a run are listed newest first", async ({ scores, t }) => {
  await saveAll(scores, score(t, "a"), score(t, "b", { organizationId: "o" }), score(t, "c", { runId: t.id("other") }));
  const list = async (args) =>
    reasons(await scores.listScoresByRunId({ runId: t.id("run"), pagination: firstPage, ...args }));

  assert.deepEqual(await list({}), ["b", "a"]);
  assert.deepEqual(await list({ filters: { organizationId: "o" } }), ["b"]);
});

test("scores of an entity are listed by its id and type", async ({ scores, t }) => {
  await saveAll(scores, score(t, "a"), score(t, "b", { entityType: "WORKFLOW" }), score(t, "c", { projectId: "p" }));
  const list = async (args) =>
    reasons(
      await scores.listScoresByEntityId({
        entityId: t.id("entity"),
        entityType: "AGENT",
        pagination: firstPage,
        ...args,
      }),
    );

  assert.deepEqual(await list({}), ["c", "a"]);
  assert.deepEqual(await list({ filters: { projectId: "p" } }), ["c"]);
});

test("scores are paged two by two", async ({ scores, t }) => {
  await saveAll(scores, ...range(5).map((number) => score(t, `${number}`)));
  const list = (page) => scores.listScoresByRunId({ runId: t.id("run"), pagination: { page, perPage: 2 } });

  const pages = [await list(0), await list(1), await list(2), await list(3)];

  assert.deepEqual(pages.map(reasons), [["4", "3"], ["2", "1"], ["0"], []]);
  assert.deepEqual(
    pages.map((page) => page.pagination.hasMore),
    [true, true, false, false],
  );
  assert.deepEqual(
    pages.map((page) => page.pagination.total),
    [5, 5, 5, 5],
  );
});

test("perPage false gives all scores", async ({ scores, t }) => {
  await Promise.all(range(30).map((number) => scores.saveScore(score(t, `${number}`))));

  const response = await scores.listScoresByRunId({ runId: t.id("run"), pagination: { page: 0, perPage: false } });

  assert.equal(response.scores.length, 30);
  assert.deepEqual(response.pagination, { total: 30, page: 0, perPage: false, hasMore: false });
});

test("a negative page is refused", async ({ scores, t }) => {
  await assert.rejects(scores.listScoresByRunId({ runId: t.id("run"), pagination: { page: -1, perPage: 1 } }), {
    id: "MASTRA_STORAGE_CONVEX_LIST_SCORES_INVALID_PAGINATION",
    message: /page must be >= 0/,
  });
});

test("listing scores by span is not offered by this adapter", async ({ scores }) => {
  await assert.rejects(scores.listScoresBySpan({ traceId: "t", spanId: "s", pagination: firstPage }), {
    id: "SCORES_STORAGE_GET_SCORES_BY_SPAN_NOT_IMPLEMENTED",
  });
});

test("dangerouslyClearAll empties a table of more than 25 rows", async ({ scores, t }) => {
  await Promise.all(range(30).map((number) => scores.saveScore(score(t, `${number}`))));

  await scores.dangerouslyClearAll();

  assert.equal((await scores.listScoresByRunId({ runId: t.id("run"), pagination: firstPage })).pagination.total, 0);
});

test("a score of more than one MiB is refused and leaves nothing", { emulatorOnly: true }, async ({ scores, t }) => {
  await assert.rejects(scores.saveScore(score(t, "a", { output: "x".repeat(1 << 20) })), /Value is too large/);

  assert.equal((await scores.listScoresByRunId({ runId: t.id("run"), pagination: firstPage })).pagination.total, 0);
});

await run(import.meta);
