/** One instance with virtual time and in-process connections: rules about time, slow readers and a failing database. */
import { assert, assertEquals } from "@std/assert";
import { CLOSE_REASONS } from "../../lib/protocol/codes.ts";
import { HELLO_TIMEOUT_MS, IDLE_TIMEOUT_MS, SERVER_FRAME_MAX_BYTES } from "../../lib/protocol/limits.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { TestClient } from "../support/client.ts";
import type { KvHooks } from "../support/memory_kv.ts";
import { settle, VirtualTime } from "./virtual_time.ts";
import { configWith, type PartialConfig, startTestServer, type TestServer } from "./support.ts";

interface Stage {
  time: VirtualTime;
  server: TestServer;
  room: RoomInfo;
  hooks: KvHooks;
  /** A client and the control of its connection. */
  client(name?: string): Promise<{ client: TestClient; line: { buffered: number } }>;
  join(name?: string): Promise<TestClient>;
}

/** Runs a test and checks that no timer is left after the server closed. */
function stage(name: string, run: (stage: Stage) => Promise<void>, config: PartialConfig = {}): void {
  Deno.test(name, async () => {
    const time = new VirtualTime();
    const hooks: KvHooks = {};
    const server = startTestServer({ time, hooks, config });
    const room = await server.newRoom();
    const clients: TestClient[] = [];
    const client = async (name = "Ada") => {
      const line = server.wire(room.id);
      const client = await TestClient.create({ open: line.open, room: room.id, name });
      clients.push(client);
      return { client, line };
    };
    await run({
      time,
      server,
      room,
      hooks,
      client,
      async join(name) {
        const joined = await client(name);
        await joined.client.connect();
        return joined.client;
      },
    });
    for (const client of clients) assertEquals(client.violations, []);
    delete hooks.fail;
    delete hooks.delay;
    const closing = server.close();
    for (let turn = 0; turn < 40; turn++) await time.advance(100);
    await closing;
    assertEquals(time.waiting, 0, "timers left after close");
  });
}

const QUICK: PartialConfig = {
  limits: {
    ...configWith().limits,
    messages: { burst: 10_000, everyMs: 0 },
    connectionEvents: { burst: 10_000, everyMs: 0 },
    inFlightEvents: 1_000,
  },
};

stage("[HELLO-6] without a hello a connection ends as hello_timeout", async ({ client, time }) => {
  const { client: ada } = await client();
  ada.openOnly();
  await time.advance(HELLO_TIMEOUT_MS - 1);
  assertEquals(ada.closeCode, undefined);
  await time.advance(1);
  assertEquals(ada.closeCode, CLOSE_REASONS.hello_timeout.code);
});

stage("[IDLE-1] a connection that says nothing for two and a half heartbeats ends as idle", async ({ join, time }) => {
  const ada = await join();
  await time.advance(IDLE_TIMEOUT_MS - 1);
  ada.send({ type: "ping" });
  await time.advance(IDLE_TIMEOUT_MS - 1);
  assertEquals(ada.closeCode, undefined);
  await time.advance(1);
  assertEquals(ada.closeCode, CLOSE_REASONS.idle.code);
});

stage("[HIST-3] a second history before the first is answered is busy", async ({ join }) => {
  const ada = await join();
  ada.send({ type: "history", before: 2, limit: 1 });
  ada.send({ type: "history", before: 2, limit: 1 });
  const problem = await ada.waitFor("problem");
  assertEquals(problem.problem, "busy");
  assert(problem.retryAfterMs! > 0);
  await ada.waitFor("page");
});

stage(
  "[FAN-1] the first event goes out at once, and events within the window share one frame",
  async ({ join, time }) => {
    const [ada, bob] = [await join("Ada"), await join("Bob")];
    await time.advance(1_000);
    const framesBefore = bob.frames.filter((frame) => frame.type === "events").length;
    for (let index = 0; index < 9; index++) {
      ada.sendEvents(await ada.signText(`text ${index}`));
      await settle();
    }
    await settle();
    const frames = () => bob.frames.filter((frame) => frame.type === "events").slice(framesBefore);
    assertEquals(frames().map(({ events }) => events.length), [1], "the first one, before any time passed");
    await time.advance(100);
    assertEquals(bob.texts.length, 9);
    assert(frames().length <= 4, `${frames().length} frames for 9 events`);
  },
  QUICK,
);

