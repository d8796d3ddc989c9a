import { HttpError } from "fresh";
import { AdminHead } from "@/components/admin/AdminPage.tsx";
import { StatusPage } from "@/components/common/StatusPage.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import {
  FORM_MAX_BYTES,
  IMPORT_MAX_BYTES,
  IMPORT_WITHIN_MS,
  mayLogIn,
  readForm,
  readOperatorCookie,
  REFRESH_HEADER,
  textOf,
} from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownAdmin, ownConfig } from "@/lib/server/instance.ts";

const LOGIN_PATH = "/admin/login";

/** Guards every page below: admin is on, the connection is safe for a password, an operator is logged in, the form is ours. */
export default define.middleware(async (ctx) => {
  const { req, url, state } = ctx;
  const config = ownConfig();
  const admin = await ownAdmin();
  const { login } = admin;
  if (login === undefined) return await ctx.render(<Off />, { status: 404 });
  const { secure } = state.source;
  if (!mayLogIn(url, secure, config.environment)) return await ctx.render(<Insecure />, { status: 403 });
  state.admin = admin;
  state.login = login;
  // An open page that refreshes itself is no activity of the operator: the log-in ends without activity.
  const used = !req.headers.has(REFRESH_HEADER);
  const operator = await login.operatorOf(readOperatorCookie(req.headers, "operator", secure), { used });
  const atLogin = url.pathname === LOGIN_PATH;
  if (operator === undefined && !atLogin) {
    if (req.method !== "GET") throw new HttpError(401);
    return ctx.redirect(LOGIN_PATH, 303);
  }
  if (operator !== undefined) state.operator = operator;
  if (req.method === "POST") {
    const isFile = operator !== undefined && req.headers.get("content-type")?.startsWith("multipart/form-data");
    const form = await readForm(
      req,
      isFile
        ? { maxBytes: IMPORT_MAX_BYTES, withinMs: IMPORT_WITHIN_MS }
        : { maxBytes: FORM_MAX_BYTES, withinMs: config.limits.bodyMs },
    );
    if (form === undefined) throw new HttpError(413);
    const token = atLogin ? login.formToken(state.visitor.device) : operator!.token;
    if (!login.isToken(textOf(form, "token"), token)) throw new HttpError(403);
    state.form = form;
  }
  const response = await ctx.next();
  response.headers.set("cache-control", "no-store");
  return response;
});

function Off() {
  return (
    <>
      <AdminHead title={t.off.title} />
      <StatusPage title={t.off.title}>
        <p class="text-lg">{t.off.what}</p>
        <p class="font-bold">{t.off.how}</p>
        <ol class="flex flex-col gap-2 list-decimal pl-6">
          {t.off.steps.map((step) => <li key={step}>{step}</li>)}
        </ol>
      </StatusPage>
    </>
  );
}

function Insecure() {
  return (
    <>
      <AdminHead title={t.insecure.title} />
      <StatusPage title={t.insecure.title}>
        <p class="text-lg">{t.insecure.what}</p>
      </StatusPage>
    </>
  );
}
