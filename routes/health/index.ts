import { define } from "@/lib/server/http/route_helpers.ts";
import { healthWithoutDatabase, httpStatusOf } from "@/lib/server/stats/health.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownConfig, ownServer } from "@/lib/server/instance.ts";
import { StorageUnavailable } from "@/lib/store/database.ts";

export const handler = define.handlers({
  /** This instance's health, as HealthAnswer describes it. */
  async GET() {
    const answer = await ownServer().then((server) => server.health(), (error) => {
      if (!(error instanceof StorageUnavailable)) throw error;
      return healthWithoutDatabase(ownConfig(), Date.now());
    });
    return json(answer, httpStatusOf(answer));
  },
});