stage(
  "[FAN-1] events within a window are stored by one commit at its end, acked and fanned out at once",
  async ({ join, time }) => {
    const [ada, bob] = [await join("Ada"), await join("Bob")];
    await time.advance(1_000);
    await ada.say("first");
    await settle();
    const acks = () => ada.frames.filter((frame) => frame.type === "ack").length;
    for (let index = 0; index < 3; index++) {
      ada.sendEvents(await ada.signText(`text ${index}`));
      await time.advance(50);
    }
    assertEquals([acks(), bob.texts.length], [1, 1]);
    await time.advance(51);
    assertEquals([acks(), bob.texts.length], [2, 4]);
  },
  { ...QUICK, fanOut: { windowMs: 200, maxWindowMs: 200 } },
);

stage(
  "[SLOW-1] a slow reader is disconnected and resumes without a gap; the others never wait",
  async ({ join, client, time }) => {
    const ada = await join("Ada");
    const { client: slow, line } = await client("Slow");
    await slow.connect();
    line.buffered = 524_289;
    ada.sendEvents(await ada.signText("one"));
    await time.advance(50);
    assertEquals([ada.texts, slow.texts], [["one"], []]);
    assertEquals(slow.closeCode, CLOSE_REASONS.too_slow.code);
    assertEquals(slow.frames.at(-1), { type: "goodbye", reason: "too_slow" });
    line.buffered = 0;
    await ada.say("two");
    await slow.connect();
    assertEquals(slow.welcome!.mode, "resume");
    await time.advance(50);
    assertEquals(slow.texts, ["one", "two"]);
  },
  QUICK,
);

stage(
  "[SLOW-2] catching up waits for the reader, and ends the connection when the reader never moves",
  async ({ join, client, time }) => {
    const ada = await join("Ada");
    const { client: bob, line } = await client("Bob");
    await bob.connect();
    await bob.close();
    for (let index = 0; index < 500; index++) ada.sendEvents(await ada.signText(`text ${index}`));
    await time.advance(1_000);
    line.buffered = 300_000;
    await bob.connect();
    await time.advance(5_000);
    assertEquals(bob.texts.length, 0);
    line.buffered = 0;
    await time.advance(50);
    assertEquals(bob.texts.length, 500);
    await bob.close();
    for (let index = 0; index < 10; index++) ada.sendEvents(await ada.signText(`more ${index}`));
    await time.advance(1_000);
    line.buffered = 300_000;
    await bob.connect();
    await time.advance(16_000);
    assertEquals(bob.closeCode, CLOSE_REASONS.too_slow.code);
  },
  QUICK,
);

stage(
  "[LIM-5] a flood of events is refused before any signature is checked, and ends as bad_frames",
  async ({ join }) => {
    const ada = await join();
    const event = await ada.signText("again");
    ada.sendEvents(event);
    await ada.stored(event.id);
    const forged = [event.wire[0], "A".repeat(86)] as const;
    ada.send({ type: "send", events: Array.from({ length: 20 }, () => event.wire) });
    await ada.waitFor("refused");
    assertEquals(ada.refusal(event.id)!.reason, "rate_limited");
    ada.send({ type: "send", events: Array.from({ length: 32 }, () => forged) });
    ada.send({ type: "send", events: Array.from({ length: 32 }, () => forged) });
    assertEquals(await ada.closed(), CLOSE_REASONS.bad_frames.code);
    assert(ada.frames.every((frame) => frame.type !== "refused" || frame.reason === "rate_limited"));
  },
  { limits: { ...configWith().limits, connectionEvents: { burst: 8, everyMs: 1_000 }, badFrames: 2 } },
);

stage("[LIM-6] too many pings are busy, with a time to wait", async ({ join, time }) => {
  const ada = await join();
  for (let index = 0; index < 120; index++) ada.send({ type: "ping" });
  const problem = await ada.waitFor("problem");
  assertEquals([problem.problem, problem.retryAfterMs], ["busy", 25]);
  await time.advance(25);
  ada.send({ type: "ping" });
  await settle();
  assertEquals(ada.frames.at(-1)!.type, "pong");
});

