import { define } from "@/lib/server/define.ts";
import { json } from "@/lib/server/http.ts";
import { ownConfig } from "@/lib/server/instance.ts";
import { meshConfigFor } from "@/lib/server/mesh_config.ts";

export const handler = define.handlers({
  /** MeshConfig for the device that asks: ICE servers with its own credentials, and limits. */
  GET: (ctx) => json(meshConfigFor(ownConfig(), ctx.state.visitor.device, Date.now())),
});
