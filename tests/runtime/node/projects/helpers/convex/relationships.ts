import { asyncMap } from "convex-helpers";
import {
  getAll, getAllOrThrow, getManyFrom, getManyVia, getOneFrom, getOneFromOrThrow, getOrThrow,
} from "convex-helpers/server/relationships";
import { v } from "convex/values";

import { mutation, query } from "./_generated/server";

export const addGenres = mutation({
  args: { names: v.array(v.string()) },
  handler: async (ctx, { names }) => {
    const genres = await asyncMap(names, (name) => ctx.db.insert("genres", { name }));
    for (const book of await ctx.db.query("books").collect())
      for (const genreId of genres) await ctx.db.insert("bookGenres", { bookId: book._id, genreId });
  },
});
export const ofAuthor = query({
  args: { name: v.string() },
  handler: async ({ db }: { db: any }, { name }) => {
    const author = await getOneFromOrThrow(db, "authors", "name", name);
    return await asyncMap(await getManyFrom(db, "books", "authorId", author._id), async (book: any) => ({
      title: book.title,
      genres: (await getManyVia(db, "bookGenres", "genreId", "bookId", book._id)).map((genre: any) => genre.name),
    }));
  },
});
export const one = query(async ({ db }: { db: any }, { name }: any) => await getOneFrom(db, "authors", "name", name));
export const oneOrThrow = query(async ({ db }: { db: any }, { name }: any) =>
  await getOneFromOrThrow(db, "authors", "name", name));
export const names = query(async ({ db }: { db: any }, { ids }: any) =>
  (await getAll(db, ids)).map((author: any) => author?.name ?? null));
export const namesOrThrow = query(async ({ db }: { db: any }, { ids }: any) =>
  (await getAllOrThrow(db, ids)).map((author: any) => author.name));
export const get = query(async (ctx: any, { id }: any) => (await getOrThrow(ctx, "authors", id)).name);
export const remove = mutation(async (ctx, { id }: any) => await ctx.db.delete(id));
