/**
 * A4: one address opens as many connections as it can and holds them. In turns: without a hello, with one and then silent,
 * with one and a word. A connection that was refused or ended is followed by the next.
 */
import { setTimeout as delay } from "node:timers/promises";
import { sendFrame } from "../people.ts";
import { enter, goOn, junk, openSocket, readOrder, report } from "./intruder.ts";

const { port, room, ms, sockets, addresses } = readOrder<{
  port: number;
  room: string;
  ms: number;
  sockets: number;
  addresses: string[];
}>();

/** After a refusal. */
const PAUSE_MS = 2_000;

const until = performance.now() + ms;
const counts = { opened: 0, ended: 0, failed: 0, held: 0, mostHeld: 0 };

await Promise.all(Array.from({ length: sockets }, (_, index) =>
  goOn(until, async () => {
    const from = addresses[index % addresses.length]!;
    const ended = Promise.withResolvers<void>();
    const isSilent = index % 3 === 0;
    let socket;
    if (isSilent) {
      socket = await openSocket({ port, room, from });
      socket.onEnd = () =>
        ended.resolve();
      void socket.read();
    } else {
      const intruder = await enter({ port, room, from, onEnd: () => ended.resolve() });
      ({ socket } = intruder);
      if (index % 3 === 1) {
        const word = await junk(intruder.signer, { room, n: 1, clock: intruder.welcome.clock + 1 });
        void socket.write(sendFrame(word));
      }
    }
    counts.opened++;
    counts.mostHeld = Math.max(counts.mostHeld, ++counts.held);
    await Promise.race([ended.promise, delay(Math.max(0, until - performance.now()))]);
    counts.held--;
    socket.close();
    if (performance.now() < until) counts.ended++;
  }, () =>
    counts.failed++, PAUSE_MS)));
report(counts);
