/** The modules of a deployed bundle: loaded once per deploy, and what they export. */
import * as nodeModule from "node:module";
import { pathToFileURL } from "node:url";

import { onRead, setEnvironment } from "./environment.mjs";
import { analysed } from "./exports.mjs";
import { ExportRefused, LoadFailed, setRoot } from "./failures.mjs";

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
}

/**
 * Load the modules of a folder and see what they export: {folder, root, paths, env}; `root` is where their sources lie.
 *
 * With what a module exports comes which variables of the environment it read when it was loaded.
 */
export async function loadModules({ folder, root, paths, env }) {
  setRoot(root);
  setEnvironment(env);
  const modules = new Map();
  const exported = [];
  for (const path of paths) {
    const reads = new Set();
    onRead((name) => reads.add(name));
    try {
      const module = await import(pathToFileURL(`${folder}/${path}`).href);
      modules.set(path, module);
      exported.push({ ...analysed(path, module), reads: [...reads] });
    } catch (error) {
      throw error instanceof ExportRefused ? error : new LoadFailed(path, error);
    } finally {
      onRead(() => undefined);
    }
  }
  return { modules: new Modules(modules), exported };
}

/**
 * Refuse `import(…)` from now on, when all modules are there: queries and mutations cannot load any (convex-backend
 * crates/isolate/src/isolate.rs `error_dynamic_import_callback`). Node before 22.15 lets them.
 */
export function refuseImports() {
  nodeModule.registerHooks?.({
    resolve(specifier, context, next) {
      // The worker's own, loaded when it is wanted.
      if (specifier.startsWith("node:")) return next(specifier, context);
      throw new TypeError("dynamic module import unsupported");
    },
  });
}
