import { HttpError } from "fresh";
import { ErrorPage } from "@/components/common/ErrorPage.tsx";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownConfig, ownLogger } from "@/lib/server/instance.ts";
import { errorFields } from "@/lib/server/logger.ts";
import { StorageUnavailable } from "@/lib/store/database.ts";

/**
 * Renders the error page. A middleware and not an `_error` page, because those are rendered outside of all middlewares,
 * without the policy and the headers that every page has.
 */
export default define.middleware(async (ctx) => {
  try {
    return await ctx.next();
  } catch (error) {
    const status = error instanceof HttpError ? error.status : error instanceof StorageUnavailable ? 503 : 500;
    if (status >= 500) {
      const { requestId } = ctx.state;
      const fields = { status, route: ctx.route ?? "none", requestId };
      ownLogger().log("error", "a request failed", { ...fields, ...errorFields(error, ownConfig().environment) });
    }
    return ctx.render(<ErrorPage status={status} path={ctx.url.pathname} />, { status });
  }
});
