/** The lines of long polling: what is written is read again, and nothing else is. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import {
  POLL_PROBLEMS,
  type PollAnswerHead,
  type PollProblem,
  type PollRequest,
  readPollAnswerHead,
  readPollRequest,
  writePollRequest,
} from "../../lib/protocol/poll_frames.ts";

const connection = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toBase64Url);
const ID = "AAAAAAAAAAAAAAAAAAAAAA";

Deno.test("[POLL-1] a request is read as it was written, with any frames that JSON can be", () => {
  const request: fc.Arbitrary<PollRequest> = fc.oneof(
    fc.constant<PollRequest>({ type: "open" }),
    fc.record({ type: fc.constant("fetch" as const), connection, received: fc.maxSafeNat() }),
    fc.record({
      type: fc.constant("send" as const),
      connection,
      first: fc.maxSafeNat().map((count) => Math.max(1, count)),
      frames: fc.array(fc.json(), { minLength: 1 }),
    }),
    fc.record({ type: fc.constant("close" as const), connection }),
  );
  fc.assert(fc.property(request, (written) => {
    assertEquals(readPollRequest(writePollRequest(written)), written);
  }));
});

Deno.test("malformed requests are rejected", () => {
  for (
    const body of [
      "",
      "\n",
      "{}\n",
      "[]\n",
      '{"type":"open"}', // Cut off: no line feed.
      '{"type":"open"}\n{"type":"ping"}\n',
      `{"type":"fetch","connection":"${ID}"}\n`,
      `{"type":"fetch","connection":"${ID}","received":-1}\n`,
      `{"type":"fetch","connection":"${ID}","received":0.5}\n`,
      `{"type":"fetch","connection":"short","received":0}\n`,
      `{"type":"send","connection":"${ID}","first":1}\n`,
      `{"type":"send","connection":"${ID}","first":0}\n{}\n`,
      `{"type":"send","connection":"${ID}","first":1}\n{}`,
      `{"type":"leave","connection":"${ID}"}\n`,
    ]
  ) assertEquals([body, readPollRequest(body)], [body, undefined]);
});

Deno.test("the head of an answer is read as it was written, and a proxy's page is none", () => {
  const head: fc.Arbitrary<PollAnswerHead> = fc.oneof(
    fc.record({
      type: fc.constant("frames" as const),
      from: fc.integer({ min: 1 }),
      count: fc.nat(),
      connection,
      closed: fc.integer({ min: 1_000, max: 4_999 }),
    }, { requiredKeys: ["type", "from", "count"] }),
    fc.record({ type: fc.constant("taken" as const), taken: fc.nat() }),
    fc.record({
      type: fc.constant("problem" as const),
      problem: fc.constantFrom(...Object.keys(POLL_PROBLEMS) as PollProblem[]),
    }),
  );
  fc.assert(fc.property(head, (written) => assertEquals(readPollAnswerHead(JSON.stringify(written)), { ...written })));
  for (
    const line of [
      "<html>",
      "null",
      '{"type":"frames","from":0,"count":0}',
      '{"type":"frames","from":1}',
      '{"type":"frames","from":1,"count":0,"closed":"x"}',
      '{"type":"taken"}',
      '{"type":"problem","problem":"toString"}',
    ]
  ) assertEquals([line, readPollAnswerHead(line)], [line, undefined]);
});
