import { define } from "@/lib/server/http/route_helpers.ts";
import { MEMBERSHIP_HEADER } from "@/lib/protocol/peer/mesh_config.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownConfig } from "@/lib/server/instance.ts";
import { meshConfigFor } from "@/lib/server/http/ice_config.ts";

export const handler = define.handlers({
  /** MeshConfig for the requesting device: ICE servers, with its credentials if it is in a room, and limits. */
  GET: ({ req, state }) => {
    const membership = req.headers.get(MEMBERSHIP_HEADER) ?? undefined;
    return json(meshConfigFor(ownConfig(), state.visitor.device, Date.now(), membership));
  },
});
