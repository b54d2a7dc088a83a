import { crud } from "convex-helpers/server/crud";

import { mutation, query } from "./_generated/server";
import schema from "./schema";

export const { create, read, update, destroy, paginate } = crud(schema, "readers", query as any, mutation as any);
