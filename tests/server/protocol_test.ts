/** The rules of docs/PROTOCOL.md over real sockets: each test names the ones it shows. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CLOSE_REASONS, type FrameProblem } from "../../lib/protocol/codes.ts";
import { CLIENT_FRAME_MAX_BYTES, LATEST_EVENTS, RESUME_MAX_EVENTS } from "../../lib/protocol/limits.ts";
import { openKv } from "../../lib/store/open_kv.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { type OpenWire, TestClient } from "../support/client.ts";
import { configWith, listen, type PartialConfig, startTestServer, type TestServer } from "./support.ts";

/** Messages without limit: most tests are about something else. */
const TALKATIVE: PartialConfig = {
  limits: {
    messages: { burst: 100_000, everyMs: 0 },
    connectionEvents: { burst: 100_000, everyMs: 0 },
    connectionFrames: { burst: 100_000, everyMs: 0 },
    inFlightEvents: 1_000,
  },
};

interface Stage {
  room: RoomInfo;
  open: OpenWire;
  server: TestServer;
  socket: ReturnType<typeof listen>;
  join(name?: string): Promise<TestClient>;
  client(name?: string): Promise<TestClient>;
}

/** A server on real sockets with one room. Every client is checked for gaps and duplicates at the end. */
function scene(name: string, run: (stage: Stage) => Promise<void>, config: PartialConfig = TALKATIVE): void {
  Deno.test(name, async () => {
    const server = startTestServer({ config });
    const socket = listen(server.server);
    const room = await server.newRoom();
    const open = socket.open(room.id);
    const clients: TestClient[] = [];
    const client = async (name = "Ada") => {
      const client = await TestClient.create({ open: socket.open(room.id), room: room.id, name });
      clients.push(client);
      return client;
    };
    const join = async (name?: string) => {
      const joined = await client(name);
      await joined.connect();
      return joined;
    };
    try {
      await run({ room, open, server, socket, join, client });
      for (const client of clients) assertEquals(client.violations, []);
    } finally {
      for (const client of clients) await client.close();
      await socket.close();
      await server.close();
    }
  });
}

// ---- joining ----

scene("[HELLO-1] a server challenges at once, every time with another nonce", async ({ client }) => {
  const [a, b] = [await client(), await client()];
  a.openOnly();
  b.openOnly();
  assertNotEquals((await a.waitFor("challenge")).nonce, (await b.waitFor("challenge")).nonce);
});

scene(
  "[HELLO-2] a valid hello is welcomed with the room, its log's end and the author's place",
  async ({ join, room }) => {
    const ada = await join("  Ada ");
    const welcome = ada.welcome!;
    assertEquals(welcome.room, room);
    assertEquals([welcome.head, welcome.oldest, welcome.mode, welcome.from, welcome.lastN], [1, 1, "latest", 1, 0]);
    assertEquals(welcome.people, { count: 1, shown: [{ author: ada.signer.author, name: "Ada" }] });
    await ada.say("one");
    await ada.close();
    assertEquals((await ada.connect())!.lastN, 1);
  },
);

for (
  const [what, wrong] of [
    ["another nonce", { proof: { nonce: "A".repeat(22) } }],
    ["another room", { proof: { room: "A".repeat(22) } }],
    ["somebody else's key", { proof: { author: "A".repeat(43) } }],
    ["a signature of something else", { signature: "A".repeat(86) }],
    ["a name too long", { proof: { name: "x".repeat(161) } }],
    ["no name", { proof: { name: " " } }],
  ] as const
) {
  scene(`[HELLO-3] a hello with ${what} ends the connection as bad_hello`, async ({ client }) => {
    const ada = await client();
    ada.openOnly();
    await ada.hello((await ada.waitFor("challenge")).nonce, wrong);
    assertEquals((await ada.waitFor("goodbye")).reason, "bad_hello");
    assertEquals(await ada.closed(), CLOSE_REASONS.bad_hello.code);
  });
}

scene("[HELLO-3] a hello heard on one connection is worth nothing on another", async ({ client }) => {
  const [ada, eve] = [await client(), await client()];
  ada.openOnly();
  const nonce = (await ada.waitFor("challenge")).nonce;
  eve.openOnly();
  await eve.waitFor("challenge");
  await eve.hello(nonce);
  assertEquals((await eve.waitFor("goodbye")).reason, "bad_hello");
});

