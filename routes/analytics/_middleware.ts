import { define } from "@/lib/server/http/route_helpers.ts";
import { ownReaders } from "@/lib/server/instance.ts";

/** Where a token is set, only who knows it reads figures. */
export default define.middleware((ctx) =>
  ownReaders().refusal(ctx.req.headers, ctx.state.visitor.address, Date.now()) ?? ctx.next()
);
