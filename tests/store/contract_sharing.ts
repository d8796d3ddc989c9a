/** The contract's part on data that instances share: presence, limits, channels, leases. */
import type { PausingRateLimit } from "../../lib/shared/rate_limiter.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CHANGE_CHANNELS } from "../../lib/store/keys.ts";
import { MAILBOX_SLOTS } from "../../lib/store/instances/mailboxes.ts";
import type { Envelope, EnvelopeBatch } from "../../lib/store/instances/mailboxes.ts";
import type { PresenceEntry } from "../../lib/store/instances/presence.ts";
import { STATS_TEXT_MAX_BYTES } from "../../lib/store/operators/stats_history.ts";
import type { Store } from "../../lib/store/store.ts";
import { appendSurely, eventOf, genesisOf, idOf, makeRoom, NOON, type StoreTest } from "./contract.ts";

const main = idOf("main");

export function sharingContract(test: StoreTest): void {
  presenceContract(test);
  limitsContract(test);
  changesContract(test);
  mailboxesContract(test);
  leasesContract(test);
  statsContract(test);

  test("a ping returns the database's response time", async ({ open }) => {
    const store = await open();
    const ms = await store.ping();
    assert(ms >= 0 && ms < 5_000, `${ms} ms`);
  });
}

function presenceOf(instance: string, count: number, expiresAt: number): PresenceEntry {
  return { instance, count, shown: [{ author: idOf("a", 32), name: "Ana" }], expiresAt };
}

function presenceContract(test: StoreTest): void {
  test("everybody's presence is seen by every instance until it expires", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    await one.presence.write(main, presenceOf("one", 3, NOON + 1_000), NOON);
    await two.presence.write(main, presenceOf("two", 4, NOON + 2_000), NOON);
    await two.presence.write(idOf("other"), presenceOf("two", 5, NOON + 2_000), NOON);
    assertEquals(await one.presence.read(main, NOON), [
      presenceOf("one", 3, NOON + 1_000),
      presenceOf("two", 4, NOON + 2_000),
    ]);
    const rooms = [main, idOf("empty"), idOf("other")];
    assertEquals([...await two.presence.counts(rooms, NOON)], [[main, 7], [idOf("empty"), 0], [idOf("other"), 5]]);
    assertEquals(await one.presence.read(main, NOON + 1_000), [presenceOf("two", 4, NOON + 2_000)]);
    assertEquals((await one.presence.counts([main], NOON + 1_999)).get(main), 4);
    assertEquals((await one.presence.counts([main], NOON + 2_000)).get(main), 0);
  });

  test("an instance's new presence replaces the last one, and zero people delete it", async ({ open }) => {
    const store = await open();
    await store.presence.write(main, presenceOf("one", 3, NOON + 1_000), NOON);
    await store.presence.write(main, presenceOf("one", 2, NOON + 1_500), NOON);
    assertEquals(await store.presence.read(main, NOON), [presenceOf("one", 2, NOON + 1_500)]);
    await store.presence.write(main, presenceOf("one", 0, NOON + 1_500), NOON);
    assertEquals(await store.presence.read(main, NOON), []);
    assertEquals((await store.presence.counts([main], NOON)).get(main), 0);
  });

  test("people of 50 rooms are counted at once", async ({ open }) => {
    const store = await open();
    const rooms = Array.from({ length: 50 }, (_, at) => idOf(`room ${at}`));
    await Promise.all(rooms.map((room, at) => store.presence.write(room, presenceOf("one", at + 1, NOON + 9), NOON)));
    assertEquals([...await store.presence.counts(rooms, NOON)], rooms.map((room, at) => [room, at + 1]));
  });
}

