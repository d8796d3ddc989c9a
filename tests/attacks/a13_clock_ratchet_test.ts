/** One socket pushes the clock of a room ahead, so that phones that were offline stand above everything or refuse it. */
import { CLOCK_MAX_LEAD } from "../../lib/protocol/limits.ts";
import { attack } from "./attack.ts";
import { readLog } from "./log_reader.ts";
import { Crowd, newcomer, type Place } from "./people.ts";
import { startAttackers, startTarget } from "./target.ts";

/** The position of a room's newest event, and its highest clock. Nothing was deleted yet. */
async function headOf(place: Place): Promise<{ head: number; clock: number }> {
  const clocks = (await readLog(place)).map((entry) =>
    "stub" in entry ? entry.clock : JSON.parse(entry[0]).clock as number
  );
  return { head: clocks.length, clock: Math.max(...clocks) };
}

for (const who of ["strangers", "a person of the room"] as const) {
  attack(
    "A13",
    `${who} may push a room's clock no further than a phone that was offline follows`,
    async ({ pick, findings }) => {
      await using target = await startTarget();
      const { port } = target;
      const room = await target.newRoom();
      using crowd = await Crowd.enter({ port, room, count: 3, from: (index) => `127.1.0.${index + 1}` });
      await crowd.speak(1_000);
      const place = { port, room, from: "127.3.0.1" };
      const before = await headOf(place);

      const ms = pick(4_000, 60_000);
      await using attackers = startAttackers("clock_ratchet", {
        port,
        room: room.id,
        ms,
        from: "127.66.0.1",
        ownKeyOnly: who === "a person of the room",
        // Down to what anybody may.
        leads: [CLOCK_MAX_LEAD, 1_000, 64, 16, 1],
      });
      const attacked = await crowd.speak(ms);
      findings.note("attackers", await attackers.ended);
      findings.note("people", attacked);
      const after = await headOf(place);
      findings.note("before and after", { before, after });

      findings.atMost(
        "clock ahead of the head",
        after.clock - after.head,
        // The lead of strangers; and the budget of the room's people, at once and in this time.
        who === "strangers" ? 64 : CLOCK_MAX_LEAD + 64 + 20 * (ms / 1_000 + 5),
      );
      findings.atLeast("stored", attacked.stored, 0.99);
      findings.atMost("newcomer, ms", await newcomer({ ...place, from: "127.2.0.1" }), 3_000);
    },
  );
}
