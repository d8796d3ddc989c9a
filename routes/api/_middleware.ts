import { define } from "@/lib/server/http/route_helpers.ts";
import { storageProblem } from "@/lib/server/http/responses.ts";
import { ownConfig } from "@/lib/server/instance.ts";

/** A database that does not answer is an answer of its own here; everything else is for the app's error page. */
export default define.middleware(async (ctx) => {
  try {
    return await ctx.next();
  } catch (error) {
    const response = storageProblem(error, ownConfig().commit.retryAfterMs);
    if (response === undefined) throw error;
    return response;
  }
});
