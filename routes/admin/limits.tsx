import { page } from "fresh";
import { AdminPage, Token } from "@/components/admin/AdminPage.tsx";
import { Button } from "@/components/common/Button.tsx";
import { Field } from "@/components/common/Field.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { textOf } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownServer } from "@/lib/server/instance.ts";
import type { LimitView } from "@/lib/server/limits/runtime_limits.ts";

interface Data {
  limits: readonly LimitView[];
  done?: string;
  wrong?: { name: string; typed: Record<string, string> };
}

export const handler = define.handlers<Data>({
  async GET(ctx) {
    const { settings } = await ownServer();
    const done = ctx.url.searchParams.get("done");
    return page({ limits: settings.limits, ...done !== null && { done } });
  },

  async POST(ctx) {
    const { admin, operator, form } = ctx.state;
    const { settings } = await ownServer();
    const did = await admin.setLimits(operator, (name) => textOf(form, name));
    if (did.ok) return ctx.redirect("/admin/limits?done=limits", 303);
    const typed = Object.fromEntries(settings.limits.map(({ name }) => [name, textOf(form, name)]));
    return page({ limits: settings.limits, wrong: { name: did.wrong.name, typed } }, { status: 400 });
  },
});

export default define.page<typeof handler>(({ data, state, url }) => (
  <AdminPage
    title={t.limits.title}
    path={url.pathname}
    operator={state.operator}
    done={data.done && t.done[data.done]}
  >
    <p>{t.limits.hint}</p>
    <form method="post" class="flex flex-col gap-5">
      <Token operator={state.operator} />
      <div class="grid gap-5 sm:grid-cols-2">
        {data.limits.map(({ name, value, configured, source, min, max }) => (
          <Field
            key={name}
            label={t.limits.names[name] ?? name}
            hint={t.limits.configured(configured, min, max)}
            problem={data.wrong?.name === name ? t.limits.wrong(min, max) : undefined}
            name={name}
            inputMode="numeric"
            autocomplete="off"
            defaultValue={data.wrong?.typed[name] ?? String(value)}
          >
            <span
              class={`inline-flex items-center px-2 text-sm font-bold ${
                source === "operator" ? "bg-flare text-on-band" : "text-dim"
              }`}
            >
              {t.limits.source[source]}
            </span>
          </Field>
        ))}
      </div>
      <div>
        <Button type="submit" look="flare" icon="check">{t.limits.save}</Button>
      </div>
    </form>
  </AdminPage>
));
