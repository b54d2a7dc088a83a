/** Functions that try out the validators of arguments and of returned values. */
import { queryGeneric } from "convex/server";
import { convexToJson, v } from "convex/values";

const shape = v.object({ a: v.string(), b: v.optional(v.float64()) });

// The encoded JSON text of the value that arrived.
const taking = (value: any) =>
  queryGeneric({
    args: { value },
    handler: (_ctx, args: any) => ("value" in args ? JSON.stringify(convexToJson(args.value)) : "missing"),
  });

export const takesString = taking(v.string());
export const takesNumber = taking(v.float64());
export const takesInt64 = taking(v.int64());
export const takesBoolean = taking(v.boolean());
export const takesNull = taking(v.null());
export const takesBytes = taking(v.bytes());
export const takesId = taking(v.id("conformance_things"));
export const takesArray = taking(v.array(v.string()));
export const takesObject = taking(shape);
export const takesRecord = taking(v.record(v.string(), v.float64()));
export const takesUnion = taking(v.union(v.string(), v.float64()));
export const takesLiteral = taking(v.literal("yes"));
export const takesOptional = taking(v.optional(v.string()));
export const takesAny = taking(v.any());

const allArguments = (_ctx: any, args: any) => JSON.stringify(convexToJson(args));

export const takesNothing = queryGeneric({ args: {}, handler: allArguments });
export const takesWhatever = queryGeneric(allArguments);

const returning = (returns: any) =>
  queryGeneric({ args: { value: v.any() }, returns, handler: (_ctx, { value }: any) => value });

export const returnsString = returning(v.string());
export const returnsNumber = returning(v.float64());
export const returnsNull = returning(v.null());
export const returnsObject = returning(shape);
export const returnsUndefined = queryGeneric({ args: {}, handler: () => undefined });
