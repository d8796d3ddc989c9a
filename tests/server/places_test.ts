/** The places of an instance when more want one than there are. */
import { assert, assertEquals } from "@std/assert";
import { Places } from "../../lib/server/limits/places.ts";
import { SeededRandom } from "../simulation/random.ts";

function places(connections: number, lobby = 10) {
  const all = new Places<string>({ connections, lobby });
  const inside = new Set<string>();
  const sit = (guest: string, address: string, isKnown = false): boolean => {
    const gone = all.enter(guest, address);
    if (gone !== undefined) inside.delete(gone);
    const seated = all.sit(guest, isKnown);
    if (!seated.ok) all.leave(guest);
    else {
      inside.add(guest);
      if (seated.displaced !== undefined) inside.delete(seated.displaced);
    }
    return seated.ok;
  };
  return { all, inside, sit };
}

Deno.test("[LIM-PLACES-1] below the maximum everybody enters, thousands of one address too", () => {
  const { all, inside, sit } = places(3_000);
  for (let phone = 0; phone < 3_000; phone++) assert(sit(`phone ${phone}`, "festival"));
  assertEquals([inside.size, all.isFull], [3_000, true]);
});

Deno.test("[LIM-PLACES-2] when it is full, an address with fewer places takes one of the address with most: of the newest who said nothing, else of the newest", () => {
  const { all, inside, sit } = places(3);
  for (const guest of ["one", "two", "three"]) sit(guest, "attacker");
  all.spoke("three");
  assert(sit("ada", "home"));
  assertEquals([...inside], ["one", "three", "ada"]);
  all.spoke("one");
  assert(!sit("bob", "home"));
  assert(!sit("four", "attacker"));
  assertEquals([...inside], ["one", "three", "ada"]);
  assert(sit("carla", "elsewhere"));
  assertEquals([...inside], ["one", "ada", "carla"]);
  assert(!sit("dan", "somewhere"));
});

Deno.test("[LIM-PLACES-3] a known person takes the place of a newcomer who has said nothing, even of their own address", () => {
  const { all, inside, sit } = places(3);
  for (const guest of ["one", "two", "three"]) sit(guest, "festival");
  all.spoke("three");
  assert(!sit("newcomer", "festival"));
  assert(sit("ada", "festival", true));
  assertEquals([...inside], ["one", "three", "ada"]);
  assert(sit("bob", "festival", true));
  assertEquals([...inside], ["three", "ada", "bob"]);
  assert(!sit("carla", "festival", true));
});

Deno.test("[LIM-PLACES-4] the lobby refuses nobody: when it is full, the one of the address with most goes who waits longest", () => {
  const all = new Places<string>({ connections: 0, lobby: 3 });
  assertEquals(all.enter("one", "attacker"), undefined);
  assertEquals(all.enter("two", "attacker"), undefined);
  assertEquals(all.enter("ada", "home"), undefined);
  assertEquals(all.enter("three", "attacker"), "one");
  assertEquals(all.enter("bob", "elsewhere"), "two");
  assertEquals(all.size, 3);
});

Deno.test("[LIM-PLACES-4] the lobby may use free places", () => {
  const all = new Places<number>({ connections: 100, lobby: 10 });
  for (let guest = 0; guest < 110; guest++) assertEquals(all.enter(guest, "festival"), undefined);
  assertEquals(all.enter(110, "festival"), 0);
});

for (const seed of [1, 2, 3]) {
  Deno.test(`[LIM-PLACES-2] whatever an attacker with a few addresses does, others get in and stay, and nothing leaks (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const { all, inside, sit } = places(200, 20);
    const attackers: string[] = [];
    const people: string[] = [];
    for (let step = 0; step < 20_000; step++) {
      if (random.fraction() < 0.9) {
        const guest = `attacker ${step}`;
        const address = `attacker ${Math.floor(random.fraction() * 4)}`;
        if (random.fraction() < 0.3) all.enter(guest, address);
        else if (sit(guest, address, random.fraction() < 0.2)) {
          attackers.push(guest);
          if (random.fraction() < 0.5) all.spoke(guest);
        }
      } else if (people.length < 100) {
        const guest = `person ${step}`;
        assert(sit(guest, `home ${step}`), `${guest} is refused`);
        people.push(guest);
      } else {
        const guest = people.splice(Math.floor(random.fraction() * people.length), 1)[0]!;
        inside.delete(guest);
        all.leave(guest);
      }
      for (const guest of people) assert(inside.has(guest), `${guest} lost the place`);
      assert(inside.size <= 200 && all.size <= 220);
    }
    for (const guest of inside) all.leave(guest);
    for (let filler = 0; filler < 220; filler++) all.enter(`filler ${filler}`, `address ${filler}`);
    assertEquals(all.size, 220);
  });
}
