/** Reports of roads in a real browser: over plain HTTP, without the device's cookie. */
import type { RoadReport } from "../protocol/road_report.ts";
import { mayReport } from "./report_choice.ts";
import { RoadReporter, type RoadReporterParts, type RoadTap } from "./road_reporter.ts";

const REPORTS = "/api/reports";
/** Whose report it is nobody shall know. */
const ANONYMOUS = { credentials: "omit", cache: "no-store" } as const;

/** Reports what the page measures from now on, if it may and is drawn. */
export function reportRoads(parts: Omit<RoadReporterParts, "allowed" | "fetchRules" | "send">): RoadTap {
  return new RoadReporter({
    ...parts,
    allowed: mayReport,
    fetchRules: async () => await (await fetch(REPORTS, ANONYMOUS)).json(),
    send,
  });
}

function send(report: RoadReport): void {
  // A page that is left still sends it. One that does not arrive is not missed.
  fetch(REPORTS, { ...ANONYMOUS, method: "POST", body: JSON.stringify(report), keepalive: true }).catch(() => {});
}
