import { page } from "fresh";
import { AdminPage, Timestamp } from "@/components/admin/AdminPage.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import type { AuditLog } from "@/lib/server/admin/audit_log.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

type Data = Awaited<ReturnType<AuditLog["page"]>>;

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const before = Number(ctx.url.searchParams.get("before") ?? NaN);
    return page(await ctx.state.admin.audit.page(Number.isSafeInteger(before) ? before : undefined));
  },
});

export default define.page<typeof handler>(({ data: { entries, broken }, state, url }) => {
  const oldest = entries.at(-1);
  return (
    <AdminPage
      title={t.audit.title}
      path={url.pathname}
      operator={state.operator}
      problem={broken === undefined ? undefined : t.audit.broken(broken)}
    >
      <p class="text-dim">{t.audit.hint}</p>
      {entries.length === 0 ? <p>{t.audit.none}</p> : broken === undefined && <p class="font-bold">{t.audit.whole}</p>}
      <ol class="flex flex-col">
        {entries.map(({ number, at, by, action, details, hash }) => (
          <li key={number} class="border-b border-line py-2">
            <p class="flex flex-wrap gap-x-4">
              <span class="text-dim tabular-nums">{number}</span>
              <b>{t.audit.actions[action] ?? action}</b>
              <span class="text-dim ml-auto">
                {by === "" ? t.audit.nobody : `${t.audit.by} ${by}`} · <Timestamp at={at} />
              </span>
            </p>
            <p class="text-sm">
              {Object.entries(details).map(([name, value]) => `${name}: ${value}`).join(" · ")}
            </p>
            <p class="text-sm text-dim">
              <code>{hash}</code>
            </p>
          </li>
        ))}
      </ol>
      {oldest !== undefined && oldest.number > 1 && (
        <p>
          <a
            href={`/admin/audit?before=${oldest.number}`}
            class="inline-flex items-center min-h-touch font-bold underline"
          >
            {t.audit.older}
          </a>
        </p>
      )}
    </AdminPage>
  );
});
