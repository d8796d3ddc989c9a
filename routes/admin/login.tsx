import { page } from "fresh";
import { AdminHead } from "@/components/admin/AdminPage.tsx";
import { Button } from "@/components/common/Button.tsx";
import { Field } from "@/components/common/Field.tsx";
import { StatusPage } from "@/components/common/StatusPage.tsx";
import { adminTexts as t } from "@/lib/ui/texts/admin_texts.ts";
import { readOperatorCookie, setOperatorCookie, textOf } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

interface Data {
  token: string;
  problem?: string;
}

export const handler = define.handlers<Data>({
  GET(ctx) {
    const { login, visitor } = ctx.state;
    return page({ token: login.formToken(visitor.device) });
  },

  async POST(ctx) {
    const { admin, login, visitor, form } = ctx.state;
    const { secure } = ctx.state.source;
    const known = readOperatorCookie(ctx.req.headers, "operator-browser", secure);
    const answer = await admin.logIn(login, textOf(form, "password"), visitor, known);
    const token = login.formToken(visitor.device);
    if ("operator" in answer) {
      const response = ctx.redirect("/admin", 303);
      setOperatorCookie(response.headers, "operator", answer.cookie, secure);
      setOperatorCookie(response.headers, "operator-browser", answer.known, secure);
      return response;
    }
    if (answer.problem === "wrong_password") return page({ token, problem: t.login.wrong }, { status: 403 });
    const seconds = Math.max(1, Math.ceil(answer.retryAfterMs / 1000));
    return page({ token, problem: t.login.wait(seconds) }, {
      status: 429,
      headers: { "retry-after": String(seconds) },
    });
  },
});

export default define.page<typeof handler>(({ data }) => (
  <>
    <AdminHead title={t.login.title} />
    <StatusPage title={t.login.title}>
      <form method="post" class="flex flex-col gap-4">
        <input type="hidden" name="token" value={data.token} />
        <Field
          label={t.login.password}
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          problem={data.problem}
        />
        <Button type="submit" look="flare" icon="lock">{t.login.enter}</Button>
      </form>
    </StatusPage>
  </>
));