stage("[SLOW-3] a client that writes and never reads is disconnected for its unread answers", async ({ client }) => {
  const { client: ada, line } = await client();
  await ada.connect();
  line.buffered = 524_289;
  ada.send({ type: "ping" });
  assertEquals(await ada.closed(), CLOSE_REASONS.too_slow.code);
});

stage("[SYNC-4] no server frame is larger than a client reads", async ({ join, time, server, room }) => {
  const ada = await join("Ada");
  const large = "😀".repeat(1_990);
  for (let index = 0; index < 100; index++) ada.sendEvents(await ada.signText(`${large}${index}`));
  await time.advance(1_000);
  const sizes: number[] = [];
  const { open } = server.wire(room.id);
  const bob = await TestClient.create({
    room: room.id,
    open: ({ onFrame, onClose }) =>
      open({ onClose, onFrame: (text) => (sizes.push(new TextEncoder().encode(text).length), onFrame(text)) }),
  });
  bob.position = { epoch: ada.welcome!.epoch, position: 1 };
  await bob.connect();
  await time.advance(1_000);
  assertEquals(bob.texts.length, 100);
  assert(Math.max(...sizes) < SERVER_FRAME_MAX_BYTES);
}, QUICK);

// ---- a failing database ----

stage(
  "[STORE-1] when the database does not answer, an event is refused as storage_unavailable and can be sent again",
  async ({ join, hooks, time, server }) => {
    const ada = await join();
    hooks.fail = (moment) => moment === "before" ? new Error("no database") : undefined;
    const event = await ada.signText("patience");
    ada.sendEvents(event);
    await time.advance(50);
    // The read before the commit failed: it is certain that nothing was stored.
    const refusal = await ada.refused(event.id);
    assertEquals([refusal.reason, refusal.retryAfterMs], ["storage_unavailable", 1_000]);
    assert(server.log.some((line) => line.includes("no database")));
    delete hooks.fail;
    assertEquals((await server.server.health()).status, "degraded");
    ada.sendEvents(event);
    await time.advance(50);
    assertEquals(ada.acked.get(event.id), 2);
    await time.advance(60_000);
    assertEquals((await server.server.health()).status, "ok");
  },
);

stage(
  "[STORE-2] the outcome of an uncertain commit is determined before anybody is answered",
  async ({ join, hooks, time }) => {
    const [ada, bob] = [await join("Ada"), await join("Bob")];
    await ada.say("warms the cache of head and author");
    await time.advance(1_000);
    // The commit happens and its answer is lost; then the database is away for two seconds.
    let commits = 0;
    hooks.fail = (moment) => moment === "after" || commits++ > 0 ? new Error("the line is cut") : undefined;
    const event = await ada.signText("stored or not?");
    ada.sendEvents(event);
    await time.advance(2_000);
    assertEquals(
      [ada.acked.has(event.id), ada.refusal(event.id)],
      [false, undefined],
      "nobody may be told anything yet",
    );
    const late = await ada.signText("while it is in doubt");
    ada.sendEvents(late);
    await time.advance(10);
    assertEquals(ada.refusal(late.id)?.reason, "storage_unavailable");
    delete hooks.fail;
    await time.advance(5_000);
    assertEquals(ada.acked.get(event.id), 3);
    ada.sendEvents(late);
    await time.advance(10_000);
    assertEquals(bob.texts, ["warms the cache of head and author", "stored or not?", "while it is in doubt"]);
  },
);

stage(
  "[STORE-3] a new connection while the database is away ends as overloaded",
  async ({ client, hooks, time, server }) => {
    hooks.fail = () => new Error("no database");
    const { client: ada } = await client();
    ada.openOnly();
    await time.advance(100);
    const goodbye = await ada.waitFor("goodbye");
    assertEquals(goodbye.reason, "overloaded");
    assert(goodbye.retryAfterMs! > 0);
    const health = await server.server.health();
    assertEquals([health.status, health.kvLatencyMs, (await server.server.ready()).ready], ["down", null, false]);
    delete hooks.fail;
    await time.advance(1_000);
    assert((await server.server.health()).status !== "down");
    await ada.connect();
    assert(ada.welcome !== undefined);
  },
);

