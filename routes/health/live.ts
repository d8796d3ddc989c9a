import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";

export const handler = define.handlers({
  /** Liveness: this process answers. A failing database is no reason to restart it. */
  GET: () => json({ status: "ok" }),
});
