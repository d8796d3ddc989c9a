/** Links between real browsers, signaled by a real server. */
import { assert, assertEquals } from "@std/assert";
import { type LinkPerson, linkRule } from "./peer_link_testbed.ts";

/** Two people who are linked. */
async function linked(one: LinkPerson, other: LinkPerson): Promise<number> {
  const ms = await one.call("connect", other.author);
  await other.call("until", one.author, "connected");
  return ms;
}

linkRule("two browsers link through the server, and texts go both ways", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  assert(await ada.call("send", bob.author, "hello"));
  assert(await bob.call("send", ada.author, "🎪 and back"));
  assertEquals(await bob.call("received", 1), ["hello"]);
  assertEquals(await ada.call("received", 1), ["🎪 and back"]);
  const path = await ada.call("path", bob.author);
  assertEquals([path?.local, path?.relayed], ["host", false]);
  const rtt = await ada.call("rtt", bob.author);
  assert(rtt! > 0 && rtt! < 500, `${rtt} ms`);
});

linkRule("a link needs the server only to come about", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  for (const one of [ada, bob]) await one.call("leaveServer");
  assert(await ada.call("send", bob.author, "without it"));
  assertEquals(await bob.call("received", 1), ["without it"]);
});

linkRule("two browsers that begin at once get one link", async ({ person }) => {
  for (let round = 0; round < 5; round++) {
    const [ada, bob] = [await person(1 + 2 * round), await person(2 + 2 * round)];
    await Promise.all([ada.call("begin", bob.author), bob.call("begin", ada.author)]);
    assertEquals(await ada.call("until", bob.author, "connected"), ["connecting", "connected"]);
    assertEquals(await bob.call("until", ada.author, "connected"), ["connecting", "connected"]);
    assert(await ada.call("send", bob.author, "once"));
    assertEquals(await bob.call("received", 1), ["once"]);
  }
});

linkRule("people on two instances link", async ({ person }) => {
  const bob = await person(2, { at: 1 });
  const ada = await person(1);
  // Bob's instance tells of him half a second after he came.
  while (!(await ada.call("history", bob.author)).includes("connected")) {
    await ada.call("begin", bob.author);
    await ada.page.waitForTimeout(100);
  }
  await bob.call("until", ada.author, "connected");
}, 2);

linkRule("long texts arrive whole, and a full link says so and goes on", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  const long = "Zelt 🎪 ".repeat(20_000);
  assert(await ada.call("send", bob.author, long));
  assertEquals(await bob.call("received", 1), [long]);
  const full = await ada.call("sendMany", bob.author, 200, 200_000);
  assert(full > 0, "40 MB never filled the channel");
  assertEquals(await bob.call("receivedLength", 201), long.length + 200 * 200_000);
});

linkRule("a goodbye ends the link at once on the other side", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  await ada.call("close", bob.author);
  assertEquals((await bob.call("until", ada.author, "closed peer leaving")).length, 3);
});

linkRule("who reloads is the same person with a new link", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  const startedAt = performance.now();
  await bob.reload();
  const gone = (await ada.call("history", bob.author)).at(-1);
  assertEquals(gone, "closed peer leaving");
  await linked(bob, ada);
  console.log(`reloaded and linked again after ${Math.round(performance.now() - startedAt)} ms`);
  assert(await ada.call("send", bob.author, "again"));
  assertEquals(await bob.call("received", 1), ["again"]);
});

linkRule("who crashed and comes back takes the place of the old link", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  // No goodbye: the renderer dies.
  const crashed = new Promise((resolve) => bob.page.once("crash", resolve));
  bob.page.goto("chrome://crash").catch(() => {});
  await crashed;
  const again = await person(2);
  assertEquals(again.author, bob.author);
  await linked(again, ada);
  await ada.call("until", bob.author, "connecting", "connected");
  assert(await ada.call("send", again.author, "still you"));
  assertEquals(await again.call("received", 1), ["still you"]);
});

linkRule("another network: the path is looked for anew, and nothing is lost", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await linked(ada, bob);
  for (let round = 0; round < 6; round++) {
    assert(await ada.call("send", bob.author, `before ${round}`));
    // Both at once in every third round: glare in the middle of a link's life.
    await Promise.all([ada, ...(round % 3 === 0 ? [bob] : [])].map((one) => one.call("networkChanged")));
    assert(await ada.call("send", bob.author, `after ${round}`));
  }
  const expected = Array.from({ length: 6 }, (_, round) => [`before ${round}`, `after ${round}`]).flat();
  assertEquals(await bob.call("received", 12), expected);
  assertEquals(await ada.call("history", bob.author), ["connecting", "connected"]);
});

linkRule("a peer that takes no more links says so", async ({ person }) => {
  const [ada, bob] = [await person(1), await person(2)];
  await bob.page.evaluate(() =>
    void Object.assign((globalThis as unknown as { linkPage: object }).linkPage, { admits: false })
  );
  await ada.call("begin", bob.author);
  assertEquals(await ada.call("until", bob.author, "closed peer full"), ["connecting", "closed peer full"]);
});

linkRule("somebody who is not in the room is no link, at once", async ({ person }) => {
  const ada = await person(1);
  const nobody = "A".repeat(43);
  await ada.call("begin", nobody);
  assertEquals(await ada.call("until", nobody, "closed network not_present"), [
    "connecting",
    "closed network not_present",
  ]);
});

linkRule("one phone links with one after another; how long each took is printed", async ({ person }) => {
  const ada = await person(1);
  const times: number[] = [];
  for (let seed = 2; seed < 9; seed++) {
    const other = await person(seed);
    times.push(await linked(ada, other));
    await ada.call("close", other.author);
    await other.context.close();
  }
  console.log(`link set-up: ${times.toSorted((a, b) => a - b).map((ms) => Math.round(ms)).join(" ")} ms`);
});
