import { App, staticFiles } from "fresh";
import { fileURLToPath } from "node:url";
import { compressedFiles } from "@/lib/server/http/compression.ts";
import { ConfigError } from "@/lib/server/config/read_config.ts";
import type { ServerConfig } from "@/lib/server/config/server_config.ts";
import type { RequestState } from "@/lib/server/http/route_helpers.ts";
import { ownConfig, ownLogger, ownStats, startOrExit } from "@/lib/server/instance.ts";
import { answerErrors, watchRequests } from "@/lib/server/http/requests.ts";
import { rememberedPages } from "@/lib/server/http/remembered_pages.ts";
import {
  boundedHead,
  contentPolicy,
  ownOriginOnly,
  requestSource,
  securityHeaders,
  visitor,
} from "@/lib/server/http/security.ts";
import { realEnvironment } from "@/lib/server/environment.ts";

const config = readOwnConfig();
await startOrExit();

/** The whole app; routes/ is added by the build. */
export const app = new App<RequestState>()
  .use(watchRequests({ stats: ownStats(), logger: ownLogger(), random: realEnvironment.random }))
  .use(requestSource(config))
  .use(securityHeaders(config))
  .use(boundedHead(config))
  .use(visitor)
  .use(rememberedPages({ ...realEnvironment, publicFigures: config.monitoring.publicFigures }))
  .use(contentPolicy)
  .use(answerErrors({ logger: ownLogger(), environment: config.environment }))
  .use(compressedFiles(fileURLToPath(new URL("static", Deno.mainModule))))
  .use(staticFiles())
  .use(ownOriginOnly(config, ownLogger().warn))
  .fsRoutes();

/** A wrong setting stops the start, with one line per mistake and no stack. */
function readOwnConfig(): ServerConfig {
  try {
    return ownConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
