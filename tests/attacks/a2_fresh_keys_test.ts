/** One address writes under ever new keys into a room that people have written in all day. */
import { attack, withinOrSlow } from "./attack.ts";
import { marksHeld } from "./log_reader.ts";
import { Crowd, newcomers } from "./people.ts";
import { type OldRoom, putOldRoom, startAttackers, startTarget } from "./target.ts";

const ATTACKER = "127.66.0.1";
/** The short form has no time to write 10,000 events. */
const SHORT_RETENTION: Record<string, string> = { FESTIVAL_RETENTION_EVENTS: "2100" };

for (const kind of ["open", "sealed"] as const) {
  attack(
    "A2",
    `ever new keys displace nothing that people said in a room that is ${kind}, and people go on speaking`,
    async ({ pick, findings }) => {
      const sealed = kind === "sealed";
      let room: OldRoom;
      await using target = await startTarget({
        env: pick(SHORT_RETENTION, {}),
        prepare: async (dataDir) => void (room = await putOldRoom(dataDir, { people: 50, messages: 2_000, sealed })),
      });
      const { port } = target;
      const { people, marks } = room!;
      const others = { port, room: room!, count: 10, from: (index: number) => `127.1.0.${index + 1}`, known: people };
      using crowd = await Crowd.enter(others);
      using neighbours = await Crowd.enter({ ...others, count: 5, from: () => ATTACKER, known: people.slice(10) });
      const quiet = await crowd.speak(pick(2_000, 10_000), { marks });
      findings.note("quiet", quiet);

      const ms = pick(6_000, 600_000);
      await using attackers = startAttackers("fresh_keys", {
        port,
        room: room!.id,
        ms,
        sockets: 24,
        addresses: [ATTACKER],
        sealed,
        ownKeyOnly: false,
      });
      const [attacked, beside, arrivals] = await Promise.all([
        crowd.speak(ms, { marks }),
        neighbours.speak(ms, { marks }),
        newcomers({
          port,
          room: room!,
          from: (index) => `127.2.${index >> 8}.${index & 255}`,
          ms: pick(ms - 2_000, ms - 10_000),
          everyMs: pick(1_000, 5_000),
        }),
      ]);
      findings.note("attackers", await attackers.ended);
      findings.note("people of other addresses", attacked);
      findings.note("people of the attackers' address", beside);
      const held = await marksHeld({ port, room: room!, from: "127.3.0.1" });

      findings.atMost("messages of people lost", marks.filter((mark) => !held.has(mark)).length, 0);
      findings.atLeast("stored, of other addresses", attacked.stored, 0.99);
      findings.atMost("ack p99, of other addresses, ms", attacked.ackP99, withinOrSlow(1_000, quiet.ackP99));
      findings.atMost(
        "delivery p99, of other addresses, ms",
        attacked.deliveryP99,
        withinOrSlow(1_000, quiet.deliveryP99),
      );
      findings.atLeast("stored, of the attackers' address", beside.stored, 0.95);
      findings.atMost("ack p99, of the attackers' address, ms", beside.ackP99, withinOrSlow(3_000, quiet.ackP99));
      findings.atMost("slowest newcomer of another address, ms", Math.max(...arrivals), 10_000);
    },
  );
}
