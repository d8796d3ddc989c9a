/** One polling connection under virtual time: numbering, holding, expiring, ending. */
import { assert, assertEquals } from "@std/assert";
import { POLL_ANSWER_MAX_BYTES, POLL_HOLD_MS } from "../../lib/protocol/limits.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { PollConnection } from "../../lib/server/connections/poll_connection.ts";
import { drained, VirtualTime } from "../support/virtual_time.ts";

interface Answer {
  from: number;
  count: number;
  closed?: number;
  frames: string[];
}

function open() {
  const time = new VirtualTime();
  const calls: string[] = [];
  const received: unknown[] = [];
  const connection = new PollConnection({
    settings: DEFAULT_CONFIG.polling,
    timers: time.timers,
    onEnded: () => calls.push("ended"),
    onForgotten: () => calls.push("forgotten"),
  });
  connection.serve({
    receive: (data) => received.push(data),
    closed: () => calls.push("session closed"),
    check: () => false,
  });
  return {
    time,
    calls,
    received,
    connection,
    /** A request for frames; its answer, once it is there. */
    fetch(after: number, signal = new AbortController().signal) {
      const request: { answer?: Answer } = {};
      const body = connection.fetch(after, signal);
      assert(body !== "bad_poll");
      void body.then((text) => request.answer = read(text));
      return request;
    },
  };
}

function read(body: string): Answer {
  const [head, ...frames] = body.split("\n").slice(0, -1);
  const { type, ...rest } = JSON.parse(head!);
  assertEquals(type, "frames");
  return { ...rest, frames };
}

Deno.test("[POLL-2] waiting frames are answered at once", async () => {
  const { connection, fetch } = open();
  connection.send("one");
  connection.send("two");
  const request = fetch(0);
  await drained();
  assertEquals(request.answer, { from: 1, count: 2, frames: ["one", "two"] });
});

Deno.test("[POLL-2] a held request is answered a few ms after the first frame, with those that followed", async () => {
  const { time, connection, fetch } = open();
  const request = fetch(0);
  await time.run(3_000);
  connection.send("one");
  connection.send("two");
  await time.run(DEFAULT_CONFIG.polling.lingerMs - 1);
  assertEquals(request.answer, undefined);
  connection.send("three");
  await time.run(1);
  assertEquals(request.answer, { from: 1, count: 3, frames: ["one", "two", "three"] });
});

Deno.test("[POLL-2] a held request is answered after 8 s, empty, and the connection lives as long as requests come", async () => {
  const { time, calls, fetch } = open();
  for (let requests = 0; requests < 20; requests++) {
    const request = fetch(0);
    await time.run(POLL_HOLD_MS - 1);
    assertEquals(request.answer, undefined);
    await time.run(1);
    assertEquals(request.answer, { from: 1, count: 0, frames: [] });
    await time.run(DEFAULT_CONFIG.polling.expireMs - 1);
  }
  assertEquals(calls, []);
  assertEquals(time.pending, 1);
});

Deno.test("[POLL-3] frames are repeated until they are confirmed, and never after that", async () => {
  const { connection, fetch } = open();
  connection.send("one");
  connection.send("two");
  const requests = [fetch(0), fetch(0), fetch(1), fetch(1)];
  await drained();
  assertEquals(requests.map(({ answer }) => answer!.frames), [["one", "two"], ["one", "two"], ["two"], ["two"]]);
  assertEquals(connection.bufferedBytes(), 3);
  fetch(2);
  assertEquals(connection.bufferedBytes(), 0);
});

Deno.test("[POLL-3] an overtaken request does not bring frames back", async () => {
  const { connection, fetch } = open();
  connection.send("one");
  connection.send("two");
  fetch(2);
  connection.send("three");
  const late = fetch(0);
  await drained();
  assertEquals(late.answer, { from: 3, count: 1, frames: ["three"] });
});

Deno.test("[POLL-3] confirming frames that were never sent is refused", () => {
  const { connection } = open();
  connection.send("one");
  assertEquals(connection.fetch(2, new AbortController().signal), "bad_poll");
});

