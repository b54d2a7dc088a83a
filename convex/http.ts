/** The HTTP actions of this deployment: those of the conformance tests. */
import { httpRouter } from "convex/server";

import { routeConformance } from "./conformance/routes.ts";

const http = httpRouter();
routeConformance(http);
export default http;
