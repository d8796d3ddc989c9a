/** Explains a connection as plain data, for the connection panel and for bug reports. Loaded with the panel. */
import { breakerAllowsAt } from "../../routing/circuit_breaker.ts";
import { objectionTo, type TransportName } from "../../routing/transport_choice.ts";
import { qualityOf } from "../../routing/transport_meter.ts";
import type { ConnectionDiagnostics, ConnectionFacts, TransportDiagnostics } from "../model/connection_model.ts";

export function connectionDiagnostics(facts: ConnectionFacts): ConnectionDiagnostics {
  const { clock, steady, openedAt, transports, session, network, browser, logLines } = facts;
  const now = steady.now();
  const { next } = transports;
  return {
    at: new Date(clock.now()).toISOString(),
    openSinceMs: now - openedAt,
    connection: facts.state.peek(),
    route: facts.currentRoute.peek(),
    preference: facts.preferredRoute.peek(),
    mesh: facts.mesh.peek(),
    transports: { websocket: diagnosticsOf("websocket", facts), polling: diagnosticsOf("polling", facts) },
    next: next && { transport: next.transport, inMs: Math.max(0, next.at - now) },
    stats: facts.transferStats.peek(),
    waiting: session.waiting,
    storage: session.stored.peek(),
    network: network(),
    browser,
    log: [...logLines],
  };
}

function diagnosticsOf(transport: TransportName, { transports, meters }: ConnectionFacts): TransportDiagnostics {
  const { situation } = transports;
  const { breaker } = situation.transports[transport];
  return {
    ...qualityOf(meters[transport]),
    available: situation.available[transport],
    breaker: breaker.name,
    objection: objectionTo(transport, situation),
    restsForMs: Math.max(0, breakerAllowsAt(breaker) - situation.now),
  };
}
