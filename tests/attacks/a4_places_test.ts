/** One address takes all places of an instance; and a whole festival comes from one address. */
import { setTimeout as delay } from "node:timers/promises";
import { attack, withinOrSlow } from "./attack.ts";
import { Crowd, newcomers, Person, quantile } from "./people.ts";
import { MemoryWatch, startAttackers, startTarget } from "./target.ts";

const ATTACKER = "127.66.0.1";

attack("A4", "one address that opens all places keeps nobody out", async ({ pick, findings }) => {
  await using target = await startTarget({ env: { FESTIVAL_MAX_CONNECTIONS: "500" } });
  const { port } = target;
  const room = await target.newRoom();
  using crowd = await Crowd.enter({ port, room, count: 10, from: (index) => `127.1.0.${index + 1}` });
  using neighbours = await Crowd.enter({ port, room, count: 5, from: () => ATTACKER });
  const [quiet] = await Promise.all([crowd.speak(1_500), neighbours.speak(1_500)]);
  findings.note("quiet", quiet);

  const ms = pick(10_000, 60_000);
  await using attackers = startAttackers("places", { port, room: room.id, ms, sockets: 600, addresses: [ATTACKER] });
  await delay(2_500);
  const leftMs = ms - 2_500;
  const returns = async () => {
    await delay(leftMs / 2);
    return await Promise.all([...crowd.people, ...neighbours.people].map((person) => person.loseConnection()));
  };
  const [attacked, back, arrivals] = await Promise.all([
    crowd.speak(leftMs / 2 - 500, { drainMs: 2_000 }),
    returns(),
    newcomers({ port, room, from: (index) => `127.2.0.${index + 1}`, ms: leftMs - 4_000, everyMs: pick(300, 2_000) }),
  ]);
  findings.note("attackers", await attackers.ended);
  findings.note("attacked", attacked);
  findings.note("newcomers", arrivals);
  findings.note("returns", back);
  findings.atLeast("stored", attacked.stored, 0.99);
  findings.atMost("delivery p99, ms", attacked.deliveryP99, withinOrSlow(1_000, quiet.deliveryP99));
  findings.atMost("slowest newcomer of another address, ms", Math.max(...arrivals), 3_000);
  findings.atMost("slowest return, ms", Math.max(...back), 3_000);
});

attack("A4", "a festival behind one address gets in and speaks", async ({ pick, findings }) => {
  await using target = await startTarget({
    env: pick<Record<string, string>>({ FESTIVAL_MAX_CONNECTIONS: "500" }, {}),
  });
  const { port } = target;
  const rooms = await Promise.all(Array.from({ length: 3 }, () => target.newRoom()));
  const phones = pick(450, 3_000);
  const ms = pick(9_000, 300_000);
  using memory = new MemoryWatch(target);
  const startedAt = performance.now();
  // They enter, say a word, and stay.
  const spokenMs: number[] = [];
  const people: Person[] = [];
  const all = Promise.withResolvers<void>();
  for (let index = 0; index < phones; index++) {
    const at = performance.now();
    const stored = () => {
      if (spokenMs.push(Math.round(performance.now() - at)) === phones) all.resolve();
    };
    const person = await Person.coming({ port, room: rooms[index % 3]!, from: ATTACKER }, { stored });
    void person.inside.then(() => person.say());
    people.push(person);
    await delay(Math.max(0, startedAt + (index + 1) * ms / phones - performance.now()));
  }
  const patience = new AbortController();
  await Promise.race([all.promise, delay(5_000, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
  for (const person of people) person.leave();
  findings.note("RSS, MB", { normal: memory.normalMb, peak: memory.peakMb });
  findings.atLeast("phones that are in and have spoken", spokenMs.length, phones);
  findings.atMost("p99 from arriving to having spoken, ms", quantile(spokenMs, 0.99), 1_000);
  findings.atMost("slowest phone, ms", Math.max(...spokenMs), 10_000);
});
