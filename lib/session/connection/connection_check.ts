/** "Why is it not working?": turns the figures of a connection into findings, which a page puts into words. Pure. */
import type { ConnectionDiagnostics } from "../model/connection_model.ts";

export type Finding =
  /** No problem was found. */
  | { finding: "all_well" }
  /** The device reports that it has no network. */
  | { finding: "no_network" }
  /** The device has a network and the server does not answer: it is down, or something in between drops the traffic. */
  | { finding: "server_unreachable" }
  /** Plain HTTP works and the room's connection does not. */
  | { finding: "connection_failing" }
  /** The server asked clients to wait. */
  | { finding: "server_busy"; reason: "rate_limited" | "overloaded" | "going_away" }
  /** A network element blocks WebSockets. Polling carries everything, a little slower. */
  | { finding: "websocket_blocked"; nextTryInMs: number | undefined }
  /** WebSockets work; the user chose polling. */
  | { finding: "polling_chosen" }
  /** The round trip is long. */
  | { finding: "slow"; latencyMs: number }
  /** Connections break again and again. */
  | { finding: "unsteady"; reliability: number }
  /** Another tab of this device holds the connection. */
  | { finding: "other_tab" }
  /** Messages of mine wait to be sent. */
  | { finding: "waiting"; count: number }
  /** This device cannot store anything: waiting messages are lost with the page. */
  | { finding: "no_storage" };

/** People notice round trips above this. */
const SLOW_MS = 800;
/** People notice when a smaller share of the attempts works. */
const UNSTEADY = 0.7;

/** The findings, most important first. `serverAnsweredMs`: how long plain HTTP took; undefined when it failed. */
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
