/**
 * The two forms in which a deployment writes the value of a function (HTTP field `format`).
 *
 * "convex_encoded_json" keeps every type; "json", the clean export, writes what plain JSON readers understand.
 * Convex: crates/value/src/export.rs; npm convex `convexToJson` for the first.
 */
import { convexToJson } from "convex/values";

const WRITERS = new Map([
  ["convex_encoded_json", convexToJson],
  ["convex_json", convexToJson],
  ["json", cleanJson],
  ["convex_clean_json", cleanJson],
]);

/** The function that writes values in `format`, or undefined where there is no such format. */
export function writerOf(format) {
  return WRITERS.get(format);
}

function cleanJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return cleanNumber(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(cleanJson);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, cleanJson(field)]));
}

function cleanNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  // JSON.stringify drops the sign of negative zero; a deployment writes it.
  return Object.is(value, -0) ? JSON.rawJSON("-0.0") : value;
}
