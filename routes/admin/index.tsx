import { page } from "fresh";
import { AdminPage, Live, Timestamp } from "@/components/admin/AdminPage.tsx";
import { Button } from "@/components/common/Button.tsx";
import { Field } from "@/components/common/Field.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { bandClass } from "@/lib/ui/hue.ts";
import type { RoomsPage } from "@/lib/server/admin/rooms_page.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

type Data = Awaited<ReturnType<RoomsPage["list"]>> & { done?: string; notFound?: boolean };

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const { admin } = ctx.state;
    const wanted = ctx.url.searchParams.get("room");
    const found = wanted === null ? undefined : await admin.rooms.find(wanted);
    if (found !== undefined) return ctx.redirect(`/admin/rooms/${found.id}`, 303);
    const done = ctx.url.searchParams.get("done");
    return page({
      ...await admin.rooms.list(),
      ...done !== null && { done },
      ...wanted !== null && { notFound: true },
    }, { status: wanted === null ? 200 : 404 });
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { rooms, total, looked, people, done, notFound } = data;
  return (
    <AdminPage title={t.rooms.title} path={url.pathname} operator={state.operator} done={done && t.done[done]} live>
      <form method="get" class="max-w-xl">
        <Field
          label={t.rooms.find}
          name="room"
          autocomplete="off"
          problem={notFound ? t.rooms.notFound : undefined}
        >
          <Button type="submit">{t.rooms.go}</Button>
        </Field>
      </form>
      <Live>
        <p class="text-lg font-bold">{t.rooms.total(total, people)}</p>
        {rooms.length === 0 && <p class="text-dim">{t.rooms.none}</p>}
        <ul class="flex flex-col gap-2">
          {rooms.map(({ room, people, lastAt, events }) => (
            <li key={room.id} class={`${bandClass(room.id)} border-l-8 border-band bg-raised`}>
              <a href={`/admin/rooms/${room.id}`} class="flex flex-wrap items-baseline gap-x-4 px-3 py-2 no-underline">
                <bdi class="font-display font-extrabold text-xl min-w-0 break-words">
                  {room.kind === "sealed" ? t.rooms.sealed : room.name}
                </bdi>
                {/* Codes are read in any case, ids are not. */}
                {room.code === undefined
                  ? <code class="text-sm">{room.id}</code>
                  : <span class="font-bold uppercase text-sm">{room.code}</span>}
                <span class="ml-auto font-bold tabular-nums">{t.rooms.people(people)}</span>
                <span class="w-full text-sm text-dim flex flex-wrap gap-x-4">
                  <span class="tabular-nums">{t.rooms.events(events)}</span>
                  <span>
                    {t.rooms.lastAt} <Timestamp at={lastAt} />
                  </span>
                </span>
              </a>
            </li>
          ))}
        </ul>
        {rooms.length < looked && <p class="text-dim">{t.rooms.cut(rooms.length, looked)}</p>}
      </Live>
    </AdminPage>
  );
});
