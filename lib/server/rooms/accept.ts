/**
 * Decides whether an event may be stored. Pure. Its shape, size and signature are checked before (readEvent,
 * verifyEvent); an author's earlier event is looked up afterwards (judgeStored).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import type { Refusal } from "../../protocol/codes.ts";
import { belongsInto, type Event, repeatedWords } from "../../kinds/kinds.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { CLOCK_MAX_LEAD } from "../../protocol/limits.ts";
import type { AuthorRecord, StoredAt } from "../../store/rooms/log_records.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { eventCost } from "../limits/event_budgets.ts";
import { takeTokens } from "../../shared/rate_limiter.ts";

/** The settings that events are judged by. */
export type AcceptRules =
  & Pick<
    ServerConfig["limits"],
    "messages" | "repeatWithinMs" | "repeatMaxTokens" | "clockSteps" | "newClockSteps" | "newAuthorMs"
  >
  & {
    /** Older events are deleted, and their authors' records with them. */
    retentionMs: number;
  };

/** The facts for judging an event. */
export interface AcceptBasis {
  room: Pick<RoomInfo, "id" | "kind" | "createdAt">;
  /** Highest Lamport clock in the room. */
  clock: number;
  /** Theoretical arrival time of the room's clock steps, server's clock, ms. */
  clockTatMs: number;
  /** When the newest event was stored, server's clock, ms. */
  lastAt: number;
  /** Undefined: nothing is known of this author. */
  author: AuthorRecord | undefined;
  nowMs: number;
  rules: AcceptRules;
}

/** Why an event is not stored, as in a `refused` frame. */
export interface Refused {
  type: "refused";
  reason: Refusal;
  retryAfterMs?: number;
  expectedN?: number;
  field?: string;
}

export type AcceptDecision =
  /** Store it, and `author` as the author's new record. */
  | { type: "accepted"; author: AuthorRecord; clockTatMs: number }
  /** The author has used this `n` before: look up its event. */
  | { type: "number_used" }
  | Refused;

/** Judges one event. Rules: ACC-* in docs/PROTOCOL.md. */
export function accept(event: Event, basis: AcceptBasis): AcceptDecision {
  const { room, author, rules, nowMs } = basis;
  if (event.room !== room.id) return { type: "refused", reason: "wrong_room" };
  // The genesis event was stored when the room was created. It is known when sent again; another one conflicts by `n` 1.
  if (event.kind === "room") {
    const genesis = author !== undefined && event.n === 1;
    return genesis ? { type: "number_used" } : { type: "refused", reason: "wrong_kind" };
  }
  if (!belongsInto(room.kind === "sealed", event)) return { type: "refused", reason: "wrong_kind" };

  if (author !== undefined && event.n <= author.lastN) return { type: "number_used" };
  const expectedN = author === undefined ? 1 : author.lastN + 1;
  // A record is deleted with the last of its author's events; in a younger room none was deleted yet.
  const forgotten = author === undefined && nowMs - room.createdAt > rules.retentionMs;
  if (event.n > expectedN && !forgotten) return { type: "refused", reason: "missing_previous", expectedN };

  if (event.clock > basis.clock + CLOCK_MAX_LEAD) return { type: "refused", reason: "clock_ahead" };
  const steps = takeClockSteps(event.clock - basis.clock, basis);
  if (!steps.ok) return { type: "refused", reason: "rate_limited", retryAfterMs: steps.retryAfterMs };

  const repeated = repetition(event, author?.repeated, rules, nowMs);
  const repeatCost = repeated === undefined ? 1 : Math.min(2 ** (repeated.times - 1), rules.repeatMaxTokens);
  const cost = Math.max(repeatCost, eventCost(event.wire[0].length));
  // An arrival time further ahead came from an instance with a fast clock.
  const { burst, everyMs } = rules.messages;
  const tatMs = Math.min(author?.tatMs ?? 0, nowMs + Math.max(burst, rules.repeatMaxTokens) * everyMs);
  const taken = takeTokens(tatMs, rules.messages, cost, nowMs);
  if (!taken.ok) return { type: "refused", reason: "rate_limited", retryAfterMs: taken.retryAfterMs };
  const since = author === undefined ? { since: nowMs } : author.since === undefined ? {} : { since: author.since };
  return {
    type: "accepted",
    author: { lastN: event.n, tatMs: taken.tatMs, ...since, ...(repeated === undefined ? {} : { repeated }) },
    clockTatMs: steps.tatMs,
  };
}

/** The events in between have to come first. */
const NEW_CLOCK_RETRY_MS = 60_000;

/**
 * Takes what an event costs that is `lead` ahead of the room's clock: nothing for the next step, as each event in its turn
 * takes it. More is a gap, of events that nobody has brought yet, or of an author who wants the last word for ever.
 */
function takeClockSteps(lead: number, { author, clockTatMs, lastAt, nowMs, rules }: AcceptBasis) {
  const isNew = author === undefined || (author.since !== undefined && nowMs - author.since < rules.newAuthorMs);
  const limit = isNew ? rules.newClockSteps : rules.clockSteps;
  // An arrival time further ahead came from an instance with a fast clock.
  const tatMs = Math.min(clockTatMs, nowMs + CLOCK_MAX_LEAD * limit.everyMs);
  // The longer a room was quiet, the more may have been said elsewhere meanwhile.
  const quietSteps = Math.max(0, nowMs - lastAt) / limit.everyMs;
  if (isNew && lead - 1 > limit.burst + quietSteps) return { ok: false, retryAfterMs: NEW_CLOCK_RETRY_MS } as const;
  return lead <= 1 ? { ok: true, tatMs } as const : takeTokens(tatMs, limit, lead - 1, nowMs);
}

/** Judges an event whose `n` was used before, given where that number was stored. */
export function judgeStored(event: Event, stored: StoredAt | undefined): { type: "known"; position: number } | Refused {
  if (stored === undefined) return { type: "refused", reason: "expired" };
  if (stored.id !== event.id) return { type: "refused", reason: "conflict" };
  return { type: "known", position: stored.position };
}

const utf8 = new TextEncoder();

/** The author's repetitions of this in a row. Undefined for incomparable content: sealed bodies and unknown kinds. */
function repetition(
  event: Event,
  before: AuthorRecord["repeated"],
  rules: AcceptRules,
  nowMs: number,
): AuthorRecord["repeated"] {
  const said = repeatedWords(event);
  if (said === undefined) return undefined;
  const hash = toBase64Url(sha256(utf8.encode(said)).subarray(0, 6));
  const again = before !== undefined && before.hash === hash && nowMs - before.at <= rules.repeatWithinMs;
  return { hash, times: again ? before.times + 1 : 1, at: nowMs };
}
