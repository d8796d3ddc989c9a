/** Reports transport statistics in a real browser: over plain HTTP, without the device's cookie. */
import type { TransportReport } from "../../protocol/reports/transport_report.ts";
import { random, steady, timers } from "./environment.ts";
import { mayReport } from "./report_choice.ts";
import { type MeasuredConnection, TransportReporter, type TransportTap } from "../reports/transport_reporter.ts";

const REPORTS = "/api/reports";
/** Reports carry nothing that identifies the device. */
const ANONYMOUS = { credentials: "omit", cache: "no-store" } as const;

/** Reports what the page measures from now on, if this page may report and is drawn. */
export function reportTransports(connection: MeasuredConnection): TransportTap {
  return new TransportReporter({
    steady,
    timers,
    random,
    allowed: mayReport,
    fetchRules: async () => await (await fetch(REPORTS, ANONYMOUS)).json(),
    send,
    connection,
  });
}

function send(report: TransportReport): void {
  // The browser sends it even when the page is left. A report that does not arrive is not missed.
  fetch(REPORTS, { ...ANONYMOUS, method: "POST", body: JSON.stringify(report), keepalive: true }).catch(() => {});
}
