/** How a session connects, checks its connection, and replaces it. */
import { assert, assertEquals } from "@std/assert";
import { HEARTBEAT_MS } from "../../lib/protocol/limits.ts";
import { BACKOFF_MAX_MS, retryCeilingMs } from "../../lib/routing/backoff.ts";
import { ANSWER_PATIENCE_MS, CONNECT_TIMEOUT_MS, PROBE_TIMEOUT_MS } from "../../lib/session/ports/session_limits.ts";
import { FakeServer, type FakeTransport } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, lines, openRoom, openSession } from "./open_session.ts";

Deno.test("a session says hello, is welcomed, and shows the newest events", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  await server.say("hello");
  const session = openSession({ server });
  assertEquals(session.connection.value.state, "connecting");
  await connected(server, session);
  assertEquals(lines(session), ["opened Main stage", "hello"]);
  assertEquals(session.room.value?.name, "Main stage");
  assertEquals(session.room.value?.code, "cosmic-stage-417");
  assertEquals(session.me.value, { ...session.me.value!, name: "Ada", me: true, host: false });
  assertEquals(session.people.value.count, 1);
  session.dispose();
});

Deno.test("a lost connection returns by itself, resumes from its position, and misses nothing", async () => {
  const { time, server, session } = await openRoom();
  await server.say("one");
  await time.run(100);
  server.cut();
  assertEquals(session.connection.value.state, "disconnected");
  await server.say("two");
  await connected(server, session);
  assertEquals(lines(session), ["opened Main stage", "one", "two"]);
  assertEquals(server.framesOf("hello").at(-1)?.resume, { epoch: server.epoch, position: 2 });
  session.dispose();
});

Deno.test("late frames of a replaced transport are ignored", async () => {
  const { time, server, session } = await openRoom();
  const [old] = server.transports;
  session.forceReconnect();
  old!.isOpen = true; // A platform that goes on to deliver after `close`.
  old!.tell({ type: "goodbye", reason: "no_such_room" });
  await connected(server, session);
  assertEquals(session.connection.value.state, "connected");
  assertEquals(session.problem.value, undefined);
  old!.cut("no_such_room");
  await time.run(1_000);
  assertEquals(session.connection.value.state, "connected");
  session.dispose();
});

Deno.test("while there is no server, the delays grow to their maximum and the time of the next try is known", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.down = true;
  const session = openSession({ server });
  const delays: number[] = [];
  for (let tries = 0; tries < 12; tries++) {
    await time.until(() => session.connection.value.state === "disconnected");
    const { value } = session.connection;
    assert(value.state === "disconnected" && value.retryAtMs !== undefined);
    delays.push(value.retryAtMs - time.now());
    await time.until(() => session.connection.value.state === "connecting");
  }
  delays.forEach((delay, at) => assert(delay <= retryCeilingMs(at), `${at}: ${delay}`));
  assert(Math.max(...delays) > BACKOFF_MAX_MS / 2, String(delays));
  server.down = false;
  await connected(server, session);
  session.dispose();
});

Deno.test("a server's goodbye says when to come back", async () => {
  const { time, server, session } = await openRoom();
  const before = time.now();
  server.cut("going_away", 3_210);
  assertEquals(session.connection.value, { state: "disconnected", reason: "going_away", retryAtMs: before + 3_210 });
  await time.run(3_209);
  assertEquals(server.transports.length, 1);
  await connected(server, session);
  session.dispose();
});

Deno.test("rate refusals wait as long as they say, and are no failures: the next loss starts the backoff again", async () => {
  const { time, server, session } = await openRoom();
  for (let times = 0; times < 10; times++) {
    server.cut("rate_limited", 4_000);
    const { value } = session.connection;
    assert(value.state === "disconnected" && value.retryAtMs === time.now() + 4_000);
    await connected(server, session);
  }
  server.cut();
  const { value } = session.connection;
  assert(value.state === "disconnected" && value.retryAtMs !== undefined);
  assert(value.retryAtMs - time.now() <= retryCeilingMs(0), "the first ceiling");
  session.dispose();
});

Deno.test("a slow reader that was disconnected resumes at once", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  server.cut("too_slow");
  assertEquals(session.connection.value.state, "connecting");
  await time.run(1);
  assertEquals(server.transports.length, 2);
  session.dispose();
});

