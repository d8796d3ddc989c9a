import { page } from "fresh";
import { Head } from "fresh/runtime";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownServer } from "@/lib/server/instance.ts";
import JoinCode from "@/islands/JoinCode.tsx";
import Room from "@/islands/Room.tsx";
import type { RoomHeading } from "@/components/room/RoomScreen.tsx";
import { RoomNotFound, type RoomNotFoundProps } from "@/components/home/RoomNotFound.tsx";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";

type Data = { room: RoomHeading } | { missing: RoomNotFoundProps };

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const typed = ctx.params.code ?? "";
    const server = await ownServer();
    const answer = await server.findRoomByCode(typed, ctx.state.visitor);
    if ("problem" in answer) {
      const { problem, suggestions = [], retryAfterMs } = answer;
      const waitSeconds = problem === "rate_limited" ? Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000)) : undefined;
      return page({ missing: { typed, suggestions, waitSeconds } }, {
        status: waitSeconds === undefined ? 404 : 429,
        headers: waitSeconds === undefined ? {} : { "retry-after": String(waitSeconds) },
      });
    }
    const { id, kind, name, code } = answer.room;
    if (code !== undefined && code !== typed) return ctx.redirect(`/r/${code}`);
    return page({ room: { id, kind, name, ...(code === undefined ? {} : { code }) } });
  },
});

export default define.page<typeof handler>(({ data }) => {
  if ("missing" in data) {
    return (
      <>
        <Head>
          <title>{`${t.notFound.roomTitle} · ${t.app.name}`}</title>
        </Head>
        <RoomNotFound {...data.missing}>
          <JoinCode />
        </RoomNotFound>
      </>
    );
  }
  const { room } = data;
  const title = `${room.name} · ${t.app.name}`;
  return (
    <>
      <Head>
        <title>{title}</title>
        <meta property="og:title" content={title} key="og-title" />
        {room.kind !== "listed" && <meta name="robots" content="noindex" />}
      </Head>
      <Room head={room} />
    </>
  );
});
