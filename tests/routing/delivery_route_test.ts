import { assert, assertEquals } from "@std/assert";
import { type DeliveryRoute, deliveryRoute, type DeliverySituation } from "../../lib/routing/delivery_route.ts";

type Preference = DeliverySituation["preference"];

/** Server, reached, missing, preference; then peers, server, reason. */
const TABLE: [
  name: string,
  situation: [server: boolean, reached: number, missing: number, preference: Preference],
  route: [peers: boolean, server: DeliveryRoute["server"], reason: DeliveryRoute["reason"]],
][] = [
  ["no links: the server now", [true, 0, 4, "auto"], [false, "now", "no_peers"]],
  ["alone in the room: the server now", [true, 0, 0, "auto"], [false, "now", "no_peers"]],
  ["peers reach everyone: the server later", [true, 4, 0, "auto"], [true, "lazy", "peers_reach_everyone"]],
  ["peers reach all but one: both now", [true, 3, 1, "auto"], [true, "now", "peers_reach_some"]],
  ["peers preferred, all but one: the server later", [true, 3, 1, "p2p"], [true, "lazy", "peers_preferred"]],
  ["peers preferred and complete", [true, 4, 0, "p2p"], [true, "lazy", "peers_reach_everyone"]],
  ["peers preferred without links: never a wait", [true, 0, 4, "p2p"], [false, "now", "no_peers"]],
  ["WebSocket preferred: both now", [true, 4, 0, "websocket"], [true, "now", "server_preferred"]],
  ["polling preferred: both now", [true, 2, 2, "polling"], [true, "now", "server_preferred"]],
  ["a transport to the server preferred, and nobody linked", [true, 0, 4, "websocket"], [false, "now", "no_peers"]],
  ["no server: peers carry", [false, 1, 3, "auto"], [true, "waits", "no_server"]],
  ["no server, the server preferred: peers carry", [false, 4, 0, "websocket"], [true, "waits", "no_server"]],
  ["no server and no peers: the event waits", [false, 0, 4, "auto"], [false, "waits", "no_transport"]],
  ["no server and no peers, peers preferred", [false, 0, 0, "p2p"], [false, "waits", "no_transport"]],
];

for (const [name, [server, reached, missing, preference], [peers, to, reason]] of TABLE) {
  Deno.test(`[WAY-1] ${name}`, () => {
    assertEquals<unknown>(deliveryRoute({ server, reached, missing, preference }), { peers, server: to, reason });
  });
}

Deno.test("[WAY-1] in every situation, events wait for the server only if peers get them, and reachable peers are always used", () => {
  for (const server of [true, false]) {
    for (const reached of [0, 1, 9]) {
      for (const missing of [0, 1, 9]) {
        for (const preference of ["auto", "p2p", "websocket", "polling"] as const) {
          const route = deliveryRoute({ server, reached, missing, preference });
          assertEquals(route.peers, reached > 0);
          assertEquals(route.server === "waits", !server);
          if (route.server === "lazy") assert(reached > 0 && (missing === 0 || preference === "p2p"));
        }
      }
    }
  }
});
