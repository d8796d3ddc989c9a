/**
 * A8: requests for pages and figures, so many at a time, one after the other; and connections with a wrong hello, so many
 * a second. In turns: a wrong signature, a frame that is none, a room that does not exist.
 */
import { setTimeout as delay } from "node:timers/promises";
import { maskedFrame } from "../../../bench/load_socket.ts";
import { PROTOCOL_VERSION } from "../../../lib/protocol/limits.ts";
import { toBase64Url } from "../../../lib/shared/base64url.ts";
import { request } from "../http.ts";
import { freshKey, goOn, openSocket, readOrder, report } from "./intruder.ts";

const { port, room, ms, parallel, paths, hellosPerSecond, addresses } = readOrder<{
  port: number;
  room: string;
  ms: number;
  /** Requests at a time. */
  parallel: number;
  paths: string[];
  hellosPerSecond: number;
  addresses: string[];
}>();

const until = performance.now() + ms;
const counts: Record<string, number> = { answers: 0, failed: 0, hellos: 0 };
const addressOf = (index: number) => addresses[index % addresses.length]!;
const latin1 = new TextDecoder("latin1");

async function ask(path: string, from: string): Promise<void> {
  const { status } = await request({ port, from }, path);
  counts.answers!++;
  counts[`${path} ${status}`] = (counts[`${path} ${status}`] ?? 0) + 1;
}

async function wrongHello(index: number): Promise<void> {
  const from = addressOf(index);
  const noRoom = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const socket = await openSocket({ port, from, room: index % 3 === 2 ? noRoom : room });
  const ended = Promise.withResolvers<void>();
  socket.onEnd = () => ended.resolve();
  socket.onText = (payload) => {
    const frame = JSON.parse(latin1.decode(payload));
    if (frame.type !== "challenge") return;
    if (index % 3 === 1) return void socket.write(maskedFrame("no hello"));
    void freshKey().then(({ author }) => {
      const proof = JSON.stringify({ hello: 1, nonce: frame.nonce, room, author, name: "Bot" });
      const signature = toBase64Url(crypto.getRandomValues(new Uint8Array(64)));
      const hello = { type: "hello", version: PROTOCOL_VERSION, proof: [proof, signature] };
      void socket.write(maskedFrame(JSON.stringify(hello)));
    });
  };
  void socket.read();
  await Promise.race([ended.promise, delay(1_000)]);
  socket.close();
  counts.hellos!++;
}

async function hellos(): Promise<void> {
  const startedAt = performance.now();
  for (let index = 0; performance.now() < until; index++) {
    const waitMs = startedAt + index * 1_000 / hellosPerSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    wrongHello(index).catch(() => counts.failed!++);
  }
}

await Promise.all([
  ...Array.from(
    { length: parallel },
    (_, index) => goOn(until, () => ask(paths[index % paths.length]!, addressOf(index)), () => counts.failed!++),
  ),
  ...(hellosPerSecond > 0 ? [hellos()] : []),
]);
report(counts);
