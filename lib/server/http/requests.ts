/** Every HTTP request: its id, its count by status, and its log line. */
import type { Random } from "../../shared/environment.ts";
import { HttpError } from "fresh";
import { toBase64Url } from "../../shared/base64url.ts";
import type { EnvironmentName } from "../config/server_config.ts";
import { define } from "./route_helpers.ts";
import { errorFields, type Logger } from "../logger.ts";
import type { ServerStats } from "../stats/server_stats.ts";

const REQUEST_ID_HEADER = "x-request-id";
/** An incoming request id is kept only in this form. */
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** The incoming request's id, or a new one. */
export function requestIdOf(headers: Headers, random: Random): string {
  const given = headers.get(REQUEST_ID_HEADER);
  return given !== null && REQUEST_ID.test(given) ? given : toBase64Url(random.bytes(12));
}

/** The first middleware. Logs a request by its route's pattern, because paths contain codes and ids of rooms. */
export function watchRequests(
  { stats, logger, random }: { stats: ServerStats; logger: Logger; random: Random },
) {
  return define.middleware(async (ctx) => {
    const requestId = ctx.state.requestId = requestIdOf(ctx.req.headers, random);
    const startedAt = stats.clock.now();
    const response = await ctx.next();
    if (response.status === 101) return response;
    stats.count("http_requests", `${Math.floor(response.status / 100)}xx`);
    response.headers.set(REQUEST_ID_HEADER, requestId);
    logger.log("debug", `request ${ctx.req.method} ${ctx.route ?? "none"}`, {
      status: response.status,
      ms: Math.round(stats.clock.now() - startedAt),
      requestId,
    });
    return response;
  });
}

/**
 * Answers errors of the middlewares below it, such as the refusal of another site's form; routes have an error page. Goes
 * after the middlewares that set headers, so that these answers have them too.
 */
export function answerErrors({ logger, environment }: { logger: Logger; environment: EnvironmentName }) {
  return define.middleware(async (ctx) => {
    try {
      return await ctx.next();
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      if (status >= 500) {
        const { requestId } = ctx.state;
        logger.log("error", "a request failed", { status, requestId, ...errorFields(error, environment) });
      }
      return new Response(null, { status });
    }
  });
}
