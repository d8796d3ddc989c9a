/** Transport reports: what is taken, and that nothing but numbers can be in one. Rules: docs/PROTOCOL.md, [REP-…]. */
import { assert, assertEquals } from "@std/assert";
import {
  readReportRules,
  readTransportReport,
  REPORT_MAX_COUNT,
  type TransportReport,
} from "../../lib/protocol/reports/transport_report.ts";

const NOTHING = { roundTrips: [], worked: 0, failed: 0, received: 0 };
const REPORT: TransportReport = {
  version: 1,
  forMs: 300_000,
  transports: {
    websocket: { roundTrips: [[30, 4], [41, 1]], worked: 1, failed: 2, received: 7 },
    polling: NOTHING,
    p2p: { ...NOTHING, received: 3 },
  },
  fallbacks: 1,
  stored: [[40, 2]],
  refused: 0,
  duplicates: 3,
  toPeers: 2,
  receipted: 1,
  mesh: { links: 2, reached: 3, missing: 1 },
};

Deno.test("[REP-1] a report is read as it was written", () => {
  assertEquals(readTransportReport(JSON.parse(JSON.stringify(REPORT))), { report: REPORT });
  const { mesh: _, ...withoutMesh } = REPORT;
  assertEquals(readTransportReport(withoutMesh), { report: withoutMesh });
});

Deno.test("[REP-1] an unknown field refuses the whole report, by name", () => {
  const with_ = (change: (report: Record<string, unknown>) => void) => {
    const report = structuredClone(REPORT) as unknown as Record<string, unknown>;
    change(report);
    return readTransportReport(report);
  };
  const transports = (report: Record<string, unknown>) => report.transports as Record<string, Record<string, unknown>>;
  const cases: [string, unknown][] = [
    ["report", readTransportReport(null)],
    ["version", with_((report) => report.version = 2)],
    ["unknown", with_((report) => report.room = "AAAA")],
    ["transports.unknown", with_((report) => transports(report).pigeon = NOTHING)],
    ["transports.p2p.unknown", with_((report) => transports(report).p2p!.name = "Ada")],
    ["transports.polling", with_((report) => delete transports(report).polling)],
    ["transports.websocket.worked", with_((report) => transports(report).websocket!.worked = "many")],
    ["fallbacks", with_((report) => report.fallbacks = -1)],
    ["refused", with_((report) => report.refused = 0.5)],
    ["duplicates", with_((report) => report.duplicates = REPORT_MAX_COUNT + 1)],
    ["stored", with_((report) => report.stored = [[40, 1], [40, 1]])],
    ["stored", with_((report) => report.stored = [[88, 1]])],
    ["stored", with_((report) => report.stored = [["AAAA", 1]])],
    ["stored", with_((report) => report.stored = [[1, 2, 3]])],
    ["transports.websocket.roundTrips", with_((report) => transports(report).websocket!.roundTrips = {})],
    ["mesh.links", with_((report) => report.mesh = { links: 9, reached: 0, missing: 0 })],
    ["mesh.unknown", with_((report) => report.mesh = { links: 1, reached: 0, missing: 0, peer: "x" })],
  ];
  for (const [field, read] of cases) assertEquals(read, { field });
});

Deno.test("[REP-1] a report that is taken holds numbers only", () => {
  const read = readTransportReport(REPORT);
  assert("report" in read);
  JSON.stringify(read.report, (_, value) => {
    assert(typeof value === "number" || typeof value === "object", String(value));
    return value;
  });
});

Deno.test("[REP-4] the server chooses the share of reporting pages and the interval, within bounds", () => {
  assertEquals(readReportRules({ share: 0.2, everyMs: 300_000 }), { share: 0.2, everyMs: 300_000 });
  for (
    const wrong of [null, {}, { share: 2, everyMs: 1 }, { share: -1, everyMs: 1 }, { share: 0.5, everyMs: 0 }, {
      share: NaN,
      everyMs: 5,
    }]
  ) {
    assertEquals(readReportRules(wrong), undefined);
  }
});
