import type { ComponentChildren } from "preact";
import { asset, Head } from "fresh/runtime";
import { adminTexts as t } from "../../lib/ui/texts/admin_texts.ts";
import { Button } from "../common/Button.tsx";
import { icons } from "../common/more_icons.ts";

const PLACES = [
  ["/admin", t.places.rooms],
  ["/admin/notices", t.places.notices],
  ["/admin/bans", t.places.bans],
  ["/admin/limits", t.places.limits],
  ["/admin/data", t.places.data],
  ["/admin/audit", t.places.audit],
  ["/analytics", t.places.figures],
] as const;

/** The part of a session that an operator's form needs: the token that proves it came from one of our pages. */
export interface FormToken {
  token: string;
}

/** The frame of an operator's page: navigation, the result of the last action, and the page itself. */
export function AdminPage(props: {
  title: string;
  path: string;
  operator: FormToken;
  /** The last action, or why it failed. */
  done?: string | undefined;
  problem?: string | undefined;
  /** Parts of the page are `Live`. */
  live?: boolean;
  children: ComponentChildren;
}) {
  const { operator, path } = props;
  return (
    <>
      <AdminHead title={props.title} />
      {props.live && (
        <Head>
          <script src={asset("/admin.js")} defer />
        </Head>
      )}
      <header class="border-b-2 border-line bg-raised">
        <div class="max-w-5xl mx-auto px-4 flex flex-wrap items-center gap-x-4">
          <p class="font-display font-extrabold text-xl uppercase py-2 mr-auto">{t.title}</p>
          <form method="post" action="/admin/logout" class="py-2">
            <Token operator={operator} />
            <Button type="submit" icon={icons.leave}>{t.logOut}</Button>
          </form>
          <nav aria-label={t.title} class="w-full">
            <ul class="flex flex-wrap gap-x-4">
              {PLACES.map(([href, name]) => {
                const here = href === path || (href === "/admin" && path.startsWith("/admin/rooms/"));
                return (
                  <li key={href}>
                    <a
                      href={href}
                      {...here && { "aria-current": "page" }}
                      class={`inline-flex items-center min-h-touch font-bold no-underline border-b-4 ${
                        here ? "border-flare" : "border-transparent hover:border-line"
                      }`}
                    >
                      {name}
                    </a>
                  </li>
                );
              })}
            </ul>
          </nav>
        </div>
      </header>
      <main id="content" class="max-w-5xl mx-auto px-4 py-6 flex flex-col gap-6">
        <h1 class="font-display font-extrabold text-3xl uppercase break-words" dir="auto">{props.title}</h1>
        {props.done && <p role="status" class="border-l-4 border-good pl-3 font-bold">{props.done}</p>}
        {props.problem && (
          <p role="alert" class="bg-alarm-ground text-alarm border-2 border-alarm px-3 py-2 font-bold">
            {props.problem}
          </p>
        )}
        {props.live && <p data-stale hidden role="status" class="font-bold text-alarm">{t.stale}</p>}
        {props.children}
      </main>
    </>
  );
}

/** The part of a page that refreshes every few seconds: static/admin.js. */
export function Live({ children }: { children: ComponentChildren }) {
  return <div data-live="" class="min-w-0 flex flex-col gap-3">{children}</div>;
}

export function AdminHead({ title }: { title: string }) {
  return (
    <Head>
      <title>{`${title} · ${t.title}`}</title>
      <meta name="robots" content="noindex" />
    </Head>
  );
}

/** The token of every form: a request without it does nothing. */
export function Token({ operator }: { operator: FormToken }) {
  return <input type="hidden" name="token" value={operator.token} />;
}

export function Section(props: { title: string; alarm?: boolean; children: ComponentChildren }) {
  return (
    <section class={`min-w-0 flex flex-col gap-3 ${props.alarm ? "border-2 border-alarm p-4" : ""}`}>
      <h2 class={`font-display font-extrabold text-2xl uppercase ${props.alarm ? "text-alarm" : ""}`}>{props.title}</h2>
      {props.children}
    </section>
  );
}

/** A list with one choice. */
export function Select(props: {
  label: string;
  name: string;
  value?: string | undefined;
  options: readonly (readonly [value: string | number, label: string])[];
}) {
  return (
    <label class="block font-bold">
      <span class="block mb-1">{props.label}</span>
      <select name={props.name} class="w-full min-h-touch px-3 py-2 bg-sunken border-2 border-line">
        {props.options.map(([value, label]) => (
          <option key={value} value={value} selected={String(value) === props.value}>{label}</option>
        ))}
      </select>
    </label>
  );
}

/** Several lines of text. */
export function Area(
  props: { label: string; hint: string; name: string; value: string; rows: number; required?: boolean },
) {
  const { label, hint, name, value, rows, required = false } = props;
  return (
    <label class="block">
      <span class="block font-bold mb-1">{label}</span>
      <textarea
        name={name}
        rows={rows}
        required={required}
        class="w-full px-3 py-2 text-lg bg-sunken border-2 border-line"
      >
        {/* Browsers take one line break off, and look at no `value`. */}
        {`\n${value}`}
      </textarea>
      <span class="block text-sm text-dim mt-1">{hint}</span>
    </label>
  );
}

/** A moment in UTC: the server does not know the reader's time zone. */
export function Timestamp({ at }: { at: number }) {
  const iso = new Date(at).toISOString();
  return <time dateTime={iso} class="tabular-nums whitespace-nowrap">{iso.slice(0, 16).replace("T", " ")} UTC</time>;
}
