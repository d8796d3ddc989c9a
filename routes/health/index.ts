import { define } from "@/lib/server/http/route_helpers.ts";
import { httpStatusOf } from "@/lib/server/stats/health.ts";
import { json } from "@/lib/server/http/responses.ts";
import { figuresRefusal, ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /**
   * This instance's health: HealthAnswer for readers of the figures, only its status for anybody else. The HTTP status
   * tells a load balancer the same.
   */
  async GET(ctx) {
    const answer = await (await ownServer()).health();
    const mayReadAll = await figuresRefusal(ctx.req, ctx.state) === undefined;
    return json(mayReadAll ? answer : { status: answer.status }, httpStatusOf(answer));
  },
});