function limitsContract(test: StoreTest): void {
  const rate: PausingRateLimit = { burst: 5, everyMs: 1_000, pauseMs: 0 };

  test("a rate allows its burst at once, then one per interval, and returns the time to wait", async ({ open }) => {
    const { limits } = await open();
    for (let taken = 0; taken < 5; taken++) assertEquals(await limits.take("x", "me", rate, NOON), undefined);
    assertEquals(await limits.take("x", "me", rate, NOON), 1_000);
    assertEquals(await limits.take("x", "me", rate, NOON + 400), 600);
    assertEquals(await limits.take("x", "me", rate, NOON + 1_000), undefined);
    assertEquals(await limits.take("x", "me", rate, NOON + 1_000), 1_000);
    assertEquals(await limits.take("x", "you", rate, NOON), undefined);
    assertEquals(await limits.take("y", "me", rate, NOON), undefined);
    for (let taken = 0; taken < 5; taken++) {
      assertEquals(await limits.take("x", "me", rate, NOON + 3_600_000), undefined);
    }
    assertEquals(await limits.take("x", "me", rate, NOON + 3_600_000), 1_000);
  });

  test("after a limit is hit there is a pause, which refused tries do not lengthen", async ({ open }) => {
    const { limits } = await open();
    const paused: PausingRateLimit = { burst: 2, everyMs: 100, pauseMs: 10_000 };
    for (let taken = 0; taken < 2; taken++) assertEquals(await limits.take("x", "me", paused, NOON), undefined);
    assertEquals(await limits.take("x", "me", paused, NOON), 10_000);
    assertEquals(await limits.take("x", "me", paused, NOON + 4_000), 6_000);
    assertEquals(await limits.take("x", "me", paused, NOON + 9_999), 1);
    for (let taken = 0; taken < 2; taken++) {
      assertEquals(await limits.take("x", "me", paused, NOON + 10_000), undefined);
    }
    assertEquals(await limits.take("x", "me", paused, NOON + 10_000), 10_000);
  });

  test("a wait longer than the pause is the one that counts", async ({ open }) => {
    const { limits } = await open();
    const slow: PausingRateLimit = { burst: 1, everyMs: 60_000, pauseMs: 1_000 };
    assertEquals(await limits.take("x", "me", slow, NOON), undefined);
    assertEquals(await limits.take("x", "me", slow, NOON), 60_000);
    assertEquals(await limits.take("x", "me", slow, NOON + 30_000), 30_000);
  });

  test("instances with clocks far ahead lock nobody out for longer than a burst", async ({ open }) => {
    const { limits } = await open();
    await limits.take("x", "me", rate, NOON + 3_600_000);
    assertEquals(await limits.take("x", "me", rate, NOON), 1_000);
  });

  test("a limit is exact when three instances take 600 times at once", async ({ open }) => {
    const stores = [await open(), await open(), await open()];
    const tight: PausingRateLimit = { burst: 100, everyMs: 1_000, pauseMs: 0 };
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, at) => stores[at % 3]!.limits.take("x", "me", tight, NOON)),
    );
    assertEquals(answers.filter((wait) => wait === undefined).length, 100);
    assert(answers.every((wait) => wait === undefined || wait === 1_000));
  });
}

