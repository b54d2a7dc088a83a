"use node";

import { createHmac } from "node:crypto";

import { DateTime } from "luxon";
import { v } from "convex/values";

import { internal } from "./_generated/api";
import { action } from "./_generated/server";

export const signed = action({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<unknown> => {
    const signature = createHmac("sha256", "key").update(text).digest("hex").slice(0, 8);
    await ctx.runMutation(internal.scheduling.happen, { what: signature });
    return [signature, Buffer.from(text).toString("base64"), typeof global, process.env.KITCHEN ?? "none"];
  },
});
export const zoned = action({
  args: {},
  handler: async () => DateTime.fromISO("2026-03-29T12:00:00Z").setZone("Europe/Berlin").toFormat("HH:mm ZZZ"),
});
