import { HttpError, page } from "fresh";
import { Head } from "fresh/runtime";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownServer } from "@/lib/server/instance.ts";
import Room from "@/islands/Room.tsx";
import type { RoomHeading } from "@/components/room/RoomScreen.tsx";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";

/** A sealed room. Its key is in the fragment of the link, which browsers do not send. */
export const handler = define.handlers<{ room: RoomHeading }>({
  async GET(ctx) {
    const server = await ownServer();
    const room = await server.roomById(ctx.params.id ?? "");
    if (room === undefined) throw new HttpError(404);
    if (room.kind !== "sealed" && room.code !== undefined) return ctx.redirect(`/r/${room.code}`);
    return page({ room: { id: room.id, kind: room.kind } });
  },
});

export default define.page<typeof handler>(({ data }) => {
  return (
    <>
      <Head>
        <title>{`${t.kinds.sealed.name} · ${t.app.name}`}</title>
        <meta name="robots" content="noindex" />
      </Head>
      <Room head={data.room} />
    </>
  );
});
