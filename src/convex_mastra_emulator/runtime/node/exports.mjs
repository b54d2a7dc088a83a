/**
 * What a module exports, as a deployment analyses it when it is pushed: its functions, its crons, its routes, and what is
 * wrong with them (convex-backend crates/isolate/src/environment/analyze.rs; checked 2026-11-21).
 */
import { ExportRefused } from "./failures.mjs";

const KINDS = { isQuery: "query", isMutation: "mutation", isAction: "action" };

/** {path, functions, …}, and of some modules what they are there for. */
export function analysed(path, module) {
  return { path, functions: functionsOf(path, module), ...extrasOf(path, module) };
}

function functionsOf(path, module) {
  const found = [];
  for (const [name, value] of Object.entries(module)) {
    if (value === null || (typeof value !== "function" && typeof value !== "object")) continue;
    const flags = Object.keys(KINDS).filter((flag) => flag in value);
    const [isPublic, isInternal] = ["isPublic" in value, "isInternal" in value];
    if (flags.length !== 1 || (isPublic && isInternal)) continue;
    const id = `${path}:${name}`;
    const args = validatorOf(value, "exportArgs", id);
    const returns = validatorOf(value, "exportReturns", id);
    checkHandler(value, id);
    found.push({ name, kind: KINDS[flags[0]], isInternal, args, returns });
  }
  return found;
}

function validatorOf(value, method, id) {
  const exporting = value[method];
  if (exporting === undefined) return null;
  if (typeof exporting !== "function") throw new ExportRefused(`${id}.${method} is not a function or \`undefined\`.`);
  const text = exporting.call(value);
  if (typeof text === "string") return text;
  throw new ExportRefused(`Invalid ${method} return value: ${id}.${method}() didn't return a string.`);
}

function checkHandler(value, id) {
  const handler = value._handler;
  if (handler !== undefined && typeof handler !== "function") {
    throw new ExportRefused(`${id}.handler is not a function.`);
  }
  if (handler === undefined && typeof value !== "function") throw new ExportRefused(`${id} is not a function.`);
}

function extrasOf(path, module) {
  if (path === "crons.js") return { crons: cronsOf(module) };
  if (path === "http.js") return { routes: routesOf(module) };
  if (path === "schema.js") return { schema: module.default?.export?.() ?? null };
  if (path === "auth.config.js") return { auth: JSON.stringify(module.default ?? null) };
  return {};
}

function cronsOf(module) {
  if (!("default" in module)) {
    throw new ExportRefused("`convex/crons.js` must have a default export of a Crons object.");
  }
  const crons = module.default;
  if (crons === null || crons === undefined) {
    // The deployment's own text speaks of a router here.
    throw new ExportRefused("The default export of `convex/cron.js` is not a Router.");
  }
  if (crons.isCrons !== true) {
    throw new ExportRefused("The default export of `convex/crons.js` is not a Crons object.");
  }
  if (typeof crons.export !== "function") throw new ExportRefused(".export property on Crons object not found");
  return crons.export();
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

function routesOf(module) {
  if (!("default" in module)) throw new ExportRefused("`convex/http.js` must have a default export of a Router.");
  const router = module.default;
  if (router?.isRouter !== true) throw new ExportRefused("The default export of `convex/http.js` is not a Router.");
  if (typeof router.getRoutes !== "function") throw new ExportRefused(".getRoutes property on Router not found");
  const routes = router.getRoutes();
  if (typeof routes !== "object" || routes === null) throw routesRefused("return value is not an array");
  return Array.from(routes, routeOf);
}

function routeOf(entry, at) {
  if (typeof entry !== "object" || entry === null) throw routesRefused(`arr[${at}] is not an object`);
  const [path, method, handler] = entry;
  if (typeof path !== "string") throw routesRefused(`arr[${at}][0] is not a string`);
  if (typeof method !== "string") throw routesRefused(`arr[${at}][1] is not a string`);
  if (!METHODS.includes(method)) {
    const known = METHODS.join(", ");
    throw routesRefused(`'${method}' is not not a routable method (one of ${known})`);
  }
  if (typeof handler !== "function" && typeof handler !== "object") throw routesRefused(`arr[${at}][2] not an HttpAction`);
  return [path, method];
}

function routesRefused(problem) {
  return new ExportRefused(
    "The `getRoutes()` method of Router did not return the expected type. `getRoutes()` should be a function returning " +
      `an array of entries of the form [path: string, method: string, handler: HttpAction] (${problem})`,
  );
}
