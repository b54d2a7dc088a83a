import { query } from "./_generated/server.js";

export const hello = query({ handler: async (ctx, { name }) => `Hello ${name}` });
