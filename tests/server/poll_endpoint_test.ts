/** Long polling over real HTTP against a real server: a polling client and one on a WebSocket in one room. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { closeReasonOf } from "../../lib/protocol/codes.ts";
import { POLL_REQUEST_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { type PollRequest, writePollRequest } from "../../lib/protocol/poll_frames.ts";
import { TestClient } from "../support/client.ts";
import { type Fetch, startBothTransports as start } from "./both_transports.ts";

/** One request by hand. */
async function post(url: string, request: PollRequest | string, signal?: AbortSignal) {
  const body = typeof request === "string" ? request : writePollRequest(request);
  const response = await fetch(url, { method: "POST", body, ...(signal === undefined ? {} : { signal }) });
  const [head, ...frames] = (await response.text()).split("\n").slice(0, -1);
  return { status: response.status, head: JSON.parse(head!), frames, headers: response.headers };
}

const noViolations = (...clients: TestClient[]) => assertEquals(clients.flatMap(({ violations }) => violations), []);

Deno.test("[POLL-1] a polling client and one on a WebSocket chat: same order, every message acked, people seen", async () => {
  const { newRoom, poll, socket, close } = start();
  const { id: room } = await newRoom();
  const ada = await TestClient.join({ room, name: "Ada", open: socket(room) });
  const bob = await TestClient.join({ room, name: "Bob", open: poll(room) });
  assertEquals(bob.welcome?.mode, "latest");
  await ada.until(() => ada.count === 2);
  const said: Promise<unknown>[] = [];
  for (let count = 0; count < 30; count++) {
    for (const [client, name] of [[ada, "ada"], [bob, "bob"]] as const) {
      const event = await client.signText(`${name} ${count}`);
      client.sendEvents(event);
      said.push(client.stored(event.id));
    }
  }
  await Promise.all(said);
  await Promise.all([ada.holds(61), bob.holds(61)]);
  assertEquals(ada.texts, bob.texts);
  for (const name of ["ada", "bob"]) {
    const own = ada.texts.filter((text) => text.startsWith(name));
    assertEquals(own, Array.from({ length: 30 }, (_, count) => `${name} ${count}`));
  }
  noViolations(ada, bob);
  await bob.close();
  await ada.until(() => ada.count === 1);
  await ada.close();
  await close();
});

Deno.test("[POLL-3] [POLL-5] a third of all requests and answers are lost: nothing is lost, doubled or reordered", async () => {
  const { newRoom, poll, socket, close } = start();
  const { id: room } = await newRoom();
  let requests = 0, lost = 0;
  const lossy: Fetch = async (url, init) => {
    const number = ++requests;
    // Lost on the way there, lost on the way back, or whole; the opening has to succeed.
    if (number > 1 && number % 6 === 2) {
      lost++;
      throw new TypeError("the request was lost");
    }
    const response = await fetch(url, init);
    if (number > 1 && number % 6 === 4) {
      lost++;
      await response.body?.cancel();
      throw new TypeError("the answer was lost");
    }
    return response;
  };
  const ada = await TestClient.join({ room, open: socket(room) });
  const bob = await TestClient.join({ room, open: poll(room, lossy) });
  for (let count = 0; count < 6; count++) await Promise.all([ada.say(`ada ${count}`), bob.say(`bob ${count}`)]);
  await Promise.all([ada.holds(13), bob.holds(13)]);
  assertEquals(bob.texts, ada.texts);
  assertEquals(new Set(bob.texts).size, 12);
  assert(lost > 3, `only ${lost} of ${requests} were lost`);
  noViolations(ada, bob);
  await Promise.all([ada.close(), bob.close()]);
  await close();
});

Deno.test("[POLL-5] a repeated request, even a late one, is taken once", async () => {
  const { newRoom, poll, close } = start();
  const { id: room } = await newRoom();
  const twice: Fetch = async (url, init) => {
    if (init.body.includes('"send"')) await (await fetch(url, init)).body?.cancel();
    return fetch(url, init);
  };
  const client = await TestClient.join({ room, open: poll(room, twice) });
  const first = await client.say("once");
  await client.say("twice");
  await client.holds(3);
  assertEquals(client.texts, ["once", "twice"]);
  assertEquals(first.position, 2);
  // A second `hello` or a repeated event would have had an answer of its own.
  assertEquals(client.frames.filter(({ type }) => type === "problem" || type === "refused"), []);
  await client.close();
  await close();
});

