import { page } from "fresh";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownServer } from "@/lib/server/instance.ts";
import { HIDE_READ_SCRIPT } from "@/lib/ui/read_notices.ts";
import Home from "@/islands/Home.tsx";
import type { RoomEntry } from "@/components/home/RoomListItem.tsx";

export const handler = define.handlers({
  async GET() {
    const server = await ownServer();
    const [rooms, recommended, notices] = await Promise.all([
      server.listedRooms(),
      server.suggestedRooms(),
      server.settings.broadcasts(),
    ]);
    const suggested: RoomEntry[] = recommended.map(({ room, label, people }) => ({
      id: room.id,
      path: `/r/${room.code ?? room.id}`,
      name: label,
      ...(room.code === undefined ? {} : { code: room.code }),
      people,
    }));
    const listed: RoomEntry[] = rooms.map(({ room, people }) => ({
      id: room.id,
      path: `/r/${room.code}`,
      name: room.name,
      ...(room.code === undefined ? {} : { code: room.code }),
      people,
    }));
    return page({ listed, suggested, notices });
  },
});

export default define.page<typeof handler>(({ data }) => (
  <>
    <Home {...data} />
    {data.notices.length > 0 && <script dangerouslySetInnerHTML={{ __html: HIDE_READ_SCRIPT }} />}
  </>
));
