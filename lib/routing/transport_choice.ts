// Runs in browser and server.
/**
 * Chooses the next transport to the server, with a reason. Pure: the facts about each transport in, a choice out.
 *
 * Transports are tried in the order of TRANSPORTS. A transport with an objection is skipped while a later one has none.
 * If all have objections, the one that failed longest ago is next, so that they take turns.
 */
import {
  breakerAfter,
  breakerAllowsAt,
  breakerForgiven,
  type BreakerState,
  breakerTried,
  NEW_BREAKER,
} from "./circuit_breaker.ts";

/** Transports to the server, the best one first. */
export const TRANSPORTS = ["websocket", "polling"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** The user's choice in the connection panel. */
const PREFERENCES = ["auto", ...TRANSPORTS] as const;
export type Preference = (typeof PREFERENCES)[number];

/** How an attempt to use a transport, or a connection over it, ended. */
export type TransportOutcome =
  /** Frames went in both directions. */
  | { type: "connected" }
  /** It ended before it was open: no server, or a proxy without WebSocket support. */
  | { type: "upgrade_failed" }
  /** Nothing happened: the network drops the request silently. */
  | { type: "no_answer" }
  /** It opened, but no frame arrived, or no answer. */
  | { type: "opened_but_mute" }
  /** It was connected and broke without a goodbye after this long. */
  | { type: "cut"; afterMs: number }
  /** It was connected and ended normally: by a goodbye, or by the client. */
  | { type: "ended"; afterMs: number }
  /** The client gave it up before a result. */
  | { type: "abandoned" };

/** The facts about one transport. Times are ms of a monotonic clock. */
export interface TransportFacts {
  breaker: BreakerState;
  /** The latest failure since it last connected. */
  failed?: { how: "upgrade_failed" | "no_answer" | "opened_but_mute"; at: number };
  /** Failures in a row. */
  failures: number;
  /** Connections in a row that broke early, and when the last one did. */
  cuts: number;
  cutAt: number;
}

/** The facts about a transport that was never tried. */
export const NEW_TRANSPORT_FACTS: TransportFacts = { breaker: NEW_BREAKER, failures: 0, cuts: 0, cutAt: 0 };

/** A connection that breaks sooner was cut early, before the first heartbeat could keep it alive. */
const EARLY_CUT_MS = 30_000;
/** A connection that lasted this long resets the count of early cuts. */
const LASTING_MS = 60_000;
/** Early cuts in a row that are an objection. A single one may be chance. */
const CUTS_MAX = 2;
/** While another transport is in use, a failed one is tried again after this time … */
const RETRIAL_FIRST_MS = 15_000;
/** … doubled with each failure, up to this. After CUTS_MAX early cuts it waits this long at once. */
const RETRIAL_MAX_MS = 300_000;
/**
 * While another transport could be used: longest time until a transport's first frame, and from the client's first
 * frame to the answer. With a backoff of at most a second the other one is chosen within 5 s.
 */
export const TRANSPORT_PATIENCE_MS = 3_000;

export interface TransportSituation {
  transports: Readonly<Record<TransportName, TransportFacts>>;
  /** Whether this browser supports the transport. */
  available: Readonly<Record<TransportName, boolean>>;
  preference: Preference;
  now: number;
}

/** Why a transport should not be used now. */
export type Objection = "unavailable" | "resting" | "blocked" | "mute" | "cut_early";

export type TransportReason =
  /** The best transport has no objection. */
  | "first_choice"
  /** The user chose it. */
  | "preferred"
  /** The objection to the best transport. */
  | `websocket_${Objection}`
  /** All have failed recently and take turns. */
  | "taking_turns"
  /** None: the breakers of all are open after too many failures … */
  | "all_resting"
  /** … or this browser supports none. */
  | "all_unavailable";

export type TransportChoice =
  /** `patienceMs`: give it up after this long without a frame. Absent: no other transport could be tried. */
  | { transport: TransportName; reason: TransportReason; patienceMs?: number }
  /** `retryAt`: when the first transport may be tried again. */
  | { transport: undefined; reason: "all_resting" | "all_unavailable"; retryAt?: number };

/** The transport to open next. */
export function chooseTransport(situation: TransportSituation): TransportChoice {
  const { transports, available, preference, now } = situation;
  const existing = TRANSPORTS.filter((transport) => available[transport]);
  const rested = existing.filter((transport) => breakerAllowsAt(transports[transport].breaker) <= now);
  const [only] = rested;
  if (only === undefined) {
    if (existing.length === 0) return { transport: undefined, reason: "all_unavailable" };
    const retryAt = Math.min(
      ...existing.map((transport) => breakerAllowsAt(transports[transport].breaker)),
    );
    return { transport: undefined, reason: "all_resting", retryAt };
  }
  const patience = rested.length > 1 ? { patienceMs: TRANSPORT_PATIENCE_MS } : {};
  if (preference !== "auto" && rested.includes(preference)) {
    return { transport: preference, reason: "preferred", ...patience };
  }

  const free = TRANSPORTS.find((transport) => objectionTo(transport, situation) === undefined);
  if (free !== undefined) return { transport: free, reason: reasonFor(free, situation), ...patience };
  const longestAgo = rested.reduce(
    (first, transport) => failedAt(transports[transport]) < failedAt(transports[first]) ? transport : first,
    only,
  );
  // A single available transport takes no turns: the reason is the objection to the best one.
  const reason = rested.length > 1 ? "taking_turns" : reasonFor(longestAgo, situation);
  return { transport: longestAgo, reason, ...patience };
}

/** The current objection to a transport. Failures older than the retrial delay are none. */
export function objectionTo(
  transport: TransportName,
  { transports, available, now }: TransportSituation,
): Objection | undefined {
  const facts = transports[transport];
  if (!available[transport]) return "unavailable";
  if (breakerAllowsAt(facts.breaker) > now) return "resting";
  if (retrialAt(facts) <= now) return undefined;
  if (facts.failed !== undefined) return facts.failed.how === "opened_but_mute" ? "mute" : "blocked";
  return "cut_early";
}

/**
 * The transport to try in the background because it is better than the one in use, and when. Undefined without one, or
 * if the user chose the one in use.
 */
export function betterTransportAt(
  inUse: TransportName,
  situation: TransportSituation,
): { transport: TransportName; at: number } | undefined {
  const { transports, available, preference } = situation;
  if (preference === inUse) return undefined;
  const better = preference === "auto" ? TRANSPORTS.slice(0, TRANSPORTS.indexOf(inUse)) : [preference];
  const transport = better.find((name) => available[name]);
  if (transport === undefined) return undefined;
  return {
    transport,
    at: Math.max(retrialAt(transports[transport]), breakerAllowsAt(transports[transport].breaker)),
  };
}

/** An attempt begins. */
export function transportTried(facts: TransportFacts, now: number): TransportFacts {
  return { ...facts, breaker: breakerTried(facts.breaker, now) };
}

/** The facts about a transport after this outcome. */
export function transportAfter(facts: TransportFacts, outcome: TransportOutcome, now: number): TransportFacts {
  switch (outcome.type) {
    case "connected": {
      const { failed: _, ...rest } = facts;
      return { ...rest, failures: 0, breaker: breakerAfter(facts.breaker, "success", now) };
    }
    case "upgrade_failed":
    case "no_answer":
    case "opened_but_mute":
      return {
        ...facts,
        breaker: breakerAfter(facts.breaker, "failure", now),
        failed: { how: outcome.type, at: now },
        failures: facts.failures + 1,
      };
    case "cut":
      if (outcome.afterMs < EARLY_CUT_MS) return { ...facts, cuts: facts.cuts + 1, cutAt: now };
      return outcome.afterMs >= LASTING_MS ? { ...facts, cuts: 0 } : facts;
    case "ended":
      return outcome.afterMs >= LASTING_MS ? { ...facts, cuts: 0 } : facts;
    case "abandoned":
      return { ...facts, breaker: breakerAfter(facts.breaker, "abandoned", now) };
  }
}

/** The device woke up, or the user asks for a retry: the cooldown ends, the facts stay. */
export function transportForgiven(facts: TransportFacts, now: number): TransportFacts {
  return { ...facts, breaker: breakerForgiven(facts.breaker, now) };
}

/** When earlier failures stop being an objection; 0 without any. */
function retrialAt({ failed, failures, cuts, cutAt }: TransportFacts): number {
  const afterCuts = cuts >= CUTS_MAX ? cutAt + RETRIAL_MAX_MS : 0;
  if (failed === undefined) return afterCuts;
  const delayMs = Math.min(RETRIAL_MAX_MS, RETRIAL_FIRST_MS * 2 ** Math.min(30, failures - 1));
  return Math.max(afterCuts, failed.at + delayMs);
}

function failedAt({ failed, cutAt }: TransportFacts): number {
  return Math.max(failed?.at ?? 0, cutAt);
}

/** The reason to use this transport instead of the best one. */
function reasonFor(transport: TransportName, situation: TransportSituation): TransportReason {
  const [best] = TRANSPORTS;
  const objection = objectionTo(best, situation);
  return transport === best || objection === undefined ? "first_choice" : `${best}_${objection}`;
}