Deno.test("[POLL-4] one request is held at a time: a newer one replaces an older one", async () => {
  const { time, connection, fetch } = open();
  const older = fetch(0), newer = fetch(0);
  await drained();
  assertEquals(older.answer, { from: 1, count: 0, frames: [] });
  connection.send("one");
  await time.run(DEFAULT_CONFIG.polling.lingerMs);
  assertEquals(newer.answer?.frames, ["one"]);
});

Deno.test("[POLL-4] a request whose client is gone frees its place, and its frames wait for the next one", async () => {
  const { time, connection, fetch } = open();
  const gone = new AbortController();
  const request = fetch(0, gone.signal);
  connection.send("one");
  gone.abort();
  await drained();
  assertEquals(request.answer, { from: 1, count: 0, frames: [] });
  assertEquals(time.pending, 1, "nothing but the expiry is left");
  const next = fetch(0);
  await drained();
  assertEquals(next.answer?.frames, ["one"]);
  const never = new AbortController();
  never.abort();
  fetch(1, never.signal);
  assertEquals(time.pending, 1);
});

Deno.test("[POLL-5] a client's frames are taken once and in order, however often the request is repeated", () => {
  const { connection, received } = open();
  assertEquals(connection.take(1, ["a", "b"]), 2);
  assertEquals(connection.take(1, ["a", "b"]), 2);
  assertEquals(connection.take(2, ["b", "c"]), 3);
  assertEquals(connection.take(5, ["e"]), 3, "frame 4 is missing");
  assertEquals(connection.take(4, ["d", "e"]), 5);
  assertEquals(received, ["a", "b", "c", "d", "e"]);
});

Deno.test("[POLL-6] a connection without requests expires, and its session ends", async () => {
  const { time, calls, connection, fetch } = open();
  fetch(0);
  await time.run(POLL_HOLD_MS);
  await time.run(DEFAULT_CONFIG.polling.expireMs - 1);
  assertEquals(calls, []);
  await time.run(1);
  assertEquals(calls, ["forgotten", "session closed"]);
  connection.send("into nothing");
  assertEquals([connection.bufferedBytes(), time.pending], [0, 0]);
});

Deno.test("[POLL-6] sending keeps a connection alive, as fetching does", async () => {
  const { time, calls, connection } = open();
  for (let count = 1; count <= 5; count++) {
    await time.run(DEFAULT_CONFIG.polling.expireMs - 1);
    connection.take(count, ["x"]);
  }
  assertEquals(calls, []);
});

Deno.test("[POLL-7] the end comes after the last frame, with its code, and again when its answer was lost", async () => {
  const { time, calls, connection, fetch } = open();
  const held = fetch(0);
  connection.send("goodbye");
  connection.close(4000, "going_away");
  connection.close(4001, "too late");
  connection.send("too late");
  await drained();
  const end = { from: 1, count: 1, closed: 4000, frames: ["goodbye"] };
  assertEquals(held.answer, end);
  const again = fetch(0);
  await drained();
  assertEquals(again.answer, end);
  await time.run(DEFAULT_CONFIG.polling.keepEndedMs);
  assertEquals(calls, ["ended", "forgotten"]);
  assertEquals(time.pending, 0);
});

Deno.test("[POLL-7] frames beyond one answer come in the next ones, and the end in the last", async () => {
  const { connection, fetch } = open();
  const large = "x".repeat(POLL_ANSWER_MAX_BYTES / 2);
  for (let count = 0; count < 5; count++) connection.send(large);
  connection.close(4001, "too_slow");
  const answers: Answer[] = [];
  let received = 0;
  while (answers.at(-1)?.closed === undefined) {
    const request = fetch(received);
    await drained();
    answers.push(request.answer!);
    received += request.answer!.count;
  }
  assertEquals(answers.map(({ from, count, closed }) => [from, count, closed]), [
    [1, 2, undefined],
    [3, 2, undefined],
    [5, 1, 4001],
  ]);
});

Deno.test("a frame larger than an answer should be is sent alone", async () => {
  const { connection, fetch } = open();
  connection.send("x".repeat(POLL_ANSWER_MAX_BYTES * 2));
  connection.send("y");
  const request = fetch(0);
  await drained();
  assertEquals(request.answer?.count, 1);
});
