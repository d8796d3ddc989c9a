/** Sockets fill the server's memory with WebSocket messages that never end. */
import { setTimeout as delay } from "node:timers/promises";
import { attack, type Form, isFull, withinOrSlow } from "./attack.ts";
import { Crowd, newcomers } from "./people.ts";
import { MemoryWatch, startAttackers, startTarget } from "./target.ts";

async function unfinishedMessages({ findings, pick }: Form, env: Record<string, string>, order: object) {
  await using target = await startTarget({ env });
  const { port } = target;
  const room = await target.newRoom();
  using crowd = await Crowd.enter({ port, room, count: 10, from: (index) => `127.1.0.${index + 1}` });
  const quiet = await crowd.speak(pick(2_000, 10_000));
  findings.note("quiet", quiet);

  const ms = pick(7_000, 30_000);
  using memory = new MemoryWatch(target);
  await using attackers = startAttackers("unfinished_messages", {
    port,
    room: room.id,
    ms,
    sockets: 40,
    bytes: 50 * 1_048_576,
    // All of them are there after 12 s, as when the attack was first tried.
    bytesPerSecond: 40 * 50 * 1_048_576 / 12,
    shapes: ["giant", "fragments", "endless"],
    when: ["before hello", "after hello"],
    addresses: ["127.66.0.1", "127.66.0.2"],
    ...order,
  });
  const [attacked, arrivals] = await Promise.all([
    crowd.speak(ms),
    newcomers({ port, room, from: (index) => `127.2.0.${index + 1}`, ms: ms - 2_000, everyMs: 1_000 }),
  ]);
  findings.note("attackers", await attackers.ended);
  findings.note("attacked", attacked);
  await delay(Math.max(0, 5_000 - pick(2_000, 10_000)));
  const after = await crowd.speak(pick(2_000, 10_000));
  findings.note("5 s later", after);

  findings.atMost("RSS above normal, MB", memory.peakMb - memory.normalMb, 200);
  if ("FESTIVAL_MEMORY_MB" in env) findings.atMost("RSS, MB", memory.peakMb, Number(env.FESTIVAL_MEMORY_MB));
  findings.atLeast("honest messages stored", attacked.stored, 0.99);
  findings.atLeast("honest messages delivered", attacked.delivered, 0.99);
  findings.atMost("delivery p99, ms", attacked.deliveryP99, withinOrSlow(1_000, quiet.deliveryP99));
  findings.atMost("slowest newcomer, ms", Math.max(...arrivals), 5_000);
  findings.atMost("RSS above normal 5 s later, MB", target.memoryMb() - memory.normalMb, 100);
  findings.atMost("delivery p99 5 s later, ms", after.deliveryP99, withinOrSlow(300, quiet.deliveryP99));
  findings.atLeast("delivered 5 s later", after.delivered, 1);
}

attack(
  "A1",
  "unfinished WebSocket messages fill no memory and disturb nobody",
  (form) => unfinishedMessages(form, {}, {}),
);

if (isFull) {
  attack(
    "A1",
    "the same as fast as one machine can write to itself",
    (form) => unfinishedMessages(form, {}, { bytesPerSecond: 2 ** 40 }),
  );
  for (const shape of ["giant", "fragments", "endless"]) {
    for (const when of ["before hello", "after hello"]) {
      attack(
        "A1",
        `the same with a memory limit of 512 MB: ${shape}, ${when}`,
        (form) => unfinishedMessages(form, { FESTIVAL_MEMORY_MB: "512" }, { shapes: [shape], when: [when] }),
      );
    }
  }
}
