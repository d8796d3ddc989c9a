/**
 * A13: one socket pushes the room's clock as far as the server lets it. `ownKeyOnly`: under its own key, which is one of
 * the room's people after its first event; else every event has a new key, a stranger's.
 */
import { sendFrame } from "../people.ts";
import { enter, freshKey, goOn, junk, readOrder, report } from "./intruder.ts";

const { port, room, ms, from, ownKeyOnly, leads } = readOrder<{
  port: number;
  room: string;
  ms: number;
  from: string;
  ownKeyOnly: boolean;
  /** How far each event's clock is ahead of the highest that was stored; a refused one is followed by the next lead. */
  leads: number[];
}>();

const until = performance.now() + ms;
const counts: Record<string, number> = { stored: 0, failed: 0 };

await goOn(until, async () => {
  let answer: (isStored: boolean) => void = () => {};
  const intruder = await enter({
    port,
    room,
    from,
    onFrame(frame) {
      if (frame.type === "ack") answer(true);
      else if (frame.type === "refused") {
        counts[`refused ${frame.reason}`] = (counts[`refused ${frame.reason}`] ?? 0) + 1;
        answer(false);
      } else if (frame.type === "problem") answer(false);
    },
    onEnd: () => answer(false),
  });
  let clock = intruder.welcome.clock;
  let n = intruder.welcome.lastN;
  let lead = 0;
  while (!intruder.ended && performance.now() < until) {
    const answered = Promise.withResolvers<boolean>();
    answer = answered.resolve;
    const next = clock + leads[lead]!;
    const author = ownKeyOnly ? intruder.signer : await freshKey();
    const event = await junk(author, { room, n: ownKeyOnly ? n + 1 : 1, clock: next });
    await intruder.socket.write(sendFrame(event));
    if (await answered.promise) {
      clock = next;
      n++;
      lead = 0;
      counts.stored!++;
    } else lead = (lead + 1) % leads.length;
  }
  intruder.socket.close();
}, () => counts.failed!++);
report(counts);
