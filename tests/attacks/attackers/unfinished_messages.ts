/**
 * A1: sockets that each write a WebSocket message of 50 MB and never end it. Half of them say hello first. In turns: one
 * giant frame, large fragments, and small fragments for ever. A socket that was ended is followed by the next.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { LoadSocket } from "../../../bench/load_socket.ts";
import { enter, goOn, openSocket, readOrder, report } from "./intruder.ts";

type Shape = "giant" | "fragments" | "endless";

const { port, room, ms, sockets, bytes, bytesPerSecond, shapes, when, addresses } = readOrder<{
  port: number;
  room: string;
  ms: number;
  sockets: number;
  /** Of each message. */
  bytes: number;
  /** Of all sockets together. */
  bytesPerSecond: number;
  shapes: Shape[];
  when: ("before hello" | "after hello")[];
  addresses: string[];
}>();

const CHUNK = 262_144;
const chunk = new Uint8Array(CHUNK).fill(0x61);
const until = performance.now() + ms;
const counts = { opened: 0, ended: 0, failed: 0, megabytes: 0 };

/** A frame's head: masked with zeros, so that the payload follows as it is. */
function frameHead(opcode: number, fin: boolean, length: number): Uint8Array {
  const head = new Uint8Array(14);
  const view = new DataView(head.buffer);
  view.setUint8(0, (fin ? 0x80 : 0) | opcode);
  view.setUint8(1, 0x80 | 127);
  view.setBigUint64(2, BigInt(length));
  return head;
}

const startedAt = performance.now();
let planned = 0;

async function write(socket: LoadSocket, length: number): Promise<void> {
  for (let left = length; left > 0 && performance.now() < until; left -= CHUNK) {
    planned += Math.min(left, CHUNK);
    const waitMs = startedAt + planned / bytesPerSecond * 1_000 - performance.now();
    if (waitMs > 1) await delay(Math.min(waitMs, until - performance.now()));
    await socket.write(left < CHUNK ? chunk.subarray(0, left) : chunk);
    counts.megabytes += Math.min(left, CHUNK) / 1_048_576;
  }
}

await Promise.all(Array.from({ length: sockets }, (_, index) => {
  const shape = shapes[index % shapes.length]!;
  const first = when[Math.floor(index / shapes.length) % when.length]!;
  const from = addresses[index % addresses.length]!;
  return goOn(until, async () => {
    const ended = Promise.withResolvers<void>();
    let isOver = false;
    const onEnd = () => {
      isOver = true;
      ended.resolve();
    };
    let socket: LoadSocket;
    if (first === "after hello") ({ socket } = await enter({ port, room, from, onEnd }));
    else {
      socket = await openSocket({ port, room, from });
      socket.onEnd = onEnd;
      void socket.read();
    }
    counts.opened++;
    if (shape === "giant") {
      await socket.write(frameHead(1, false, bytes));
      // All but the last byte.
      await write(socket, bytes - 1);
    } else {
      const size = shape === "fragments" ? 1_048_576 : 65_536;
      for (let sent = 0; sent < bytes && !isOver && performance.now() < until; sent += size) {
        await socket.write(frameHead(sent === 0 ? 1 : 0, false, size));
        await write(socket, size);
      }
      while (shape === "endless" && !isOver && performance.now() < until) {
        await socket.write(frameHead(0, false, 1));
        await socket.write(chunk.subarray(0, 1));
        await delay(100);
      }
    }
    await Promise.race([ended.promise, delay(Math.max(0, until - performance.now()))]);
    if (isOver) counts.ended++;
    socket.close();
  }, () => counts.failed++);
}));
counts.megabytes = Math.round(counts.megabytes);
report(counts);
