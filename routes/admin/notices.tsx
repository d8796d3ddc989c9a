import { page } from "fresh";
import { AdminPage, Area, Section, Select, Timestamp, Token } from "@/components/admin/AdminPage.tsx";
import { Button } from "@/components/common/Button.tsx";
import { adminProblemText, adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { NOTICE_MAX_CHARS } from "@/lib/protocol/limits.ts";
import type { Notice } from "@/lib/protocol/notice.ts";
import { textOf } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownServer } from "@/lib/server/instance.ts";

interface Data {
  key: string | undefined;
  notices: readonly Notice[];
  done?: string;
  problem?: string;
  typed?: { urgency: string; text: string; rooms: string; minutes: string };
}

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const { settings } = await ownServer();
    const { searchParams } = ctx.url;
    const done = searchParams.get("done");
    const typed = { urgency: "info", text: "", rooms: searchParams.get("rooms") ?? "", minutes: "60" };
    return page({
      key: ctx.state.admin.notices.operatorKey,
      notices: settings.notices,
      typed,
      ...done !== null && { done },
    });
  },

  async POST(ctx) {
    const { admin, operator, form } = ctx.state;
    const { settings } = await ownServer();
    if (textOf(form, "action") === "withdraw") {
      const did = await admin.notices.withdraw(operator, textOf(form, "notice"));
      if (did.ok) return ctx.redirect("/admin/notices?done=withdrawn", 303);
      return page({ key: admin.notices.operatorKey, notices: settings.notices, problem: t.problems[did.problem] }, {
        status: 400,
      });
    }
    const typed = {
      urgency: textOf(form, "urgency"),
      text: textOf(form, "text"),
      rooms: textOf(form, "rooms"),
      minutes: textOf(form, "minutes"),
    };
    const did = await admin.notices.broadcast(operator, {
      urgency: typed.urgency === "emergency" ? "emergency" : "info",
      text: typed.text,
      rooms: typed.rooms.split(/[\n,]+/).map((room) => room.trim()).filter((room) => room !== ""),
      minutes: Number(typed.minutes),
    });
    if (did.ok) return ctx.redirect("/admin/notices?done=sent", 303);
    return page({ key: admin.notices.operatorKey, notices: settings.notices, problem: adminProblemText(did), typed }, {
      status: 400,
    });
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { operator } = state;
  const { key, notices, typed } = data;
  return (
    <AdminPage
      title={t.notices.title}
      path={url.pathname}
      operator={operator}
      done={data.done && t.done[data.done]}
      problem={data.problem}
    >
      <Section title={t.notices.active}>
        {notices.length === 0 && <p class="text-dim">{t.notices.none}</p>}
        <ul class="flex flex-col gap-3">
          {notices.map((notice) => (
            <li
              key={notice.id}
              class={`border-l-4 pl-3 ${
                notice.kind === "notice" && notice.urgency === "emergency" ? "border-alarm" : "border-line"
              }`}
            >
              {notice.kind === "withdrawal" ? <p class="text-dim">{t.notices.withdrawn}</p> : (
                <>
                  <p class="text-lg whitespace-pre-line break-words" dir="auto">{notice.text}</p>
                  <form method="post" class="mt-2">
                    <Token operator={operator} />
                    <input type="hidden" name="action" value="withdraw" />
                    <input type="hidden" name="notice" value={notice.id} />
                    <Button type="submit" icon="undo">{t.notices.withdraw}</Button>
                  </form>
                </>
              )}
              <p class="text-sm text-dim mt-1">
                {notice.kind === "notice" && `${t.notices.urgencies[notice.urgency]} · `}
                {notice.kind === "notice" &&
                  `${notice.rooms === undefined ? t.notices.everywhere : t.notices.inRooms(notice.rooms.length)} · `}
                {t.notices.until} <Timestamp at={notice.until} />
              </p>
            </li>
          ))}
        </ul>
      </Section>
      {key === undefined ? <p class="font-bold">{t.notices.noKey}</p> : (
        <Section title={t.notices.new}>
          <form method="post" class="flex flex-col gap-4 max-w-xl">
            <Token operator={operator} />
            <input type="hidden" name="action" value="send" />
            <fieldset class="flex flex-col gap-1">
              <legend class="font-bold mb-1">{t.notices.urgency}</legend>
              {(["info", "emergency"] as const).map((urgency) => (
                <label key={urgency} class="flex items-center gap-3 min-h-touch">
                  <input
                    type="radio"
                    name="urgency"
                    value={urgency}
                    checked={urgency === (typed?.urgency ?? "info")}
                    class="w-6 h-6"
                  />
                  {t.notices.urgencies[urgency]}
                </label>
              ))}
            </fieldset>
            <Area
              label={t.notices.text}
              hint={t.notices.textHint(NOTICE_MAX_CHARS)}
              name="text"
              rows={4}
              value={typed?.text ?? ""}
              required
            />
            <Area
              label={t.notices.rooms}
              hint={t.notices.roomsHint}
              name="rooms"
              rows={2}
              value={typed?.rooms ?? ""}
            />
            <Select
              label={t.notices.minutes}
              name="minutes"
              options={t.notices.durations}
              value={typed?.minutes ?? "60"}
            />
            <Button type="submit" look="flare" icon="send">{t.notices.send}</Button>
            <p class="text-dim text-sm">{t.notices.spread}</p>
            <p class="text-dim text-sm">
              {t.notices.key} <code>{key}</code>
            </p>
          </form>
        </Section>
      )}
    </AdminPage>
  );
});
