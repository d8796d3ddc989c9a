import { define } from "@/lib/server/http/route_helpers.ts";
import { storageProblem } from "@/lib/server/http/responses.ts";
import { ownConfig } from "@/lib/server/instance.ts";

/** Answers failures of the database as JSON; other errors get the app's error page. */
export default define.middleware(async (ctx) => {
  try {
    return await ctx.next();
  } catch (error) {
    const response = storageProblem(error, ownConfig().commit.retryAfterMs);
    if (response === undefined) throw error;
    return response;
  }
});
