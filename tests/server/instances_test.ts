/** Several instances on one database: all deliver an event that one accepted, and all share the limits. */
import { assert, assertEquals } from "@std/assert";
import { TestClient } from "../support/client.ts";
import { CLOSE_REASONS } from "../../lib/protocol/codes.ts";
import { type KvHooks, MemoryDatabase } from "../support/memory_kv.ts";
import { VirtualTime } from "./virtual_time.ts";
import { configWith, listen, startTestServer, type TestServer } from "./support.ts";

const CONFIG = {
  limits: {
    ...configWith().limits,
    messages: { burst: 10_000, everyMs: 0 },
    connectionEvents: { burst: 10_000, everyMs: 0 },
    inFlightEvents: 1_000,
  },
};

async function withInstances(
  count: number,
  run: (servers: TestServer[], database: MemoryDatabase) => Promise<void>,
): Promise<void> {
  const database = new MemoryDatabase({ now: () => Date.now() });
  const servers = Array.from(
    { length: count },
    (_, index) => startTestServer({ database, config: CONFIG, instance: `instance ${index}` }),
  );
  try {
    await run(servers, database);
  } finally {
    for (const server of servers) await server.close();
  }
}

Deno.test("[INST-1] an event accepted by one instance reaches the sockets of another, in order and without holes", () =>
  withInstances(2, async ([a, b]) => {
    const room = await a!.newRoom();
    const [socketA, socketB] = [listen(a!.server), listen(b!.server)];
    const ada = await TestClient.join({ open: socketA.open(room.id), room: room.id, name: "Ada" });
    const bob = await TestClient.join({ open: socketB.open(room.id), room: room.id, name: "Bob" });
    for (let index = 0; index < 200; index++) {
      const [from, to] = index % 3 === 0 ? [bob, ada] : [ada, bob];
      from.sendEvents(await from.signText(`text ${index}`));
      if (index % 20 === 0) await to.until(() => to.texts.includes(`text ${index}`));
    }
    await Promise.all([ada.holds(201), bob.holds(201)]);
    assertEquals(ada.texts, bob.texts);
    assertEquals(new Set(ada.texts).size, 200);
    assertEquals([ada.violations, bob.violations], [[], []]);
    await ada.close();
    await bob.close();
    await socketA.close();
    await socketB.close();
  }));

Deno.test("[INST-2] three instances that write at once lose nothing and agree on every position", () =>
  withInstances(3, async (servers) => {
    const room = await servers[0]!.newRoom();
    const clients = await Promise.all(
      servers.flatMap((server) =>
        [0, 1].map(() => TestClient.join({ open: server.wire(room.id).open, room: room.id }))
      ),
    );
    await Promise.all(clients.map(async (client) => {
      for (let index = 0; index < 40; index++) await client.say(`${client.signer.author} ${index}`);
    }));
    const last = 1 + 40 * clients.length;
    for (const client of clients) {
      await client.holds(last);
      assertEquals(client.violations, []);
      assertEquals(client.texts, clients[0]!.texts);
      for (const [id, position] of client.acked) assert(id !== "" && position <= last);
    }
    for (const client of clients) await client.close();
  }));

Deno.test("[INST-3] a client that moves to another instance resumes exactly, even when that one is behind", () =>
  withInstances(2, async ([a, b]) => {
    const room = await a!.newRoom();
    const ada = await TestClient.join({ open: a!.wire(room.id).open, room: room.id });
    const bob = await TestClient.join({ open: b!.wire(room.id).open, room: room.id });
    for (let round = 0; round < 20; round++) {
      await ada.say(`round ${round}`);
      await ada.holds(round + 2);
      ada.options.open = (round % 2 === 0 ? b : a)!.wire(room.id).open;
      await ada.connect();
      assertEquals([ada.welcome!.mode, ada.welcome!.lastN], ["resume", round + 1]);
    }
    await bob.holds(21);
    assertEquals(bob.texts, ada.texts);
    assertEquals([ada.violations, bob.violations], [[], []]);
    await ada.close();
    await bob.close();
  }));

Deno.test("[INST-4] an author's n and limits are checked against all instances' events, never against stale memory", () =>
  withInstances(2, async ([a, b]) => {
    const room = await a!.newRoom();
    const ada = await TestClient.join({ open: a!.wire(room.id).open, room: room.id });
    const [one, two, three] = [await ada.signText("one"), await ada.signText("two"), await ada.signText("three")];
    ada.sendEvents(one);
    await ada.stored(one.id);
    ada.options.open = b!.wire(room.id).open;
    await ada.connect();
    ada.sendEvents(two);
    await ada.stored(two.id);
    ada.options.open = a!.wire(room.id).open;
    await ada.connect();
    ada.sendEvents(three);
    assertEquals(await ada.stored(three.id), 4);
    await ada.close();
  }));

