/**
 * A small interpreter of database programs, so that a test in another language can drive `ctx.db` itself.
 *
 * A program is a list of steps that run inside one mutation. Each step answers {value} or {error: text}: an error of the
 * database is caught as by a try/catch around that one call, and the steps after it still run. A step that is not
 * well formed is the fault of the test: the request is refused and nothing of the program is kept.
 *
 * Values are in encoded form. {"$undefined": null} stands for undefined where Convex takes it: for a field of a patch
 * (removes it), for a bound of an index range and for a value in a filter (a missing field). An id may be {"$ref": n},
 * the answer of step n.
 */
import { convexToJson, jsonToConvex } from "convex/values";

import { RequestError } from "./request_error.mjs";

const ENDINGS = ["take", "first", "unique", "paginate"];

const OPERATIONS = {
  insert: { needs: ["table", "value"], run: (db, { table, value }) => db.insert(table, jsonToConvex(value)) },
  get: { needs: ["id"], run: (db, { id }) => db.get(id) },
  patch: { needs: ["id", "value"], run: (db, { id, value }) => db.patch(id, patchOf(value)) },
  replace: { needs: ["id", "value"], run: (db, { id, value }) => db.replace(id, jsonToConvex(value)) },
  delete: { needs: ["id"], run: (db, { id }) => db.delete(id) },
  query: { needs: ["table"], takes: ["index", "range", "order", "filter", ...ENDINGS], run: runQuery },
};

const RANGE_BOUNDS = ["eq", "gt", "gte", "lt", "lte"];

const EXPRESSIONS = {
  field: (q, { field }) => q.field(field),
  value: (q, { value }) => valueOf(value),
  and: (q, { args }) => q.and(...listOf(args, "args").map((each) => expressionOf(q, each))),
  or: (q, { args }) => q.or(...listOf(args, "args").map((each) => expressionOf(q, each))),
  not: (q, { arg }) => q.not(expressionOf(q, arg)),
  eq: (q, { left, right }) => q.eq(expressionOf(q, left), expressionOf(q, right)),
  neq: (q, { left, right }) => q.neq(expressionOf(q, left), expressionOf(q, right)),
  lt: (q, { left, right }) => q.lt(expressionOf(q, left), expressionOf(q, right)),
  lte: (q, { left, right }) => q.lte(expressionOf(q, left), expressionOf(q, right)),
  gt: (q, { left, right }) => q.gt(expressionOf(q, left), expressionOf(q, right)),
  gte: (q, { left, right }) => q.gte(expressionOf(q, left), expressionOf(q, right)),
};

/** Run `steps` on the database of a mutation; one answer per step. */
export async function runProgram(db, steps) {
  const answers = [];
  for (const step of listOf(steps, "steps")) answers.push(await runStep(db, step, answers));
  return answers;
}

async function runStep(db, step, answers) {
  const operation = OPERATIONS[oneOf(step?.op, Object.keys(OPERATIONS), "op")];
  checkFields(step, operation);
  try {
    const result = await operation.run(db, { ...step, id: idOf(step.id, answers) });
    return { value: convexToJson(result ?? null) };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    return { error: error.message };
  }
}

function checkFields(step, { needs, takes = [] }) {
  for (const field of needs) if (step[field] === undefined) refuse(`${step.op} needs ${field}`);
  for (const field of Object.keys(step)) oneOf(field, ["op", ...needs, ...takes], `field of ${step.op}`);
}

function idOf(id, answers) {
  const reference = id?.$ref;
  if (reference === undefined) return id;
  const answer = Number.isInteger(reference) ? answers[reference] : undefined;
  if (answer === undefined) refuse(`$ref ${JSON.stringify(reference)} is not an earlier step`);
  if (answer.error !== undefined) throw new Error(`step ${reference} failed, so it gave no id`);
  return answer.value;
}

function patchOf(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueOf(value)]));
}

function valueOf(encoded) {
  const isUndefined = encoded !== null && typeof encoded === "object" && "$undefined" in encoded;
  return isUndefined ? undefined : jsonToConvex(encoded);
}

async function runQuery(db, { table, index, range, order, filter, ...ending }) {
  let query = db.query(table);
  if (index !== undefined) query = query.withIndex(index, (q) => boundedBy(q, listOf(range ?? [], "range")));
  else if (range !== undefined) refuse("a range needs an index");
  if (order !== undefined) query = query.order(order);
  if (filter !== undefined) query = query.filter((q) => expressionOf(q, filter));
  return await endedBy(query, ending);
}

function boundedBy(q, bounds) {
  return bounds.reduce((built, { op, field, value }) => built[oneOf(op, RANGE_BOUNDS, "bound")](field, valueOf(value)), q);
}

async function endedBy(query, ending) {
  const endings = ENDINGS.filter((name) => ending[name] !== undefined);
  if (endings.length > 1) refuse(`a query ends in one way, not in ${endings.join(" and ")}`);
  switch (endings[0]) {
    case "take":
      return await query.take(ending.take);
    case "first":
      return await query.first();
    case "unique":
      return await query.unique();
    case "paginate":
      return await query.paginate(ending.paginate);
    default:
      return await query.collect();
  }
}

function expressionOf(q, expression) {
  const kind = ["field", "value"].find((name) => expression?.[name] !== undefined) ?? expression?.op;
  return EXPRESSIONS[oneOf(kind, Object.keys(EXPRESSIONS), "filter expression")](q, expression);
}

function listOf(value, name) {
  return Array.isArray(value) ? value : refuse(`${name} must be a list`);
}

function oneOf(name, known, what) {
  return known.includes(name) ? name : refuse(`unknown ${what} ${JSON.stringify(name)}; known are ${known.join(", ")}`);
}

function refuse(message) {
  throw new RequestError("BadProgram", message);
}