function changesContract(test: StoreTest): void {
  test("channels spread rooms evenly", async ({ open }) => {
    const { changes: channels } = await open();
    const rooms = Array.from({ length: CHANGE_CHANNELS * 100 }, () => 0);
    for (let at = 0; at < rooms.length; at++) rooms[channels.channelOf(idOf(`r${at}`))]!++;
    for (const count of rooms.slice(0, CHANGE_CHANNELS)) assert(count > 50 && count < 150, `${count} rooms of 100`);
    assertEquals(rooms.slice(CHANGE_CHANNELS).every((count) => count === 0), true);
  });

  test("every channel notifies once at first, then a room's channel whenever the room changes", async ({ open }) => {
    const [listener, writer] = [await open(), await open()];
    const channel = listener.changes.channelOf(main);
    const end = new AbortController();
    const notified = listener.changes.listen(end.signal)[Symbol.asyncIterator]();
    const next = async () => (await notified.next()).value ?? undefined;
    const first = new Set<number | undefined>();
    for (let count = 0; count < CHANGE_CHANNELS; count++) first.add(await next());
    assertEquals(first.size, CHANGE_CHANNELS);
    const changes: ((store: Store) => Promise<unknown>)[] = [
      (store) => store.rooms.create(genesisOf("main"), NOON),
      (store) => appendSurely(store, "main", [eventOf("main", "a", 1, 2)]),
      (store) => store.presence.write(main, presenceOf("one", 1, NOON + 9), NOON),
      (store) => store.presence.write(main, presenceOf("one", 0, NOON + 9), NOON),
      (store) => store.log.trim(main, 1),
      (store) => store.rooms.remove(main),
    ];
    for (const change of changes) {
      const [rang] = await Promise.all([next(), change(writer)]);
      assertEquals(rang, channel);
    }
    end.abort();
    assertEquals(await notified.next(), { done: true, value: undefined });
  });

  test("listening ends when it is aborted, left, or the store is closed", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    for await (const _ of store.changes.listen(AbortSignal.abort())) throw new Error("rang after the end");
    for await (const _ of store.changes.listen(new AbortController().signal)) break;
    const end = new AbortController();
    const listen = async (signal: AbortSignal) => {
      let notified = 0;
      for await (const _ of store.changes.listen(signal)) if (++notified === CHANGE_CHANNELS) ready.resolve();
    };
    let ready = Promise.withResolvers<void>();
    const aborted = listen(end.signal);
    await ready.promise;
    end.abort();
    await aborted;
    ready = Promise.withResolvers<void>();
    const closed = listen(new AbortController().signal);
    await ready.promise;
    store.close();
    await closed;
  });

  test("a store may be closed twice", async ({ open }) => {
    const store = await open();
    store.close();
    store.close();
  });
}

function mailboxesContract(test: StoreTest): void {
  const letter = (name: string): Envelope => ({
    type: "signal",
    room: main,
    from: idOf("ada", 32),
    to: idOf("bob", 32),
    payload: name,
    signature: "s",
    answer: true,
  });
  const payloads = (posts: EnvelopeBatch[]) =>
    posts.flatMap(({ envelopes }) =>
      envelopes.map((letter) => letter.type === "signal" ? letter.payload : letter.type)
    );

  test("a mailbox's batches are taken once, oldest first, by the receiving instance", async ({ open }) => {
    const [one, two, three] = [await open(), await open(), await open()];
    for (let count = 0; count < 40; count++) {
      const sender = count % 2 === 0 ? one : two;
      assertEquals(await sender.mailboxes.put("c", `${count % 2}`, [letter(`${count}`)], 1_000, NOON), true);
    }
    assertEquals(await three.mailboxes.take("d", NOON), []);
    const posts = await three.mailboxes.take("c", NOON);
    assertEquals(payloads(posts), Array.from({ length: 40 }, (_, count) => `${count}`));
    assertEquals(posts[1]!.from, "1");
    assertEquals(await three.mailboxes.take("c", NOON), []);
  });

  test("a mailbox has a bounded number of slots per sender, and expired batches free them", async ({ open, openKv }) => {
    const { mailboxes } = await open();
    for (let count = 0; count < MAILBOX_SLOTS; count++) {
      assertEquals(await mailboxes.put("c", "a", [letter(`${count}`)], 1_000, NOON), true);
    }
    assertEquals(await mailboxes.put("c", "a", [letter("too many")], 1_000, NOON + 999), false);
    assertEquals(await mailboxes.put("c", "b", [letter("another sender's")], 1_000, NOON), true);
    assertEquals(await mailboxes.put("c", "a", [letter("after")], 1_000, NOON + 1_000), true);
    assertEquals(payloads(await mailboxes.take("c", NOON + 1_000)), ["after"]);
    const left = [];
    for await (const { key } of (await openKv()).list({ prefix: ["mail"] })) left.push(key);
    assertEquals(left, []);
  });

  test("a mailbox notifies once at first, and again for each batch", async ({ open }) => {
    const [listener, writer] = [await open(), await open()];
    const end = new AbortController();
    const notified = listener.mailboxes.listen("c", end.signal)[Symbol.asyncIterator]();
    assertEquals((await notified.next()).done, false);
    for (let count = 0; count < 3; count++) {
      const [rang] = await Promise.all([
        notified.next(),
        writer.mailboxes.put("c", "a", [letter(`${count}`)], 1_000, NOON),
      ]);
      assertEquals(rang.done, false);
    }
    end.abort();
    assertEquals((await notified.next()).done, true);
  });
}

