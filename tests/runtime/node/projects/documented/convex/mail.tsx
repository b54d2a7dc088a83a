/** @jsxImportSource hono/jsx */
import { v } from "convex/values";

import { query } from "./_generated/server";

function Greeting({ name, dishes }: { name: string; dishes: string[] }) {
  return (
    <ul title={name}>
      {dishes.map((dish) => (
        <li>{dish}</li>
      ))}
    </ul>
  );
}

export const render = query({
  args: { name: v.string(), dishes: v.array(v.string()) },
  handler: async (_, { name, dishes }) => String(<Greeting name={name} dishes={dishes} />),
});
