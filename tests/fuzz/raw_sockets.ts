/** Bytes that no WebSocket library would send: broken handshakes and broken frames (RFC 6455), straight onto TCP. */
import type { RoomId } from "../../lib/protocol/event.ts";
import type { Address } from "../faults/writers.ts";
import type { SeededRandom } from "../simulation/random.ts";

/** How long the server may take to hang up on broken frames before we do. */
const PATIENCE_MS = 200;
/** How many at a time. */
const AT_ONCE = 16;

/** Opens `count` connections that break the WebSocket protocol. The server has to survive, more is not asked of it. */
export async function brokenHandshakes(
  address: Address,
  room: RoomId,
  random: SeededRandom,
  count: number,
): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, () => breakOnce(address, room, random)));
  }
}

async function breakOnce({ url }: Address, room: RoomId, random: SeededRandom): Promise<void> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const timer = setTimeout(() => close(connection), PATIENCE_MS);
  try {
    const handshake = random.chance(0.9) ? goodHandshake(hostname, room) : badHandshake(hostname, room, random);
    await connection.write(new TextEncoder().encode(handshake));
    const buffer = new Uint8Array(4_096);
    await connection.read(buffer);
    await connection.write(brokenFrames(random));
    // Until the server hangs up, or we do.
    while (await connection.read(buffer) !== null);
  } catch {
    // A connection reset is as good an answer as any here.
  } finally {
    clearTimeout(timer);
    close(connection);
  }
}

function goodHandshake(host: string, room: RoomId): string {
  return `GET /api/rooms/${room}/socket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

function badHandshake(host: string, room: RoomId, random: SeededRandom): string {
  return random.pick([
    goodHandshake(host, room).replace("13", "99"),
    goodHandshake(host, room).replace("dGhlIHNhbXBsZSBub25jZQ==", ""),
    goodHandshake(host, room).replace("websocket", "h3"),
    goodHandshake(host, "%00%ff/../.."),
    goodHandshake(host, "x".repeat(3_000)),
    "\r\n\r\n",
    "GET",
  ]);
}

/** Frames with reserved bits, unknown opcodes, no mask, absurd lengths, no UTF-8, or no end. */
function brokenFrames(random: SeededRandom): Uint8Array<ArrayBuffer> {
  const mask = [1, 2, 3, 4];
  return Uint8Array.from(random.pick<number[]>([
    [0xf1, 0x80, ...mask],
    [0x83, 0x80, ...mask],
    [0x81, 0x02, 0x7b, 0x7d],
    [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...mask],
    [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, ...mask],
    [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
    [0x01, 0x81, 0, 0, 0, 0, 0x7b],
    [0x80, 0x81, 0, 0, 0, 0, 0x7b],
    [0x89, 0xfe, 0xff, 0xff, ...mask, ...random.bytes(300)],
    [0x88, 0x81, 0, 0, 0, 0, 1],
    [...random.bytes(random.between(1, 2_000))],
  ]));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
