// What `convex-mastra-emulator run` gives to a project's tests: an empty deployment, by the usual variables.
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, test } from "vitest";

const client = new ConvexHttpClient(process.env.CONVEX_URL!);

test("functions of Mastra answer", async () => {
  client.setAdminAuth(process.env.CONVEX_ADMIN_KEY!);
  const call = { op: "increment", key: "visits", keyPrefix: "", expiresAt: null };

  expect(await client.mutation(anyApi.mastra.cache.handle, call)).toEqual({ ok: true, result: 1 });
  expect(await client.mutation(anyApi.mastra.cache.handle, call)).toEqual({ ok: true, result: 2 });
});

test("the addresses are those of one deployment", async () => {
  expect(process.env.CONVEX_TEST_URL).toBe(process.env.CONVEX_URL);
  expect(process.env.CONVEX_TEST_ADMIN_KEY).toBe(process.env.CONVEX_ADMIN_KEY);
  const answer = await fetch(`${process.env.CONVEX_SITE_URL}/nothing`);
  expect(answer.status).toBe(404);
});
