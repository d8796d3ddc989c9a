// The servers we compare with, as their own documentation says to use them. Run by Node where it is installed, else by
// Deno: `node other_servers.mjs ws 8001`. They pass every message on to everybody, the sender included, and store nothing.
import { createServer } from "node:http";
import process from "node:process";

const [kind, port] = process.argv.slice(2);
const runsInDeno = "Deno" in globalThis;
const server = createServer((_request, response) => response.end("ok"));

if (kind === "ws") {
  // deno-lint-ignore no-import-prefix -- only the benchmark needs these two packages
  const { WebSocketServer, WebSocket } = await (runsInDeno ? import("npm:ws@^8.18.3") : import("ws"));
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  wss.on("connection", (socket) => {
    socket.on("error", console.error);
    // `data` is a Buffer that came off the wire: nothing is decoded or encoded on the way out.
    socket.on("message", (data, isBinary) => {
      for (const client of wss.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
      }
    });
  });
} else if (kind === "socket.io") {
  // deno-lint-ignore no-import-prefix -- as above
  const { Server } = await (runsInDeno ? import("npm:socket.io@^4.8.1") : import("socket.io"));
  const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
  io.on("connection", (socket) => {
    // A broadcast is encoded once for all sockets by Socket.IO's own adapter.
    socket.on("message", (event) => io.emit("message", event));
  });
} else {
  throw new Error(`the server has to be ws or socket.io, not ${kind}`);
}

server.listen(Number(port), "127.0.0.1");
