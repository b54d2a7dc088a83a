import { defineRateLimits } from "convex-helpers/server/rateLimit";

import { mutation, query } from "./_generated/server";

const { checkRateLimit, rateLimit, resetRateLimit } = defineRateLimits({
  borrow: { kind: "token bucket", rate: 6, period: 60_000, capacity: 2 },
});

export const borrow = mutation(async (ctx: any, { key, throws }: any) => await rateLimit(ctx, { name: "borrow", key, throws }));
export const check = query(async (ctx: any, { key }: any) => (await checkRateLimit(ctx, { name: "borrow", key })).ok);
export const reset = mutation(async (ctx: any, { key }: any) => await resetRateLimit(ctx, { name: "borrow", key }));
