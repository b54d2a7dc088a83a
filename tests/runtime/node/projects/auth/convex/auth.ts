import { Anonymous } from "@convex-dev/auth/providers/Anonymous";
import { Password } from "@convex-dev/auth/providers/Password";
import { convexAuth, getAuthUserId } from "@convex-dev/auth/server";

import { query } from "./_generated/server";

export const { auth, signIn, signOut, store, isAuthenticated } = convexAuth({ providers: [Anonymous, Password] });

export const me = query(async (ctx) => {
  const id = await getAuthUserId(ctx);
  return id === null ? null : await ctx.db.get(id);
});
