// Runs in browser and server.
/**
 * Which way a new event of mine goes first, and why. Pure. The server always gets it in the end: it is the room's memory.
 */

/** What is known of the ways at a moment. */
export interface DeliverySituation {
  /** The room's connection to the server is up. */
  server: boolean;
  /** People in the room that my peers and those behind them reach … */
  reached: number;
  /** … and people in the room that they do not. */
  missing: number;
  /** Somebody wants peers first wherever there are any (`p2p`), or the server first always (a transport's name). */
  preference: "auto" | "p2p" | "websocket" | "polling";
}

export type DeliveryRoute =
  /** Peers now, the server a moment later in one batch. */
  | { peers: true; server: "lazy"; reason: "peers_reach_everyone" | "peers_preferred" }
  /** Both now. */
  | { peers: true; server: "now"; reason: "peers_reach_some" | "server_preferred" }
  | { peers: false; server: "now"; reason: "no_peers" }
  /** Peers now; it waits here for the server. */
  | { peers: true; server: "waits"; reason: "no_server" }
  | { peers: false; server: "waits"; reason: "no_transport" };

export function deliveryRoute({ server, reached, missing, preference }: DeliverySituation): DeliveryRoute {
  if (!server) {
    return reached > 0
      ? { peers: true, server: "waits", reason: "no_server" }
      : { peers: false, server: "waits", reason: "no_transport" };
  }
  if (reached === 0) return { peers: false, server: "now", reason: "no_peers" };
  if (preference === "websocket" || preference === "polling") {
    return { peers: true, server: "now", reason: "server_preferred" };
  }
  if (missing === 0) return { peers: true, server: "lazy", reason: "peers_reach_everyone" };
  return preference === "p2p"
    ? { peers: true, server: "lazy", reason: "peers_preferred" }
    : { peers: true, server: "now", reason: "peers_reach_some" };
}
