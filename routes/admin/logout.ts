import { setOperatorCookie } from "@/lib/server/admin/pages.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { isSecure } from "@/lib/server/http/device.ts";
import { ownConfig } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const { admin, login, operator } = ctx.state;
    await admin.logOut(login, operator);
    const response = ctx.redirect("/admin/login", 303);
    setOperatorCookie(response.headers, "operator", undefined, isSecure(ctx.url, ctx.req.headers, ownConfig()));
    return response;
  },
});
