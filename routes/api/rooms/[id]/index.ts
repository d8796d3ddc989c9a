import { define } from "@/lib/server/http/route_helpers.ts";
import { json, problemResponse } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The room with this id. */
  async GET(ctx) {
    const server = await ownServer();
    const room = await server.roomById(ctx.params.id!);
    return room === undefined ? problemResponse({ problem: "no_such_room" }) : json(room);
  },
});
