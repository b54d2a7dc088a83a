/** No functions: what other modules share. */
import type { GenericMutationCtx, GenericQueryCtx } from "convex/server";

export const HOUR = 60;

export async function recipeByTitle(ctx: GenericQueryCtx<any>, title: string) {
  return await ctx.db.query("recipes").filter((q) => q.eq(q.field("title"), title)).unique();
}

export async function note(ctx: GenericMutationCtx<any>, what: string) {
  await ctx.db.insert("events", { what });
}
