/**
 * What `console` prints, as a deployment prints it: strings in single quotes, lists in a line, the fields of objects in
 * lines of their own (convex-backend npm-packages/udf-runtime/src/02_console.ts: two spaces, at most five levels).
 */
export const LEVELS = ["log", "debug", "info", "warn", "error"];

const DEPTH_MAX = 5;
const STRING_MAX = 32768;
const INDENT = "  ";
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "'": "\\'", "\\": "\\\\" };

/** The text of one line. */
export function lineOf(values) {
  return values.map((value) => inspected(value, 0, [])).join(" ");
}

function inspected(value, depth, above) {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return `[Function${value.name === "" ? " (anonymous)" : `: ${value.name}`}]`;
    case "symbol":
      return String(value);
    case "object":
      return value === null ? "null" : ofObject(value, depth, above);
    default:
      return String(value);
  }
}

function ofObject(value, depth, above) {
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? "[Array]" : "[Object]";
  if (above.includes(value)) return "[Circular]";
  const inner = (item) => inspected(item, depth + 1, [...above, value]);
  if (Array.isArray(value)) return listed("[", Array.from(value, inner), "]", depth);
  if (value instanceof Error) return ofError(value, inner, depth);
  if (value instanceof Map) return collected("Map", value.size, [...value].map(([k, v]) => `${inner(k)} => ${inner(v)}`), depth);
  if (value instanceof Set) return collected("Set", value.size, [...value].map(inner), depth);
  if (value instanceof Date) return String(value);
  if (value instanceof RegExp) return String(value);
  for (const [kind, of] of [["Number", Number], ["String", String], ["Boolean", Boolean]]) {
    if (value instanceof of) return `Object(${inner(value.valueOf())})`;
  }
  const fields = Object.keys(value).map((name) => `${keyOf(name)}: ${inner(value[name])}`);
  const head = tagged(value);
  if (fields.length === 0) return `${head}{}`;
  return `${head}{${inLines(fields, depth)}}`;
}

function ofError(error, inner, depth) {
  const fields = Object.keys(error).map((name) => `${keyOf(name)}: ${inner(error[name])}`);
  const text = `[${error}]`;
  return fields.length === 0 ? text : `{ ${[text, ...fields].join(", ")} }`;
}

function tagged(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return "";
  const name = prototype === null ? "" : (value.constructor?.name ?? "");
  const tag = value[Symbol.toStringTag];
  const inside = [tag, prototype === null ? "null prototype" : undefined].filter((part) => part !== undefined);
  return `${name === "Object" || name === "" ? "" : `${name} `}${inside.length === 0 ? "" : `[${inside.join(": ")}] `}`;
}

function collected(name, size, items, depth) {
  if (items.length === 0) return `${name} (${size}) {}`;
  return `${name} (${size}) {${inLines(items, depth)}}`;
}

function listed(open, items, close, depth) {
  if (items.length === 0) return open + close;
  if (items.some((item) => item.includes("\n"))) return open + inLines(items, depth) + close;
  return `${open} ${items.join(", ")} ${close}`;
}

function inLines(items, depth) {
  const end = `\n${INDENT.repeat(depth)}`;
  return `${end}${INDENT}${items.join(`,${end}${INDENT}`)}${end}`;
}

function quoted(text) {
  const rest = text.length - STRING_MAX;
  if (rest > 0) return `${quoted(text.slice(0, STRING_MAX))}... ${rest} more character${rest > 1 ? "s" : ""}`;
  // eslint-disable-next-line no-control-regex
  return `'${text.replace(/['\\\x00-\x1f]/g, (char) => ESCAPES[char] ?? `\\x${hex(char)}`)}'`;
}

const hex = (char) => char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");

const keyOf = (name) => (/^[A-Za-z0-9_$]*$/.test(name) ? name : quoted(name));
