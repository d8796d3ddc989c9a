/** Group commit alone: two committers on one database know of each other only through the database. */
import { assert, assertEquals } from "@std/assert";
import type { EventId } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { Committer, type CommitterDeps, type Outcome, type Sender } from "../../lib/server/rooms/committer.ts";
import { onStorageFailure, realEnvironment } from "../../lib/server/environment.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import { APPEND_MAX_EVENTS } from "../../lib/store/rooms/log_records.ts";
import { StorageUnavailable } from "../../lib/store/database.ts";
import { signEvent } from "../../lib/crypto/signing.ts";
import { newGenesis, signerOf, TestClient } from "../support/client.ts";
import { type KvHooks, MemoryDatabase } from "../support/memory_kv.ts";
import { configWith, startTestServer } from "./support.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

class Recorder implements Sender {
  readonly outcomes = new Map<EventId, Outcome>();
  answer(id: EventId, outcome: Outcome): void {
    this.outcomes.set(id, outcome);
  }
  flushAnswers(): void {}
  positionOf({ id }: Event): number | string | undefined {
    const outcome = this.outcomes.get(id);
    return outcome?.type === "stored" ? outcome.position : outcome?.reason;
  }
}

interface Scene {
  time: VirtualTime;
  store: Store;
  room: RoomInfo;
  sender: Recorder;
  /** Appends made, by all committers: how many events each had. */
  commits: number[];
  committer(
    changes?: Partial<CommitterDeps["log"]>,
    rules?: Partial<Pick<CommitterDeps["rules"], "roomBytes">>,
  ): Committer;
  say(n: number): Promise<Event>;
}

async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const time = new VirtualTime();
  const database = new MemoryDatabase({ now: () => time.now() });
  const store = openStore({ kv: database.open() });
  const genesis = await newGenesis();
  const room = await store.rooms.create(genesis, time.now());
  if ("problem" in room) throw new Error(room.problem);
  const commits: number[] = [];
  const author = await signerOf(room.id);
  const config = configWith();
  await run({
    time,
    store,
    room,
    sender: new Recorder(),
    commits,
    committer: (changes = {}, rules = {}) => {
      const log: CommitterDeps["log"] = {
        readHead: (...args) => store.log.readHead(...args),
        readAuthors: (...args) => store.log.readAuthors(...args),
        findByNumber: (...args) => store.log.findByNumber(...args),
        readAt: (...args) => store.log.readAt(...args),
        append(...args) {
          commits.push(args[2].length);
          return store.log.append(...args);
        },
        ...changes,
      };
      return new Committer({
        room,
        log,
        commit: config.commit,
        gapMs: () => config.commit.gapMs,
        rules: {
          ...config.limits,
          messages: { burst: 10_000, everyMs: 0 },
          repeatWithinMs: 0,
          retentionMs: config.retention.maxAgeMs,
          ...rules,
        },
        environment: { ...realEnvironment, clock: time, timers: time },
        onStored() {},
        onEnded() {},
        onFailure: onStorageFailure(() => {}),
      });
    },
    say: (n) =>
      signEvent(author, { room: room.id, n, clock: n, at: 0 }, { kind: "message", body: { name: "A", text: `${n}` } }),
  });
  store.close();
}

Deno.test("[RET-6] a room that holds its bytes refuses more as room_full, and takes events again when some are gone", () =>
  scene(async ({ committer, say, sender, time, store, room }) => {
    const full = committer({}, { roomBytes: 1_000 });
    const events = await Promise.all([1, 2, 3, 4, 5, 6].map(say));
    full.submit(events.map((event) => ({ event, sender })));
    await time.advance(100);
    const outcomes = events.map((event) => sender.positionOf(event));
    const taken = outcomes.filter((outcome) => typeof outcome === "number").length;
    assert(taken >= 2 && taken < 6, JSON.stringify(outcomes));
    assertEquals(
      outcomes.slice(taken).every((outcome) => outcome === "room_full" || outcome === "missing_previous"),
      true,
    );
    assert((await store.log.readHead(room.id))!.bytes! <= 1_000);
    await store.log.trim(room.id, 0);
    const next = events[taken]!;
    full.submit([{ event: next, sender }]);
    await time.advance(100);
    assertEquals(sender.positionOf(next), taken + 2);
  }));

Deno.test("events that arrive during or right after a commit are stored together", () =>
  scene(async ({ committer, say, sender, time, commits }) => {
    const one = committer();
    for (let n = 1; n <= 10; n++) one.submit([{ event: await say(n), sender }]);
    await time.advance(100);
    assertEquals(commits, [1, 9]);
    assertEquals([...sender.outcomes.values()].map((outcome) => outcome.type === "stored" && outcome.position), [
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      11,
    ]);
  }));

