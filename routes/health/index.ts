import { define } from "@/lib/server/http/route_helpers.ts";
import { httpStatusOf } from "@/lib/server/stats/health.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** This instance's health, as HealthAnswer describes it. */
  async GET() {
    const answer = await (await ownServer()).health();
    return json(answer, httpStatusOf(answer));
  },
});
