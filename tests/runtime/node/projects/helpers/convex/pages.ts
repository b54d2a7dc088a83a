import { filter } from "convex-helpers/server/filter";
import { getPage, paginator } from "convex-helpers/server/pagination";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";

import { query } from "./_generated/server";
import schema from "./schema";

export const byYear = query({
  args: { after: v.optional(v.array(v.any())) },
  handler: async (ctx, { after }) => {
    const { page, indexKeys, hasMore } = await getPage(ctx as any, {
      table: "books", index: "by_year", schema, startIndexKey: after, targetMaxRows: 2,
    });
    return { years: page.map((book) => book.year), last: indexKeys.at(-1), hasMore };
  },
});
/** More than one page in a query, which `.paginate` may not give. */
export const everyPage = query(async ({ db }: { db: any }) => {
  const pages: number[][] = [];
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const page: any = await paginator(db, schema)
      .query("books").withIndex("by_year", (q) => q.gte("year", 1810)).order("desc")
      .paginate({ cursor, numItems: 2 });
    pages.push(page.page.map((book: any) => book.year));
    ({ continueCursor: cursor, isDone } = page);
  }
  return pages;
});
export const oddYears = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async ({ db }: { db: any }, { paginationOpts }) =>
    await filter(db.query("books").withIndex("by_year"), async (book: any) => book.year % 2 === 1)
      .paginate(paginationOpts),
});
export const firstOddYear = query(async ({ db }: { db: any }) =>
  (await filter(db.query("books").withIndex("by_year"), (book: any) => book.year % 2 === 1).first() as any)?.year);