Deno.test("[POLL-8] a server that lost the connection says so, and the client resumes from its position", async () => {
  const { newRoom, poll, socket, polling, close } = start();
  const { id: room } = await newRoom();
  const ada = await TestClient.join({ room, open: socket(room) });
  const bob = await TestClient.join({ room, open: poll(room) });
  await bob.say("before");
  await polling.close();
  assertEquals(closeReasonOf(await bob.closed()), undefined);
  await ada.say("meanwhile");
  const welcome = await bob.connect();
  assertEquals([welcome?.mode, welcome?.from], ["resume", 3]);
  await bob.holds(3);
  assertEquals(bob.texts, ["before", "meanwhile"]);
  noViolations(bob);
  await Promise.all([ada.close(), bob.close()]);
  await close();
});

Deno.test("[POLL-7] a server that stops says goodbye to a polling client", async () => {
  const { newRoom, poll, server, close } = start();
  const { id: room } = await newRoom();
  const client = await TestClient.join({ room, open: poll(room) });
  await server.close();
  assertEquals(closeReasonOf(await client.closed()), "going_away");
  const goodbye = await client.waitFor("goodbye");
  assert(goodbye.retryAfterMs! >= 250);
  await close();
});

Deno.test("[POLL-7] a missing room is reported in frames, as on a WebSocket", async () => {
  const { poll, close, polling } = start({}, { keepEndedMs: 20 });
  const client = await TestClient.create({ room: "AAAAAAAAAAAAAAAAAAAAAA", open: poll("AAAAAAAAAAAAAAAAAAAAAA") });
  void client.connect();
  assertEquals(closeReasonOf(await client.closed()), "no_such_room");
  await close();
  assertEquals(polling.size, 0);
});

Deno.test("a device's limit of connections holds for polling too", async () => {
  const config = { limits: { deviceConnections: { burst: 2, everyMs: 60_000, pauseMs: 1_000 } } };
  const { newRoom, poll, close } = start({ config });
  const { id: room } = await newRoom();
  const clients = [
    await TestClient.join({ room, open: poll(room) }),
    await TestClient.join({ room, open: poll(room) }),
  ];
  const third = await TestClient.create({ room, open: poll(room) });
  void third.connect();
  assertEquals(closeReasonOf(await third.closed()), "rate_limited");
  assert((await third.waitFor("goodbye")).retryAfterMs! > 0);
  await Promise.all(clients.map((client) => client.close()));
  await close();
});

/** A client that joins and asks for frames only by hand. */
async function joinedWithoutFetching(room: string, url: string) {
  const opening = await post(url, { type: "open" });
  const { connection } = opening.head;
  let first = 1;
  const client = await TestClient.create({
    room,
    open: ({ onFrame }) => {
      onFrame(opening.frames[0]!);
      return {
        send: (text) => void post(url, { type: "send", connection, first: first++, frames: [text] }),
        close() {},
      };
    },
  });
  client.openOnly();
  await client.hello((await client.waitFor("challenge")).nonce);
  return { fetch: (received: number) => post(url, { type: "fetch", connection, received }) };
}

Deno.test("[POLL-9] a polling client that reads nothing is cut off as too_slow, and its frames are bounded", async () => {
  const config = { fanOut: { stalledMs: 500, windowMs: 1, windowPerSocketMs: 0, maxWindowMs: 1 } };
  const { newRoom, pollUrl, socket, polling, close } = start({ config }, { unfetchedChars: 20_000 });
  const { id: room } = await newRoom();
  const ada = await TestClient.join({ room, open: socket(room) });
  const { fetch } = await joinedWithoutFetching(room, pollUrl(room));
  await ada.until(() => ada.count === 2);
  while (ada.count === 2) await ada.say("x".repeat(1_500));
  const rest = await fetch(1);
  assertEquals(closeReasonOf(rest.head.closed), "too_slow");
  const bytes = rest.frames.join("").length;
  assert(bytes > 10_000 && bytes < 20_000, `${bytes} characters were kept`);
  assertEquals(polling.size, 1);
  await ada.close();
  await close();
});

Deno.test("[POLL-9] a polling client that is behind gets what it missed when it fetches again", async () => {
  const config = { fanOut: { windowMs: 1, windowPerSocketMs: 0, maxWindowMs: 1 } };
  const { newRoom, pollUrl, socket, close } = start({ config }, { unfetchedChars: 20_000 });
  const { id: room } = await newRoom();
  const ada = await TestClient.join({ room, open: socket(room) });
  const { fetch } = await joinedWithoutFetching(room, pollUrl(room));
  await ada.until(() => ada.count === 2);
  let last = 0;
  for (let count = 0; count < 20; count++) ({ position: last } = await ada.say("x".repeat(1_500)));
  let received = 1, next: number | undefined;
  while (next === undefined || next <= last) {
    const { head, frames } = await fetch(received);
    assert(frames.join("").length < 20_000);
    received = head.from + head.count - 1;
    for (const frame of frames.map((text) => JSON.parse(text))) {
      assert(frame.type !== "goodbye", JSON.stringify(frame));
      if (frame.type === "welcome") next = frame.from;
      if (frame.type !== "events") continue;
      assertEquals(frame.from, next);
      next = frame.from + frame.events.length;
    }
  }
  await ada.close();
  await close();
});

