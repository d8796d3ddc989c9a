/** Reports of transports in a real browser: over plain HTTP, without the device's cookie. */
import type { TransportReport } from "../../protocol/reports/transport_report.ts";
import { mayReport } from "./report_choice.ts";
import { TransportReporter, type TransportReporterDeps, type TransportTap } from "../reports/transport_reporter.ts";

const REPORTS = "/api/reports";
/** Whose report it is nobody shall know. */
const ANONYMOUS = { credentials: "omit", cache: "no-store" } as const;

/** Reports what the page measures from now on, if it may and is drawn. */
export function reportTransports(deps: Omit<TransportReporterDeps, "allowed" | "fetchRules" | "send">): TransportTap {
  return new TransportReporter({
    ...deps,
    allowed: mayReport,
    fetchRules: async () => await (await fetch(REPORTS, ANONYMOUS)).json(),
    send,
  });
}

function send(report: TransportReport): void {
  // A page that is left still sends it. One that does not arrive is not missed.
  fetch(REPORTS, { ...ANONYMOUS, method: "POST", body: JSON.stringify(report), keepalive: true }).catch(() => {});
}
