import { HttpError } from "fresh";
import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownConfig, ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The rooms that are open on this instance, with ids and codes. In development only; elsewhere 404. */
  async GET() {
    if (ownConfig().environment !== "development") throw new HttpError(404);
    const rooms = (await ownServer()).openRooms();
    return json({
      rooms: rooms.map(({ room: { id, kind, name, code }, people, connections, head }) => {
        return { id, kind, name, code, people, connections, head };
      }),
    });
  },
});
