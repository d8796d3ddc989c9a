// Runs in browser and server.
/**
 * Chooses the first transport of a new event of this device, with a reason. Pure. The server always gets the event in
 * the end.
 */

/** The state of the transports at one moment. */
export interface DeliverySituation {
  /** The room's connection to the server is up. */
  server: boolean;
  /** People in the room who are reachable over the mesh … */
  reached: number;
  /** … and people in the room who are not. */
  missing: number;
  /** The user prefers peers whenever there are any (`p2p`), or always the server (a transport's name). */
  preference: "auto" | "p2p" | "websocket" | "polling";
}

export type DeliveryRoute =
  /** Peers now, the server later, in a batch. */
  | { peers: true; server: "lazy"; reason: "peers_reach_everyone" | "peers_preferred" }
  /** Both now. */
  | { peers: true; server: "now"; reason: "peers_reach_some" | "server_preferred" }
  | { peers: false; server: "now"; reason: "no_peers" }
  /** Peers now; the event waits for the server. */
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
