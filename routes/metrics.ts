import { define } from "@/lib/server/http/route_helpers.ts";
import { figuresRefusal, ownMonitor } from "@/lib/server/instance.ts";
import { PROMETHEUS_CONTENT_TYPE } from "@/lib/server/stats/prometheus.ts";

export const handler = define.handlers({
  /** This instance's figures for Prometheus. */
  async GET(ctx) {
    const refusal = await figuresRefusal(ctx.req, ctx.state);
    if (refusal !== undefined) return refusal;
    const headers = { "content-type": PROMETHEUS_CONTENT_TYPE, "cache-control": "no-store" };
    return new Response(await (await ownMonitor()).prometheus(), { headers });
  },
});
