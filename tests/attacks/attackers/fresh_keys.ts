/**
 * A2, A3 and A7: sockets that carry events of ever new keys, as fast as the server answers. With `ownKeyOnly` each socket
 * writes under its own key alone. A refusal changes nothing for them, and a socket that was closed comes back as a new
 * device.
 */
import { enter, freshKey, goOn, junk, readOrder, report } from "./intruder.ts";
import { sendFrame } from "../people.ts";

const { port, rooms, ms, sockets, addresses, sealed, ownKeyOnly, chars } = readOrder<{
  port: number;
  /** The sockets are spread over them. */
  rooms: string[];
  ms: number;
  sockets: number;
  addresses: string[];
  sealed: boolean;
  ownKeyOnly: boolean;
  /** The length of each text. */
  chars?: number;
}>();

/** Events that a new key may write at once; of long ones a frame holds fewer. */
const BURST = chars === undefined ? 5 : 4;
/** Keys whose events go into one frame. */
const KEYS_PER_FRAME = chars === undefined ? 6 : 1;

const until = performance.now() + ms;
const counts: Record<string, number> = { entered: 0, failed: 0, written: 0, stored: 0 };

await Promise.all(Array.from({ length: sockets }, (_, index) =>
  goOn(until, async () => {
    const room = rooms[index % rooms.length]!;
    let waiting = 0;
    let wake = () => {};
    const answered = (answers: number, kind: string) => {
      counts[kind] = (counts[kind] ?? 0) + answers;
      waiting -= answers;
      wake();
    };
    const intruder = await enter({
      port,
      room,
      sealed,
      from: addresses[index % addresses.length]!,
      onFrame(frame) {
        if (frame.type === "ack") answered(frame.acks.length, "stored");
        else if (frame.type === "refused") answered(1, `refused ${frame.reason}`);
        else if (frame.type === "goodbye") answered(0, `goodbye ${frame.reason}`);
      },
      onEnd: () => wake(),
    });
    counts.entered!++;
    const { socket, signer, welcome } = intruder;
    let n = 0;
    while (!intruder.ended && performance.now() < until) {
      const events = [];
      for (let key = 0; key < (ownKeyOnly ? 1 : KEYS_PER_FRAME); key++) {
        const author = ownKeyOnly ? signer : await freshKey();
        for (let event = 1; event <= BURST; event++) {
          const number = ownKeyOnly ? ++n : event;
          events.push(await junk(author, { room, n: number, clock: welcome.clock + 1, sealed, ...chars && { chars } }));
        }
      }
      waiting = events.length;
      counts.written! += events.length;
      void socket.write(sendFrame(...events));
      // The answers, or a second without them.
      const patience = setTimeout(() => {
        waiting = 0;
        wake();
      }, 1_000);
      while (waiting > 0 && !intruder.ended) await new Promise<void>((resolve) => wake = resolve);
      clearTimeout(patience);
    }
    socket.close();
  }, () => counts.failed!++)));
report(counts);
