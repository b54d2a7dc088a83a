/** What is known of each user: the rows, without any model. */
import { ConvexError, v } from "convex/values";

import { internal } from "./_generated/api";
import type { Doc } from "./_generated/dataModel";
import { internalMutation, internalQuery, mutation, query, type MutationCtx } from "./_generated/server";

/** How many rows one mutation deletes; with their embeddings they stay far below what it may read. */
const DELETED_AT_ONCE = 200;

/** Something about a user, ready to be kept. `sameAs` is the memory that says the same in other words. */
export const fact = v.object({
  text: v.string(),
  embedding: v.array(v.float64()),
  sameAs: v.union(v.id("userMemories"), v.null()),
});

/** A user's memories, sorted by their texts. */
export const list = query({
  args: { userId: v.string() },
  handler: async (ctx, { userId }) => {
    const memories = await ctx.db
      .query("userMemories")
      .withIndex("by_user_and_text", (q) => q.eq("userId", userId))
      .take(100);
    return memories.map(({ _id, text, mentions }) => ({ _id, text, mentions }));
  },
});

/** Forgets one memory. */
export const forget = mutation({
  args: { userId: v.string(), memoryId: v.id("userMemories") },
  returns: v.null(),
  handler: async (ctx, { userId, memoryId }) => {
    const memory = await ctx.db.get(memoryId);
    // Somebody else's is not there either: who asks must not learn that it is.
    if (memory === null || memory.userId !== userId) {
      throw new ConvexError({ code: "not_found", message: "There is no such memory" });
    }
    await ctx.db.delete(memoryId);
    return null;
  },
});

/** Forgets all there is of a user: memories and messages. */
export const forgetUser = mutation({
  args: { userId: v.string() },
  returns: v.null(),
  handler: async (ctx, { userId }) => {
    await deleteSome(ctx, userId);
    return null;
  },
});

/** Goes on where `forgetUser` has stopped. */
export const forgetMore = internalMutation({
  args: { userId: v.string() },
  handler: async (ctx, { userId }) => await deleteSome(ctx, userId),
});

async function deleteSome(ctx: MutationCtx, userId: string) {
  const memories = await ctx.db
    .query("userMemories")
    .withIndex("by_user_and_text", (q) => q.eq("userId", userId))
    .take(DELETED_AT_ONCE);
  const messages = await ctx.db
    .query("messages")
    .withIndex("by_session", (q) => q.eq("userId", userId))
    .take(DELETED_AT_ONCE);
  for (const { _id } of [...memories, ...messages]) await ctx.db.delete(_id);
  if (memories.length === DELETED_AT_ONCE || messages.length === DELETED_AT_ONCE) {
    await ctx.scheduler.runAfter(0, internal.memories.forgetMore, { userId });
  }
}

/** The memories a search has found, as far as they are still there, in the order of the search. */
export const byIds = internalQuery({
  args: { ids: v.array(v.id("userMemories")) },
  handler: async (ctx, { ids }) => {
    const memories = await Promise.all(ids.map((id) => ctx.db.get(id)));
    return memories.filter((memory): memory is Doc<"userMemories"> => memory !== null);
  },
});

export const store = internalMutation({
  args: { userId: v.string(), fact },
  handler: async (ctx, { userId, fact }) => await keep(ctx, userId, fact),
});

/** Keeps a fact; one that is known is only counted, and has its latest wording. */
export async function keep(ctx: MutationCtx, userId: string, { text, embedding, sameAs }: typeof fact.type) {
  // The search was before this transaction: what it found may be gone, and it did not see what was written since.
  const found = sameAs === null ? null : await ctx.db.get(sameAs);
  const known = found ?? (await memoryWithText(ctx, userId, text));
  if (known === null) return await ctx.db.insert("userMemories", { userId, text, embedding, mentions: 1 });
  await ctx.db.patch(known._id, { text, embedding, mentions: known.mentions + 1 });
  return known._id;
}

async function memoryWithText(ctx: MutationCtx, userId: string, text: string) {
  return await ctx.db
    .query("userMemories")
    .withIndex("by_user_and_text", (q) => q.eq("userId", userId).eq("text", text))
    .first();
}
