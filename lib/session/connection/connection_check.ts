/** "Why is it not working?": what the figures of a connection say, as findings that a page puts into words. Pure. */
import type { ConnectionDiagnostics } from "../model/connection_model.ts";

export type Finding =
  /** Nothing to find. */
  | { finding: "all_well" }
  /** The device itself says that it has no network. */
  | { finding: "no_network" }
  /** A network, and yet no answer from the server: it is down, or something in between swallows what is sent. */
  | { finding: "server_unreachable" }
  /** Plain HTTP works, and the room's connection does not. */
  | { finding: "connection_failing" }
  /** The server asked for patience. */
  | { finding: "server_busy"; reason: "rate_limited" | "overloaded" | "going_away" }
  /** Something on the way lets no WebSocket through; polling carries everything, a little slower. */
  | { finding: "websocket_blocked"; nextTryInMs: number | undefined }
  /** WebSockets work, and somebody chose polling. */
  | { finding: "polling_chosen" }
  /** The round trip is long. */
  | { finding: "slow"; latencyMs: number }
  /** Connections break again and again. */
  | { finding: "unsteady"; reliability: number }
  /** Another tab of this device holds the connection. */
  | { finding: "other_tab" }
  /** My messages wait. */
  | { finding: "waiting"; count: number }
  /** What waits lives only as long as this page. */
  | { finding: "no_storage" };

/** A round trip above this is felt. */
const SLOW_MS = 800;
/** Less of the tries working than this is felt. */
const UNSTEADY = 0.7;

/** The findings, the most important one first. `serverAnsweredMs`: how long plain HTTP took, undefined when it did not work. */
export function findingsOf(diagnostics: ConnectionDiagnostics, serverAnsweredMs: number | undefined): Finding[] {
  const { connection, network, route, transports, waiting, storage, preference, next } = diagnostics;
  const findings: Finding[] = [];
  if (connection.state !== "connected") {
    const reason = connection.state === "disconnected" ? connection.reason : undefined;
    if (!network.online) findings.push({ finding: "no_network" });
    else if (reason === "rate_limited" || reason === "overloaded" || reason === "going_away") {
      findings.push({ finding: "server_busy", reason });
    } else findings.push({ finding: serverAnsweredMs === undefined ? "server_unreachable" : "connection_failing" });
  }
  if (route?.transport === "polling") {
    findings.push(
      preference === "polling"
        ? { finding: "polling_chosen" }
        : { finding: "websocket_blocked", nextTryInMs: next?.transport === "websocket" ? next.inMs : undefined },
    );
  }
  if (route?.transport === "tab") findings.push({ finding: "other_tab" });
  if (route?.transport === "websocket" || route?.transport === "polling") {
    const { latencyMs, reliability } = transports[route.transport];
    if (latencyMs !== undefined && latencyMs > SLOW_MS) findings.push({ finding: "slow", latencyMs });
    if (reliability !== undefined && reliability < UNSTEADY) findings.push({ finding: "unsteady", reliability });
  }
  if (waiting > 0) findings.push({ finding: "waiting", count: waiting });
  if (!storage) findings.push({ finding: "no_storage" });
  return findings.length === 0 ? [{ finding: "all_well" }] : findings;
}
