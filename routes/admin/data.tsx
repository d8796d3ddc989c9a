import { HttpError, page } from "fresh";
import { AdminPage, Section, Token } from "@/components/admin/AdminPage.tsx";
import { Confirm } from "@/components/admin/Confirm.tsx";
import { icons } from "@/components/common/more_icons.ts";
import { Button } from "@/components/common/Button.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { WIPE_WORDS } from "@/lib/server/admin/data_page.ts";
import { download, IMPORT_MAX_BYTES, textOf } from "@/lib/server/admin/pages.ts";
import { ArchiveError } from "@/lib/server/admin/room_archive.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

interface Data {
  problem?: string;
  /** Everything is to be deleted: how many rooms that is. */
  wipe?: number;
  wrong?: boolean;
}

export const handler = define.handlers<Data>({
  async GET(ctx) {
    if (ctx.url.searchParams.get("confirm") !== "wipe") return page({});
    return page({ wipe: (await ctx.state.admin.rooms.list()).total });
  },

  async POST(ctx) {
    const { admin, operator, form } = ctx.state;
    switch (textOf(form, "action")) {
      case "backup": {
        const day = new Date().toISOString().slice(0, 10);
        return download(await admin.data.backup(operator), `festival-chat-${day}.backup.jsonl`);
      }
      case "import": {
        const file = form?.get("file");
        if (!(file instanceof File) || file.size === 0) {
          return page({ problem: t.data.importProblems.no_file }, { status: 400 });
        }
        try {
          const made = await admin.data.importRoom(operator, file.stream());
          if ("room" in made) return ctx.redirect(`/admin/rooms/${made.room.id}?done=imported`, 303);
          return page({ problem: t.data.importProblems[made.problem] }, { status: 409 });
        } catch (error) {
          if (!(error instanceof ArchiveError)) throw error;
          return page({ problem: t.data.archiveProblem(error.message) }, { status: 400 });
        }
      }
      case "log_out": {
        await admin.logOutEverywhere(ctx.state.login, operator);
        return ctx.redirect("/admin/login", 303);
      }
      case "wipe": {
        const did = await admin.data.wipe(operator, textOf(form, "typed"));
        if (did.ok) return ctx.redirect("/admin?done=wiped", 303);
        return page({ wipe: (await admin.rooms.list()).total, wrong: true }, { status: 400 });
      }
      default:
        throw new HttpError(400);
    }
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { operator } = state;
  const here = url.pathname;
  return (
    <AdminPage title={t.data.title} path={here} operator={operator} problem={data.problem}>
      {data.wipe !== undefined
        ? (
          <Confirm
            what="wipe"
            says={t.confirm.wipeWhat(data.wipe)}
            type={WIPE_WORDS}
            operator={operator}
            action={here}
            back={here}
            problem={data.wrong ? t.confirm.wrong : undefined}
          />
        )
        : (
          <>
            <Section title={t.data.backup}>
              <p class="text-dim">{t.data.backupHint}</p>
              <form method="post">
                <Token operator={operator} />
                <input type="hidden" name="action" value="backup" />
                <Button type="submit" icon="down">{t.data.backupDo}</Button>
              </form>
            </Section>
            <Section title={t.data.import}>
              <p class="text-dim">{t.data.importHint(IMPORT_MAX_BYTES / 1_048_576)}</p>
              <form method="post" encType="multipart/form-data" class="flex flex-wrap items-end gap-3">
                <Token operator={operator} />
                <input type="hidden" name="action" value="import" />
                <label class="block font-bold min-w-0">
                  <span class="block mb-1">{t.data.file}</span>
                  <input type="file" name="file" accept=".jsonl" required class="max-w-full min-h-touch py-2" />
                </label>
                <Button type="submit" icon="up">{t.data.importDo}</Button>
              </form>
            </Section>
            <Section title={t.data.logIns}>
              <p class="text-dim">{t.data.logInsHint}</p>
              <form method="post">
                <Token operator={operator} />
                <input type="hidden" name="action" value="log_out" />
                <Button type="submit" icon={icons.leave}>{t.data.logOutAll}</Button>
              </form>
            </Section>
            <Section title={t.data.wipe} alarm>
              <p class="flex flex-wrap items-center gap-x-4 gap-y-1">
                <a
                  href={`${here}?confirm=wipe`}
                  class="inline-flex items-center min-h-touch px-4 border-2 border-alarm bg-alarm-ground text-alarm font-bold no-underline"
                >
                  {t.data.wipeDo}
                </a>
                <span class="text-dim text-sm">{t.data.wipeHint}</span>
              </p>
            </Section>
          </>
        )}
    </AdminPage>
  );
});
