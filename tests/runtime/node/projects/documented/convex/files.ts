import { v } from "convex/values";

import { internal } from "./_generated/api";
import { action, internalMutation, internalQuery, mutation, query } from "./_generated/server";

const file = { id: v.id("_storage") };

export const uploadUrl = mutation(async ({ storage }) => await storage.generateUploadUrl());
export const store = action({
  args: { text: v.string(), type: v.optional(v.string()) },
  returns: v.id("_storage"),
  handler: async ({ storage }, { text, type }) => await storage.store(new Blob([text], type === undefined ? {} : { type })),
});
export const storeFetched = action(async (ctx, { url }: { url: string }): Promise<unknown> => {
  const id = await ctx.storage.store(await (await fetch(url)).blob());
  return await ctx.runQuery(internal.files.metadataOf, { id });
});
export const read = action({
  args: file,
  handler: async ({ storage }, { id }) => {
    const blob = await storage.get(id);
    return blob === null ? null : { text: await blob.text(), type: blob.type, size: blob.size };
  },
});
export const url = query({ args: file, handler: ({ storage }, { id }) => storage.getUrl(id) });
export const metadataOf = internalQuery({
  args: file,
  handler: async ({ db }, { id }) => {
    const found = await db.system.get(id);
    return found === null ? null : { size: found.size, contentType: found.contentType ?? null, sha256: found.sha256 };
  },
});
export const all = query(async ({ db }) => (await db.system.query("_storage").collect()).map(({ size }) => size));
export const remove = mutation({ args: file, handler: ({ storage }, { id }) => storage.delete(id) });
export const attach = internalMutation({
  args: { file: v.id("_storage"), recipe: v.id("recipes") },
  handler: async ({ db }, picture) => await db.insert("pictures", picture),
});
