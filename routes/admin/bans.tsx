import { page } from "fresh";
import { AdminPage, Section, Select, Timestamp, Token } from "@/components/admin/AdminPage.tsx";
import { Button } from "@/components/common/Button.tsx";
import { Field } from "@/components/common/Field.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { REASON_MAX_CHARS } from "@/lib/server/admin/bans_page.ts";
import { textOf } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import type { Ban } from "@/lib/store/operators/runtime_settings.ts";

interface Typed {
  kind: string;
  who: string;
  room: string;
  reason: string;
  minutes: string;
}
interface Data {
  bans: readonly { ban: Ban; where: string | undefined }[];
  typed: Typed;
  done?: string;
  problem?: string;
}

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const { searchParams } = ctx.url;
    const done = searchParams.get("done");
    const typed = {
      kind: "key",
      who: searchParams.get("who") ?? "",
      room: searchParams.get("room") ?? "",
      reason: "",
      minutes: "1440",
    };
    return page({ bans: await ctx.state.admin.bans.list(), typed, ...done !== null && { done } });
  },

  async POST(ctx) {
    const { admin, operator, form } = ctx.state;
    if (textOf(form, "action") === "lift") {
      await admin.bans.lift(operator, textOf(form, "ban"));
      return ctx.redirect("/admin/bans?done=lifted", 303);
    }
    const typed: Typed = {
      kind: textOf(form, "kind"),
      who: textOf(form, "who"),
      room: textOf(form, "room"),
      reason: textOf(form, "reason"),
      minutes: textOf(form, "minutes"),
    };
    const room = typed.room.trim() === "" ? undefined : await admin.rooms.find(typed.room);
    const problem = async (why: keyof typeof t.problems) =>
      page({ bans: await admin.bans.list(), typed, problem: t.problems[why] }, { status: 400 });
    if (typed.room.trim() !== "" && room === undefined) return await problem("no_such_room");
    const did = await admin.bans.add(operator, {
      kind: typed.kind === "device" ? "device" : "key",
      who: typed.who,
      ...room !== undefined && { room: room.id },
      withDevice: form?.has("device") ?? false,
      reason: typed.reason,
      minutes: Number(typed.minutes),
    });
    return did.ok ? ctx.redirect("/admin/bans?done=banned", 303) : await problem(did.problem);
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { operator } = state;
  const { bans, typed } = data;
  return (
    <AdminPage
      title={t.bans.title}
      path={url.pathname}
      operator={operator}
      done={data.done && t.done[data.done]}
      problem={data.problem}
    >
      {bans.length === 0 && <p class="text-dim">{t.bans.none}</p>}
      <ul>
        {bans.map(({ ban: { id, kind, who, reason, until }, where }) => (
          <li key={id} class="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line py-2">
            <span class="grow min-w-0 basis-72">
              <span class="block">
                <b>{t.bans.kinds[kind]}</b> <code class="text-sm">{who}</code>
              </span>
              {reason !== "" && <span class="block" dir="auto">{reason}</span>}
              <span class="block text-sm text-dim">
                {where ?? t.bans.everywhere} · {t.notices.until} <Timestamp at={until} />
              </span>
            </span>
            <form method="post">
              <Token operator={operator} />
              <input type="hidden" name="action" value="lift" />
              <input type="hidden" name="ban" value={id} />
              <Button type="submit">{t.bans.lift}</Button>
            </form>
          </li>
        ))}
      </ul>
      <Section title={t.bans.new}>
        <form method="post" class="flex flex-col gap-4 max-w-xl">
          <Token operator={operator} />
          <input type="hidden" name="action" value="ban" />
          <Field
            label={t.bans.who}
            hint={t.bans.whoHint}
            name="who"
            required
            autocomplete="off"
            spellcheck={false}
            defaultValue={typed.who}
          />
          <Select
            label={t.bans.kind}
            name="kind"
            value={typed.kind}
            options={[["key", t.bans.kinds.key], ["device", t.bans.kinds.device]]}
          />
          <Field
            label={t.bans.room}
            hint={t.bans.roomHint}
            name="room"
            autocomplete="off"
            defaultValue={typed.room}
          />
          <label class="flex items-center gap-3 min-h-touch">
            <input type="checkbox" name="device" class="w-6 h-6" />
            {t.bans.withDevice}
          </label>
          <Field
            label={t.bans.reason}
            name="reason"
            maxLength={REASON_MAX_CHARS}
            autocomplete="off"
            defaultValue={typed.reason}
          />
          <Select label={t.bans.minutes} name="minutes" options={t.bans.durations} value={typed.minutes} />
          <Button type="submit" look="alarm">{t.bans.add}</Button>
          <p class="text-dim text-sm">{t.bans.note}</p>
        </form>
      </Section>
    </AdminPage>
  );
});
