/** The two requests to OpenAI's HTTP API this app makes. */
import { ConvexError } from "convex/values";

export const EMBEDDING_DIMENSIONS = 256;
const EMBEDDING_MODEL = "text-embedding-3-small";
const CHAT_MODEL = "gpt-4o-mini";

/** Statuses after which the same request may succeed a little later. */
const BUSY = [429, 500, 502, 503, 504];

export type ModelProblem = { code: "missing_key" | "wrong_key" | "busy" | "refused"; message: string };
export type ChatMessage = { role: "system" | "user" | "assistant"; content: string };

/** One vector for each text. */
export async function embed(texts: string[]): Promise<number[][]> {
  if (texts.length === 0) return [];
  const body = { model: EMBEDDING_MODEL, input: texts, dimensions: EMBEDDING_DIMENSIONS };
  const { data } = await post("/embeddings", body);
  return data.map(({ embedding }: { embedding: number[] }) => embedding);
}

/** What the model says next; with `json` it answers a JSON object. */
export async function complete(messages: ChatMessage[], { json = false } = {}): Promise<string> {
  const format = json ? { response_format: { type: "json_object" } } : {};
  const { choices } = await post("/chat/completions", { model: CHAT_MODEL, messages, ...format });
  return choices[0].message.content;
}

export function isBusy(error: unknown): boolean {
  return error instanceof ConvexError && error.data.code === "busy";
}

async function post(path: string, body: object) {
  const key = process.env.OPENAI_API_KEY;
  if (!key) throw problem("missing_key", "OPENAI_API_KEY is not set on this deployment");
  const url = (process.env.OPENAI_BASE_URL ?? "https://api.openai.com/v1") + path;
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  if (response.ok) return await response.json();
  if (response.status === 401) throw problem("wrong_key", "OpenAI does not accept OPENAI_API_KEY");
  const code = BUSY.includes(response.status) ? "busy" : "refused";
  throw problem(code, `OpenAI answered ${path} with ${response.status}: ${(await response.text()).slice(0, 200)}`);
}

function problem(code: ModelProblem["code"], message: string) {
  return new ConvexError<ModelProblem>({ code, message });
}
