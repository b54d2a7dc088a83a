import { makeActionRetrier } from "convex-helpers/server/retries";

import { internal } from "./_generated/api";
import { action, mutation } from "./_generated/server";

export const { runWithRetries, retry } = makeActionRetrier("retries:retry");

export const flaky = action(async () => {
  const response = await fetch("https://flaky.example/");
  if (!response.ok) throw new Error(`status ${response.status}`);
});
export const start = mutation(async (ctx) => await runWithRetries(ctx, internal.retries.flaky, {}, { maxFailures: 5 }));
