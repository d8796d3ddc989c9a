/** A storage that is cleared or breaks under an open page: the page keeps its identity, and no typed message is lost. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { renewableStorage } from "../../lib/session/storage/renewable_storage.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, lines, openSession, tabHub } from "./open_session.ts";
import { STORAGE_RULES } from "./storage_contract.ts";

/** A device whose storage can be cleared, told of or not, or broken; each call of `tab` opens it in one more page. */
function device(time: VirtualTime) {
  const disk = new MemoryDisk(), lost = new Set<() => void>();
  let broken: string | undefined;
  const turn = () => broken === undefined ? Promise.resolve() : Promise.reject(new DOMException("broken", broken));
  const tell = () => lost.forEach((tell) => tell());
  return {
    disk,
    tell,
    tab: () =>
      renewableStorage({
        open(onLost) {
          lost.add(onLost);
          return memoryStorage(disk, { lasting: true, turn });
        },
        memory: () => Promise.resolve(memoryStorage()),
        timers: time.timers,
        log: () => {},
      }),
    clear(told = true) {
      for (const store of [disk.outboxes, disk.copies, disk.seen, disk.relayed]) store.clear();
      disk.secret = disk.name = undefined;
      disk.rooms = [];
      if (told) tell();
    },
    breakWith: (name: string | undefined) => broken = name,
  };
}

async function room() {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const { tab, ...rest } = device(time);
  const tabs = tabHub(time);
  const open = () => openSession({ server, storage: tab(), tabs: tabs() });
  const session = open();
  await connected(server, session);
  return { time, server, session, open, tab, ...rest };
}

/** My messages that this session shows, in any state. */
const mine = (session: RoomSession) =>
  session.messages.value.flatMap((item) => item.type === "message" && item.author.me ? [item.text] : []);
const sorted = (texts: readonly string[]) => [...texts].sort();

for (const rule of STORAGE_RULES.filter(({ name }) => !name.includes("seconds"))) {
  Deno.test(`a renewable storage keeps the contract: ${rule.name}`, async () => {
    const { tab } = device(new VirtualTime());
    await rule.run(tab);
  });
}

for (const told of [true, false]) {
  const how = told ? "cleared" : "cleared without a word";
  Deno.test(`[TAB-10] ${how}: messages typed afterwards are shown and stored, once and in order`, async () => {
    const { time, server, session, clear, disk } = await room();
    for (const text of ["one", "two"]) await session.sendMessage(text);
    await time.run(200);
    clear(told);
    await time.run(200);
    for (const text of ["three", "four", "five"]) assertEquals(await session.sendMessage(text), {});
    assertEquals(mine(session), ["one", "two", "three", "four", "five"]);
    await time.run(1_000);
    assertEquals(lines(session).slice(-5), ["one", "two", "three", "four", "five"]);
    assertEquals(server.texts, ["one", "two", "three", "four", "five"]);
    assertEquals(disk.outboxes.get(server.room.id)?.entries, []);
    session.dispose();
  });

  Deno.test(`[TAB-10] ${how} without a network: waiting messages are stored again, and sent by this page or the next`, async () => {
    const { time, server, session, clear, open, disk } = await room();
    await session.sendMessage("before");
    await time.run(200);
    server.down = true;
    server.cut();
    await session.sendMessage("waits");
    clear(told);
    await time.run(1_000);
    await session.sendMessage("typed after");
    await time.run(1_000);
    assertEquals(disk.outboxes.get(server.room.id)?.entries.length, 2);
    session.dispose();
    server.down = false;
    const next = open();
    await connected(server, next);
    await time.run(1_000);
    assertEquals(server.texts, ["before", "waits", "typed after"]);
    if (told) assertEquals(mine(next), ["before", "waits", "typed after"]);
    next.dispose();
  });
}

Deno.test("[TAB-10] a reload after the clearing is the same person, with the name, the rooms and the room's messages", async () => {
  const { time, server, session, clear, open, tab, disk } = await room();
  await session.rename("Grace");
  await session.sendMessage("hello");
  await time.run(200);
  const [secret, author] = [disk.secret, session.me.value?.author];
  clear();
  await time.run(5_000);
  assertEquals([disk.secret, disk.name], [secret, "Grace"]);
  session.dispose();
  server.down = true;
  const next = open();
  await next.ready;
  assertEquals([next.me.value?.author, mine(next)], [author, ["hello"]]);
  assertEquals((await tab().rooms()).map(({ id }) => id), [server.room.id]);
  next.dispose();
});

