/** A hundred bots shout in a room of fifty people. */
import { attack, isFull, withinOrSlow } from "./attack.ts";
import { Crowd, newcomers } from "./people.ts";
import { startAttackers, startTarget } from "./target.ts";

const BOTS = [
  { bots: "100 bots", addresses: 1, ownKeyOnly: false },
  { bots: "100 bots of ten addresses", addresses: 10, ownKeyOnly: false },
  { bots: "100 bots that each keep to one key", addresses: 1, ownKeyOnly: true },
];

for (const { bots, addresses, ownKeyOnly } of isFull ? BOTS : BOTS.slice(0, 1)) {
  attack(
    "A7",
    `${bots} delay nobody in a room of 50, and other rooms feel nothing`,
    async ({ pick, findings }) => {
      await using target = await startTarget();
      const { port } = target;
      const room = await target.newRoom();
      const otherRoom = await target.newRoom();
      using crowd = await Crowd.enter({
        port,
        room,
        count: 50,
        from: (index) => `127.1.0.${index + 1}`,
        everyMs: 5_000,
      });
      using others = await Crowd.enter({ port, room: otherRoom, count: 5, from: (index) => `127.1.1.${index + 1}` });
      const [quiet, quietOthers] = await Promise.all([
        crowd.speak(pick(2_000, 10_000)),
        others.speak(pick(2_000, 10_000)),
      ]);
      findings.note("quiet", quiet);

      const ms = pick(5_000, 20_000);
      await using attackers = startAttackers("fresh_keys", {
        port,
        rooms: [room.id],
        ms,
        sockets: 100,
        addresses: Array.from({ length: addresses }, (_, index) => `127.66.0.${index + 1}`),
        sealed: false,
        ownKeyOnly,
      });
      const [attacked, attackedOthers, arrivals] = await Promise.all([
        crowd.speak(ms),
        others.speak(ms),
        newcomers({ port, room, from: (index) => `127.2.0.${index + 1}`, ms: ms - 1_000, everyMs: pick(500, 2_000) }),
      ]);
      findings.note("attackers", await attackers.ended);
      findings.note("attacked", attacked);
      findings.note("other room", attackedOthers);
      findings.note("newcomers", arrivals);
      findings.atLeast("stored", attacked.stored, 0.99);
      findings.atLeast("delivered", attacked.delivered, 0.99);
      findings.atMost("ack p99, ms", attacked.ackP99, withinOrSlow(1_000, quiet.ackP99));
      findings.atMost("delivery p99, ms", attacked.deliveryP99, withinOrSlow(1_000, quiet.deliveryP99));
      findings.atMost("slowest newcomer, ms", Math.max(...arrivals), 5_000);
      findings.atLeast("stored in the other room", attackedOthers.stored, 1);
      findings.atMost(
        "delivery p99 in the other room, ms",
        attackedOthers.deliveryP99,
        withinOrSlow(300, quietOthers.deliveryP99),
      );
    },
  );
}
