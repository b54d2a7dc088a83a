import { getStatus, makeMigration, startMigrationsSerially } from "convex-helpers/server/migrations";

import { internal } from "./_generated/api";
import { internalMutation, query } from "./_generated/server";

const migration = makeMigration(internalMutation, { migrationTable: "migrations" });

export const countBooks = migration({
  table: "authors",
  batchSize: 4,
  migrateOne: async (ctx, author: any) => {
    const books = await ctx.db.query("books").withIndex("authorId", (q: any) => q.eq("authorId", author._id)).collect();
    return { bookCount: books.length };
  },
});
export const shout = migration({
  table: "authors",
  migrateOne: (_, author: any) => ({ name: author.name.toUpperCase() }),
});
export const all = internalMutation(async (ctx) =>
  await startMigrationsSerially(ctx as any, [internal.migrations.countBooks, internal.migrations.shout]));
export const status = query(async (ctx) =>
  (await getStatus(ctx as any, { migrationTable: "migrations" })).map(({ name, processed, isDone }: any) =>
    ({ name, processed, isDone })));
