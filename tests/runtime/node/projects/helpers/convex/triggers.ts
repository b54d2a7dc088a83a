import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import { Triggers } from "convex-helpers/server/triggers";

import { mutation as rawMutation } from "./_generated/server";

const triggers = new Triggers<any>();
triggers.register("books", async (ctx, change) => {
  const author = await ctx.db.get((change.newDoc ?? change.oldDoc).authorId);
  const step = { insert: 1, update: 0, delete: -1 }[change.operation];
  await ctx.db.patch(author!._id, { bookCount: (author!.bookCount ?? 0) + step });
});
triggers.register("books", async (_, change) => {
  if (change.newDoc?.title === "Forbidden") throw new Error("no such book");
});
triggers.register("authors", async (ctx, change) => {
  if (change.operation !== "delete") return;
  const books = await ctx.db.query("books").withIndex("authorId", (q: any) => q.eq("authorId", change.id)).collect();
  for (const book of books) await ctx.innerDb.delete(book._id);
});
const mutation = customMutation(rawMutation, customCtx(triggers.wrapDB));

export const add = mutation(async (ctx: any, { authorId, titles }: any) => {
  await Promise.all(titles.map((title: string) => ctx.db.insert("books", { authorId, title, year: 2000 })));
  return (await ctx.db.get(authorId)).bookCount;
});
export const addCatching = mutation(async (ctx: any, { authorId }: any) => {
  try {
    await ctx.db.insert("books", { authorId, title: "Forbidden", year: 2000 });
  } catch (error: any) {
    return error.message;
  }
});
export const removeAuthor = mutation(async (ctx: any, { authorId }: any) => await ctx.db.delete(authorId));
