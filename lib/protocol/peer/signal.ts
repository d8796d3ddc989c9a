// Runs in browser and server.
/**
 * The signals with which two peers set up a link, over the room's connection. A signal is written once as a JSON text,
 * signed as exactly those bytes with its sender's room key, and carried unchanged; the server does not read it.
 *
 * A link session is one lifetime of one end of a link. Each side draws its own id (16 random bytes); a signal names the
 * sender's, and the receiver's as soon as the sender knows it. So an answer fits one offer of one session only, and
 * replayed signals are worthless.
 */
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
  type Read,
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

/** Why a peer ends or refuses a link. */
export const GOODBYE_REASONS = [
  /** The page ends, or the person leaves the room. */
  "leaving",
  /** The sender has as many links as it wants; `connect` again after the cooldown. */
  "full",
  /** Another tab of this device has the link already. */
  "taken",
  /** A later link replaces this one. */
  "replaced",
  /** The sender does not know the named session: it was before a reload. */
  "gone",
  /** The sender gave up: no path, or silence. */
  "failed",
  /** The sender received invalid frames over the link. */
  "bad_frames",
] as const;
export type GoodbyeReason = (typeof GOODBYE_REASONS)[number];

const filledText = (max?: number) => where(text(max), (text) => text !== "");
/** An ICE username fragment has at most 256 characters (RFC 8839 section 5.4). */
const short = nullable(filledText(256));
const candidateFields = object({
  candidate: filledText(SIGNAL_CANDIDATE_MAX_CHARS),
  mid: short,
  line: nullable(amount),
  /** The ICE generation: candidates from before a restart are invalid. */
  ufrag: short,
});

/** One ICE candidate (RFC 8445), in the browsers' format. */
export type IceCandidate = Read<typeof candidateFields>;

/** An error in any part of a candidate names the candidate. */
const candidate: Reader<IceCandidate> = (value, field) => {
  const read = readOr(candidateFields, value);
  if (read === undefined) throw new BadField(field);
  return read;
};

const CONTENT = tagged("kind", {
  /**
   * An SDP offer: the first one, or an ICE restart. `links`: the sender's number of links; a full phone accepts callers
   * with few.
   */
  offer: object({ sdp: filledText(), links: amount }),
  /** The answer to the offer with the number `offer`. */
  answer: object({ sdp: filledText(), offer: count }),
  /** ICE candidates, as the browser finds them. */
  candidates: object({ candidates: list(candidate, 0, SIGNAL_CANDIDATES_MAX) }),
  goodbye: object({ reason: oneOf(...GOODBYE_REASONS) }),
});
export type SignalContent = Read<typeof CONTENT>;

const HEADER = object({
  signal: oneOf(1),
  room: id,
  from: key,
  to: key,
  /** The sender's link session. */
  session: id,
  /** The receiver's, once the sender knows it. */
  peerSession: optional(id),
  /** 1, 2, 3, … within the sender's session. */
  seq: count,
});
export type SignalHeader = Omit<Read<typeof HEADER>, "signal">;

export type Signal = Readonly<SignalHeader & SignalContent>;

/** The payload text of a new signal. Throws RangeError when it is longer than SIGNAL_PAYLOAD_MAX_CHARS. */
export function encodeSignal(header: SignalHeader, content: SignalContent): string {
  const { room, from, to, session, peerSession, seq } = header;
  // `signal` comes first and events lack it, so neither text can be mistaken for the other.
  const payload = JSON.stringify({ signal: 1, room, from, to, session, peerSession, seq, ...content });
  if (payload.length > SIGNAL_PAYLOAD_MAX_CHARS) {
    throw new RangeError(`a signal has at most ${SIGNAL_PAYLOAD_MAX_CHARS} characters, this one ${payload.length}`);
  }
  return payload;
}

/** Reads the payload of a signal and checks every field. The signature is still unverified. */
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

/** Accepts each signal of a link session once, and late ones only within SIGNAL_REPLAY_WINDOW. */
export class ReplayWindow {
  #highest = 0;
  readonly #taken = new Set<number>();

  /** Returns whether this number is new, and records it. */
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
