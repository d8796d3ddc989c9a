/** The contract of every SessionStorage. Runs in Deno for the one in memory, and in a real browser for IndexedDB. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { EventId, WireEvent } from "../../lib/protocol/event.ts";
import { RELAYED_MAX_EVENTS, REPLICA_MAX_EVENTS } from "../../lib/session/ports/session_limits.ts";
import { enqueue, type OutboxState, settle, sign } from "../../lib/session/outbox/outbox_state.ts";
import type { Replica, SessionStorage } from "../../lib/session/ports/session_storage.ts";

/** Opens one more tab on the same device. */
export type OpenTab = () => SessionStorage;

const NONE = { n: 0, clock: 0 };
const draft = (text: string) => ({ at: 1, content: { kind: "message" as const, body: { name: "Ada", text } } });
const write = (text: string) => (book: OutboxState) => enqueue(book, draft(text), NONE);
const same = <Value>(value: Value) => value;
const textsOf = (book: OutboxState) =>
  book.entries.map(({ content }) => content.kind === "message" ? content.body.text : content.kind);

function copyOf(from: number, to: number, { epoch = "epoch", oldest = 1 } = {}): Replica {
  const events = Array.from({ length: to - from + 1 }, (_, at) => ({
    position: from + at,
    wire: [`payload ${epoch} ${from + at}`, "signature"] as const,
  }));
  return { epoch, ranges: [{ from, to }], oldest, room: room("a"), events };
}

function room(id: string): Replica["room"] {
  return { id, kind: "listed", name: id, host: "host", founding: ["payload", "signature"], createdAt: 1 };
}

/** Relayed events by their ids, `${name} 1` and on. */
function carried(name: string, from: number, to: number): Map<EventId, WireEvent> {
  const ids = Array.from({ length: to - from + 1 }, (_, at) => `${name} ${from + at}`);
  return new Map(ids.map((id) => [id, [`payload ${id}`, "signature"]]));
}
const payloadsOf = (wires: readonly WireEvent[]) => wires.map(([payload]) => payload);
/** Relayed events are in the order in which they were stored; those stored at once are in any order. */
const A_MOMENT_MS = 3;

const known = (id: string) => ({ id, kind: "listed" as const, name: id, openedAt: 1, favourite: false });

