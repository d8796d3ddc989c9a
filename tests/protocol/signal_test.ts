/** The signal: what comes in is what was written, every wrong field is named, and nothing counts twice. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { openSignal, signSignal } from "../../lib/crypto/signal_signing.ts";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { readEvent } from "../../lib/kinds/kinds.ts";
import { readHelloProof } from "../../lib/protocol/client_frames.ts";
import {
  SIGNAL_CANDIDATE_MAX_CHARS,
  SIGNAL_CANDIDATES_MAX,
  SIGNAL_PAYLOAD_MAX_CHARS,
  SIGNAL_REPLAY_WINDOW,
} from "../../lib/protocol/limits.ts";
import {
  encodeSignal,
  GOODBYE_REASONS,
  type IceCandidate,
  readSignal,
  ReplayWindow,
  type SignalContent,
  type SignalHeader,
} from "../../lib/protocol/peer/signal.ts";
import { base64url, count, wire } from "./arbitraries.ts";

const text = (maxLength: number) => fc.string({ minLength: 1, maxLength }).filter((text) => text.isWellFormed());
const candidate: fc.Arbitrary<IceCandidate> = fc.record({
  candidate: text(80),
  mid: fc.option(text(8)),
  line: fc.option(fc.nat({ max: 9 })),
  ufrag: fc.option(text(8)),
});
const content: fc.Arbitrary<SignalContent> = fc.oneof(
  fc.record({ kind: fc.constant("offer" as const), links: fc.nat(64), sdp: text(200) }),
  fc.record({ kind: fc.constant("answer" as const), sdp: text(200), offer: count }),
  fc.record({ kind: fc.constant("candidates" as const), candidates: fc.array(candidate, { maxLength: 8 }) }),
  fc.record({ kind: fc.constant("goodbye" as const), reason: fc.constantFrom(...GOODBYE_REASONS) }),
);
const header: fc.Arbitrary<SignalHeader> = fc.record({
  room: base64url(16),
  from: base64url(32),
  to: base64url(32),
  session: base64url(16),
  peerSession: base64url(16),
  seq: count,
}, { requiredKeys: ["room", "from", "to", "session", "seq"] });

Deno.test("[SIG-5] a signal is read as it was written", () => {
  fc.assert(fc.property(header, content, (header, content) => {
    assertEquals(readSignal(encodeSignal(header, content)), { ok: true, signal: { ...header, ...content } });
  }));
});

Deno.test("[SIG-5] a signal with a wrong or missing field is refused, and the field is named", () => {
  fc.assert(fc.property(header, content, (header, content) => {
    const written = JSON.parse(encodeSignal(header, content));
    for (const field of Object.keys(written)) {
      const wrong = field === "peerSession" ? [null, "", 7] : [undefined, null, "", -1, {}];
      for (const value of wrong) {
        assertEquals(readSignal(JSON.stringify({ ...written, [field]: value })), { ok: false, field });
      }
    }
  }));
  fc.assert(fc.property(fc.anything(), (value) => assert(!readSignal(JSON.stringify(value) ?? "").ok)));
  fc.assert(fc.property(fc.string(), (text) => assert(!readSignal(text).ok)));
});

Deno.test("[SIG-5] sizes are bounded: of a payload, of a candidate, and of how many there are", () => {
  const header = { room: "A".repeat(22), from: "A".repeat(43), to: "A".repeat(43), session: "A".repeat(22), seq: 1 };
  const candidate = { candidate: "x", mid: "0", line: 0, ufrag: "u" };
  const read = (candidates: IceCandidate[]) => readSignal(encodeSignal(header, { kind: "candidates", candidates }));
  assert(read(Array(SIGNAL_CANDIDATES_MAX).fill(candidate)).ok);
  assertEquals(read(Array(SIGNAL_CANDIDATES_MAX + 1).fill(candidate)), { ok: false, field: "candidates" });
  const long = { ...candidate, candidate: "x".repeat(SIGNAL_CANDIDATE_MAX_CHARS + 1) };
  assertEquals(read([candidate, long]), { ok: false, field: "candidates[1]" });
  const sdp = "x".repeat(SIGNAL_PAYLOAD_MAX_CHARS);
  assertThrows(() => encodeSignal(header, { kind: "offer", sdp, links: 0 }), RangeError);
  assertEquals(readSignal(JSON.stringify({ signal: 1, ...header, kind: "offer", sdp, links: 0 })), {
    ok: false,
    field: "payload",
  });
});

Deno.test("[SIG-5] a signal can be taken for nothing else that is signed, and nothing else for a signal", () => {
  fc.assert(fc.property(header, content, wire, (header, content, wire) => {
    const payload = encodeSignal(header, content);
    assert(!readEvent([payload, wire[1]]).ok);
    assertEquals(readHelloProof(payload), undefined);
    assert(!readSignal(wire[0]).ok);
  }));
});

Deno.test("[SIG-6] only signals signed by their sender, for this room and receiver, are accepted", async () => {
  const crypto = await ed25519();
  const [ada, eve] = [await crypto.signer(new Uint8Array(32).fill(1)), await crypto.signer(new Uint8Array(32).fill(2))];
  const bob = await crypto.signer(new Uint8Array(32).fill(3));
  const [room, other] = ["A".repeat(22), "B".repeat(21) + "A"];
  const header = { room, to: bob.author, session: room, seq: 1 };
  const frame = await signSignal(ada, header, { kind: "goodbye", reason: "leaving" });
  const place = { room, me: bob.author };
  const open = (changes: object, at = place) => openSignal(crypto, { ...frame, from: ada.author, ...changes }, at);

  const opened = await open({});
  assertEquals(opened.ok && opened.signal.from, ada.author);
  assertEquals(await open({}, { room: other, me: bob.author }), {
    ok: false,
    problem: { problem: "misdirected", field: "room" },
  });
  assertEquals(await open({}, { room, me: eve.author }), {
    ok: false,
    problem: { problem: "misdirected", field: "to" },
  });
  // Eve passes on what Ada said, as her own: the payload says whose it is.
  assertEquals(await open({ from: eve.author }), { ok: false, problem: { problem: "misdirected", field: "from" } });
  assertEquals(await open({ payload: frame.payload.replace("leaving", "full") }), {
    ok: false,
    problem: { problem: "bad_signature" },
  });
  const forged = await eve.sign(frame.payload);
  assertEquals(await open({ signature: forged }), { ok: false, problem: { problem: "bad_signature" } });
});

Deno.test("[SIG-7] a number counts once, in any order, and not when it comes too late", () => {
  const window = new ReplayWindow();
  for (const seq of [2, 1, 5, 3]) assert(window.take(seq), `${seq} was new`);
  for (const seq of [1, 2, 3, 5]) assert(!window.take(seq), `${seq} was taken`);
  assert(window.take(4));
  assert(window.take(5 + SIGNAL_REPLAY_WINDOW));
  assert(!window.take(5));
  assert(window.take(6));
});
