import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { figuresRefusal, ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** Readiness: whether new visitors should be sent here; and why not, for readers of the figures. */
  async GET(ctx) {
    const { ready, reasons } = await (await ownServer()).ready();
    const mayReadAll = await figuresRefusal(ctx.req, ctx.state) === undefined;
    return json(mayReadAll ? { ready, reasons } : { ready }, ready ? 200 : 503);
  },
});
