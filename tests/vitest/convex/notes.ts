import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";

export const add = mutation({
  args: { author: v.string(), text: v.string() },
  handler: async (ctx, note) => {
    await ctx.db.insert("notes", note);
  },
});

export const by = query({
  args: { author: v.string() },
  handler: async (ctx, { author }) => {
    const notes = await ctx.db.query("notes").withIndex("by_author", (q) => q.eq("author", author)).collect();
    return notes.map((note) => note.text);
  },
});
