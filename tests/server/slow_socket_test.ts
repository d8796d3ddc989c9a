/** A real TCP connection that stops reading: it fills the operating system's buffers, then the server's bound. */
import { assert, assertEquals } from "@std/assert";
import { signerOf, TestClient } from "../support/client.ts";
import { configWith, listen, startTestServer } from "./support.ts";

/** Reads a WebSocket by hand up to its challenge, answers it, and from then on reads nothing. */
async function joinAndStopReading(port: number, path: string, room: string): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const key = btoa("0123456789abcdef");
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  let heard = "";
  const buffer = new Uint8Array(4_096);
  while (!heard.includes('"nonce"') || !heard.includes("}")) {
    heard += new TextDecoder("latin1").decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  const nonce = /"nonce":"([^"]+)"/.exec(heard)![1]!;
  const signer = await signerOf(room);
  const payload = JSON.stringify({ hello: 1, nonce, room, author: signer.author, name: "Slow" });
  const hello = JSON.stringify({ type: "hello", version: 1, proof: [payload, await signer.sign(payload)] });
  const body = new TextEncoder().encode(hello);
  // A text frame, masked with zeros (RFC 6455 section 5.2).
  await conn.write(new Uint8Array([0x81, 0x80 | 126, body.length >> 8, body.length & 255, 0, 0, 0, 0, ...body]));
  return conn;
}

Deno.test("[SLOW-1] over a real socket a stalled reader is disconnected while the others get everything", async () => {
  const limits = {
    ...configWith().limits,
    messages: { burst: 100_000, everyMs: 0 },
    connectionEvents: { burst: 100_000, everyMs: 0 },
  };
  const { server, store, newRoom } = startTestServer({ config: { limits, commit: { gapMs: 0 } } });
  const socket = listen(server);
  const room = await newRoom();
  const ada = await TestClient.join({ open: socket.open(room.id), room: room.id });
  const conn = await joinAndStopReading(socket.port, `/${room.id}?device=slow`, room.id);
  await ada.until(() => ada.count === 2);

  const large = "😀".repeat(1_990);
  let sent = 0;
  while (sent < 3_000 && ada.count === 2) {
    const events = [];
    for (let index = 0; index < 12; index++) events.push(await ada.signText(`${large}${sent++}`));
    ada.sendEvents(...events);
    await ada.stored(events.at(-1)!.id);
  }
  await ada.until(() => ada.count === 1);
  assert(sent < 3_000, "it was never cut off");
  await ada.holds(1 + sent);
  assertEquals(ada.texts.length, sent);
  assertEquals(ada.violations, []);

  conn.close();
  await ada.close();
  await socket.close();
  await server.close();
  store.close();
});
