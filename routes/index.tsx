import { page } from "fresh";
import { define } from "@/lib/server/define.ts";
import { ownServer } from "@/lib/server/instance.ts";
import Home from "@/islands/Home.tsx";
import type { RoomEntry } from "@/components/home/RoomBand.tsx";

export const handler = define.handlers({
  async GET() {
    const server = await ownServer();
    const rooms = await server.listedRooms();
    const listed: RoomEntry[] = rooms.map(({ room, people }) => ({
      id: room.id,
      path: `/r/${room.code}`,
      name: room.name,
      ...(room.code === undefined ? {} : { code: room.code }),
      people,
    }));
    return page({ listed });
  },
});

export default define.page<typeof handler>(({ data }) => <Home listed={data.listed} />);
