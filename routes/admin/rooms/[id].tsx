import { HttpError, page } from "fresh";
import { AdminPage, Live, Section, Timestamp, Token } from "@/components/admin/AdminPage.tsx";
import { Confirm } from "@/components/admin/Confirm.tsx";
import { Button } from "@/components/common/Button.tsx";
import { Field } from "@/components/common/Field.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import type { Done } from "@/lib/server/admin/actions.ts";
import { confirmationOf, LABEL_MAX_CHARS, type RoomDetails } from "@/lib/server/admin/rooms_page.ts";
import { download, textOf } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

const REMOVED_MINUTES = 10;

interface Data {
  room: RoomDetails;
  done?: string;
  problem?: string;
  confirm?: "clear" | "delete";
  wrong?: boolean;
}

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const room = await ctx.state.admin.rooms.page(ctx.params.id!);
    if (room === undefined) throw new HttpError(404);
    const done = ctx.url.searchParams.get("done");
    const asked = ctx.url.searchParams.get("confirm");
    const confirm = asked === "clear" || asked === "delete" ? asked : undefined;
    return page({ room, ...done !== null && { done }, ...confirm && { confirm } });
  },

  async POST(ctx) {
    const { admin, operator, form } = ctx.state;
    const id = ctx.params.id!;
    const action = textOf(form, "action");
    const here = `/admin/rooms/${encodeURIComponent(id)}`;
    const answer = async (did: Done, done: string, to = here) => {
      if (did.ok) return ctx.redirect(`${to}?done=${done}`, 303);
      const room = await admin.rooms.page(id);
      if (room === undefined) throw new HttpError(404);
      const confirm = action === "clear" || action === "delete" ? { confirm: action } as const : {};
      const wrong = did.problem === "not_confirmed";
      return page({ room, ...confirm, ...wrong ? { wrong } : { problem: t.problems[did.problem] } }, { status: 400 });
    };
    switch (action) {
      case "clear":
        return await answer(await admin.rooms.clear(operator, id, textOf(form, "typed")), "cleared");
      case "delete":
        return await answer(await admin.rooms.delete(operator, id, textOf(form, "typed")), "deleted", "/admin");
      case "suggest":
        return await answer(await admin.rooms.suggest(operator, id, textOf(form, "label")), "suggested");
      case "remove": {
        const who = textOf(form, "who");
        const ban = { kind: "key", who, room: id, reason: "", minutes: REMOVED_MINUTES } as const;
        return await answer(await admin.bans.add(operator, ban), "removed");
      }
      case "export": {
        const lines = await admin.rooms.export(operator, id);
        if (lines === undefined) throw new HttpError(404);
        return download(lines, `room-${id}.jsonl`);
      }
      default:
        throw new HttpError(400);
    }
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { operator } = state;
  const { room: info, head, people, shown, events, suggestedAs } = data.room;
  const here = url.pathname;
  const title = info.kind === "sealed" ? t.rooms.sealed : info.name;
  if (data.confirm !== undefined) {
    const says = data.confirm === "clear" ? t.confirm.clearWhat(events, people) : t.confirm.deleteWhat(events, people);
    return (
      <AdminPage title={title} path={here} operator={operator} problem={data.problem}>
        <Confirm
          what={data.confirm}
          says={says}
          type={confirmationOf(info)}
          operator={operator}
          action={here}
          back={here}
          problem={data.wrong ? t.confirm.wrong : undefined}
        />
      </AdminPage>
    );
  }
  return (
    <AdminPage
      title={title}
      path={here}
      operator={operator}
      done={data.done && t.done[data.done]}
      problem={data.problem}
      live
    >
      <dl class="grid gap-x-6 sm:grid-cols-2">
        {([
          [t.room.code, info.code ?? "–"],
          [t.room.id, info.id],
          [t.room.createdAt, <Timestamp key="at" at={info.createdAt} />],
          [t.room.events, events.toLocaleString("en")],
          [t.room.positions, head.oldest > head.head ? "–" : `${head.oldest} – ${head.head}`],
          [t.room.epoch, head.epoch],
        ] as const).map(([name, value]) => (
          <div key={name} class="flex justify-between gap-4 border-b border-line py-1">
            <dt class="text-dim">{name}</dt>
            <dd class="font-bold text-right min-w-0">{value}</dd>
          </div>
        ))}
      </dl>
      <p class="font-bold">{t.room.kinds[info.kind]}</p>
      <Live>
        <Section title={`${t.room.people}: ${people}`}>
          {shown.length === 0 ? <p class="text-dim">{t.room.nobody}</p> : (
            <ul>
              {shown.map(({ author, name }) => (
                <li key={author} class="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line py-2">
                  <span class="grow min-w-0 basis-72">
                    <bdi class="font-bold block break-words">
                      {info.kind === "sealed" ? t.room.sealedName : name}
                      {author === info.host && <span class="text-dim font-normal">{` · ${t.room.host}`}</span>}
                    </bdi>
                    <code class="text-sm text-dim">{author}</code>
                  </span>
                  <form method="post" action={here}>
                    <Token operator={operator} />
                    <input type="hidden" name="action" value="remove" />
                    <input type="hidden" name="who" value={author} />
                    <Button type="submit">{t.room.remove}</Button>
                  </form>
                  <a
                    href={`/admin/bans?${new URLSearchParams({ who: author, room: info.code ?? info.id })}`}
                    class="inline-flex items-center min-h-touch px-2 font-bold underline"
                  >
                    {t.room.ban}
                  </a>
                </li>
              ))}
            </ul>
          )}
          {people > shown.length && <p class="text-dim">{t.room.more(people - shown.length)}</p>}
          {shown.length > 0 && <p class="text-dim text-sm">{t.room.removeHint}</p>}
        </Section>
      </Live>
      <p>
        <a
          href={`/admin/notices?${new URLSearchParams({ rooms: info.code ?? info.id })}`}
          class="inline-flex items-center min-h-touch font-bold underline"
        >
          {t.room.broadcast}
        </a>
      </p>
      {info.code !== undefined && (
        <form method="post" action={here} class="max-w-xl">
          <Token operator={operator} />
          <input type="hidden" name="action" value="suggest" />
          <Field
            label={t.room.suggest}
            hint={t.room.suggestHint}
            name="label"
            maxLength={LABEL_MAX_CHARS}
            defaultValue={suggestedAs ?? ""}
            autocomplete="off"
          >
            <Button type="submit">{t.room.save}</Button>
          </Field>
        </form>
      )}
      <form method="post" action={here} class="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Token operator={operator} />
        <input type="hidden" name="action" value="export" />
        <Button type="submit" icon="down">{t.room.export}</Button>
        <p class="text-dim text-sm">{t.room.exportHint}</p>
      </form>
      <Section title={t.room.danger} alarm>
        {([["clear", t.room.clear, t.room.clearHint], ["delete", t.room.delete, t.room.deleteHint]] as const).map((
          [what, name, hint],
        ) => (
          <p key={what} class="flex flex-wrap items-center gap-x-4 gap-y-1">
            <a
              href={`${here}?confirm=${what}`}
              class="inline-flex items-center min-h-touch px-4 border-2 border-alarm bg-alarm-ground text-alarm font-bold no-underline"
            >
              {name}
            </a>
            <span class="text-dim text-sm">{hint}</span>
          </p>
        ))}
      </Section>
    </AdminPage>
  );
});
