/** The modules of a deployed bundle: loaded once per deploy, and what they export. */
import { pathToFileURL } from "node:url";

import { LoadFailed, setRoot } from "./failures.mjs";

const KINDS = { isQuery: "query", isMutation: "mutation", isAction: "action", isHttp: "httpAction" };

class Modules {
  #modules;

  constructor(modules) {
    this.#modules = modules;
  }

  functionOf(path, name) {
    return this.#modules.get(path)[name];
  }

  module(path) {
    return this.#modules.get(path);
  }

  /** What the emulator has to know of each module's exports. */
  exported() {
    return [...this.#modules].map(([path, module]) => ({ path, functions: functionsOf(path, module), ...extrasOf(path, module) }));
  }
}

function functionsOf(path, module) {
  const found = [];
  for (const [name, value] of Object.entries(module)) {
    if (value === null || (typeof value !== "function" && typeof value !== "object")) continue;
    const flag = Object.keys(KINDS).find((each) => value[each] === true);
    if (flag === undefined || KINDS[flag] === "httpAction") continue;
    const isPublic = value.isPublic === true;
    found.push({
      name,
      kind: KINDS[flag],
      isInternal: !isPublic && value.isInternal === true,
      args: value.exportArgs?.() ?? null,
      returns: value.exportReturns?.() ?? null,
    });
  }
  return found;
}

function extrasOf(path, module) {
  if (path === "crons.js") return { crons: module.default?.export?.() ?? null };
  if (path === "http.js") return { routes: module.default?.getRoutes?.().map(([route, method]) => [route, method]) ?? null };
  if (path === "schema.js") return { schema: module.default?.export?.() ?? null };
  if (path === "auth.config.js") return { auth: JSON.stringify(module.default ?? null) };
  return {};
}

/** Load the modules of a folder: {folder, root, paths, env}; `root` is where their sources lie. */
export async function loadModules({ folder, root, paths, env }) {
  setRoot(root);
  setEnvironment(env);
  const modules = new Map();
  for (const path of paths) {
    try {
      modules.set(path, await import(pathToFileURL(`${folder}/${path}`).href));
    } catch (error) {
      throw new LoadFailed(path, error);
    }
  }
  return new Modules(modules);
}

/** `process.env` of functions. */
export const environment = {};

/** Give functions the environment of their deployment, and nothing of this machine's. */
export function setEnvironment(env) {
  for (const name of Object.keys(environment)) delete environment[name];
  Object.assign(environment, env);
}
