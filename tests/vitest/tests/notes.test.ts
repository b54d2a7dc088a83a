// Functions of the project's own `convex/`; they are there with `--deploy convex`.
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, test } from "vitest";

const client = new ConvexHttpClient(process.env.CONVEX_URL!);

test("a note is found by its author", async () => {
  await client.mutation(anyApi.notes.add, { author: "ada", text: "call the carrier" });
  await client.mutation(anyApi.notes.add, { author: "grace", text: "find the moth" });

  expect(await client.query(anyApi.notes.by, { author: "ada" })).toEqual(["call the carrier"]);
});

test("what the deployment refuses is refused", async () => {
  const note = client.mutation(anyApi.notes.add, { author: "ada", test: "call the carrier" });

  await expect(note).rejects.toThrow("Object is missing the required field `text`");
});