scene("[HELLO-4] before hello everything is out_of_turn, and after it another hello is", async ({ client }) => {
  const ada = await client();
  ada.openOnly();
  const { nonce } = await ada.waitFor("challenge");
  ada.send({ type: "ping" });
  ada.send({ type: "history", before: 1, limit: 1 });
  await ada.until(() => ada.frames.filter((frame) => frame.type === "problem").length === 2);
  await ada.hello(nonce);
  await ada.waitFor("welcome");
  await ada.hello(nonce);
  await ada.until(() => ada.frames.filter((frame) => frame.type === "problem").length === 3);
  assert(ada.frames.every((frame) => frame.type !== "problem" || frame.problem === "out_of_turn"));
});

scene("[HELLO-5] another protocol version ends the connection as unsupported_version", async ({ client }) => {
  const ada = await client();
  ada.openOnly();
  await ada.hello((await ada.waitFor("challenge")).nonce, { version: 99 });
  assertEquals(await ada.closed(), CLOSE_REASONS.unsupported_version.code);
});

scene("[HELLO-7] a room that does not exist ends the connection as no_such_room", async ({ socket, server }) => {
  for (const id of ["AAAAAAAAAAAAAAAAAAAAAA", "nonsense"]) {
    const ada = await TestClient.create({ open: socket.open(id), room: "AAAAAAAAAAAAAAAAAAAAAA" });
    void ada.connect();
    assertEquals(await ada.closed(), CLOSE_REASONS.no_such_room.code);
  }
  assertEquals((await server.server.health()).connections, 0);
});

scene("[LIM-1] fifteen connections a minute per device, then a pause of ten seconds", async ({ socket, room }) => {
  for (let index = 0; index < 15; index++) {
    const client = await TestClient.join({ open: socket.open(room.id, "one phone"), room: room.id });
    assert(client.welcome !== undefined, `connection ${index + 1}`);
    await client.close();
  }
  const late = await TestClient.join({ open: socket.open(room.id, "one phone"), room: room.id });
  const goodbye = await late.waitFor("goodbye");
  assertEquals([goodbye.reason, goodbye.retryAfterMs], ["rate_limited", 10_000]);
  assertEquals(await late.closed(), CLOSE_REASONS.rate_limited.code);
  const other = await TestClient.join({ open: socket.open(room.id, "another phone"), room: room.id });
  assert(other.welcome !== undefined);
  await other.close();
});

scene("[LIM-2] a full instance turns connections away as overloaded, with a time to wait", async ({ join, client }) => {
  await join();
  await join();
  const third = await client();
  await third.connect();
  const goodbye = await third.waitFor("goodbye");
  assertEquals(goodbye.reason, "overloaded");
  assert(goodbye.retryAfterMs! > 0);
}, { limits: { ...configWith().limits, connections: 2 } });

// ---- acks ----

scene("[ACK-1] an ack tells the position, and the event is in the database by then", async ({ join, server, room }) => {
  const ada = await join();
  const event = await ada.signText("kept");
  ada.sendEvents(event);
  const position = await ada.stored(event.id);
  const { events } = await server.store.log.readRange(room.id, position, position, 1, 100_000);
  assertEquals(events, [[...event.wire]]);
});

scene("[ACK-2] the sender hears the ack before the event comes around", async ({ join }) => {
  const ada = await join();
  const { position } = await ada.say("hello");
  await ada.holds(position);
  const order = ada.frames.filter((frame) =>
    frame.type === "ack" || (frame.type === "events" && frame.from === position)
  );
  assertEquals(order.map((frame) => frame.type), ["ack", "events"]);
});

scene("[ACK-3] an event sent again is acked again with its position, and stored once", async ({ join }) => {
  const [ada, bob] = [await join("Ada"), await join("Bob")];
  const event = await ada.signText("once");
  ada.sendEvents(event, event);
  ada.sendEvents(event);
  await ada.until(() => ada.frames.filter((frame) => frame.type === "ack").flatMap((ack) => ack.acks).length === 3);
  // Anybody may bring it: a phone that carries what another one wrote.
  bob.sendEvents(event);
  assertEquals(await bob.stored(event.id), ada.acked.get(event.id));
  await ada.close();
  await ada.connect();
  ada.acked.clear();
  ada.sendEvents(event);
  assertEquals(await ada.stored(event.id), 2);
  await bob.say("next");
  await ada.holds(3);
  assertEquals(ada.texts, ["once", "next"]);
});

scene("[ACC-5] another event under a used n is refused as conflict", async ({ join }) => {
  const ada = await join();
  await ada.say("first");
  const other = await ada.signText("second thoughts", { n: 1 });
  ada.sendEvents(other);
  assertEquals((await ada.refused(other.id)).reason, "conflict");
  const [one, two] = [await ada.signText("one", { n: 2 }), await ada.signText("two", { n: 2 })];
  ada.sendEvents(one, two);
  assertEquals((await ada.refused(two.id)).reason, "conflict");
  assertEquals(await ada.stored(one.id), 3);
});

