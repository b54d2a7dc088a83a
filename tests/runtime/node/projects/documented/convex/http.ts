import { httpRouter } from "convex/server";

import { api, internal } from "./_generated/api";
import { httpAction } from "./_generated/server";

const http = httpRouter();
http.route({
  path: "/recipes",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const id = await ctx.runMutation(api.recipes.add, await request.json());
    return Response.json({ id }, { status: 201, headers: { Location: `/recipes/${id}` } });
  }),
});
http.route({
  pathPrefix: "/recipes/",
  method: "GET",
  handler: httpAction(async (ctx, request) => {
    const id = new URL(request.url).pathname.split("/").pop();
    const [title] = await ctx.runQuery(api.recipes.byId, { id });
    return title === undefined ? new Response("no such recipe", { status: 404 }) : new Response(title);
  }),
});
http.route({
  path: "/pictures",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const file = await ctx.storage.store(await request.blob());
    const recipe = new URL(request.url).searchParams.get("recipe");
    await ctx.runMutation(internal.files.attach, { file, recipe });
    const picture = await ctx.storage.get(file);
    return new Response(picture, { headers: { "Content-Type": picture!.type, Vary: "origin" } });
  }),
});
http.route({
  path: "/me",
  method: "GET",
  handler: httpAction(async ({ auth }) => new Response((await auth.getUserIdentity())?.name ?? "nobody")),
});

export default http;
