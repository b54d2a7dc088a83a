/** The steps that read tables and search texts and vectors; in Python `pytest_mastra_convex/probe/query_steps.py`. */
import { MalformedProgram, valueOf, type Frame, type Json } from "./forms.ts";

/** How a query ends, unless it is collected. */
export const QUERY_ENDS = ["take", "first", "unique", "paginate", "count", "read"];
const BOUNDS = ["eq", "gt", "gte", "lt", "lte"];
const BINARY = ["eq", "neq", "lt", "lte", "gt", "gte", "add", "sub", "mul", "div", "mod"];
const CONNECTIVES = ["and", "or"];
const UNARY = ["not", "neg"];

/** Run a query and give what it answers, in the fields that the step selects. */
export async function runQueryStep(db: any, step: Json, frame: Frame): Promise<any> {
  const { table, index, range, search, order, filter = [] } = step;
  if (search !== undefined && index !== undefined) throw new MalformedProgram("a search has an index of its own");
  let query = db.query(table);
  if (index !== undefined) query = query.withIndex(index, (q: any) => bounded(q, range ?? [], frame));
  else if (range !== undefined) throw new MalformedProgram("a range needs an index");
  else if (search !== undefined) {
    query = query.withSearchIndex(memberOf(search, "index", "a search"), (q: any) => searched(q, search, frame));
  }
  if (order !== undefined) query = query.order(order);
  for (const expression of Array.isArray(filter) ? filter : [filter]) {
    query = query.filter((q: any) => expressionOf(q, expression, frame));
  }
  return await ended(query, step, frame);
}

async function ended(query: any, step: Json, frame: Frame): Promise<any> {
  const ends = QUERY_ENDS.filter((name) => step[name] !== undefined);
  if (ends.length > 1) throw new MalformedProgram(`a query ends in one way, not in ${ends.join(" and ")}`);
  switch (ends[0]) {
    case "take":
      return selected(await query.take(valueOf(step.take, frame)), step);
    case "first":
      return selected(await query.first(), step);
    case "unique":
      return selected(await query.unique(), step);
    case "paginate": {
      const result = await query.paginate(valueOf(step.paginate, frame));
      return { ...result, page: selected(result.page, step) };
    }
    case "count":
      return (await query.collect()).length;
    case "read":
      return selected(await read(query, step.read), step);
    default:
      return selected(await query.collect(), step);
  }
}

async function read(query: any, count: number): Promise<any[]> {
  const documents: any[] = [];
  if (count === 0) return documents;
  for await (const document of query) {
    documents.push(document);
    if (documents.length === count) break;
  }
  return documents;
}

function selected(found: any, step: Json): any {
  const names: string[] | undefined = step.select;
  if (names === undefined || found === null) return found;
  if (Array.isArray(found)) return found.map((document) => selected(document, step));
  return Object.fromEntries(names.filter((name) => name in found).map((name) => [name, found[name]]));
}

function bounded(q: any, bounds: Json[], frame: Frame): any {
  return bounds.reduce((built, bound) => {
    const op = memberOf(bound, "op", "a bound");
    if (!BOUNDS.includes(op)) throw new MalformedProgram(`unknown bound ${op}`);
    return built[op](memberOf(bound, "field", "a bound"), valueOf(memberOf(bound, "value", "a bound"), frame));
  }, q);
}

// A list of texts is searched for one by one, to see that refused.
function searched(q: any, search: Json, frame: Frame): any {
  const { text = [], eq = [] } = search;
  for (const each of Array.isArray(text) ? text : [text]) {
    q = q.search(memberOf(search, "field", "a search"), valueOf(each, frame));
  }
  for (const json of eq) q = q.eq(memberOf(json, "field", "eq"), valueOf(memberOf(json, "value", "eq"), frame));
  return q;
}

function expressionOf(q: any, json: Json, frame: Frame): any {
  const op = json?.op;
  const what = `filter expression ${op}`;
  const operand = (name: string) => expressionOf(q, memberOf(json, name, what), frame);
  if (BINARY.includes(op)) return q[op](operand("left"), operand("right"));
  if (CONNECTIVES.includes(op)) {
    return q[op](...memberOf(json, "args", what).map((each: Json) => expressionOf(q, each, frame)));
  }
  if (UNARY.includes(op)) return q[op](operand("arg"));
  if (op !== undefined || json === null || typeof json !== "object") throw new MalformedProgram(`unknown ${what}`);
  if (json.field !== undefined) return q.field(json.field);
  return valueOf(memberOf(json, "value", "a filter expression"), frame);
}

/** Search vectors. */
export async function runVectorSearch(ctx: any, step: Json, frame: Frame): Promise<any> {
  const { table, index, vector, limit, filter } = step;
  return await ctx.vectorSearch(table, index, {
    vector: valueOf(vector, frame),
    ...(limit === undefined ? {} : { limit: valueOf(limit, frame) }),
    ...(filter === undefined ? {} : { filter: (q: any) => vectorFilterOf(q, filter, frame) }),
  });
}

function vectorFilterOf(q: any, json: Json, frame: Frame): any {
  const op = memberOf(json, "op", "a vector filter");
  if (op === "eq") return q.eq(memberOf(json, "field", "eq"), valueOf(memberOf(json, "value", "eq"), frame));
  if (op === "or") return q.or(...memberOf(json, "args", "or").map((each: Json) => vectorFilterOf(q, each, frame)));
  throw new MalformedProgram(`unknown vector filter ${op}`);
}

function memberOf(json: Json, name: string, what: string): Json {
  if (json?.[name] === undefined) throw new MalformedProgram(`${what} needs ${name}`);
  return json[name];
}
