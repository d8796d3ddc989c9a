import { define } from "@/lib/server/http/route_helpers.ts";
import { ownReaders } from "@/lib/server/instance.ts";

/** With a token configured, only readers who present it see figures. */
export default define.middleware((ctx) =>
  ownReaders().refusal(ctx.req.headers, ctx.state.visitor.address, Date.now()) ?? ctx.next()
);
