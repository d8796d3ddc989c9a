import { readWireEvent } from "@/lib/protocol/event.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { json, problemResponse, readJson } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The home page's data: listed rooms and the operator's notices, `{rooms, notices, at}`. */
  async GET() {
    const server = await ownServer();
    const [rooms, notices] = await Promise.all([server.listedRooms(), server.settings.broadcasts()]);
    return json({ rooms, notices, at: Date.now() });
  },

  /** Makes the room of the genesis event in the body: 201 with the room. */
  async POST(ctx) {
    const server = await ownServer();
    const { requestBytes, bodyMs } = server.config.limits;
    const body = await readJson(ctx.req, { maxBytes: requestBytes, withinMs: bodyMs });
    if ("problem" in body) return problemResponse(body);
    const genesis = readWireEvent(body.value);
    if (genesis === undefined) return problemResponse({ problem: "bad_event", field: "event" });
    const answer = await server.createRoom(genesis, ctx.state.visitor);
    return "problem" in answer ? problemResponse(answer) : json(answer.room, 201);
  },
});