/** Each rule gets a device of its own. */
export const STORAGE_RULES: { name: string; run: (open: OpenTab) => Promise<void> }[] = [
  {
    name: "the device's secret is made once, however many tabs ask for it at once",
    async run(open) {
      let made = 0;
      const make = () => new Uint8Array(32).fill(++made);
      const secrets = await Promise.all([open(), open(), open()].map((tab) => tab.secret(make)));
      for (const secret of secrets) assertEquals(secret, secrets[0]);
      assertEquals(await open().secret(make), secrets[0]);
      assertEquals(secrets[0]?.length, 32);
    },
  },
  {
    name: "the display name is what was set last; before, there is none",
    async run(open) {
      assertEquals(await open().name(), undefined);
      await open().setName("Ada");
      await open().setName("Grace");
      assertEquals(await open().name(), "Grace");
    },
  },
  {
    name: "an outbox begins empty and holds what was put in, in the order of the numbers",
    async run(open) {
      const tab = open();
      assertEquals((await tab.changeOutbox("a", same)).entries, []);
      for (const text of ["one", "two"]) await tab.changeOutbox("a", write(text));
      const book = await open().changeOutbox("a", same);
      assertEquals([textsOf(book), book.entries.map(({ n }) => n), book.n], [["one", "two"], [1, 2], 2]);
      assertEquals((await tab.changeOutbox("b", same)).entries, []);
    },
  },
  {
    name: "tabs that write at once get numbers without holes or doubles",
    async run(open) {
      const tabs = [open(), open(), open()];
      await Promise.all(Array.from({ length: 60 }, (_, at) => tabs[at % 3]!.changeOutbox("a", write(`${at}`))));
      const book = await open().changeOutbox("a", same);
      assertEquals(book.entries.map(({ n }) => n), Array.from({ length: 60 }, (_, at) => at + 1));
      assertEquals(new Set(textsOf(book)).size, 60);
      assertEquals(new Set(book.entries.map(({ key }) => key)).size, 60);
    },
  },
  {
    name: "what was signed, refused or settled is so for the next page",
    async run(open) {
      const tab = open();
      for (const text of ["one", "two", "three"]) await tab.changeOutbox("a", write(text));
      await tab.changeOutbox("a", (book) => sign(book, book.entries[0]!, ["payload", "signature"]));
      await tab.changeOutbox("a", (book) => settle(book, new Set([book.entries[1]!.key])));
      const book = await open().changeOutbox("a", same);
      assertEquals(textsOf(book), ["one", "three"]);
      assertEquals(book.entries[0]?.wire, ["payload", "signature"]);
      assertEquals(book.n, 3);
    },
  },
  {
    name: "a change that throws changes nothing",
    async run(open) {
      const tab = open();
      await tab.changeOutbox("a", write("one"));
      await assertRejects(() =>
        tab.changeOutbox("a", () => {
          throw new Error("no");
        })
      );
      assertEquals(textsOf(await tab.changeOutbox("a", same)), ["one"]);
    },
  },
  {
    name: "the local copy joins what it is given, and keeps events and ranges together",
    async run(open) {
      const tab = open();
      assertEquals(await tab.replica("a"), undefined);
      await tab.saveReplica("a", copyOf(1, 3), false);
      await open().saveReplica("a", copyOf(4, 5, { oldest: 2 }), false);
      await open().saveReplica("a", copyOf(9, 9, { oldest: 2 }), false);
      const copy = await tab.replica("a");
      assertEquals(copy?.ranges, [{ from: 1, to: 5 }, { from: 9, to: 9 }]);
      assertEquals(copy?.events.map(({ position }) => position), [1, 2, 3, 4, 5, 9]);
      assertEquals([copy?.oldest, copy?.events[0]?.wire, copy?.room.name], [2, ["payload epoch 1", "signature"], "a"]);
      assertEquals(await tab.replica("b"), undefined);
    },
  },
  {
    name: "the local copy keeps the newest events and forgets the oldest",
    async run(open) {
      const tab = open();
      await tab.saveReplica("a", copyOf(1, REPLICA_MAX_EVENTS), false);
      await tab.saveReplica("a", copyOf(REPLICA_MAX_EVENTS + 1, REPLICA_MAX_EVENTS + 10), false);
      const copy = await tab.replica("a");
      assertEquals(copy?.ranges, [{ from: 11, to: REPLICA_MAX_EVENTS + 10 }]);
      assertEquals([copy?.events.length, copy?.events[0]?.position], [REPLICA_MAX_EVENTS, 11]);
    },
  },
  {
    name: "another log, or a copy that replaces, drops what was there",
    async run(open) {
      const tab = open();
      await tab.saveReplica("a", copyOf(1, 9), false);
      await tab.saveReplica("a", copyOf(3, 4, { epoch: "another" }), false);
      let copy = await tab.replica("a");
      assertEquals([copy?.epoch, copy?.ranges], ["another", [{ from: 3, to: 4 }]]);
      assertEquals(copy?.events.map(({ position }) => position), [3, 4]);
      await tab.saveReplica("a", copyOf(1, 1, { epoch: "another" }), true);
      copy = await tab.replica("a");
      assertEquals([copy?.ranges, copy?.events.length], [[{ from: 1, to: 1 }], 1]);
    },
  },
  {
    name: "how far each room was seen is what the last change made of what was there",
    async run(open) {
      const tab = open();
      assertEquals(await tab.readCursor("a"), undefined);
      const further = (position: number) => (before?: { position: number }) => ({
        epoch: "epoch",
        position: Math.max(position, before?.position ?? 0),
      });
      await Promise.all([7, 9, 8].map((position) => open().changeReadCursor("a", further(position))));
      assertEquals(await tab.readCursor("a"), { epoch: "epoch", position: 9 });
      assertEquals(await tab.changeReadCursor("a", further(3)), { epoch: "epoch", position: 9 });
      assertEquals(await tab.readCursor("b"), undefined);
    },
  },
  {
    name: "carried events are there for every tab, in the order in which they were kept",
    async run(open) {
      const tab = open();
      assertEquals(await tab.relayed("a"), []);
      for (const number of [3, 1, 2]) {
        await tab.changeRelayed("a", carried("event", number, number), []);
        await new Promise((resolve) => setTimeout(resolve, A_MOMENT_MS));
      }
      assertEquals(payloadsOf(await open().relayed("a")), ["payload event 3", "payload event 1", "payload event 2"]);
      assertEquals((await open().relayed("a"))[0], ["payload event 3", "signature"]);
      assertEquals(await tab.relayed("b"), []);
    },
  },
  {
    name: "carried events are kept and dropped in one change; dropping what is not there changes nothing",
    async run(open) {
      const tab = open();
      await tab.changeRelayed("a", carried("event", 1, 3), []);
      await open().changeRelayed("a", carried("event", 4, 4), new Set(["event 1", "event 3", "unknown"]));
      assertEquals(payloadsOf(await tab.relayed("a")).toSorted(), ["payload event 2", "payload event 4"]);
      await Promise.all([
        tab.changeRelayed("a", carried("tab", 1, 20), []),
        open().changeRelayed("a", carried("other", 1, 20), ["event 2"]),
      ]);
      assertEquals((await tab.relayed("a")).length, 41);
    },
  },
  {
    name: "carried events are bounded: the oldest of a room go, and no other room's",
    async run(open) {
      const tab = open();
      await tab.changeRelayed("aa", carried("event", 1, 2), []);
      await tab.changeRelayed("a", carried("old", 1, 10), []);
      await new Promise((resolve) => setTimeout(resolve, A_MOMENT_MS));
      await tab.changeRelayed("a", carried("new", 1, RELAYED_MAX_EVENTS - 5), []);
      const payloads = payloadsOf(await tab.relayed("a"));
      assertEquals(payloads.length, RELAYED_MAX_EVENTS);
      assertEquals(payloads.filter((payload) => payload.includes("old")).length, 5);
      assertEquals((await tab.relayed("aa")).length, 2);
    },
  },
  {
    name: "rooms are remembered; one that is dropped is forgotten with its copy, but not what waits to be sent there",
    async run(open) {
      const tab = open();
      assertEquals(await tab.rooms(), []);
      await tab.changeRooms(() => [known("a"), known("b")]);
      await tab.saveReplica("a", copyOf(1, 2), false);
      await tab.saveReplica("b", copyOf(1, 2), false);
      await tab.changeReadCursor("a", () => ({ epoch: "epoch", position: 2 }));
      await tab.changeRelayed("a", carried("event", 1, 2), []);
      await tab.changeRelayed("aa", carried("event", 1, 2), []);
      await tab.changeOutbox("a", write("waits"));
      await tab.changeOutbox("b", write("settled"));
      await tab.changeOutbox("b", (book) => settle(book, new Set(book.entries.map(({ key }) => key))));
      assertEquals(await open().changeRooms(() => []), []);
      assertEquals([await tab.rooms(), await tab.replica("a"), await tab.replica("b")], [[], undefined, undefined]);
      assertEquals(await tab.readCursor("a"), undefined);
      assertEquals([(await tab.relayed("a")).length, (await tab.relayed("aa")).length], [0, 2]);
      assertEquals(textsOf(await tab.changeOutbox("a", same)), ["waits"]);
      assertEquals((await tab.changeOutbox("b", same)).n, 0);
    },
  },
  {
    name: "rooms whose ids begin alike are not mixed up",
    async run(open) {
      const tab = open();
      await tab.changeOutbox("a", write("of a"));
      await tab.changeOutbox("aa", write("of aa"));
      await tab.saveReplica("a", copyOf(1, 2), false);
      await tab.saveReplica("aa", copyOf(5, 5), false);
      assertEquals(textsOf(await tab.changeOutbox("a", same)), ["of a"]);
      assertEquals((await tab.replica("a"))?.events.length, 2);
      assertEquals((await tab.replica("aa"))?.events.length, 1);
    },
  },
  {
    name: "a thousand entries come and go in seconds",
    async run(open) {
      const tab = open();
      await tab.changeOutbox("a", (book) => {
        for (let at = 0; at < 1_000; at++) book = write(`${at}`)(book);
        return book;
      });
      const startedAt = performance.now();
      for (let at = 0; at < 20; at++) {
        await tab.changeOutbox("a", (book) => settle(book, new Set([book.entries[0]!.key])));
      }
      assertEquals((await tab.changeOutbox("a", same)).entries.length, 980);
      const tookMs = (performance.now() - startedAt) / 20;
      assert(tookMs < 200, `${tookMs} ms for one change of a full outbox`);
    },
  },
];
