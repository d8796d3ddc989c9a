/** How long a probe may go unanswered. */
import { assert, assertEquals } from "@std/assert";
import { HEARTBEAT_MS } from "../../lib/protocol/limits.ts";
import { PROBE_PATIENCE_MAX, PROBE_TIMEOUT_MS } from "../../lib/session/ports/session_limits.ts";
import { probeTimeoutMs, SLEPT_AFTER_MS, SLEPT_PROBE_MIN_MS } from "../../lib/session/connection/probe_timeout.ts";

const HOUR_MS = 3_600_000;

const CASES: [what: string, silentMs: number, roundTripMs: number, patience: number, expected: number][] = [
  ["awake and idle", HEARTBEAT_MS, 50, 1, PROBE_TIMEOUT_MS],
  ["awake, after a transport that was too slow", HEARTBEAT_MS, 50, 4, 4 * PROBE_TIMEOUT_MS],
  ["a short look away", 2_000, 50, 1, PROBE_TIMEOUT_MS],
  ["slept, on a quick transport", HOUR_MS, 50, 1, SLEPT_PROBE_MIN_MS],
  ["slept, on a transport that needs 200 ms", HOUR_MS, 200, 1, 600],
  ["slept, on a slow transport: never longer than awake", HOUR_MS, 2_000, 1, PROBE_TIMEOUT_MS],
  ["slept, on a slow transport that earned patience", HOUR_MS, 2_000, PROBE_PATIENCE_MAX, 6_000],
];

for (const [what, silentMs, roundTripMs, patience, expected] of CASES) {
  Deno.test(`${what}: a probe may take ${expected} ms`, () => {
    assertEquals(probeTimeoutMs({ silentMs, roundTripMs, patience }), expected);
  });
}

Deno.test("no page that is awake is ever silent for as long as one that slept", () => {
  assert(SLEPT_AFTER_MS > HEARTBEAT_MS + PROBE_TIMEOUT_MS);
});
