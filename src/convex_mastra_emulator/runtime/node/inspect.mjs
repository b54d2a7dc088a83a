/**
 * Values as `console` of a deployment's own runtime writes them: npm object-inspect's form, strings in single quotes, lists
 * in a line if they fit, the fields of objects in lines of their own (convex-backend npm-packages/udf-runtime/src/
 * 02_console.ts: two spaces, object-inspect 1.13: at most five levels; checked 2026-11-21).
 */
const DEPTH_MAX = 5;
const STRING_MAX = 32768;
const INDENT = "  ";
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "'": "\\'", "\\": "\\\\" };
const HIDDEN = [
  ["WeakMap", WeakMap],
  ["WeakSet", WeakSet],
  ["WeakRef", WeakRef],
];
const BOXED = [Number, BigInt, Boolean, String, Symbol];

/** The text of one value. */
export function inspected(value) {
  return text(value, { depth: 0, above: [], isFlat: false });
}

function text(value, at) {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "function":
    case "object":
      return value === null ? "null" : ofObject(value, at);
    default:
      return String(value);
  }
}

function ofObject(value, { depth, above, isFlat }) {
  if (depth >= DEPTH_MAX && typeof value === "object") return Array.isArray(value) ? "[Array]" : "[Object]";
  if (above.includes(value)) return "[Circular]";
  const inside = { depth: depth + 1, above: [...above, value], isFlat };
  const join = isFlat ? inOneLine : (items) => inLines(items, depth);
  if (typeof value === "function") return ofFunction(value, inside);
  if (Array.isArray(value)) return listed(value, inside, join);
  if (value instanceof Error) return ofError(value, inside);
  if (typeof value.inspect === "function") return own(value.inspect(), inside);
  return collected(value, inside, join) ?? boxed(value, inside) ?? fielded(value, inside, join);
}

function own(given, inside) {
  return typeof given === "string" ? given : text(given, inside);
}

function ofFunction(value, inside) {
  const fields = fieldsOf(value, inside);
  const head = `[Function${value.name === "" ? " (anonymous)" : `: ${value.name}`}]`;
  return fields.length === 0 ? head : `${head} { ${fields.join(", ")} }`;
}

function ofError(error, inside) {
  const fields = fieldsOf(error, inside);
  const isHidden = "cause" in error && !Object.prototype.propertyIsEnumerable.call(error, "cause");
  if (isHidden) fields.unshift(`[cause]: ${text(error.cause, inside)}`);
  return fields.length === 0 ? `[${error}]` : `{ [${error}] ${fields.join(", ")} }`;
}

function listed(list, inside, join) {
  if (list.length === 0) return "[]";
  const items = Array.from(list, (item, at) => (at in list ? text(item, inside) : ""));
  items.push(...fieldsOf(list, inside));
  if (!inside.isFlat && items.some((item) => item.includes("\n"))) return `[${join(items)}]`;
  return `[ ${items.join(", ")} ]`;
}

function collected(value, inside, join) {
  if (value instanceof Map) {
    const key = (item) => text(item, { ...inside, isFlat: true });
    return entries("Map", [...value].map(([k, v]) => `${key(k)} => ${text(v, inside)}`), inside, join);
  }
  if (value instanceof Set) return entries("Set", Array.from(value, (item) => text(item, inside)), inside, join);
  for (const [name, kind] of HIDDEN) if (value instanceof kind) return `${name} { ? }`;
  return undefined;
}

function entries(name, items, { isFlat }, join) {
  return `${name} (${items.length}) {${isFlat ? items.join(", ") : join(items)}}`;
}

function boxed(value, inside) {
  if (value instanceof Date || value instanceof RegExp) return String(value);
  for (const kind of BOXED) if (value instanceof kind) return `Object(${text(value.valueOf(), inside)})`;
  return undefined;
}

function fielded(value, inside, join) {
  const fields = fieldsOf(value, inside);
  return fields.length === 0 ? `${headOf(value)}{}` : `${headOf(value)}{${join(fields)}}`;
}

/** Of a list those that are no items. */
function fieldsOf(value, inside) {
  const isItem = (name) => Array.isArray(value) && String(Number(name)) === name;
  const names = Object.keys(value).filter((name) => !isItem(name));
  const symbols = Object.getOwnPropertySymbols(value).filter((s) => Object.prototype.propertyIsEnumerable.call(value, s));
  return [
    ...names.map((name) => `${/[^\w$]/.test(name) ? quoted(name) : name}: ${text(value[name], inside)}`),
    ...symbols.map((symbol) => `[${String(symbol)}]: ${text(value[symbol], inside)}`),
  ];
}

function headOf(value) {
  if (Object.getPrototypeOf(value) === Object.prototype) return "";
  const hasNoPrototype = !(value instanceof Object);
  const name = typeof value.constructor === "function" ? value.constructor.name : "";
  const tag = Symbol.toStringTag in value ? Object.prototype.toString.call(value).slice(8, -1) : "";
  const tags = [tag || (hasNoPrototype ? "Object" : ""), hasNoPrototype ? "null prototype" : ""].filter(Boolean);
  return `${name === "" ? "" : `${name} `}${tags.length === 0 ? "" : `[${tags.join(": ")}] `}`;
}

function inOneLine(items) {
  return ` ${items.join(", ")} `;
}

function inLines(items, depth) {
  if (items.length === 0) return "";
  const end = `\n${INDENT.repeat(depth)}`;
  return `${end}${INDENT}${items.join(`,${end}${INDENT}`)}${end}`;
}

function quoted(string) {
  const rest = string.length - STRING_MAX;
  if (rest > 0) return `${quoted(string.slice(0, STRING_MAX))}... ${rest} more character${rest > 1 ? "s" : ""}`;
  // eslint-disable-next-line no-control-regex
  return `'${string.replace(/['\\\x00-\x1f]/g, (char) => ESCAPES[char] ?? `\\x${hex(char)}`)}'`;
}

const hex = (char) => char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