scene("[ACC-4] a hole in n is refused as missing_previous and names the n to send from", async ({ join }) => {
  const ada = await join();
  const ahead = await ada.signText("ahead", { n: 3 });
  ada.sendEvents(ahead);
  const refusal = await ada.refused(ahead.id);
  assertEquals([refusal.reason, refusal.expectedN], ["missing_previous", 1]);
});

scene(
  "[ACK-4] over the limit the first event hears how long to wait, those after it are missing_previous",
  async ({ join }) => {
    const ada = await join();
    const events = [];
    for (let index = 0; index < 8; index++) events.push(await ada.signText(`text ${index}`));
    ada.sendEvents(...events);
    for (const event of events.slice(0, 5)) await ada.stored(event.id);
    const refusals = [];
    for (const event of events.slice(5)) refusals.push(await ada.refused(event.id));
    assertEquals(refusals.map(({ reason }) => reason), ["rate_limited", "missing_previous", "missing_previous"]);
    assert(refusals[0]!.retryAfterMs! > 900 && refusals[0]!.retryAfterMs! <= 1_000);
    assertEquals(refusals[1]!.expectedN, 6);
    const frames = ada.frames.filter((frame) => frame.type === "refused").map(({ id }) => id);
    assertEquals(frames, events.slice(5).map(({ id }) => id));
  },
  {},
);

scene("[ACC-9] a forged or malformed event is refused by name, and nobody else sees it", async ({ join }) => {
  const [ada, bob] = [await join("Ada"), await join("Bob")];
  const forged = await ada.signText("forged");
  const bobs = await bob.signText("by Bob");
  ada.send({ type: "send", events: [[forged.wire[0], bobs.wire[1]]] });
  assertEquals((await ada.refused(forged.id)).reason, "bad_signature");
  const long = await ada.signText("x".repeat(2_001), { n: 1 });
  ada.sendEvents(long);
  const refusal = await ada.refused(long.id);
  assertEquals([refusal.reason, refusal.field], ["too_long", "body.text"]);
  ada.n = 0;
  await ada.say("right");
  await bob.holds(2);
  assertEquals(bob.texts, ["right"]);
});

scene("[LIM-3] more events in flight than announced are refused as overloaded", async ({ join }) => {
  const ada = await join();
  const limit = ada.welcome!.limits.inFlight;
  const events = [];
  for (let index = 0; index <= limit; index++) events.push(await ada.signText(`text ${index}`));
  ada.sendEvents(...events);
  const refusal = await ada.refused(events[limit]!.id);
  assertEquals(refusal.reason, "overloaded");
  assert(refusal.retryAfterMs! > 0);
  await ada.stored(events[limit - 1]!.id);
}, { limits: { ...configWith(TALKATIVE).limits, inFlightEvents: 8 } });

// ---- catching up ----

