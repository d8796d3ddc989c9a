import { define } from "@/lib/server/http/route_helpers.ts";
import { figuresRefusal } from "@/lib/server/instance.ts";

/** Shows figures only to readers whom they are open to. */
export default define.middleware(async (ctx) => await figuresRefusal(ctx.req, ctx.state) ?? await ctx.next());
