/** The polling transport under virtual time, with a fetch whose answers a test writes. */
import { assert, assertEquals } from "@std/assert";
import { POLL_HOLD_MS } from "../../lib/protocol/limits.ts";
import { type PollRequest, readPollRequest } from "../../lib/protocol/poll_frames.ts";
import {
  POLL_PATIENCE_MS,
  POLL_RETRY_MS,
  POLL_SEND_BYTES,
  POLL_UNKNOWN_TRIES,
  pollingTransport,
  type PollInit,
  pollUrl,
} from "../../lib/transport/polling_transport.ts";
import { TRANSPORT_MAX_BUFFERED_BYTES } from "../../lib/transport/transport.ts";
import { drained, VirtualTime } from "../support/virtual_time.ts";

const ID = "AAAAAAAAAAAAAAAAAAAAAA";

/** A request under way, which a test answers. */
interface Asked {
  request: PollRequest;
  init: PollInit;
  /** The whole answer. */
  answer(head: unknown, ...frames: string[]): Promise<void>;
  /** The answer piece by piece; `end` or `cut` ends it. */
  begin(): { write(text: string): Promise<void>; end(): Promise<void>; cut(): Promise<void> };
  fail(): Promise<void>;
}

function openTransport() {
  const time = new VirtualTime();
  const asked: Asked[] = [];
  const told: unknown[] = [];
  const transport = pollingTransport("/poll", {
    timers: time.timers,
    fetch(_, init) {
      const { promise, resolve, reject } = Promise.withResolvers<Pick<Response, "body">>();
      init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      asked.push({
        request: readPollRequest(init.body)!,
        init,
        answer(head, ...frames) {
          resolve(new Response([JSON.stringify(head), ...frames].map((line) => `${line}\n`).join("")));
          return drained();
        },
        begin() {
          const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
          const writer = writable.getWriter();
          writer.closed.catch(() => {}); // The transport may give it up.
          resolve(new Response(readable));
          return {
            write(text) {
              writer.write(new TextEncoder().encode(text)).catch(() => {});
              return drained();
            },
            end() {
              writer.close().catch(() => {});
              return drained();
            },
            cut() {
              writer.abort(new Error("cut")).catch(() => {});
              return drained();
            },
          };
        },
        fail() {
          reject(new TypeError("network"));
          return drained();
        },
      });
      return promise;
    },
  }, {
    opened: () => told.push("opened"),
    received: (data) => told.push(data),
    closed: (code) => told.push(code),
  });
  return { time, asked, told, transport };
}

/** A transport that is open, with the challenge received and the first request for frames under way. */
async function opened() {
  const parts = openTransport();
  assertEquals(parts.asked.length, 0, "no event and no request comes before the transport is in its owner's hands");
  await drained();
  await parts.asked[0]!.answer({ type: "frames", connection: ID, from: 1, count: 1 }, "challenge");
  parts.told.length = 0;
  return { ...parts, fetching: () => parts.asked.findLast(({ request }) => request.type === "fetch")! };
}

const frames = (from: number, count: number, more = {}) => ({ type: "frames", from, count, ...more });

Deno.test("each room has a polling address on the page's server", () => {
  assertEquals(pollUrl("https://chat.example/r/cosmic-stage-417#KEY", "ID"), "https://chat.example/api/rooms/ID/poll");
});

Deno.test("[POLL-1] a polling transport opens with the challenge and fetches the next frame at once", async () => {
  const { asked, told, transport } = openTransport();
  assertEquals(transport.send("too early"), false);
  await drained();
  assertEquals(asked.map(({ request }) => request), [{ type: "open" }]);
  await asked[0]!.answer({ type: "frames", connection: ID, from: 1, count: 1 }, "challenge");
  assertEquals(told, ["opened", "challenge"]);
  assertEquals(asked[1]?.request, { type: "fetch", connection: ID, received: 1 });
  transport.close();
});

Deno.test("[POLL-1] a failed opening ends the transport, without a retry", async () => {
  const { asked, told } = openTransport();
  await drained();
  await asked[0]!.fail();
  assertEquals([told, asked.length], [[1006], 1]);
});

Deno.test("an unanswered opening ends the transport in time", async () => {
  const { time, told } = openTransport();
  await time.run(POLL_PATIENCE_MS - 1);
  assertEquals(told, []);
  await time.run(1);
  assertEquals(told, [1006]);
  assertEquals(time.pending, 0);
});

