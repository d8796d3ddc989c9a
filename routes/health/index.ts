import { define } from "@/lib/server/define.ts";
import { httpStatusOf } from "@/lib/server/health.ts";
import { json } from "@/lib/server/http.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** How this instance is; HealthAnswer says what is in it. */
  async GET() {
    const server = await ownServer().catch(() => undefined);
    if (server === undefined) return json({ status: "down", reasons: ["the database cannot be opened"] }, 503);
    const answer = await server.health();
    return json(answer, httpStatusOf(answer));
  },
});
