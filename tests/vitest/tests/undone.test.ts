// What a test writes is undone when it ends.
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterEach, beforeAll, expect, test } from "vitest";

const headers = { Authorization: `Convex ${process.env.CONVEX_ADMIN_KEY}` };
const emulator = (step: string) => fetch(`${process.env.CONVEX_URL}/_emulator/${step}`, { method: "POST", headers });
beforeAll(() => emulator("mark"));
afterEach(() => emulator("rollback"));

const client = new ConvexHttpClient(process.env.CONVEX_URL!);

test.each(["one", "another"])("%s test finds nothing of the others", async () => {
  expect(await client.query(anyApi.notes.by, { author: "hedy" })).toEqual([]);
  await client.mutation(anyApi.notes.add, { author: "hedy", text: "hop" });
});
