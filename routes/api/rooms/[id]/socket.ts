import { HttpError } from "fresh";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownLogger, ownServer } from "@/lib/server/instance.ts";
import { isOwnPage, noteLostUpgrade } from "@/lib/server/http/security.ts";
import { serveSocket, SOCKET_IDLE_TIMEOUT_S } from "@/lib/server/connections/websocket.ts";

export const handler = define.handlers({
  /** The room's WebSocket: docs/PROTOCOL.md. Frames tell whether the room exists. */
  async GET(ctx) {
    const server = await ownServer();
    const { warn } = ownLogger();
    noteLostUpgrade(ctx, warn);
    if (!isOwnPage(ctx, server.config, warn)) throw new HttpError(403);
    const { socket, response } = ctx.upgrade({ idleTimeout: SOCKET_IDLE_TIMEOUT_S });
    serveSocket(socket, server, ctx.params.id!, ctx.state.visitor);
    return response;
  },
});
