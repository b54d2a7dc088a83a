/** Memories by what they mean: kept and found by their embeddings. */
import { v } from "convex/values";

import { internal } from "./_generated/api";
import type { Doc, Id } from "./_generated/dataModel";
import { action, type ActionCtx } from "./_generated/server";
import { embed } from "./openai";

/** From this cosine on, two texts say the same. */
const SAME = 0.9;

export type Found = { text: string; score: number };

/** Keeps what the user wants to be remembered, word for word. */
export const remember = action({
  args: { userId: v.string(), text: v.string() },
  returns: v.id("userMemories"),
  handler: async (ctx, { userId, text }): Promise<Id<"userMemories">> => {
    const [fact] = await prepared(ctx, userId, [text]);
    return await ctx.runMutation(internal.memories.store, { userId, fact });
  },
});

/** The user's memories that are nearest to a text, best first. */
export const recall = action({
  args: { userId: v.string(), text: v.string(), limit: v.optional(v.number()) },
  returns: v.array(v.object({ text: v.string(), score: v.number() })),
  handler: async (ctx, { userId, text, limit }): Promise<Found[]> => {
    const [embedding] = await embed([text]);
    return await nearest(ctx, userId, embedding, limit);
  },
});

export async function nearest(ctx: ActionCtx, userId: string, embedding: number[], limit = 5): Promise<Found[]> {
  const found = await search(ctx, userId, embedding, limit);
  const scores = new Map(found.map(({ _id, _score }) => [_id, _score]));
  const memories: Doc<"userMemories">[] = await ctx.runQuery(internal.memories.byIds, { ids: [...scores.keys()] });
  return memories.map(({ _id, text }) => ({ text, score: scores.get(_id)! }));
}

/** Facts with their embeddings, and with what is known already. */
export async function prepared(ctx: ActionCtx, userId: string, texts: string[]) {
  const embeddings = await embed(texts);
  return await Promise.all(
    embeddings.map(async (embedding, index) => {
      const [best] = await search(ctx, userId, embedding, 1);
      const sameAs = best !== undefined && best._score >= SAME ? best._id : null;
      return { text: texts[index], embedding, sameAs };
    }),
  );
}

// The only search there is, so that none can forget whose memories it is about.
async function search(ctx: ActionCtx, userId: string, vector: number[], limit: number) {
  return await ctx.vectorSearch("userMemories", "by_embedding", {
    vector,
    limit,
    filter: (q) => q.eq("userId", userId),
  });
}
