// Runs in browser and server.
/**
 * The signal: what two peers say to each other, over the room's connection, to set up a link between them. Written once as a
 * JSON text, signed as exactly those bytes by its sender's room key, and carried unchanged; the server does not read it.
 *
 * A link session is one life of one end of a link. Each side draws its own id (16 random bytes); a signal names the
 * sender's, and the receiver's as soon as the sender knows it. So an answer fits one offer of one life only, and what is
 * heard again later, or by somebody else, is worth nothing.
 */
import { isBase64UrlOf } from "./base64url.ts";
import { type AuthorKey, isCount, isRecord, type RoomId } from "./event.ts";
import {
  SIGNAL_CANDIDATE_MAX_CHARS,
  SIGNAL_CANDIDATES_MAX,
  SIGNAL_PAYLOAD_MAX_CHARS,
  SIGNAL_REPLAY_WINDOW,
} from "./limits.ts";
import { isWellFormed } from "./well_formed.ts";

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

/** Reads the payload of a signal: every field checked, nothing trusted but the signature, which `crypto` checks. */
export function readSignal(payload: string): { ok: true; signal: Signal } | { ok: false; field: string } {
  if (payload.length > SIGNAL_PAYLOAD_MAX_CHARS) return wrong("payload");
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return wrong("payload");
  }
  if (!isRecord(value)) return wrong("payload");
  const { signal, room, from, to, session, peerSession, seq } = value;
  if (signal !== 1) return wrong("signal");
  if (!isBase64UrlOf(room, 16)) return wrong("room");
  if (!isBase64UrlOf(from, 32)) return wrong("from");
  if (!isBase64UrlOf(to, 32)) return wrong("to");
  if (!isBase64UrlOf(session, 16)) return wrong("session");
  if (peerSession !== undefined && !isBase64UrlOf(peerSession, 16)) return wrong("peerSession");
  if (!isCount(seq)) return wrong("seq");
  const content = readContent(value);
  if (!content.ok) return content;
  const header = { room, from, to, session, ...(peerSession === undefined ? {} : { peerSession }), seq };
  return { ok: true, signal: { ...header, ...content.content } };
}

function readContent(
  fields: Record<string, unknown>,
): { ok: true; content: SignalContent } | { ok: false; field: string } {
  const { kind, sdp, links, offer, candidates, reason } = fields;
  switch (kind) {
    case "offer":
      if (!isText(sdp)) return wrong("sdp");
      return links === 0 || isCount(links) ? { ok: true, content: { kind, sdp, links } } : wrong("links");
    case "answer":
      if (!isText(sdp)) return wrong("sdp");
      return isCount(offer) ? { ok: true, content: { kind, sdp, offer } } : wrong("offer");
    case "candidates": {
      if (!Array.isArray(candidates) || candidates.length > SIGNAL_CANDIDATES_MAX) return wrong("candidates");
      const read: IceCandidate[] = [];
      for (const [index, value] of candidates.entries()) {
        const candidate = readCandidate(value);
        if (candidate === undefined) return wrong(`candidates[${index}]`);
        read.push(candidate);
      }
      return { ok: true, content: { kind, candidates: read } };
    }
    case "goodbye": {
      const known = GOODBYE_REASONS.find((word) => word === reason);
      return known === undefined ? wrong("reason") : { ok: true, content: { kind, reason: known } };
    }
    default:
      return wrong("kind");
  }
}

function readCandidate(value: unknown): IceCandidate | undefined {
  if (!isRecord(value)) return undefined;
  const { candidate, mid, line, ufrag } = value;
  if (!isText(candidate) || candidate.length > SIGNAL_CANDIDATE_MAX_CHARS) return undefined;
  if (mid !== null && !isShortText(mid)) return undefined;
  if (line !== null && line !== 0 && !isCount(line)) return undefined;
  if (ufrag !== null && !isShortText(ufrag)) return undefined;
  return { candidate, mid, line, ufrag };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && isWellFormed(value);
}

/** An ICE username fragment has at most 256 letters (RFC 8839 section 5.4). */
function isShortText(value: unknown): value is string {
  return isText(value) && value.length <= 256;
}

function wrong(field: string): { ok: false; field: string } {
  return { ok: false, field };
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
