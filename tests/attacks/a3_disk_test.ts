/** Sockets in rooms of their own write the longest events that they can, to fill the disk. */
import { attack } from "./attack.ts";
import { Crowd } from "./people.ts";
import { startAttackers, startTarget } from "./target.ts";

const MEGABYTE = 1_048_576;

attack("A3", "24 sockets in 8 rooms of their own fill no disk", async ({ pick, findings }) => {
  await using target = await startTarget();
  const { port } = target;
  const room = await target.newRoom();
  using crowd = await Crowd.enter({ port, room, count: 5, from: (index) => `127.1.0.${index + 1}` });
  const rooms = await Promise.all(Array.from({ length: 8 }, () => target.newRoom("sealed")));
  const ms = pick(10_000, 600_000);
  const before = target.dataBytes();
  await using attackers = startAttackers("fresh_keys", {
    port,
    rooms: rooms.map(({ id }) => id),
    ms,
    sockets: 24,
    addresses: ["127.66.0.1"],
    sealed: true,
    ownKeyOnly: false,
    chars: 12_000,
  });
  const attacked = await crowd.speak(ms - 1_000);
  const counts = await attackers.ended;
  const grownMb = (target.dataBytes() - before) / MEGABYTE;
  findings.note("attackers", counts);
  findings.note("people of other addresses", attacked);
  findings.atLeast("named refusals", counts["refused rate_limited"] ?? 0, 1);
  // At once 1,000 tokens of 2 KB in each room, then 20 a second; the database stores texts with an index and a log.
  findings.atMost("growth of the data folder, MB", grownMb, 2 * 8 * (2 + 0.04 * ms / 1_000) + 8);
  findings.atLeast("stored, of other addresses", attacked.stored, 0.99);
  findings.atMost("ack p99, of other addresses, ms", attacked.ackP99, 1_000);
});