Deno.test("a captive portal's page is not an answer", async () => {
  const { asked, told } = openTransport();
  await drained();
  const page = asked[0]!.begin();
  await page.write("<html>\n<p>Log in</p>\n");
  assertEquals(told, [1006]);
});

Deno.test("[POLL-3] frames arrive once and in order when answers overlap", async () => {
  const { asked, told, fetching, transport } = await opened();
  await fetching().answer(frames(2, 2), "a", "b");
  assertEquals(fetching().request, { type: "fetch", connection: ID, received: 3 });
  await fetching().answer(frames(2, 3), "a", "b", "c");
  await fetching().answer(frames(5, 0));
  await fetching().answer(frames(4, 1), "c");
  await fetching().answer(frames(5, 1), "d");
  assertEquals(told, ["a", "b", "c", "d"]);
  assertEquals(asked.length, 7);
  transport.close();
});

Deno.test("[POLL-3] a lost answer is requested again from the same number", async () => {
  const { time, told, fetching, transport } = await opened();
  await fetching().answer(frames(2, 1), "a");
  await fetching().fail();
  await time.run(POLL_RETRY_MS[0]!);
  assertEquals(fetching().request, { type: "fetch", connection: ID, received: 2 });
  await fetching().answer(frames(3, 1), "b");
  assertEquals(told, ["a", "b"]);
  transport.close();
});

Deno.test("[POLL-3] every whole frame of a truncated answer counts", async () => {
  const { time, told, fetching, transport } = await opened();
  const answer = fetching().begin();
  await answer.write(`${JSON.stringify(frames(2, 3))}\n"ä`);
  assertEquals(told, []);
  await answer.write('"\n"b"\n"c');
  assertEquals(told, ['"ä"', '"b"']);
  await answer.cut();
  await time.run(POLL_RETRY_MS[0]!);
  assertEquals(fetching().request, { type: "fetch", connection: ID, received: 3 });
  await fetching().answer(frames(4, 1), '"c"');
  assertEquals(told, ['"ä"', '"b"', '"c"']);
  transport.close();
});

Deno.test("an answer may take any time while data arrives, and is given up when none does", async () => {
  const { time, told, fetching } = await opened();
  await time.run(POLL_HOLD_MS);
  const answer = fetching().begin();
  await answer.write(`${JSON.stringify(frames(2, 10))}\n`);
  for (let count = 0; count < 10; count++) {
    await time.run(POLL_PATIENCE_MS - 1);
    await answer.write(`"${count}"\n`);
  }
  await answer.end();
  assertEquals(told.length, 10);
  const stuck = fetching().begin();
  await stuck.write(`${JSON.stringify(frames(12, 2))}\n"x"\n`);
  await time.run(POLL_PATIENCE_MS + POLL_RETRY_MS[0]!);
  assertEquals(fetching().request, { type: "fetch", connection: ID, received: 12 });
});

Deno.test("[POLL-3] a gap in the frame numbers ends the transport", async () => {
  const { told, fetching } = await opened();
  await fetching().answer(frames(3, 1), "b");
  assertEquals(told, [1006]);
});

Deno.test("a server that stops answering is given up after the last retry", async () => {
  const { time, told, asked, fetching } = await opened();
  for (const pauseMs of POLL_RETRY_MS) {
    await fetching().fail();
    await time.run(pauseMs - 1);
    const before = asked.length;
    await time.run(1);
    assertEquals(asked.length, before + 1);
    assertEquals(told, []);
  }
  await fetching().fail();
  assertEquals(told, [1006]);
  assertEquals(time.pending, 0);
});

Deno.test("[POLL-8] a server that does not know the connection ends the transport after a few tries", async () => {
  const { told, asked, fetching } = await opened();
  for (let tries = 0; tries < POLL_UNKNOWN_TRIES; tries++) {
    assertEquals(told, []);
    await fetching().answer({ type: "problem", problem: "unknown_connection" });
  }
  assertEquals(told, [1006]);
  assertEquals(asked.length, 1 + POLL_UNKNOWN_TRIES);
});

Deno.test("[POLL-8] one of several processes that does not know the connection does no harm", async () => {
  const { told, fetching, transport } = await opened();
  for (let tries = 1; tries < POLL_UNKNOWN_TRIES; tries++) {
    await fetching().answer({ type: "problem", problem: "unknown_connection" });
  }
  await fetching().answer(frames(2, 1), "a");
  assertEquals(told, ["a"]);
  transport.close();
});

