// `@mastra/convex`, unmodified, on the deployment of this run.
import { ConvexStore, ConvexVector } from "@mastra/convex";
import { expect, test } from "vitest";

const deployment = { deploymentUrl: process.env.CONVEX_TEST_URL!, adminAuthToken: process.env.CONVEX_TEST_ADMIN_KEY! };

test("a thread is kept", async () => {
  const store = new ConvexStore({ id: "store", ...deployment });
  await store.init();
  const memory = (await store.getStore("memory"))!;
  const now = new Date();

  await memory.saveThread({
    thread: { id: "t1", resourceId: "ada", title: "Notes", metadata: {}, createdAt: now, updatedAt: now },
  });

  expect((await memory.getThreadById({ threadId: "t1" }))?.title).toBe("Notes");
});

test("the nearest vector is found", async () => {
  const vectors = new ConvexVector({ id: "vectors", ...deployment });
  await vectors.createIndex({ indexName: "docs", dimension: 2 });
  await vectors.upsert({ indexName: "docs", vectors: [[1, 0], [0, 1]], ids: ["x", "y"], metadata: [{}, {}] });

  const [nearest] = await vectors.query({ indexName: "docs", queryVector: [0.9, 0.1], topK: 1 });

  expect(nearest?.id).toBe("x");
});
