import { define } from "@/lib/server/http/route_helpers.ts";
import { healthWithoutDatabase, httpStatusOf } from "@/lib/server/stats/health.ts";
import { json } from "@/lib/server/http/responses.ts";
import { figuresRefusal, ownConfig, ownServer } from "@/lib/server/instance.ts";
import { StorageUnavailable } from "@/lib/store/database.ts";

export const handler = define.handlers({
  /**
   * This instance's health: HealthAnswer for readers of the figures, only its status for anybody else. The HTTP status
   * tells a load balancer the same.
   */
  async GET(ctx) {
    const answer = await ownServer().then((server) => server.health(), (error) => {
      if (!(error instanceof StorageUnavailable)) throw error;
      return healthWithoutDatabase(ownConfig(), Date.now());
    });
    const mayReadAll = await figuresRefusal(ctx.req, ctx.state) === undefined;
    return json(mayReadAll ? answer : { status: answer.status }, httpStatusOf(answer));
  },
});
