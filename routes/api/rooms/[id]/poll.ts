import { define } from "@/lib/server/http/route_helpers.ts";
import { ownPolling } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The room's frames over HTTP: docs/PROTOCOL.md, "Long polling". Foreign pages are refused by the app's middleware. */
  async POST(ctx) {
    const polling = await ownPolling();
    return await polling.answer(ctx.params.id!, ctx.req, ctx.state.visitor);
  },
});
