/**
 * The oracle: the published `@mastra/convex` handlers on convex-test, behind the HTTP routes that a deployment has.
 *
 * It is the independent reference the emulator is compared with. It prints one line, ORACLE_URL=http://127.0.0.1:PORT,
 * and ends when its standard input closes, so that it never outlives the process that started it.
 *
 *   POST /api/query, /api/mutation, /api/action   {path, args, format?}, as on a deployment; any Authorization is accepted
 *   any  /oracle/site/…                           an HTTP action, asked for the path behind /oracle/site
 *   GET  /version                                 the versions of the packages it stands for
 *   POST /oracle/reset                            {now?}: empty it; with `now`, fix the time (ms) or give it back (null)
 *   POST /oracle/time                             {now}: the same for the time alone
 *   POST /oracle/dump                             {table}: its documents in creation order, encoded
 *   POST /oracle/program                          {steps}: a database program (conformance/interpreter.ts)
 *   POST /oracle/schema                           the exported schema
 *
 * A function that throws answers HTTP 200 with its own text as errorMessage: convex-test has no request id, no
 * "Uncaught" and no stack frames, and none are invented here. Faults of the request itself are {code, message}.
 */
import { Console } from "node:console";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { buffer, json } from "node:stream/consumers";

import { convexToJson } from "convex/values";

import { fixTime } from "./clock.mjs";
import { Deployment, schemaExport } from "./deployment.mjs";
import { writerOf } from "./formats.mjs";
import { RequestError } from "./request_error.mjs";

// Standard output carries one line and may not be read after it; what functions print goes to standard error.
globalThis.console = new Console(process.stderr);

const VERSIONED_PACKAGES = ["convex-test", "convex", "@mastra/convex", "@mastra/core"];

const SITE = "/oracle/site";

const deployment = new Deployment();

const ROUTES = {
  "POST /api/query": (body) => callFunction("query", body),
  "POST /api/mutation": (body) => callFunction("mutation", body),
  "POST /api/action": (body) => callFunction("action", body),
  "POST /oracle/reset": reset,
  "POST /oracle/time": setTime,
  "POST /oracle/dump": dump,
  "POST /oracle/program": runSteps,
  "POST /oracle/schema": () => schemaExport(),
};

async function callFunction(kind, { path, args, format = "json" }) {
  if (typeof path !== "string") throw new RequestError("BadJsonBody", "path must be a string");
  if (args === undefined) throw new RequestError("BadJsonBody", "missing field `args`");
  const write = writerOf(format);
  if (write === undefined) throw new RequestError("BadFormat", `format param must be one of [\`json\`]. Got ${format}`);
  try {
    return JSON.stringify({ status: "success", value: write(await deployment.call(kind, path, args)) });
  } catch (error) {
    return JSON.stringify(functionError(error, write));
  }
}

function functionError(error, write) {
  const answer = { status: "error", errorMessage: error instanceof Error ? error.message : String(error) };
  // The mark that npm convex puts on every ConvexError, whichever copy of the package it came from.
  const isConvexError = error instanceof Error && Symbol.for("ConvexError") in error;
  return isConvexError ? { ...answer, errorData: write(error.data) } : answer;
}

async function reset({ now }) {
  if (now !== undefined) fixTime(now);
  await deployment.reset();
  return "{}";
}

function setTime({ now = missing("now") }) {
  fixTime(now);
  return "{}";
}

async function dump({ table = missing("table") }) {
  return JSON.stringify({ documents: convexToJson(await deployment.dump(table)) });
}

async function runSteps({ steps = missing("steps") }) {
  return JSON.stringify({ results: await deployment.program(steps) });
}

function missing(field) {
  throw new RequestError("BadJsonBody", `missing field \`${field}\``);
}

async function bodyOf(request) {
  if (request.headers["content-length"] === "0") return {};
  let body;
  try {
    body = await json(request);
  } catch (error) {
    throw new RequestError("BadJsonBody", `Failed to parse the request body as JSON: ${error.message}`);
  }
  if (body === null || typeof body !== "object") throw new RequestError("BadJsonBody", "the request body must be an object");
  return body;
}

function versions() {
  const versionOf = (name) => {
    const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return `${name} ${JSON.parse(readFileSync(manifest, "utf8")).version}`;
  };
  return VERSIONED_PACKAGES.map(versionOf).join("\n");
}

function answer(response, status, type, text) {
  response.writeHead(status, { "Content-Type": type });
  response.end(text);
}

/** An HTTP action's answer. convex-test lets out what it throws; a deployment's own words for it are not invented. */
async function serveSite(request, response) {
  const { method, url } = request;
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value]));
  const body = ["GET", "HEAD"].includes(method) ? undefined : await buffer(request);
  const answered = await deployment.fetch(url.slice(SITE.length), { method, headers, body });
  response.writeHead(answered.status, [...answered.headers].flat());
  response.end(Buffer.from(await answered.arrayBuffer()));
}

async function serve(request, response) {
  const name = `${request.method} ${request.url.split("?")[0]}`;
  if (name === "GET /version") return answer(response, 200, "text/plain", versions());
  try {
    if (request.url.startsWith(`${SITE}/`)) return await serveSite(request, response);
    if (ROUTES[name] === undefined) return response.writeHead(404).end();
    answer(response, 200, "application/json", await ROUTES[name](await bodyOf(request)));
  } catch (error) {
    answer(response, ...refusal(error));
  }
}

function refusal(error) {
  if (error instanceof RequestError) return [400, "application/json", JSON.stringify({ code: error.code, message: error.message })];
  console.error(error);
  return [500, "application/json", JSON.stringify({ code: "InternalServerError", message: String(error) })];
}

const server = createServer(serve);
// A test session keeps one connection for minutes; the default would close it after five idle seconds.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => process.stdout.write(`ORACLE_URL=http://127.0.0.1:${server.address().port}\n`));

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
