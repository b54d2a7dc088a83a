/**
 * `process.env` of functions: the variables of their deployment and nothing of this machine's; which ones are read is
 * told, so that a live query runs again when one of them changes.
 *
 * As on a deployment a variable is seen by its name alone: there is no list of them (convex-backend
 * npm-packages/udf-runtime/src/setup.ts).
 */
let variables = {};
let told = () => undefined;

/** Give functions the variables from now on. */
export function setEnvironment(env) {
  variables = env;
}

/** Call `listener` with the name of each variable that is looked up. */
export function onRead(listener) {
  told = listener;
}

/** `process.env` in the default runtime. */
export const environment = new Proxy(
  {},
  {
    get(target, name) {
      if (typeof name !== "string") return Reflect.get(target, name);
      told(name);
      return lookUp(name);
    },
  },
);

/** `process.env` with "use node": an object like any other. */
export const nodeEnvironment = new Proxy(
  {},
  {
    get(target, name) {
      if (typeof name !== "string") return Reflect.get(target, name);
      told(name);
      return Object.hasOwn(target, name) ? target[name] : lookUp(name);
    },
    has: (target, name) => Object.hasOwn(target, name) || lookUp(name) !== undefined,
    ownKeys: (target) => [...new Set([...Object.keys(target), ...Object.keys(variables)])],
    getOwnPropertyDescriptor(target, name) {
      const value = Object.hasOwn(target, name) ? target[name] : lookUp(name);
      return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
    },
  },
);

function lookUp(name) {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
