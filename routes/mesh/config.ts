import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownConfig } from "@/lib/server/instance.ts";
import { meshConfigFor } from "@/lib/server/http/ice_config.ts";

export const handler = define.handlers({
  /** MeshConfig for the requesting device: ICE servers with its credentials, and limits. */
  GET: (ctx) => json(meshConfigFor(ownConfig(), ctx.state.visitor.device, Date.now())),
});
