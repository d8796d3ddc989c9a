/**
 * Festival Chat's server as it runs in production (lib/server, embedded database, all checks), on a bare `Deno.serve`.
 * Used when there is no production build. Prints the id of the room it made.
 * Arguments: port, folder for the database.
 */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { signEvent } from "../lib/crypto/signing.ts";
import { readConfig } from "../lib/server/config.ts";
import { createServer } from "../lib/server/server.ts";
import { realSurroundings } from "../lib/server/surroundings.ts";
import { nodeVerifier } from "../lib/server/verifier.ts";
import { openStore } from "../lib/store/deno_store.ts";
import { toBase64Url } from "../lib/protocol/base64url.ts";

const [port, folder] = Deno.args;
const config = readConfig((name) => Deno.env.get(name));
const store = openStore({ kv: await Deno.openKv(`${folder}/kv.sqlite3`) });
const server = createServer({ ...realSurroundings, store, config, verifier: nodeVerifier() });

const host = await (await ed25519()).signer(crypto.getRandomValues(new Uint8Array(32)));
const room = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
const founding = await signEvent(host, { room, n: 1, clock: 1, at: Date.now() }, {
  kind: "room",
  body: { roomKind: "unlisted", name: "Benchmark" },
});
await server.createRoom(founding.wire, { device: "host", address: "127.0.0.1" });
console.log(room);

let connections = 0;
Deno.serve({ port: Number(port), hostname: "127.0.0.1", tcpBacklog: 4_096, onListen() {} }, (request) => {
  const id = /^\/api\/rooms\/([^/]+)\/socket$/.exec(new URL(request.url).pathname)?.[1];
  if (id === undefined) return new Response("ok");
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.onopen = () => {
    const handle = server.connect(id, {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: (code, reason) => socket.close(code, reason),
      bufferedBytes: () => socket.bufferedAmount,
    }, { device: String(connections++), address: "127.0.0.1" });
    socket.onmessage = ({ data }) => handle.receive(data);
    socket.onclose = () => handle.closed();
    socket.onerror = () => handle.closed();
  };
  return response;
});
