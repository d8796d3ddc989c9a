/** How the places of an instance are shared: docs/LIMITS.md. */
import { assert, assertEquals } from "@std/assert";
import { Places } from "../../lib/server/limits/places.ts";
import { SeededRandom } from "../simulation/random.ts";

const LIMITS = { connections: 500, lobby: 50 };
const open = (limits = LIMITS) => new Places<string>(() => limits);

/** Arrives and sits down. Returns whether it worked, and the displaced one. */
function enter(places: Places<string>, name: string, address: string, known = false) {
  const late = places.arrive(name, address);
  const sat = places.sit(name, known);
  if (!sat.ok) places.leave(name);
  return { ...sat, late };
}

Deno.test("[BUDGET-5] below the maximum everybody gets a place, also 500 of one address", () => {
  const places = open();
  for (let n = 0; n < 500; n++) assertEquals(enter(places, `p${n}`, "festival").ok, true);
  assertEquals([places.size, places.isFull], [500, true]);
});

Deno.test("[BUDGET-5] one address that takes all places keeps nobody of another out, and its own people return", () => {
  const places = open();
  enter(places, "neighbour", "shared", true);
  for (let n = 0; n < 600; n++) enter(places, `bot ${n}`, "shared");
  for (let n = 0; n < 100; n++) {
    const came = enter(places, `visitor ${n}`, `address ${n % 10}`);
    assert(came.ok && came.displaced?.startsWith("bot"), JSON.stringify(came));
    assertEquals(enter(places, `bot again ${n}`, "shared").ok, false, "the heaviest address gets nothing back");
  }
  places.leave("neighbour");
  enter(places, "another bot", "shared");
  const back = enter(places, "neighbour", "shared", true);
  assert(back.ok && back.displaced?.includes("bot"), "who has spoken comes before those who never did");
});

Deno.test("[BUDGET-5] a stranger that spoke is no stranger any more", () => {
  const places = open({ connections: 2, lobby: 50 });
  enter(places, "a", "x");
  enter(places, "b", "x");
  places.spoke("b");
  assertEquals(enter(places, "c", "y").displaced, "a");
  assertEquals(places.sit("nobody", true).ok, false, "a connection that never arrived");
});

Deno.test("[BUDGET-5] before hello the address with the most loses its oldest", () => {
  const places = open({ connections: 500, lobby: 3 });
  assertEquals(["1", "2", "3"].map((n) => places.arrive(`flood ${n}`, "flood")), [undefined, undefined, undefined]);
  assertEquals(places.arrive("visitor", "other"), "flood 1");
  assertEquals(places.arrive("flood 4", "flood"), "flood 2");
  assertEquals(places.sit("visitor", false), { ok: true });
});

Deno.test("[BUDGET-5] over any order of arrivals no address with fewer places is refused for one with more", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed, "places");
    const places = open({ connections: 40, lobby: 10 });
    const seated = new Map<string, string>();
    for (let step = 0; step < 2_000; step++) {
      const address = `a${Math.floor(random.fraction() ** 3 * 12)}`, name = `${address} ${step}`;
      if (random.fraction() < 0.2 && seated.size > 0) {
        const [gone] = [...seated.keys()].slice(Math.floor(random.fraction() * seated.size));
        places.leave(gone!);
        seated.delete(gone!);
        continue;
      }
      const counts = new Map<string, number>();
      for (const of of seated.values()) counts.set(of, (counts.get(of) ?? 0) + 1);
      const most = Math.max(0, ...counts.values()), own = counts.get(address) ?? 0;
      const { ok, displaced } = enter(places, name, address, random.fraction() < 0.3);
      if (displaced !== undefined) seated.delete(displaced);
      if (ok) seated.set(name, address);
      assert(ok || own + 1 >= most, `seed ${seed}: ${address} with ${own} was refused, another has ${most}`);
      assertEquals(places.size, seated.size);
      assert(places.size <= 40);
    }
  }
});
