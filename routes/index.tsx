import { page } from "fresh";
import { define } from "@/lib/server/define.ts";
import { ownServer } from "@/lib/server/instance.ts";
import Home from "@/islands/Home.tsx";
import type { RoomEntry } from "@/components/home/RoomBand.tsx";

export const handler = define.handlers({
  async GET() {
    const server = await ownServer();
    const [rooms, recommended] = await Promise.all([server.listedRooms(), server.suggestedRooms()]);
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
    return page({ listed, suggested });
  },
});

export default define.page<typeof handler>(({ data }) => <Home listed={data.listed} suggested={data.suggested} />);