Deno.test("[TAB-10] several tabs restore their waiting messages once, and go on", async () => {
  const { time, server, session, clear, open, disk } = await room();
  const other = open();
  await connected(server, other);
  server.down = true;
  server.cut();
  await session.sendMessage("of one");
  await other.sendMessage("of the other");
  await time.run(100);
  for (const round of ["first", "second"]) {
    clear(round === "first");
    await Promise.all([session.sendMessage(`one ${round}`), other.sendMessage(`other ${round}`)]);
    await time.run(1_000);
  }
  const entries = disk.outboxes.get(server.room.id)!.entries;
  assertEquals(entries.map(({ n }) => n), [1, 2, 3, 4, 5, 6]);
  server.down = false;
  await time.run(60_000);
  const all = ["of one", "of the other", "one first", "one second", "other first", "other second"];
  assertEquals(sorted(server.texts), all);
  for (const tab of [session, other]) {
    assertEquals(sorted(mine(tab)), all);
    assert(!lines(tab).some((line) => line.includes("(")), lines(tab).join());
    tab.dispose();
  }
});

Deno.test("[TAB-10] a message that is being stored or signed during the clearing is sent once", async () => {
  for (let turns = 0; turns < 40; turns++) {
    const { time, server, session, clear } = await room();
    const sent = [session.sendMessage("one"), session.sendMessage("two")];
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    clear();
    await Promise.all(sent);
    await session.sendMessage("three");
    await time.run(30_000);
    assertEquals([server.texts, mine(session)], [["one", "two", "three"], ["one", "two", "three"]], `${turns} turns`);
    session.dispose();
  }
});

Deno.test("[TAB-11] a storage that breaks for good is replaced by memory: the page says so and still sends", async () => {
  for (const name of ["UnknownError", "InvalidStateError", "NotFoundError", "VersionError", "SecurityError"]) {
    const { time, server, session, breakWith } = await room();
    await session.sendMessage("one");
    await time.run(200);
    assertEquals(session.stored.value, true);
    breakWith(name);
    for (const text of ["two", "three"]) {
      const sent = session.sendMessage(text);
      await time.run(1_000);
      assertEquals(await sent, {});
    }
    assertEquals(session.stored.value, false);
    assertEquals([server.texts, mine(session)], [["one", "two", "three"], ["one", "two", "three"]]);
    session.dispose();
  }
});

Deno.test("a storage that fails for a moment stays in use", async () => {
  const { time, server, session, breakWith, disk } = await room();
  await session.sendMessage("one");
  await time.run(200);
  breakWith("AbortError");
  const sent = session.sendMessage("two");
  await time.run(20);
  breakWith(undefined);
  await time.run(1_000);
  assertEquals([await sent, session.stored.value], [{}, true]);
  assertEquals(server.texts, ["one", "two"]);
  assertEquals(disk.outboxes.get(server.room.id)?.n, 2);
  session.dispose();
});

Deno.test("[TAB-11] a full storage is not a lost one: the composer keeps the text, and nothing is replaced", async () => {
  const { session, breakWith } = await room();
  breakWith("QuotaExceededError");
  assertEquals(await session.sendMessage("no space"), { problem: "not_stored" });
  assertEquals(session.stored.value, true);
  session.dispose();
});

Deno.test("a storage that never worked rejects, as before", async () => {
  const { tab, breakWith } = device(new VirtualTime());
  breakWith("SecurityError");
  await assertRejects(() => tab().secret(() => new Uint8Array(32)), DOMException);
});

Deno.test("[TAB-10] nothing is overwritten that another tab wrote first", async () => {
  const time = new VirtualTime();
  const { tab, clear, tell, disk } = device(time);
  const page = tab();
  const old = await page.secret(() => new Uint8Array(32).fill(1));
  await page.setName("Ada");
  clear(false);
  disk.secret = new Uint8Array(32).fill(2);
  disk.name = "Grace";
  tell();
  assertNotEquals(await page.secret(() => old), old);
  assertEquals([await page.name(), disk.name], ["Grace", "Grace"]);
});