Deno.test("[POLL-7] the end of the connection is reported after its last frame, with its code", async () => {
  const { time, told, asked, fetching, transport } = await opened();
  await fetching().answer(frames(2, 1, { closed: 4000 }), "goodbye");
  assertEquals(told, ["goodbye", 4000]);
  const before = asked.length;
  assertEquals(transport.send("too late"), false);
  transport.close();
  await time.run(60_000);
  assertEquals([asked.length, time.pending], [before, 0]);
});

Deno.test("[POLL-7] an end in a truncated answer waits for the frames before it", async () => {
  const { time, told, fetching } = await opened();
  const answer = fetching().begin();
  await answer.write(`${JSON.stringify(frames(2, 2, { closed: 4000 }))}\n"ack"\n`);
  await answer.end();
  assertEquals(told, ['"ack"']);
  await time.run(POLL_RETRY_MS[0]!);
  await fetching().answer(frames(3, 1, { closed: 4000 }), '"goodbye"');
  assertEquals(told, ['"ack"', '"goodbye"', 4000]);
});

Deno.test("[POLL-5] frames of one moment share a request, later ones go in the next", async () => {
  const { asked, transport } = await opened();
  assert(transport.send("a") && transport.send("b"));
  await drained();
  const first = asked.at(-1)!;
  assertEquals(first.request, { type: "send", connection: ID, first: 1, frames: ["a", "b"] });
  assert(transport.send("c"));
  await drained();
  assertEquals(asked.at(-1), first, "one request at a time");
  await first.answer({ type: "taken", taken: 2 });
  assertEquals(asked.at(-1)!.request, { type: "send", connection: ID, first: 3, frames: ["c"] });
  await asked.at(-1)!.answer({ type: "taken", taken: 3 });
  assert(transport.send("d"));
  await drained();
  assertEquals(asked.at(-1)!.request, { type: "send", connection: ID, first: 4, frames: ["d"] });
  transport.close();
});

Deno.test("[POLL-5] frames whose answer was lost are sent again with their numbers", async () => {
  const { time, asked, transport } = await opened();
  transport.send("a");
  await drained();
  await asked.at(-1)!.fail();
  transport.send("b");
  await time.run(POLL_RETRY_MS[0]!);
  assertEquals(asked.at(-1)!.request, { type: "send", connection: ID, first: 1, frames: ["a", "b"] });
  await asked.at(-1)!.answer({ type: "taken", taken: 2 });
  transport.close();
});

Deno.test("a server that took unsent frames, or none, ends the transport", async () => {
  for (const taken of [0, 2]) {
    const { told, asked, transport } = await opened();
    transport.send("a");
    await drained();
    await asked.at(-1)!.answer({ type: "taken", taken });
    assertEquals(told, [1006]);
  }
});

Deno.test("a polling transport rejects frames beyond its limit, sends the others in parts, and then accepts more", async () => {
  const { asked, transport } = await opened();
  const frame = "ä".repeat(10_000);
  let taken = 0;
  while (transport.send(frame)) taken++;
  assertEquals(taken, Math.floor(TRANSPORT_MAX_BUFFERED_BYTES / 20_000));
  await drained();
  const { request } = asked.at(-1)!;
  assert(request.type === "send" && request.frames.length === Math.floor(POLL_SEND_BYTES / 20_001));
  await asked.at(-1)!.answer({ type: "taken", taken: request.frames.length });
  assert(transport.send(frame));
  transport.close();
});

Deno.test("[POLL-6] a closed transport emits no events, aborts its requests, and says goodbye", async () => {
  const { time, asked, told, fetching, transport } = await opened();
  transport.send("a");
  await drained();
  const held = fetching();
  transport.close();
  transport.close();
  await held.answer(frames(2, 1), "on its way");
  await time.run(60_000);
  assertEquals(told, []);
  const goodbye = asked.at(-1)!;
  assertEquals([goodbye.request, goodbye.init.keepalive], [{ type: "close", connection: ID }, true]);
  assertEquals(asked.filter(({ init }) => init.signal?.aborted === false).length, 0);
  assertEquals(time.pending, 0);
});

Deno.test("a transport closed during an answer delivers none of the rest", async () => {
  const time = new VirtualTime();
  const told: unknown[] = [];
  const transport = pollingTransport("/poll", {
    timers: time.timers,
    fetch: () => Promise.resolve(new Response(`${JSON.stringify(frames(1, 3, { connection: ID }))}\na\nb\nc\n`)),
  }, {
    opened: () => {},
    received(data) {
      told.push(data);
      transport.close();
    },
    closed: (code) => told.push(code),
  });
  await time.run(1_000);
  assertEquals(told, ["a"]);
});
