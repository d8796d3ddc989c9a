import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";

export const handler = define.handlers({
  /** Liveness: this process answers. Whether its database does is no reason to restart it. */
  GET: () => json({ status: "ok" }),
});
