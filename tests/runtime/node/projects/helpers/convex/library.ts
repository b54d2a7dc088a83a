import { v } from "convex/values";

import { mutation } from "./_generated/server";

/** Authors by name, each with the years of its books. */
export const fill = mutation({
  args: { authors: v.record(v.string(), v.array(v.number())) },
  handler: async (ctx, { authors }) => {
    const ids: Record<string, string> = {};
    for (const [name, years] of Object.entries(authors)) {
      const authorId = await ctx.db.insert("authors", { name });
      ids[name] = authorId;
      for (const year of years) await ctx.db.insert("books", { title: `${name} ${year}`, authorId, year });
    }
    return ids;
  },
});
