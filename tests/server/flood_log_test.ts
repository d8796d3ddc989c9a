/** One line when a flood begins and one when it is over. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { FloodLog } from "../../lib/server/limits/flood_log.ts";
import { SeededRandom } from "../simulation/random.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const ADDRESS = "203.0.113.5";

function open() {
  const time = new VirtualTime();
  const lines: string[] = [];
  const random = new SeededRandom(1, "floods");
  const floods = new FloodLog({ clock: time.clock, timers: time.timers, random, log: (line) => lines.push(line) });
  const refuse = async (count: number, everyMs: number, address = ADDRESS) => {
    for (let n = 0; n < count; n++) {
      floods.refused(n % 4 === 0 ? "connections" : "events", address);
      await time.run(everyMs);
    }
  };
  return { time, lines, floods, refuse };
}

Deno.test("a flood of one address is two lines, however long it is, and neither names the address", async () => {
  const { time, lines, refuse } = open();
  await refuse(2_000, 40);
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^flood from [\w-]{8} begins: 50 connections, 150 events refused$/);
  await time.run(60_000);
  assertEquals(lines.length, 2);
  assertMatch(lines[1]!, /^flood from [\w-]{8} is over after \d+ s: 500 connections, 1500 events refused$/);
  assert(!lines.join("").includes(ADDRESS));
  await time.run(600_000);
  assertEquals(lines.length, 2);
});

Deno.test("a crowd that is refused now and then is no flood", async () => {
  const { time, lines, refuse } = open();
  for (let n = 0; n < 20; n++) {
    await refuse(150, 10);
    await time.run(20_000);
  }
  assertEquals(lines, []);
});

Deno.test("the same address has the same name on one day and another one on the next", async () => {
  const { time, lines, refuse } = open();
  const names: string[] = [];
  for (const pauseMs of [3_600_000, 86_400_000, 0]) {
    await refuse(250, 1);
    names.push(/from (\S+) begins/.exec(lines.at(-1)!)![1]!);
    await time.run(pauseMs + 60_000);
  }
  assertEquals(names[0], names[1]);
  assertNotEquals(names[1], names[2]);
  const { lines: others, refuse: refuseOther } = open();
  await refuseOther(250, 1, "198.51.100.7");
  assert(!others[0]!.includes(names[0]!));
});
