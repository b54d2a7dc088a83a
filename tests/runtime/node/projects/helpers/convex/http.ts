import { corsRouter } from "convex-helpers/server/cors";
import { HttpRouterWithHono, type HonoWithConvex } from "convex-helpers/server/hono";
import { Hono } from "hono";

import { api } from "./_generated/api";
import { httpAction } from "./_generated/server";

const app: HonoWithConvex<any> = new Hono();
app.use("/hono/*", async (c, next) => {
  await next();
  c.header("x-through", "middleware");
});
app.get("/hono/authors/:name", async (c) => {
  const author = await c.env.runQuery(api.relationships.one, { name: c.req.param("name") });
  return author === null ? c.json({ error: "unknown" }, 404) : c.json({ name: author.name, by: c.req.query("by") });
});
app.get("/books/:author/:year{[0-9]+}", (c) => c.json([c.req.param("author"), c.req.param("year")]));
app.post("/fill", async (c) => c.json(Object.keys(await c.env.runMutation(api.library.fill, await c.req.json()))));
app.get("/fail", async () => {
  throw new Error("inside hono");
});
app.notFound((c) => c.text("hono knows no such page", 404));

const http = new HttpRouterWithHono(app);
const cors = corsRouter(http, { allowedOrigins: ["https://app.example"], allowedHeaders: ["Content-Type", "X-Key"] });
cors.route({ path: "/cors", method: "GET", handler: httpAction(async () => new Response("got")) });
cors.route({ path: "/cors", method: "POST", handler: httpAction(async (_, request) => new Response(await request.text())) });
http.route({ path: "/plain", method: "GET", handler: httpAction(async () => new Response("plain")) });

export default http;
