import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";

import { mutation, query } from "./_generated/server";
import { HOUR, note, recipeByTitle } from "./lib/cooking";

const titles = (recipes: any[]) => recipes.map((recipe) => recipe.title);

// Writing

export const add = mutation({
  args: { title: v.string(), cuisine: v.string(), minutes: v.optional(v.number()), author: v.optional(v.string()) },
  returns: v.id("recipes"),
  handler: async (ctx, { author, ...recipe }) =>
    (await ctx.db.insert("recipes", { ...recipe, author: { name: author ?? "nobody" } })) as any,
});
export const change = mutation({
  args: { id: v.id("recipes"), minutes: v.number() },
  handler: async (ctx, { id, minutes }) => {
    await ctx.db.patch(id, { minutes, notes: "changed" });
    const changed = await ctx.db.get(id);
    await ctx.db.patch("recipes", id, { notes: undefined });
    return [changed!.notes, Object.keys((await ctx.db.get("recipes", id))!).sort()];
  },
});
export const rewrite = mutation({
  args: { id: v.id("recipes") },
  handler: async (ctx, { id }) => {
    const { _id, _creationTime, ...before } = (await ctx.db.get(id))!;
    await ctx.db.replace(id, { ...before, title: `New ${before.title}` });
    const { title, _creationTime: created } = (await ctx.db.get(id))!;
    return { title, isSameTime: created === _creationTime };
  },
});
export const remove = mutation({
  args: { id: v.id("recipes"), withTable: v.boolean() },
  handler: async (ctx, { id, withTable }) => {
    await (withTable ? ctx.db.delete("recipes", id) : ctx.db.delete(id));
    await note(ctx, "removed");
    return await ctx.db.get(id);
  },
});
export const bulk = mutation({
  args: { recipes: v.array(v.object({ title: v.string(), cuisine: v.string() })) },
  handler: async (ctx, { recipes }) =>
    (await Promise.all(recipes.map((r) => ctx.db.insert("recipes", { ...r, author: { name: "bulk" } })))).length,
});
export const conclude = mutation({
  args: { outcome: v.any() },
  handler: async (ctx, { outcome }) => {
    await ctx.db.insert("outcomes", outcome);
    return (await ctx.db.query("outcomes").withIndex("by_kind", (q) => q.eq("kind", outcome.kind)).unique())!.kind;
  },
});

// Reading

export const collected = query(async ({ db }) => titles(await db.query("recipes").collect()));
export const newestFirst = query(async ({ db }) => titles(await db.query("recipes").order("desc").take(2)));
export const byIndex = query({
  args: { cuisine: v.string(), from: v.optional(v.number()), below: v.optional(v.number()) },
  handler: async ({ db }, { cuisine, from, below }) => {
    const found = db.query("recipes").withIndex("by_cuisine_and_minutes", (q) => {
      const start = q.eq("cuisine", cuisine);
      if (from === undefined) return start;
      return below === undefined ? start.gte("minutes", from) : start.gte("minutes", from).lt("minutes", below);
    });
    return titles(await found.order("desc").collect());
  },
});
export const withoutMinutes = query(async ({ db }) =>
  titles(await db.query("recipes")
    .withIndex("by_cuisine_and_minutes", (q) => q.eq("cuisine", "french").eq("minutes", undefined)).collect()));
export const byNestedField = query(async ({ db }, { name }: { name: string }) =>
  titles(await db.query("recipes").withIndex("by_author", (q) => q.eq("author.name", name)).collect()));
export const since = query(async ({ db }, { time }: { time: number }) =>
  titles(await db.query("recipes").withIndex("by_creation_time", (q) => q.gt("_creationTime", time)).collect()));
export const byId = query(async ({ db }, { id }: { id: string }) =>
  titles(await db.query("recipes").withIndex("by_id", (q) => q.eq("_id", id as any)).collect()));
export const ordered = query(async ({ db }) => titles(await db.query("recipes").withIndex("by_cuisine").collect()));
export const filtered = query(async ({ db }, { which }: { which: string }) => {
  const conditions: Record<string, (q: any) => any> = {
    eq: (q) => q.eq(q.field("cuisine"), "thai"),
    neq: (q) => q.neq(q.field("cuisine"), "thai"),
    lt: (q) => q.lt(q.field("minutes"), 30),
    lte: (q) => q.lte(q.field("minutes"), 30),
    gt: (q) => q.gt(q.field("minutes"), 30),
    gte: (q) => q.gte(q.field("minutes"), HOUR),
    and: (q) => q.and(q.eq(q.field("cuisine"), "french"), q.gt(q.field("minutes"), 30)),
    or: (q) => q.or(q.eq(q.field("title"), "Curry"), q.eq(q.field("author.name"), "ada")),
    not: (q) => q.not(q.eq(q.field("cuisine"), "french")),
    sum: (q) => q.eq(q.add(q.field("minutes"), 5), 35),
    difference: (q) => q.eq(q.sub(q.field("minutes"), 5), 25),
    product: (q) => q.eq(q.mul(q.field("minutes"), 2), 60),
    quotient: (q) => q.eq(q.div(q.field("minutes"), 2), 15),
    rest: (q) => q.eq(q.mod(q.field("minutes"), 25), 5),
    negative: (q) => q.eq(q.neg(q.field("minutes")), -30),
    unset: (q) => q.eq(q.field("minutes"), undefined),
  };
  return titles(await db.query("recipes").filter(conditions[which]!).collect()).sort();
});
export const firstOf = query(async ({ db }, { cuisine }: { cuisine: string }) =>
  (await db.query("recipes").withIndex("by_cuisine", (q) => q.eq("cuisine", cuisine)).first())?.title ?? null);
export const titled = query(async (ctx, { title }: { title: string }) => (await recipeByTitle(ctx, title))?.cuisine ?? null);
export const iterated = query(async ({ db }, { until }: { until: string }) => {
  const seen: string[] = [];
  for await (const recipe of db.query("recipes")) {
    seen.push(recipe.title);
    if (recipe.title === until) break;
  }
  return seen;
});
export const page = query({
  args: { paginationOpts: paginationOptsValidator, cuisine: v.optional(v.string()) },
  handler: async ({ db }, { paginationOpts, cuisine }) => {
    const recipes = cuisine === undefined
      ? db.query("recipes").order("desc")
      : db.query("recipes").withIndex("by_cuisine", (q) => q.eq("cuisine", cuisine)).order("desc");
    const result = await recipes.paginate(paginationOpts);
    return { ...result, page: titles(result.page) };
  },
});
export const normalized = query(async ({ db }, { id }: { id: string }) =>
  [db.normalizeId("recipes", id), db.normalizeId("teams", id), db.normalizeId("recipes", "no id")]);
export const search = query({
  args: { text: v.string(), cuisine: v.optional(v.string()), paginationOpts: v.optional(paginationOptsValidator) },
  handler: async ({ db }, { text, cuisine, paginationOpts }) => {
    const found = db.query("recipes").withSearchIndex("search_title", (q) =>
      cuisine === undefined ? q.search("title", text) : q.search("title", text).eq("cuisine", cuisine));
    return titles(paginationOpts === undefined ? await found.take(10) : (await found.paginate(paginationOpts)).page);
  },
});
export const staged = query(async ({ db }) =>
  await db.query("recipes").withIndex("still_staged" as any, (q: any) => q.eq("notes", "x")).collect());
