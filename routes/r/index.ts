import { define } from "@/lib/server/http/route_helpers.ts";

export const handler = define.handlers({
  /** Where the join form goes before the page's own code has loaded: `/r?code=…`. */
  GET(ctx) {
    const code = ctx.url.searchParams.get("code")?.trim() ?? "";
    return ctx.redirect(code === "" ? "/" : `/r/${encodeURIComponent(code.slice(0, 200))}`, 303);
  },
});
