import { define } from "@/lib/server/define.ts";
import { json } from "@/lib/server/http.ts";

export const handler = define.handlers({
  /** Liveness: this process answers. Whether its database does is no reason to restart it. */
  GET: () => json({ status: "ok" }),
});
