/** A server for tests with both transports, WebSocket and polling, over real HTTP. */
import { DEFAULT_CONFIG, type ServerConfig } from "../../lib/server/config/server_config.ts";
import { Polling } from "../../lib/server/connections/poll_endpoint.ts";
import { realEnvironment } from "../../lib/server/environment.ts";
import { serveSocket } from "../../lib/server/connections/websocket.ts";
import { pollingTransport, type PollInit } from "../../lib/transport/polling_transport.ts";
import type { OpenTransport } from "../../lib/transport/transport.ts";
import { type OpenWire, webSocketWire } from "../support/client.ts";
import { startTestServer, type TestServerOptions } from "./support.ts";

/** The polling transport's `fetch`, in which a test may lose or repeat requests. */
export type Fetch = (url: string, init: PollInit) => Promise<Response>;

const VISITOR = { device: "device", address: "127.0.0.1" };
const FAST = {
  limits: { messages: { burst: 10_000, everyMs: 0 }, deviceConnections: { burst: 1_000, everyMs: 1, pauseMs: 0 } },
};

/** A server with both transports on a port of its own, at `/{room}/socket` and `/{room}/poll`. */
export function startBothTransports(options: TestServerOptions = {}, settings: Partial<ServerConfig["polling"]> = {}) {
  const instance = startTestServer({ ...options, config: { ...FAST, ...options.config } });
  const { server } = instance;
  const polling = new Polling({ server, settings: { ...DEFAULT_CONFIG.polling, ...settings }, ...realEnvironment });
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const [, room = "", transport] = new URL(request.url).pathname.split("/");
    if (transport === "poll") return polling.answer(room, request, VISITOR);
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

export function pollingWire(url: string, through: Fetch): OpenWire {
  return transportWire((events) => pollingTransport(url, { fetch: through, timers: realEnvironment.timers }, events));
}

/** A transport as a wire of TestClient. */
export function transportWire(open: OpenTransport): OpenWire {
  return ({ onFrame, onClose }) => {
    const transport = open({
      opened: () => {},
      received: (data) => onFrame(String(data)),
      closed: onClose,
    });
    return {
      send(text) {
        if (!transport.send(text)) throw new Error(`the transport took no ${text.slice(0, 80)}`);
      },
      close() {
        transport.close();
        queueMicrotask(() => onClose(1000));
      },
    };
  };
}