scene("[SYNC-1] without a position a client gets the newest 50 events", async ({ join }) => {
  const ada = await join();
  for (let index = 0; index < 60; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  await ada.holds(61);
  const bob = await join("Bob");
  assertEquals([bob.welcome!.mode, bob.welcome!.from, bob.welcome!.head], ["latest", 62 - LATEST_EVENTS, 61]);
  await bob.holds(61);
  assertEquals(bob.log.size, LATEST_EVENTS);
});

scene("[SYNC-2] a client that returns gets exactly what it missed", async ({ join }) => {
  const [ada, bob] = [await join("Ada"), await join("Bob")];
  await ada.say("before");
  await bob.holds(2);
  await bob.close();
  for (let index = 0; index < 300; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  await ada.holds(302);
  await bob.connect();
  assertEquals([bob.welcome!.mode, bob.welcome!.from], ["resume", 3]);
  await bob.holds(302);
  assertEquals(bob.texts, ada.texts);
  await bob.close();
  await bob.connect();
  assertEquals([bob.welcome!.mode, bob.welcome!.from, bob.welcome!.head], ["resume", 303, 302]);
});

scene(
  "[SYNC-3] a position of another log, beyond the head, or deleted since is answered with the newest",
  async ({ join, server, room }) => {
    const ada = await join();
    for (let index = 0; index < 80; index++) ada.sendEvents(await ada.signText(`text ${index}`));
    await ada.holds(81);
    const { epoch } = ada.welcome!;
    await server.store.log.trim(room.id, 60);
    await ada.say("one more, which tells the hub of the trim");
    const bob = await join("Bob");
    for (
      const [resume, mode] of [
        [{ epoch: "AAAAAAAAAAA", position: 80 }, "latest"],
        [{ epoch, position: 1_000 }, "latest"],
        [{ epoch, position: 20 }, "latest"],
        [{ epoch, position: 21 }, "resume"],
      ] as const
    ) {
      await bob.close();
      bob.position = resume;
      assertEquals([resume.position, (await bob.connect({ resume }))!.mode], [resume.position, mode]);
      await bob.holds(82);
    }
    assertEquals(bob.welcome!.oldest, 22);
  },
);

scene(
  "[SYNC-3] a client that missed more than a resume holds gets the newest events and can see how many are missing",
  async ({ join }) => {
    const ada = await join();
    for (let sent = 0; sent <= RESUME_MAX_EVENTS;) {
      const events = [];
      for (let index = 0; index < 30; index++, sent++) events.push(await ada.signText(`text ${sent}`));
      ada.sendEvents(...events);
      await ada.stored(events.at(-1)!.id);
    }
    const bob = await join("Bob");
    await bob.close();
    bob.position = { epoch: ada.welcome!.epoch, position: 1 };
    const welcome = (await bob.connect())!;
    assertEquals([welcome.mode, welcome.from], ["latest", welcome.head - LATEST_EVENTS + 1]);
  },
);

scene("[SYNC-4] a client that joins in the middle of a storm has no gap and no duplicate", async ({ join }) => {
  const ada = await join();
  const sending = (async () => {
    for (let index = 0; index < 400; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  })();
  const others = [];
  for (let index = 0; index < 8; index++) others.push(await join(`guest ${index}`));
  await sending;
  await ada.holds(401);
  for (const other of others) {
    await other.holds(401);
    assertEquals(other.texts, ada.texts.slice(-other.texts.length));
  }
});

scene("[HIST-1] history gives the page just before a position, down to the oldest", async ({ join }) => {
  const ada = await join();
  for (let index = 0; index < 120; index++) ada.sendEvents(await ada.signText(`text ${index}`));
  await ada.holds(121);
  const bob = await join("Bob");
  await bob.holds(121);
  bob.send({ type: "history", before: 72, limit: 50 });
  const page = await bob.waitFor("page");
  assertEquals([page.before, page.from, page.events.length, page.oldest], [72, 22, 50, 1]);
  bob.send({ type: "history", before: 22, limit: 50 });
  assertEquals((await bob.waitFor("page", ({ before }) => before === 22)).from, 1);
  bob.send({ type: "history", before: 1, limit: 50 });
  assertEquals((await bob.waitFor("page", ({ before }) => before === 1)).events, []);
  assertEquals(bob.texts, ada.texts);
});

scene(
  "[HIST-2] a page of large events ends just before the position too, only with fewer of them",
  async ({ join }) => {
    const ada = await join();
    const large = "😀".repeat(1_990);
    for (let index = 0; index < 40; index++) ada.sendEvents(await ada.signText(`${large}${index}`));
    await ada.holds(41);
    ada.send({ type: "history", before: 42, limit: 40 });
    const page = await ada.waitFor("page");
    assertEquals(page.from + page.events.length, 42);
    assert(page.events.length >= 1 && page.events.length < 40);
  },
);

// ---- frames ----

scene("[FRAME-1] a frame that cannot be read is named, and the connection goes on", async ({ client }) => {
  const ada = await client();
  await ada.connect();
  const cases: [string, FrameProblem, string | undefined][] = [
    ["{", "not_json", undefined],
    ["[]", "unknown_type", undefined],
    ['{"type":"shout"}', "unknown_type", undefined],
    ['{"type":"history","before":0,"limit":1}', "bad_field", "before"],
    ['{"type":"send","events":[["{}","x"]]}', "bad_field", "events[0][1]"],
    ["x".repeat(CLIENT_FRAME_MAX_BYTES + 1), "too_large", undefined],
  ];
  for (const [text] of cases) ada.sendRaw(text);
  await ada.until(() => ada.frames.filter((frame) => frame.type === "problem").length === cases.length);
  const problems = ada.frames.filter((frame) => frame.type === "problem");
  assertEquals(problems.map(({ problem, field }) => [problem, field]), cases.map(([, ...expected]) => expected));
  await ada.say("still here");
});

scene("[FRAME-1] a binary frame is not_text", async ({ socket, room }) => {
  const seen: string[] = [];
  const open = socket.open(room.id);
  let wire: ReturnType<OpenWire> | undefined;
  await new Promise<void>((resolve) => {
    wire = open({
      onFrame: (text) => {
        seen.push(text);
        if (seen.length === 1) wire!.send(new Uint8Array([1, 2, 3]) as unknown as string);
        else resolve();
      },
      onClose: () => resolve(),
    });
  });
  assertEquals(JSON.parse(seen[1]!), { type: "problem", problem: "not_text" });
  await new Promise<void>((resolve) => {
    const closing = open({ onFrame: () => closing.close(), onClose: () => resolve() });
    wire!.close();
  });
});

scene("[FRAME-2] ten such frames end the connection as bad_frames", async ({ join }) => {
  const ada = await join();
  for (let index = 0; index < 10; index++) ada.sendRaw("?");
  assertEquals(await ada.closed(), CLOSE_REASONS.bad_frames.code);
});

scene("[FRAME-2] one frame of eight times the size that a frame may have ends the connection", async ({ join }) => {
  const ada = await join();
  ada.sendRaw("?".repeat(8 * CLIENT_FRAME_MAX_BYTES));
  assertEquals((await ada.waitFor("problem")).problem, "too_large");
  assertEquals(ada.closeCode, undefined);
  ada.sendRaw("?".repeat(8 * CLIENT_FRAME_MAX_BYTES + 1));
  assertEquals(await ada.closed(), CLOSE_REASONS.bad_frames.code);
});

scene("[SKEW-3] frames of types that this server does not know are named and end no connection", async ({ join }) => {
  const ada = await join();
  for (let index = 0; index < 20; index++) ada.sendRaw('{"type":"shout"}');
  ada.send({ type: "ping" });
  await ada.waitFor("pong");
  assertEquals(ada.frames.filter((frame) => frame.type === "problem").length, 20);
});

scene("[PING-1] a ping is answered with a pong", async ({ join }) => {
  const ada = await join();
  ada.send({ type: "ping" });
  assert(Math.abs((await ada.waitFor("pong")).at - Date.now()) < 5_000);
});

// ---- people ----

scene(
  "[PRES-1] everybody hears of joins, leaves and renames; two tabs are one person",
  async ({ join, client }) => {
    const ada = await join("Ada");
    const bob = await join("Bob");
    await ada.until(() => ada.people.get(bob.signer.author) === "Bob" && ada.count === 2);
    const secondTab = await client("Bob");
    secondTab.options.open = bob.options.open;
    Object.assign(secondTab, { signer: bob.signer });
    await secondTab.connect();
    assertEquals(secondTab.count, 2);
    const renamed = await bob.sign({ kind: "profile", body: { name: "Robert" } });
    bob.sendEvents(renamed);
    await ada.until(() => ada.people.get(bob.signer.author) === "Robert");
    await bob.close();
    await secondTab.close();
    await ada.until(() => !ada.people.has(bob.signer.author) && ada.count === 1);
  },
);

// ---- the end ----

scene(
  "[BYE-1] a server that stops acks what it took, says when to come back, and leaves nothing behind",
  async ({ join, server }) => {
    const [ada, bob] = [await join("Ada"), await join("Bob")];
    const event = await ada.signText("last words");
    ada.sendEvents(event);
    await ada.stored(event.id);
    await server.server.close();
    for (const client of [ada, bob]) {
      const goodbye = await client.waitFor("goodbye");
      assertEquals(goodbye.reason, "going_away");
      assert(goodbye.retryAfterMs! >= 250);
      assertEquals(await client.closed(), CLOSE_REASONS.going_away.code);
      assertEquals(client.texts, ["last words"]);
    }
  },
);

Deno.test("[ACK-1] on the embedded database too: what was acked is there when it is opened again", async () => {
  const folder = await Deno.makeTempDir();
  const { openStore } = await import("../../lib/store/store.ts");
  const { ChatServer } = await import("../../lib/server/server.ts");
  const { realEnvironment } = await import("../../lib/server/environment.ts");
  const { nodeVerifier } = await import("../../lib/server/rooms/verifier.ts");
  const { newGenesis } = await import("../support/client.ts");
  try {
    const genesis = await newGenesis();
    for (const expected of [[], ["one"]]) {
      const store = openStore({ kv: await openKv({ path: `${folder}/test.kv` }) });
      const server = new ChatServer({
        ...realEnvironment,
        steady: performance,
        store,
        config: configWith(),
        verifier: nodeVerifier(),
      });
      const socket = listen(server);
      await server.createRoom(genesis.wire, { device: "d", address: "a" });
      const ada = await TestClient.join({ open: socket.open(genesis.room), room: genesis.room });
      await ada.holds(ada.welcome!.head);
      assertEquals(ada.texts, expected);
      if (expected.length === 0) await ada.say("one");
      await ada.close();
      await socket.close();
      await server.close();
      store.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