Deno.test("a server that disconnects again and again is not tried at once", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  const before = server.transports.length;
  for (let cuts = 0; cuts < 20; cuts++) {
    await time.run(100, () => session.connection.value.state === "connected");
    server.cut("too_slow");
  }
  assert(server.transports.length - before < 10, `${server.transports.length - before} transports in 2 s`);
  session.dispose();
});

for (const reason of ["no_such_room", "unsupported_version", "bad_hello"] as const) {
  Deno.test(`${reason} ends the tries and is the page's problem`, async () => {
    const { time, server, session } = await openRoom();
    server.cut(reason);
    assertEquals(session.connection.value, { state: "disconnected", reason });
    assertEquals(session.problem.value, { problem: reason });
    await time.run(3_600_000);
    assertEquals(server.transports.length, 1);
    session.dispose();
  });
}

Deno.test("a server of another version is not greeted", async () => {
  const { time, server, session } = await openRoom();
  server.version = 99;
  session.forceReconnect();
  await time.run(100);
  assertEquals(session.problem.value, { problem: "unsupported_version" });
  assertEquals(server.framesOf("hello").length, 1);
  session.dispose();
});

Deno.test("an idle connection is probed after the heartbeat time, and not before", async () => {
  const { time, server, session } = await openRoom();
  await time.run(HEARTBEAT_MS - 500);
  assertEquals(server.framesOf("ping").length, 0);
  await time.run(1_000);
  assertEquals(server.framesOf("ping").length, 1);
  await time.run(10 * HEARTBEAT_MS);
  assertEquals(server.transports.length, 1);
  session.dispose();
});

Deno.test("[PING-2] a check is answered with a ping at once, and changes nothing else", async () => {
  const { time, server, session } = await openRoom();
  server.tell({ type: "check" });
  await time.run(100);
  assertEquals(server.framesOf("ping").length, 1);
  assertEquals(session.connection.value.state, "connected");
  assertEquals(server.transports.length, 1);
  session.dispose();
});

Deno.test("waking probes at once, and a dead transport is replaced within the probe time", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  server.transports[0]!.send = () => true; // The transport is dead without a word.
  session.wake();
  await time.run(PROBE_TIMEOUT_MS - 1);
  assertEquals(session.connection.value.state, "connected");
  await time.run(1);
  assertEquals(session.connection.value.state, "connecting");
  await connected(server, session);
  assertEquals(server.transports.length, 2);
  session.dispose();
});

for (const [how, wakes] of [["told of", true], ["not told of", false]] as const) {
  Deno.test(`after a long sleep that the page is ${how}, a black hole is replaced within 1 s`, async () => {
    const { time, server, session } = await openRoom();
    await time.run(10_000);
    server.transports[0]!.isOpen = false;
    server.transports[0]!.send = () => true; // It takes everything and delivers nothing.
    await server.say("while you slept");
    time.sleep(3_600_000);
    if (wakes) session.wake();
    await time.run(1_000, () => lines(session).includes("while you slept"));
    assertEquals(lines(session).at(-1), "while you slept");
    assertEquals(server.transports.length, 2);
    session.dispose();
  });
}

Deno.test("a live transport that is slower after a sleep than before is replaced once, and the next one gets more time", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  const delayed = (transport: FakeTransport, delayMs: number) => {
    const { send } = transport;
    transport.send = (text) => (time.after(delayMs, () => void send.call(transport, text)), true);
  };
  delayed(server.transports[0]!, 2_000);
  time.sleep(3_600_000);
  session.wake();
  await time.run(1_000);
  assertEquals(server.transports.length, 2);
  delayed(server.transports[1]!, 2_000);
  await session.sendMessage("slowly");
  await time.run(2 * PROBE_TIMEOUT_MS + 100);
  assertEquals(server.transports.length, 2);
  assertEquals(server.texts, ["slowly"]);
  session.dispose();
});

Deno.test("waking while waiting for the next try tries at once", async () => {
  const { time, server, session } = await openRoom();
  server.cut("going_away", 60_000);
  await time.run(1_000);
  session.wake();
  await time.run(200);
  assertEquals(session.connection.value.state, "connected");
  session.dispose();
});

Deno.test("a phone that slept notices its dead transport by late timers alone", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  server.transports[0]!.isOpen = false;
  time.sleep(3_600_000);
  await time.run(PROBE_TIMEOUT_MS + 300);
  assertEquals(session.connection.value.state, "connected");
  assertEquals(server.transports.length, 2);
  session.dispose();
});