Deno.test("[INST-5] people on all instances are counted and named, and people who leave disappear everywhere", () =>
  withInstances(2, async ([a, b]) => {
    const room = await a!.newRoom();
    const join = (server: TestServer, name: string) =>
      TestClient.join({ open: server.wire(room.id).open, room: room.id, name });
    const [ada, bob] = [await join(a!, "Ada"), await join(b!, "Bob")];
    await Promise.all([ada, bob].map((client) => client.until(() => client.count === 2 && client.people.size === 2)));
    assertEquals(
      ada.people,
      new Map([...bob.people].sort(([x], [y]) => x === ada.signer.author ? -1 : y === x ? 0 : 1)),
    );
    const cleo = await join(a!, "Cleo");
    await bob.until(() => bob.count === 3 && bob.people.has(cleo.signer.author));
    await bob.close();
    await ada.until(() => ada.count === 2 && !ada.people.has(bob.signer.author));
    await ada.close();
    await cleo.close();
  }));

Deno.test("[INST-6] connections of one device are counted over all instances", () =>
  withInstances(2, async ([a, b]) => {
    const room = await a!.newRoom();
    const outcomes: boolean[] = [];
    for (let index = 0; index < 16; index++) {
      const server = index % 2 === 0 ? a! : b!;
      const { open } = server.wire(room.id, { device: "one phone" });
      const client = await TestClient.join({ open, room: room.id });
      outcomes.push(client.welcome !== undefined);
      await client.close();
    }
    assertEquals(outcomes, [...Array<boolean>(15).fill(true), false]);
  }));

Deno.test("[INST-7] the people of a dead instance disappear when its entry expires", async () => {
  const time = new VirtualTime();
  const database = new MemoryDatabase({ now: () => time.now() });
  const start = (instance: string) => startTestServer({ database, time, instance, config: CONFIG });
  const [a, b] = [start("a"), start("b")];
  const room = await a.newRoom();
  const ada = await TestClient.join({ open: a.wire(room.id).open, room: room.id, name: "Ada" });
  const bob = await TestClient.join({ open: b.wire(room.id).open, room: room.id, name: "Bob" });
  await time.advance(3_000);
  assertEquals(ada.count, 2);
  // Its handle on the database is closed, as with a killed process: it can no longer write.
  b.store.close();
  for (let second = 0; second < 40; second++) {
    ada.send({ type: "ping" });
    await time.advance(1_000);
  }
  assertEquals([ada.count, ada.people.has(bob.signer.author)], [1, false]);
  const closing = Promise.all([a.close(), b.server.close()]);
  for (let turn = 0; turn < 50; turn++) await time.advance(100);
  await closing;
  assertEquals(time.waiting, 0);
});

Deno.test("[SYNC-5] when events are deleted before an instance read them, its clients are disconnected: nobody sees a gap", async () => {
  const time = new VirtualTime();
  const database = new MemoryDatabase({ now: () => time.now() });
  const hooks: KvHooks = {};
  const a = startTestServer({ database, time, config: CONFIG });
  const b = startTestServer({ database, time, config: CONFIG, hooks });
  const room = await a.newRoom();
  const ada = await TestClient.join({ open: a.wire(room.id).open, room: room.id });
  const bob = await TestClient.join({ open: b.wire(room.id).open, room: room.id });
  await time.advance(1_000);
  const { promise: gate, resolve: letGo } = Promise.withResolvers<void>();
  hooks.delay = () => gate;
  for (let index = 0; index < 30; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  await time.advance(1_000);
  await a.store.log.trim(room.id, 5);
  delete hooks.delay;
  letGo();
  await time.advance(1_000);
  assertEquals([bob.closeCode, bob.texts], [CLOSE_REASONS.too_slow.code, []]);
  await bob.connect();
  await time.advance(1_000);
  assertEquals([bob.welcome!.mode, bob.welcome!.oldest, bob.texts.length], ["latest", 27, 5]);
  assertEquals([bob.position, bob.violations], [ada.position, []]);
  const closing = Promise.all([a.close(), b.close()]);
  for (let turn = 0; turn < 50; turn++) await time.advance(100);
  await closing;
});
