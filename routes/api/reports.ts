import { define } from "@/lib/server/http/route_helpers.ts";
import { json, readJson } from "@/lib/server/http/responses.ts";
import { ownConfig, ownMonitor } from "@/lib/server/instance.ts";
import { readTransportReport, TRANSPORT_REPORT_MAX_BYTES } from "@/lib/protocol/reports/transport_report.ts";

export const handler = define.handlers({
  /** ReportRules: which pages report, and how often. */
  GET: async () => json((await ownMonitor()).rules),

  /** Takes a TransportReport: 204, or the problem. */
  async POST(ctx) {
    const monitor = await ownMonitor();
    const waitMs = monitor.admitReport();
    if (waitMs !== undefined) return json({ problem: "rate_limited", retryAfterMs: waitMs }, 429);
    const body = await readJson(ctx.req, { maxBytes: TRANSPORT_REPORT_MAX_BYTES, withinMs: ownConfig().limits.bodyMs });
    if ("problem" in body) {
      monitor.refuseReport();
      return body.problem === "too_long"
        ? json({ problem: "too_long", field: "body" }, 413)
        : json({ problem: "bad_report", field: "body" }, 400);
    }
    const read = readTransportReport(body.value);
    if ("field" in read) {
      monitor.refuseReport();
      return json({ problem: "bad_report", field: read.field }, 400);
    }
    monitor.takeReport(read.report);
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
  },
});