Deno.test("a batch that is full is stored without waiting for the gap", () =>
  scene(async ({ committer, say, sender, commits }) => {
    const one = committer();
    one.submit([{ event: await say(1), sender }]);
    await settle();
    one.submit([{ event: await say(2), sender }]);
    await settle();
    assertEquals(commits, [1], "the second one waits");
    for (let n = 3; n <= APPEND_MAX_EVENTS + 1; n++) one.submit([{ event: await say(n), sender }]);
    await settle();
    assertEquals(commits, [1, APPEND_MAX_EVENTS], "no time has passed");
  }));

Deno.test("a commit takes no more than the store does; the rest follows in order", () =>
  scene(async ({ committer, say, sender, time, commits }) => {
    const events = [];
    for (let n = 1; n <= APPEND_MAX_EVENTS + 20; n++) events.push({ event: await say(n), sender });
    committer().submit(events);
    await time.advance(1_000);
    assertEquals(commits, [APPEND_MAX_EVENTS, 20]);
    assertEquals(sender.positionOf(events.at(-1)!.event), APPEND_MAX_EVENTS + 21);
  }));

Deno.test("[INST-4] a committer's stale memory never refuses an event whose author wrote through another instance", () =>
  scene(async ({ committer, say, sender, time }) => {
    const [a, b] = [committer(), committer()];
    const [one, two, three] = [await say(1), await say(2), await say(3)];
    for (const [through, event] of [[a, one], [b, two], [a, three]] as const) {
      through.submit([{ event, sender }]);
      await time.advance(100);
    }
    assertEquals([one, two, three].map((event) => sender.positionOf(event)), [2, 3, 4]);
  }));

Deno.test("[INST-2] a lost race leads to a new read and another try; after too many the events are refused as overloaded", () =>
  scene(async ({ committer, say, sender, time }) => {
    let attempts = 0;
    const unlucky = committer({
      append() {
        attempts++;
        return Promise.resolve(undefined);
      },
    });
    const event = await say(1);
    unlucky.submit([{ event, sender }]);
    await time.advance(10_000);
    assertEquals([sender.positionOf(event), attempts], ["overloaded", configWith().commit.maxAttempts]);
    committer().submit([{ event, sender }]);
    await time.advance(100);
    assertEquals(sender.positionOf(event), 2);
  }));

Deno.test("an event twice in one batch is stored once and answered twice", () =>
  scene(async ({ committer, say, time, commits }) => {
    const [first, second] = [new Recorder(), new Recorder()];
    const event = await say(1);
    committer().submit([{ event, sender: first }, { event, sender: second }]);
    await time.advance(100);
    assertEquals([first.positionOf(event), second.positionOf(event), commits], [2, 2, [1]]);
  }));

Deno.test("[ACK-2] nobody sees an event before its author's ack, also when the channel is faster than the commit's answer", async () => {
  const time = new VirtualTime();
  const hooks: KvHooks = {};
  const server = startTestServer({ time, hooks });
  const room = await server.newRoom();
  const ada = await TestClient.join({ open: server.wire(room.id).open, room: room.id });
  const bob = await TestClient.join({ open: server.wire(room.id).open, room: room.id });
  await ada.say("warms the cache, so that the next thing is the commit");
  await time.advance(1_000);
  // The commit takes effect at once, and its answer is a second late.
  let moments = 0;
  hooks.delay = () => ++moments === 2 ? new Promise((resolve) => void time.after(1_000, resolve)) : Promise.resolve();
  const event = await ada.signText("hello");
  ada.sendEvents(event);
  await settle();
  await time.advance(900);
  assert(moments > 2, "the channel was not heard meanwhile");
  assertEquals([ada.acked.has(event.id), bob.texts.includes("hello")], [false, false]);
  await time.advance(200);
  assertEquals([ada.acked.has(event.id), bob.texts.includes("hello")], [true, true]);
  const closing = server.close();
  for (let turn = 0; turn < 40; turn++) await time.advance(100);
  await closing;
});

Deno.test("[LOAD-1] the age of waiting events counts as load, except while the database is away", () =>
  scene(async ({ committer, say, sender, time }) => {
    let finish = () => {}, fail = (_: Error) => {};
    const one = committer({
      append: (_room, head) =>
        new Promise((resolve, reject) => {
          finish = () => resolve({ ...head, head: head.head + 1, versionstamp: "next" });
          fail = reject;
        }),
    });
    assertEquals(one.load, { queueShare: 0, storeMs: 0 });
    one.submit([{ event: await say(1), sender }]);
    await time.advance(1_000);
    one.submit([{ event: await say(2), sender }]);
    await time.advance(500);
    assertEquals(one.load, { queueShare: 1 / 2_000, storeMs: 1_500 }, "the oldest one, which is being stored");
    finish();
    await time.advance(100);
    assertEquals(one.load, { queueShare: 0, storeMs: 600 }, "the second one");
    fail(new StorageUnavailable("append", new Error("away")));
    await time.advance(2_000);
    assertEquals(one.load.storeMs, 0, "in doubt");
    one.stop();
  }));
