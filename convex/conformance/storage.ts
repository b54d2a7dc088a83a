/**
 * Steps of file storage, and of the tables a deployment keeps itself.
 *
 * URLs and what stands in them differ from run to run: a step tells whether there is one, or it itself if it is to be
 * fetched. The same in Python is `pytest_mastra_convex/probe/storage_steps.py`.
 */
import { valueOf, type Frame, type Json } from "./forms.ts";

export async function url(ctx: any, { id, plain }: Json, frame: Frame): Promise<string | boolean | null> {
  const found = await ctx.storage.getUrl(valueOf(id, frame));
  return plain ? found : found !== null;
}

/** What is told of a file, without the name in its URL. */
export async function metadata(ctx: any, { id }: Json, frame: Frame): Promise<any> {
  const found = await ctx.storage.getMetadata(valueOf(id, frame));
  if (found === null) return null;
  const { storageId: _, ...told } = found;
  return told;
}

export async function uploadUrl(ctx: any, { plain }: Json): Promise<string | boolean> {
  const found = await ctx.storage.generateUploadUrl();
  return plain ? found : found.includes("/api/storage/upload?token=");
}

export async function deleteFile(ctx: any, { id }: Json, frame: Frame): Promise<void> {
  await ctx.storage.delete(valueOf(id, frame));
}

export async function storeFile(ctx: any, { body, contentType, sha256 }: Json, frame: Frame): Promise<string> {
  const type = contentType === undefined ? undefined : valueOf(contentType, frame);
  const blob = new Blob([valueOf(body, frame)], { type: type ?? undefined });
  return await ctx.storage.store(blob, sha256 === undefined ? undefined : { sha256: valueOf(sha256, frame) });
}

/** The bytes and the type of a file; no type is an empty text. */
export async function readFile(ctx: any, { id }: Json, frame: Frame): Promise<any> {
  const blob = await ctx.storage.get(valueOf(id, frame));
  return blob === null ? null : { body: await blob.arrayBuffer(), contentType: blob.type };
}