stage("[LIM-4] a full queue refuses as overloaded, and nothing before it is lost", async ({ join, hooks, time }) => {
  const ada = await join();
  await ada.say("one");
  let open = () => {};
  const gate = new Promise<void>((resolve) => open = resolve);
  hooks.delay = () => gate;
  const events = [];
  for (let index = 0; index < 20; index++) events.push(await ada.signText(`text ${index}`));
  for (const event of events) {
    ada.sendEvents(event);
    await settle();
  }
  await time.advance(100);
  const refused = events.filter(({ id }) => ada.refusal(id)?.reason === "overloaded");
  assert(refused.length > 0 && refused.length < 20, `${refused.length} refused`);
  delete hooks.delay;
  open();
  await time.advance(1_000);
  assertEquals(ada.acked.size + refused.length, 21);
}, { ...QUICK, commit: { queueEvents: 8 } });

stage(
  "[BYE-1] a client that joins while a server stops gets another time to return than everybody else",
  async (stage) => {
    const { server, client, hooks, time } = stage;
    await stage.join();
    const clients = await Promise.all(Array.from({ length: 20 }, async () => (await client()).client));
    for (const joining of clients) joining.openOnly();
    await settle();
    let open = () => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    hooks.delay = () => gate;
    for (const joining of clients) await joining.hello((await joining.waitFor("challenge")).nonce);
    await settle();
    void server.server.close();
    await time.advance(100);
    assertEquals(clients.filter(({ closeCode }) => closeCode !== undefined).length, 0);
    delete hooks.delay;
    open();
    await time.advance(100);
    const goodbyes = await Promise.all(clients.map((joining) => joining.waitFor("goodbye")));
    assertEquals(new Set(goodbyes.map(({ reason }) => reason)), new Set(["going_away"]));
    const waits = goodbyes.map(({ retryAfterMs }) => retryAfterMs!);
    assert(Math.max(...waits) - Math.min(...waits) > 300, String(waits));
  },
);

// ---- rooms ----

const MINUTE = 60_000;

stage(
  "[RET-1] the sweep deletes events beyond the age and number limits, and unused rooms",
  async ({ join, server, room, time }) => {
    const ada = await join();
    for (let index = 0; index < 150; index++) ada.sendEvents(await ada.signText(`text ${index}`));
    await time.advance(1_000);
    await time.advance(2 * MINUTE);
    const head = (await server.store.log.readHead(room.id))!;
    assertEquals([head.oldest, head.head], [52, 151], "the newest 100 stay");
    await time.advance(10 * MINUTE);
    const empty = (await server.store.log.readHead(room.id))!;
    assertEquals([empty.oldest, empty.head], [152, 151], "nothing is older than the retention");
    assert(await server.server.roomById(room.id) !== undefined);
    await time.advance(20 * MINUTE);
    assertEquals(await server.server.roomById(room.id), undefined);
  },
  {
    ...QUICK,
    retention: {
      maxEvents: 100,
      slackEvents: 1_000,
      maxAgeMs: 7 * MINUTE,
      heldMs: 3 * MINUTE,
      idleRoomMs: 20 * MINUTE,
      sweepEveryMs: MINUTE,
    },
  },
);

Deno.test("[RET-4] /health says that the clock cannot be right, and no longer when it is", async () => {
  const time = new VirtualTime();
  let offMs = -time.now();
  const wrong = { now: () => time.now() + offMs, after: time.after.bind(time) };
  const server = startTestServer({ time: wrong, steady: time });
  const reasons = async () => (await server.server.health()).reasons.filter((line) => line.includes("clock"));
  assertEquals((await reasons())[0]?.split(":")[0], "clock_not_plausible");
  assertEquals((await server.server.health()).status, "degraded");
  offMs = 0;
  assertEquals(await reasons(), []);
  // Five devices that agree outvote the server.
  const room = await server.newRoom();
  for (let at = 0; at < 5; at++) {
    const line = server.wire(room.id);
    const client = await TestClient.create({ open: line.open, room: room.id, clockMs: () => time.now() + 86_400_000 });
    await client.connect();
  }
  assertEquals((await reasons()).length, 1);
  const closing = server.close();
  for (let turn = 0; turn < 40; turn++) await time.advance(100);
  await closing;
});

