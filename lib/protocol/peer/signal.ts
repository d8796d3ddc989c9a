// Runs in browser and server.
/**
 * The signal: what two peers say to each other, over the room's connection, to set up a link between them. Written once as a
 * JSON text, signed as exactly those bytes by its sender's room key, and carried unchanged; the server does not read it.
 *
 * A link session is one life of one end of a link. Each side draws its own id (16 random bytes); a signal names the
 * sender's, and the receiver's as soon as the sender knows it. So an answer fits one offer of one life only, and what is
 * heard again later, or by somebody else, is worth nothing.
 */
import type { AuthorKey, RoomId } from "../event.ts";
import { isRecord } from "../../shared/checks.ts";
import {
  amount,
  BadField,
  check,
  count,
  id,
  key,
  list,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  type Reader,
  readOr,
  tagged,
  text,
  where,
} from "../fields.ts";
import {
  SIGNAL_CANDIDATE_MAX_CHARS,
  SIGNAL_CANDIDATES_MAX,
  SIGNAL_PAYLOAD_MAX_CHARS,
  SIGNAL_REPLAY_WINDOW,
} from "../limits.ts";

/** 16 random bytes, base64url. */
export type LinkSessionId = string;

/** Why a peer ends a link, or takes none. */
export const GOODBYE_REASONS = [
  /** The page ends, or the person leaves the room. */
  "leaving",
  /** The sender has as many links as it wants; `connect` again after the cooldown. */
  "full",
  /** Another tab of this device has the link already. */
  "taken",
  /** A link that began later takes this one's place. */
  "replaced",
  /** The sender knows nothing of the session that was named: it was before a reload. */
  "gone",
  /** The sender gave up: no path was found, or nothing was heard. */
  "failed",
  /** The sender could not read what came over the link. */
  "bad_frames",
] as const;
export type GoodbyeReason = (typeof GOODBYE_REASONS)[number];

/** One ICE candidate (RFC 8445), as browsers give and take it. */
export interface IceCandidate {
  candidate: string;
  mid: string | null;
  line: number | null;
  /** Of which ICE generation: candidates from before a restart fit no more. */
  ufrag: string | null;
}

export type SignalContent =
  /** An SDP offer; a first one, or one that begins ICE anew. */
  /** `links`: how many links the sender has; who has few is taken in where all places are taken. */
  | { kind: "offer"; sdp: string; links: number }
  /** The answer to the offer with the number `offer`. */
  | { kind: "answer"; sdp: string; offer: number }
  /** ICE candidates, as they are found. */
  | { kind: "candidates"; candidates: IceCandidate[] }
  | { kind: "goodbye"; reason: GoodbyeReason };

export interface SignalHeader {
  room: RoomId;
  from: AuthorKey;
  to: AuthorKey;
  /** The sender's link session. */
  session: LinkSessionId;
  /** The receiver's, once the sender knows it. */
  peerSession?: LinkSessionId;
  /** 1, 2, 3, … within the sender's session. */
  seq: number;
}

export type Signal = Readonly<SignalHeader & SignalContent>;

/** The payload text of a new signal. Throws RangeError when it is longer than SIGNAL_PAYLOAD_MAX_CHARS. */
export function encodeSignal(header: SignalHeader, content: SignalContent): string {
  const { room, from, to, session, peerSession, seq } = header;
  // `signal` comes first and events have none: neither text can ever be taken for the other.
  const payload = JSON.stringify({ signal: 1, room, from, to, session, peerSession, seq, ...content });
  if (payload.length > SIGNAL_PAYLOAD_MAX_CHARS) {
    throw new RangeError(`a signal has at most ${SIGNAL_PAYLOAD_MAX_CHARS} characters, this one ${payload.length}`);
  }
  return payload;
}

const sdp = where(text(), (sdp) => sdp !== "");
/** An ICE username fragment has at most 256 letters (RFC 8839 section 5.4). */
const short = nullable(where(text(256), (word) => word !== ""));

/** Whichever part of a candidate is wrong, the candidate is named. */
const candidate: Reader<IceCandidate> = (value, field) => {
  const read = readOr(CANDIDATE, value);
  if (read === undefined) throw new BadField(field);
  return read;
};
const CANDIDATE = object({
  candidate: where(text(SIGNAL_CANDIDATE_MAX_CHARS), (candidate) => candidate !== ""),
  mid: short,
  line: nullable(amount),
  ufrag: short,
});

const HEADER = object({
  signal: oneOf(1),
  room: id,
  from: key,
  to: key,
  session: id,
  peerSession: optional(id),
  seq: count,
});
const CONTENT = tagged("kind", {
  offer: object({ sdp, links: amount }),
  answer: object({ sdp, offer: count }),
  candidates: object({ candidates: list(candidate, 0, SIGNAL_CANDIDATES_MAX) }),
  goodbye: object({ reason: oneOf(...GOODBYE_REASONS) }),
});

/** Reads the payload of a signal: every field checked, nothing trusted but the signature, which `crypto` checks. */
export function readSignal(payload: string): { ok: true; signal: Signal } | { ok: false; field: string } {
  if (payload.length > SIGNAL_PAYLOAD_MAX_CHARS) return { ok: false, field: "payload" };
  const value = parseJson(payload);
  if (!isRecord(value)) return { ok: false, field: "payload" };
  const header = check(HEADER, value);
  if (!header.ok) return header;
  const content = check(CONTENT, value);
  if (!content.ok) return content;
  const { signal: _, ...fields } = header.value;
  return { ok: true, signal: { ...fields, ...content.value } };
}

/** Which signals of one link session were taken: each counts once, and late ones only within SIGNAL_REPLAY_WINDOW. */
export class ReplayWindow {
  #highest = 0;
  readonly #taken = new Set<number>();

  /** Whether this number is new; it is not any more afterwards. */
  take(seq: number): boolean {
    if (seq <= this.#highest - SIGNAL_REPLAY_WINDOW || this.#taken.has(seq)) return false;
    this.#taken.add(seq);
    if (seq > this.#highest) {
      this.#highest = seq;
      for (const old of this.#taken) if (old <= seq - SIGNAL_REPLAY_WINDOW) this.#taken.delete(old);
    }
    return true;
  }
}
