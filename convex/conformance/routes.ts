/**
 * HTTP actions that tell what they were asked, answer as they are told to, call functions, and fail.
 *
 * The same in Python is `pytest_mastra_convex/probe/routes.py`.
 */
import { httpActionGeneric, makeFunctionReference, type HttpRouter } from "convex/server";
import { ConvexError } from "convex/values";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

// Every byte of the body as one character, so that none is lost in the answer.
async function bytesOf(request: Request): Promise<string> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

const echoing = (route: string) =>
  httpActionGeneric(async (_ctx, request) => {
    const { pathname, search } = new URL(request.url);
    return Response.json({
      route,
      method: request.method,
      path: pathname,
      query: search,
      probe: request.headers.get("X-Probe"),
      contentType: request.headers.get("content-type"),
      body: await bytesOf(request),
    });
  });

// The answer that the body, JSON, asks for: {status, headers: [[name, value]], body: base64}.
const answering = httpActionGeneric(async (_ctx, request) => {
  const { status, headers, body } = await request.json();
  const bytes = body === null ? null : Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  return new Response(bytes, { status, headers });
});

// Runs a program of the probe in one of its own functions, and answers what that does.
const calling = (kind: "query" | "mutation" | "action") =>
  httpActionGeneric(async (ctx: any, request) => {
    const method = `run${kind[0].toUpperCase()}${kind.slice(1)}`;
    const path = `conformance/probe:internal${kind[0].toUpperCase()}${kind.slice(1)}`;
    const answers = await ctx[method](makeFunctionReference(path), { program: await request.text() });
    return new Response(answers, { headers: { "Content-Type": "application/json" } });
  });

const failing = httpActionGeneric(async () => {
  throw new Error("no such luck");
});

const refusing = httpActionGeneric(async () => {
  throw new ConvexError({ code: "NO_LUCK" });
});

/** Adds the routes. */
export function routeConformance(http: HttpRouter): void {
  for (const method of METHODS) http.route({ path: "/conformance/echo", method, handler: echoing("exact") });
  http.route({ path: "/conformance/under/exact", method: "GET", handler: echoing("exact under a prefix") });
  http.route({ pathPrefix: "/conformance/under/", method: "GET", handler: echoing("prefix") });
  http.route({ pathPrefix: "/conformance/under/it/", method: "GET", handler: echoing("longer prefix") });
  http.route({ path: "/conformance/answer", method: "POST", handler: answering });
  for (const kind of ["query", "mutation", "action"] as const) {
    http.route({ path: `/conformance/${kind}`, method: "POST", handler: calling(kind) });
  }
  http.route({ path: "/conformance/failing", method: "GET", handler: failing });
  http.route({ path: "/conformance/refusing", method: "GET", handler: refusing });
}
