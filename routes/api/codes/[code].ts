import { define } from "@/lib/server/http/route_helpers.ts";
import { json, problemResponse } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The room with this code, in any spelling; else `{problem, suggestions}` with similar codes. */
  async GET(ctx) {
    const server = await ownServer();
    const answer = await server.findRoomByCode(ctx.params.code!, ctx.state.visitor);
    return "problem" in answer ? problemResponse(answer) : json(answer.room);
  },
});
