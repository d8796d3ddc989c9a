import { define } from "@/lib/server/http/route_helpers.ts";

export const handler = define.handlers({
  /** The join form's target before the page's script has loaded: `/r?code=…`. */
  GET(ctx) {
    const code = ctx.url.searchParams.get("code")?.trim() ?? "";
    return ctx.redirect(code === "" ? "/" : `/r/${encodeURIComponent(code.slice(0, 200))}`, 303);
  },
});