Deno.test("a transport that goes dead under a message is noticed in under 3 s", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  server.transports[0]!.isOpen = false;
  server.transports[0]!.send = () => true; // It takes everything and delivers nothing.
  await session.sendMessage("into the hole");
  assertEquals(lines(session).at(-1), "into the hole (on_its_way)");
  await time.run(ANSWER_PATIENCE_MS + PROBE_TIMEOUT_MS);
  assert(ANSWER_PATIENCE_MS + PROBE_TIMEOUT_MS < 3_000);
  assertEquals(lines(session).at(-1), "into the hole (queued)");
  await connected(server, session);
  assertEquals(lines(session).at(-1), "into the hole");
  assertEquals(server.texts, ["into the hole"]);
  session.dispose();
});

Deno.test("a clock that is set back a day hides no dead transport, and delays no message", async () => {
  let setBackMs = 0;
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const session = openSession({ server, clock: { now: () => time.now() - setBackMs } });
  await connected(server, session);
  await time.run(10_000);
  setBackMs = 86_400_000;
  server.transports[0]!.isOpen = false;
  server.transports[0]!.send = () => true; // It takes everything and delivers nothing.
  await session.sendMessage("yesterday");
  await time.run(ANSWER_PATIENCE_MS + PROBE_TIMEOUT_MS + 500);
  assertEquals(lines(session).at(-1), "yesterday");
  assertEquals(server.texts, ["yesterday"]);
  server.down = true;
  server.cut();
  const { value } = session.connection;
  assert(value.state === "disconnected" && value.retryAtMs !== undefined);
  assert(Math.abs(value.retryAtMs + setBackMs - time.now()) <= BACKOFF_MAX_MS, "shown by the device's own clock");
  session.dispose();
});

Deno.test("a server that accepts and stays silent is given up after the connect time", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.silenced = true;
  const session = openSession({ server });
  await time.run(CONNECT_TIMEOUT_MS - 1);
  assertEquals(session.connection.value.state, "connecting");
  await time.run(1);
  assertEquals(session.connection.value.state, "disconnected");
  server.silenced = false;
  await connected(server, session);
  session.dispose();
});

Deno.test("events that do not follow the position replace the transport: the session resumes and shows each once", async () => {
  const { time, server, session } = await openRoom();
  await server.say("one");
  await server.say("two");
  await time.run(100);
  server.tell({ type: "events", from: 9, events: [server.log[0]!] });
  await time.run(50);
  assertEquals(session.connection.value.state, "disconnected");
  await server.say("three");
  await connected(server, session);
  assertEquals(lines(session), ["opened Main stage", "one", "two", "three"]);
  session.dispose();
});

Deno.test("an unreadable frame replaces the transport, a frame of an unknown type does not", async () => {
  const { time, server, session } = await openRoom();
  server.tell('{"type":"from_the_future","n":1}');
  await time.run(100);
  assertEquals(session.connection.value.state, "connected");
  server.tell('{"type":"ack","acks":[["not an id",1]]}');
  await time.run(100);
  assertEquals(session.connection.value.state, "disconnected");
  session.dispose();
});

Deno.test("after dispose nothing is left: no timer, no transport", async () => {
  const { time, server, session } = await openRoom();
  await session.sendMessage("bye");
  session.dispose();
  await time.run(1);
  assertEquals(server.open.length, 0);
  await time.run(1_000);
  assertEquals(time.pending, 0);
});

Deno.test("after a transport that was too slow the next one gets twice the time, until answers are quick again", async () => {
  const { time, server, session } = await openRoom();
  await time.run(10_000);
  /** Ms from a question on a new transport that answers nothing to its replacement. */
  const patience = async () => {
    await time.until(() => session.connection.value.state === "connected");
    server.silenced = true;
    void session.sendMessage("into the hole");
    const before = time.now();
    await time.until(() => session.connection.value.state !== "connected");
    server.silenced = false;
    return time.now() - before;
  };
  const base = ANSWER_PATIENCE_MS + PROBE_TIMEOUT_MS;
  assertEquals(await patience(), base);
  assertEquals(await patience(), base + PROBE_TIMEOUT_MS);
  assertEquals(await patience(), base + 3 * PROBE_TIMEOUT_MS);
  await time.until(() => session.connection.value.state === "connected");
  await session.sendMessage("answered at once");
  await time.run(1_000);
  assertEquals(await patience(), base);
  session.dispose();
});