Deno.test("[POLL-9] when too much waits for all clients together, the ones that fetched longest ago are forgotten", async () => {
  const settings = { unfetchedChars: 20_000, allUnfetchedChars: 20_000 };
  const { newRoom, poll, pollUrl, socket, polling, close } = start({}, settings);
  const { id: room } = await newRoom();
  const ada = await TestClient.join({ room, open: socket(room) });
  const bob = await TestClient.join({ room, open: poll(room) });
  for (let count = 0; count < 8; count++) await joinedWithoutFetching(room, pollUrl(room));
  await ada.until(() => ada.count === 10);
  while (ada.count > 3) await ada.say("x".repeat(1_500));
  assertEquals(polling.size, ada.count - 1);
  assertEquals(bob.closeCode, undefined);
  await Promise.all([ada.close(), bob.close()]);
  await close();
});

Deno.test("[POLL-9] of all ended connections only the newest are kept, up to a size", async () => {
  const { poll, pollUrl, polling, close } = start({}, { keepEndedBytes: 2_000 });
  const room = "AAAAAAAAAAAAAAAAAAAAAA";
  for (let count = 0; count < 10; count++) {
    const client = await TestClient.create({ room, open: poll(room) });
    void client.connect();
    await client.closed();
  }
  assert(polling.size >= 1 && polling.size <= 3, `${polling.size} are kept`);
  assertNotEquals((await post(pollUrl(room), { type: "open" })).head.connection, undefined);
  await close();
});

Deno.test("a client that gives up a held request frees its place at once", async () => {
  const { newRoom, pollUrl, close } = start();
  const { id: room } = await newRoom();
  const url = pollUrl(room);
  const { head: { connection } } = await post(url, { type: "open" });
  const gone = new AbortController();
  const held = post(url, { type: "fetch", connection, received: 1 }, gone.signal).catch((error: Error) => error.name);
  // Held: what is asked afterwards is answered meanwhile.
  await post(url, { type: "send", connection, first: 1, frames: ['{"type":"ping"}'] });
  gone.abort();
  assertEquals(await held, "AbortError");
  const { frames } = await post(url, { type: "fetch", connection, received: 1 });
  assertEquals(frames.length, 1, "the answer to the ping that came too early");
  await close();
});

Deno.test("an invalid polling request is refused by name, with its status, and affects nobody else", async () => {
  const { newRoom, pollUrl, polling, close } = start();
  const { id: room } = await newRoom();
  const { id: other } = await newRoom();
  const url = pollUrl(room);
  const { head: { connection } } = await post(url, { type: "open" });
  const unknown = "BBBBBBBBBBBBBBBBBBBBBA";
  const cases: [name: string, Awaited<ReturnType<typeof post>>, number, string][] = [
    ["no request", await post(url, "hello"), 400, "bad_poll"],
    ["nothing", await post(url, ""), 400, "bad_poll"],
    ["too large", await post(url, "x".repeat(POLL_REQUEST_MAX_BYTES + 1)), 413, "too_large"],
    ["never sent", await post(url, { type: "fetch", connection, received: 9 }), 400, "bad_poll"],
    ["nobody", await post(url, { type: "fetch", connection: unknown, received: 0 }), 410, "unknown_connection"],
    ["another room", await post(pollUrl(other), { type: "fetch", connection, received: 1 }), 410, "unknown_connection"],
  ];
  for (const [name, { status, head }, expected, problem] of cases) {
    assertEquals([name, status, head], [name, expected, { type: "problem", problem }]);
  }
  assertEquals(cases[4]![1].headers.get("connection"), "close");
  assertEquals(polling.size, 1);
  await post(url, { type: "close", connection });
  assertEquals(polling.size, 0);
  await close();
});

Deno.test("the largest frame a client may send goes through, and a text larger than that is its session's problem", async () => {
  const { newRoom, poll, close } = start();
  const { id: room } = await newRoom();
  const client = await TestClient.join({ room, open: poll(room) });
  client.sendRaw(`{"type":"ping","fill":"${"x".repeat(131_072 - 24 - 2)}"}`);
  await client.waitFor("pong");
  client.sendRaw(`"${"x".repeat(131_500)}"`);
  assertEquals((await client.waitFor("problem")).problem, "too_large");
  await client.close();
  await close();
});
