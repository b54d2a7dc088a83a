import { mergedStream, stream } from "convex-helpers/server/stream";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";

import { query } from "./_generated/server";
import schema from "./schema";

const years = (books: any[]) => books.map((book) => book.year);
const ofAuthor = (db: any, authorId: any) =>
  stream(db, schema).query("books").withIndex("by_author_and_year", (q) => q.eq("authorId", authorId));

export const merged = query({
  args: { authors: v.array(v.id("authors")), paginationOpts: paginationOptsValidator },
  handler: async ({ db }: { db: any }, { authors, paginationOpts }) => {
    const books = mergedStream(authors.map((author) => ofAuthor(db, author)), ["year"]);
    const result = await books.paginate(paginationOpts);
    return { ...result, page: years(result.page) };
  },
});
export const mergedDescending = query(async ({ db }: { db: any }, { authors }: any) =>
  years(await mergedStream(authors.map((author: any) => ofAuthor(db, author).order("desc")), ["year"]).take(3)));
export const even = query(async ({ db }: { db: any }) => {
  const books = stream(db, schema).query("books").withIndex("by_year").filterWith(async (book) => book.year % 2 === 0);
  return [years(await books.collect()), (await books.first())?.year];
});
export const booksOfAll = query(async ({ db }: { db: any }) =>
  await stream(db, schema).query("authors").withIndex("name")
    .flatMap(async (author) => ofAuthor(db, author._id).map(async (book) => `${author.name}: ${book.year}`) as any,
      ["authorId", "year"])
    .collect());
export const distinctYears = query(async ({ db }: { db: any }) =>
  years(await stream(db, schema).query("books").withIndex("by_year").distinct(["year"]).collect()));
export const readOneByOne = query(async ({ db }: { db: any }, { stop }: any) => {
  const seen: number[] = [];
  for await (const book of stream(db, schema).query("books").withIndex("by_year")) {
    seen.push(book.year);
    if (book.year === stop) break;
  }
  return seen;
});
