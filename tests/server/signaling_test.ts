/** Signals from person to person: over both transports, on one instance and between several, within their limits. */
import { assert, assertEquals } from "@std/assert";
import { openSignal } from "../../lib/crypto/signal_signing.ts";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { CLOSE_REASONS } from "../../lib/protocol/codes.ts";
import type { ServerFrame } from "../../lib/protocol/frames.ts";
import { SIGNAL_PAYLOAD_MAX_CHARS } from "../../lib/protocol/limits.ts";
import type { Store } from "../../lib/store/store.ts";
import { MAILBOX_SLOTS } from "../../lib/store/instances/mailboxes.ts";
import { type KvHooks, MemoryDatabase } from "../support/memory_kv.ts";
import { TestClient } from "../support/client.ts";
import { signalFrom } from "../support/signals.ts";
import { startBothTransports } from "./both_transports.ts";
import { configWith, type PartialConfig, startTestServer, type TestServer } from "./support.ts";

const signals = (client: TestClient) =>
  client.frames.filter((frame): frame is ServerFrame<"signal"> => frame.type === "signal");

/** Waits until a client knows of the other one's presence. */
const sees = (client: TestClient, other: TestClient) => client.until(() => client.people.has(other.signer.author));

/** Waits until the database names a person who came to another instance. */
async function isKnown(store: Store, room: string, { signer }: TestClient) {
  for (;;) {
    const entries = await store.presence.read(room, Date.now());
    if (entries.some(({ shown }) => shown.some(({ author }) => author === signer.author))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

type Transports = ReturnType<typeof startBothTransports>;

/** Instances on one database, each with both transports. Every client is checked for answers that no correct server gives. */
function field(
  name: string,
  count: number,
  run: (
    stage: {
      transports: Transports[];
      room: string;
      join: (transport?: "socket" | "poll", at?: number) => Promise<TestClient>;
    },
  ) => Promise<void>,
  config: PartialConfig = {},
): void {
  Deno.test(name, async () => {
    const database = new MemoryDatabase({ now: () => Date.now() });
    const transports = Array.from(
      { length: count },
      (_, at) => startBothTransports({ database, config, instance: `instance ${at}` }),
    );
    const { id: room } = await transports[0]!.newRoom();
    const clients: TestClient[] = [];
    try {
      await run({
        transports,
        room,
        async join(transport = "socket", at = 0) {
          const client = await TestClient.join({ open: transports[at]![transport](room), room });
          clients.push(client);
          return client;
        },
      });
      for (const client of clients) assertEquals(client.violations, []);
    } finally {
      for (const client of clients) await client.close();
      for (const transport of transports) await transport.close();
    }
  });
}

for (const [from, to] of [["socket", "socket"], ["socket", "poll"], ["poll", "socket"]] as const) {
  field(`[SIG-1] a signal goes from a ${from} to a ${to} as it was signed`, 1, async ({ join, room }) => {
    const [ada, bob] = [await join(from), await join(to)];
    const eve = await join("socket");
    const sent = await signalFrom(ada, bob.signer.author);
    ada.send(sent);
    const { payload, signature, ...frame } = await bob.waitFor("signal");
    assertEquals([payload, signature], [sent.payload, sent.signature]);
    assertEquals(frame, { type: "signal", from: ada.signer.author });
    const opened = await openSignal(await ed25519(), { ...frame, payload, signature }, { room, me: bob.signer.author });
    assert(opened.ok);
    await ada.say("later");
    await eve.holds(2);
    assertEquals([signals(ada), signals(eve)], [[], []], "nobody else hears of it");
  });
}

field(
  "[SIG-1] every connection of the receiver gets it, signals keep their order",
  1,
  async ({ join, transports, room }) => {
    const ada = await join();
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const tabs = [];
    for (let tab = 0; tab < 2; tab++) {
      tabs.push(await TestClient.join({ open: transports[0]!.socket(room), room, secret }));
    }
    const to = tabs[0]!.signer.author;
    const sent = [];
    for (let seq = 1; seq <= 20; seq++) sent.push(await signalFrom(ada, to, { seq }));
    for (const frame of sent) ada.send(frame);
    for (const tab of tabs) {
      await tab.until(() => signals(tab).length === 20);
      assertEquals(signals(tab).map(({ payload }) => payload), sent.map(({ payload }) => payload));
      await tab.close();
    }
  },
);

field("[SIG-2] a signal to nobody is answered at once, and says to whom it was", 1, async ({ join }) => {
  const [ada, bob] = [await join(), await join("poll")];
  const to = bob.signer.author;
  await sees(ada, bob);
  await bob.close();
  await ada.until(() => ada.frames.some((frame) => frame.type === "presence" && frame.left.includes(to)));
  ada.send(await signalFrom(ada, to));
  assertEquals(await ada.waitFor("signal_undeliverable"), { type: "signal_undeliverable", to, reason: "not_present" });
});

field(
  "[SIG-3] a signal too long, to oneself or before hello is refused by name",
  1,
  async ({ join, transports, room }) => {
    const [ada, bob] = [await join(), await join()];
    const frame = await signalFrom(ada, bob.signer.author);
    ada.send({ ...frame, payload: "x".repeat(SIGNAL_PAYLOAD_MAX_CHARS + 1) });
    await ada.waitFor("problem", ({ problem, field }) => problem === "bad_field" && field === "payload");
    ada.send({ ...frame, to: ada.signer.author });
    await ada.waitFor("problem", ({ problem, field }) => problem === "bad_field" && field === "to");
    const early = await TestClient.create({ open: transports[0]!.socket(room), room });
    early.openOnly();
    early.send(frame);
    await early.waitFor("problem", ({ problem }) => problem === "out_of_turn");
    await early.close();
    assertEquals(signals(bob), []);
  },
);

const TIGHT: PartialConfig = {
  limits: {
    ...configWith().limits,
    sentSignals: { burst: 5, everyMs: 60_000 },
    deviceConnections: { burst: 1_000, everyMs: 1, pauseMs: 0 },
  },
};

field("[SIG-4] signals have a limit per connection, which says how long to wait and stops nothing else", 1, async ({
  join,
}) => {
  const [ada, bob] = [await join(), await join()];
  for (let seq = 1; seq <= 6; seq++) ada.send(await signalFrom(ada, bob.signer.author, { seq }));
  const problem = await ada.waitFor("problem");
  assertEquals([problem.problem, problem.field], ["busy", "signal"]);
  assert(problem.retryAfterMs! > 50_000);
  await ada.say("still here");
  await bob.holds(2);
  assertEquals(signals(bob).length, 5);
}, TIGHT);

field("[SIG-4] a client that keeps exceeding the limit is disconnected", 1, async ({ join }) => {
  const [ada, bob] = [await join(), await join()];
  const frame = await signalFrom(ada, bob.signer.author);
  // Not more than it takes: writing to a socket that is being closed may lose the close code.
  for (let count = 0; count < 205; count++) ada.send(frame);
  assertEquals(await ada.closed(), CLOSE_REASONS.bad_frames.code);
}, TIGHT);

field(
  "[SIG-4] a client with many callers at once gets a part of the signals, and the callers hear that it is busy",
  1,
  async ({ join }) => {
    const [ada, eve, bob] = [await join(), await join(), await join()];
    for (const [seq, caller] of [ada, eve, ada, eve].entries()) {
      caller.send(await signalFrom(caller, bob.signer.author, { seq: seq + 1 }));
      await bob.until(() => signals(bob).length >= Math.min(seq + 1, 2));
    }
    assertEquals((await ada.waitFor("signal_undeliverable")).reason, "busy");
    assertEquals((await eve.waitFor("signal_undeliverable")).reason, "busy");
    assertEquals(signals(bob).length, 2);
  },
  { limits: { ...TIGHT.limits!, receivedSignals: { burst: 2, everyMs: 60_000 } } as PartialConfig["limits"] },
);

Deno.test("[SIG-4] signals do not disconnect a slow reader: they are dropped, and the caller is informed", async () => {
  const server = startTestServer();
  const room = (await server.newRoom()).id;
  const slow = server.wire(room);
  const ada = await TestClient.join({ open: server.wire(room).open, room });
  const bob = await TestClient.join({ open: slow.open, room });
  slow.buffered = server.server.config.fanOut.highWatermarkBytes / 2;
  ada.send(await signalFrom(ada, bob.signer.author));
  assertEquals((await ada.waitFor("signal_undeliverable")).reason, "busy");
  slow.buffered = 0;
  ada.send(await signalFrom(ada, bob.signer.author));
  await bob.waitFor("signal");
  await ada.close();
  await bob.close();
  await server.close();
});

// ---- several instances ----

field(
  "[SIG-8] signals go to people on other instances and back, over any transport, in their order",
  3,
  async ({ join }) => {
    const [ada, bob, cleo] = [await join("socket", 0), await join("poll", 1), await join("socket", 2)];
    for (const other of [bob, cleo]) {
      await sees(ada, other);
      const to = other.signer.author;
      for (let seq = 1; seq <= 30; seq++) ada.send(await signalFrom(ada, to, { seq }));
      await other.until(() => signals(other).length === 30);
      assertEquals(
        signals(other).map(({ payload }) => JSON.parse(payload).seq),
        Array.from({ length: 30 }, (_, i) => i + 1),
      );
    }
  },
);

field(
  "[SIG-8] a called client can answer before presence names the caller's instance",
  2,
  async ({ join, transports, room }) => {
    const bob = await join("socket", 1);
    await isKnown(transports[0]!.store, room, bob);
    // Her instance reads of Bob as it opens the room; his reads of her much later.
    const ada = await join("socket", 0);
    await sees(ada, bob);
    ada.send(await signalFrom(ada, bob.signer.author));
    await bob.waitFor("signal");
    bob.send(await signalFrom(bob, ada.signer.author));
    await ada.waitFor("signal");
  },
  { presence: { ...configWith().presence, readGapMs: 60_000 } },
);

field(
  "[SIG-8] the instance that a client has just left answers for it",
  2,
  async ({ join, transports, room }) => {
    const bob = await join("socket", 1);
    await isKnown(transports[0]!.store, room, bob);
    const ada = await join("socket", 0);
    await sees(ada, bob);
    const to = bob.signer.author;
    await bob.close();
    ada.send(await signalFrom(ada, to));
    assertEquals(await ada.waitFor("signal_undeliverable"), {
      type: "signal_undeliverable",
      to,
      reason: "not_present",
    });
  },
  { presence: { ...configWith().presence, readGapMs: 60_000 } },
);

Deno.test("[SIG-8] an unread mailbox stays small, and callers get busy", async () => {
  const database = new MemoryDatabase({ now: () => Date.now() });
  const config: PartialConfig = { limits: { ...configWith().limits, sentSignals: { burst: 1_000, everyMs: 0 } } };
  const hooks: KvHooks = {};
  const a = startTestServer({ database, config, instance: "a" });
  const b = startTestServer({ database, config, instance: "b", hooks });
  const room = (await a.newRoom()).id;
  const ada = await TestClient.join({ open: a.wire(room).open, room });
  const bob = await TestClient.join({ open: b.wire(room).open, room });
  await sees(ada, bob);
  hooks.fail = () => new Error("this instance's database is away");
  for (let seq = 1; seq <= MAILBOX_SLOTS + 1; seq++) {
    ada.send(await signalFrom(ada, bob.signer.author, { seq }));
    await posted(a, Math.min(seq, MAILBOX_SLOTS));
  }
  assertEquals((await ada.waitFor("signal_undeliverable")).reason, "busy");
  delete hooks.fail;
  await ada.close();
  await bob.close();
  await a.close();
  await b.close();

  /** Waits until b's mailbox has so many batches. */
  async function posted(from: TestServer, count: number) {
    const kv = database.open();
    for (;;) {
      let lying = 0;
      for await (const _ of kv.list({ prefix: ["mail", "b", from.server.instance] })) lying++;
      if (lying >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
});
