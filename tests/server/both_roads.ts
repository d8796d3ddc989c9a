/** A server for tests with both roads, WebSocket and polling, over real HTTP. */
import { DEFAULT_CONFIG, type ServerConfig } from "../../lib/server/config.ts";
import { Polling } from "../../lib/server/polling.ts";
import { realSurroundings } from "../../lib/server/surroundings.ts";
import { serveSocket } from "../../lib/server/websocket.ts";
import { pollingRoad, type PollInit } from "../../lib/transport/polling.ts";
import type { OpenRoad } from "../../lib/transport/road.ts";
import { type OpenWire, webSocketWire } from "../support/client.ts";
import { startTestServer, type TestServerOptions } from "./support.ts";

/** What a polling road asks with; a test may lose or repeat requests in it. */
export type Fetch = (url: string, init: PollInit) => Promise<Response>;

const VISITOR = { device: "device", address: "127.0.0.1" };
const FAST = {
  limits: { messages: { burst: 10_000, everyMs: 0 }, deviceConnections: { burst: 1_000, everyMs: 1, pauseMs: 0 } },
};

/** A server with both roads on a port of its own, at `/{room}/socket` and `/{room}/poll`. */
export function startBothRoads(options: TestServerOptions = {}, settings: Partial<ServerConfig["polling"]> = {}) {
  const instance = startTestServer({ ...options, config: { ...FAST, ...options.config } });
  const { server } = instance;
  const polling = new Polling({ server, settings: { ...DEFAULT_CONFIG.polling, ...settings }, ...realSurroundings });
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const [, room = "", road] = new URL(request.url).pathname.split("/");
    if (road === "poll") return polling.answer(room, request, VISITOR);
    if (request.headers.get("upgrade") === null) return new Response(null, { status: 400 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    serveSocket(socket, server, room, VISITOR);
    return response;
  });
  const base = `127.0.0.1:${http.addr.port}`;
  return {
    ...instance,
    port: http.addr.port,
    polling,
    pollUrl: (room: string) => `http://${base}/${room}/poll`,
    socket: (room: string) => webSocketWire(`ws://${base}/${room}/socket`),
    poll: (room: string, through: Fetch = fetch) => pollingWire(`http://${base}/${room}/poll`, through),
    async close() {
      await instance.close();
      await polling.close();
      await http.shutdown();
    },
  };
}

function pollingWire(url: string, through: Fetch): OpenWire {
  return roadWire((events) => pollingRoad(url, { fetch: through, timers: realSurroundings.timers }, events));
}

/** A road as a wire of TestClient. */
export function roadWire(open: OpenRoad): OpenWire {
  return ({ onFrame, onClose }) => {
    const road = open({
      opened: () => {},
      received: (data) => onFrame(String(data)),
      closed: onClose,
    });
    return {
      send(text) {
        if (!road.send(text)) throw new Error(`the road took no ${text.slice(0, 80)}`);
      },
      close() {
        road.close();
        queueMicrotask(() => onClose(1000));
      },
    };
  };
}
