import { define } from "@/lib/server/http/route_helpers.ts";
import { ownMonitor, ownReaders } from "@/lib/server/instance.ts";
import { PROMETHEUS_CONTENT_TYPE } from "@/lib/server/stats/prometheus.ts";

export const handler = define.handlers({
  /** This instance's figures for Prometheus. */
  async GET(ctx) {
    const refusal = ownReaders().refusal(ctx.req.headers, ctx.state.visitor.address, Date.now());
    if (refusal !== undefined) return refusal;
    const headers = { "content-type": PROMETHEUS_CONTENT_TYPE, "cache-control": "no-store" };
    return new Response(await (await ownMonitor()).prometheus(), { headers });
  },
});
