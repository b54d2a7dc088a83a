import { omit, pick } from "convex-helpers";
import { toStandardSchema } from "convex-helpers/standardSchema";
import { doc, parse, partial, typedV, validate, withSystemFields } from "convex-helpers/validators";
import { v } from "convex/values";

import { mutation, query } from "./_generated/server";
import schema from "./schema";

const vv = typedV(schema);
const fields = schema.tables.readers.validator.fields;

export const add = mutation({
  args: fields,
  returns: doc(schema, "readers"),
  handler: async (ctx, reader) => (await ctx.db.get(await ctx.db.insert("readers", reader))) as any,
});
export const change = mutation({
  args: { id: vv.id("readers"), patch: v.object(partial(pick(fields, ["state", "balance"]))) },
  returns: vv.doc("readers"),
  handler: async (ctx, { id, patch }) => {
    await ctx.db.patch(id, patch);
    return (await ctx.db.get(id)) as any;
  },
});
export const wronglyReturned = query({
  args: {},
  returns: v.array(v.object(omit(withSystemFields("readers", fields), ["balance"]))),
  handler: async (ctx) => (await ctx.db.query("readers").collect()) as any,
});
export const check = query(async (ctx, { value, id }: any) => {
  const account = v.object(pick(fields, ["state", "email"]));
  const told = async (work: () => unknown) => {
    try {
      return await work();
    } catch (error: any) {
      return `${error.name}: ${error.message}`;
    }
  };
  return {
    isValid: validate(account, value),
    thrown: await told(() => validate(account, value, { throw: true })),
    parsed: await told(() => parse(account, { ...value, more: 1 })),
    isReader: validate(vv.id("readers"), id, { db: ctx.db as any }),
    issues: ((await toStandardSchema(account)["~standard"].validate(value)) as any).issues?.length ?? 0,
  };
});