stage("[RET-2] a busy room is trimmed between sweeps", async ({ join, server, room, time }) => {
  const ada = await join();
  for (let index = 0; index < 150; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  await time.advance(1_000);
  const head = (await server.store.log.readHead(room.id))!;
  assert(head.head - head.oldest + 1 <= 120, `${head.head - head.oldest + 1} events are kept`);
  await ada.say("goes on");
}, { ...QUICK, retention: { maxEvents: 100, slackEvents: 20 } });

stage(
  "[ROOM-3] an empty room is dropped from memory after its grace, and opens again",
  async ({ join, server, time }) => {
    const ada = await join();
    await ada.say("hello");
    await ada.close();
    await time.advance(29_000);
    assertEquals((await server.server.health()).openRooms, 1);
    await time.advance(2_000);
    assertEquals((await server.server.health()).openRooms, 0);
    await ada.connect();
    assertEquals(ada.welcome!.mode, "resume");
  },
);

stage("[ROOM-4] a room that is removed ends its connections as no_such_room", async ({ join, server, room, time }) => {
  const ada = await join();
  await server.store.rooms.remove(room.id);
  await time.advance(6_000);
  assertEquals(ada.closeCode, CLOSE_REASONS.no_such_room.code);
  assertEquals((await server.server.health()).openRooms, 0);
});

stage(
  "[CODE-1] ten wrong codes a minute per device, then a pause; right ones always work",
  async ({ server, room }) => {
    const visitor = { device: "guesser", address: "192.0.2.7" };
    for (let index = 0; index < 10; index++) {
      const answer = await server.server.findRoomByCode(`cosmic-stage-${index + 1}`, visitor);
      assertEquals("problem" in answer && answer.problem, "no_such_room");
    }
    const eleventh = await server.server.findRoomByCode("cosmic-stage-99", visitor);
    assertEquals("problem" in eleventh && [eleventh.problem, eleventh.retryAfterMs], ["rate_limited", 10_000]);
    assertEquals(await server.server.findRoomByCode(room.code!, visitor), { room });
  },
);

stage(
  "[CODE-3] once an address has used up its wrong codes, the answer does not reveal whether the room exists",
  async ({
    server,
    room,
  }) => {
    const { burst } = server.server.config.limits.addressWrongCodes;
    const guess = (code: string, n: number) =>
      server.server.findRoomByCode(code, { device: `fresh device ${n}`, address: "192.0.2.9" });
    for (let n = 0; n < burst; n++) await guess(`cosmic-stage-${n % 900 + 1}`, n);
    assertEquals((await guess("cosmic-stage-1", burst) as { problem: string }).problem, "rate_limited");
    let reads = 0;
    const byId = server.store.rooms.byId.bind(server.store.rooms);
    server.store.rooms.byId = (id) => (reads++, byId(id));
    const absent = await guess("cosmic-stage-2", burst + 1);
    const readsOfAbsent = reads;
    assertEquals(await guess(room.code!, burst + 2), absent);
    assertEquals(reads, 2 * readsOfAbsent, "and it takes as long");
    const elsewhere = await server.server.findRoomByCode(room.code!, { device: "d", address: "192.0.2.10" });
    assertEquals(elsewhere, { room });
  },
);

const suggested = async ({ server }: TestServer, code: string) => {
  const answer = await server.findRoomByCode(code, { device: "d", address: "a" });
  return "problem" in answer ? answer.suggestions : undefined;
};
const oneDigitOff = (code: string) => code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));

stage("[CODE-2] a code one digit off gets the right one suggested", async ({ server }) => {
  const listed = await server.newRoom({ roomKind: "listed" });
  assertEquals((await suggested(server, oneDigitOff(listed.code!)))?.includes(listed.code!), true);
});

stage("[CODE-4] a wrong code reveals at most two codes of unlisted rooms", async ({ server }) => {
  const room = await server.newRoom({ room: "A".repeat(22) });
  let asked = 0;
  const byCode = server.store.rooms.byCode.bind(server.store.rooms);
  // As if every code belonged to an unlisted room.
  server.store.rooms.byCode = (code) => Promise.resolve(code === "cosmic-stage-41" ? undefined : (asked++, room));
  assertEquals((await suggested(server, "cosmic-stage-41"))?.length, 2);
  assert(asked > 20, "others were looked up");
  server.store.rooms.byCode = byCode;
  const slip = room.code!.replace(/^(.)(.)/, (_, first, second) => first + (second === "x" ? "q" : "x"));
  assertEquals(await suggested(server, slip), [room.code], "a slip in a word finds the room");
});
