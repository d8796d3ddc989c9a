import { setOperatorCookie } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const { admin, login, operator } = ctx.state;
    await admin.logOut(login, operator);
    const response = ctx.redirect("/admin/login", 303);
    setOperatorCookie(response.headers, "operator", undefined, ctx.state.source.secure);
    return response;
  },
});