function leasesContract(test: StoreTest): void {
  test("one instance holds a lease until it is over, and may renew it", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    assertEquals(await one.leases.acquire("sweep", "one", 1_000, NOON), true);
    assertEquals(await two.leases.acquire("sweep", "two", 1_000, NOON + 999), false);
    assertEquals(await two.leases.acquire("other", "two", 1_000, NOON), true);
    assertEquals(await one.leases.acquire("sweep", "one", 1_000, NOON + 500), true);
    assertEquals(await two.leases.acquire("sweep", "two", 1_000, NOON + 1_499), false);
    assertEquals(await two.leases.acquire("sweep", "two", 1_000, NOON + 1_500), true);
    assertEquals(await one.leases.acquire("sweep", "one", 1_000, NOON + 1_501), false);
  });

  test("of many instances that want a lease at once, one gets it", async ({ open }) => {
    const stores = [await open(), await open(), await open()];
    const got = await Promise.all(stores.map((store, at) => store.leases.acquire("sweep", `${at}`, 1_000, NOON)));
    assertEquals(got.filter((held) => held).length, 1);
  });
}

function statsContract(test: StoreTest): void {
  test("statistics are read newest first, over all instances, per grain", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    await one.stats.write("minute", { at: NOON, instance: "one", text: "a" }, 60_000);
    await two.stats.write("minute", { at: NOON + 60_000, instance: "two", text: "b" }, 60_000);
    await two.stats.write("ten_minutes", { at: NOON, instance: "two", text: "c" }, 60_000);
    await one.stats.write("minute", { at: NOON, instance: "one", text: "A" }, 60_000);
    assertEquals(await one.stats.read("minute", NOON, 10), [
      { at: NOON + 60_000, instance: "two", text: "b" },
      { at: NOON, instance: "one", text: "A" },
    ]);
    assertEquals((await one.stats.read("minute", NOON, 1)).map(({ text }) => text), ["b"]);
    assertEquals((await one.stats.read("minute", NOON + 1, 10)).map(({ text }) => text), ["b"]);
    assertEquals((await one.stats.read("ten_minutes", 0, 10)).map(({ text }) => text), ["c"]);
  });

  test("a record of statistics beyond its limit is refused", async ({ open }) => {
    const store = await open();
    const text = "x".repeat(STATS_TEXT_MAX_BYTES + 1);
    await assertRejects(() => store.stats.write("minute", { at: NOON, instance: "one", text }, 60_000), RangeError);
  });

  test("the probes of all instances share one room, and only an instance that knows the last room sets another", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    assertEquals(await one.stats.probeRoom(), undefined);
    const named = await Promise.all([
      one.stats.setProbeRoom(idOf("a"), undefined),
      two.stats.setProbeRoom(idOf("b"), undefined),
    ]);
    assertEquals(named[0], named[1]);
    assertEquals(await one.stats.setProbeRoom(idOf("c"), undefined), named[0]);
    assertEquals(await two.stats.setProbeRoom(idOf("c"), named[0]), idOf("c"));
    assertEquals(await one.stats.probeRoom(), idOf("c"));
  });
}
