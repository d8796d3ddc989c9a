// Runs in browser and server.
/**
 * Which transport to the server next, and why. Pure: what is known of each transport in, a transport and its reason out.
 *
 * Transports are tried in the order of TRANSPORTS. A transport is passed over while something speaks against it and a later one is free
 * of that; when something speaks against all of them, the one that failed longest ago is next, so that they take turns.
 */
import {
  breakerAfter,
  breakerAllowsAt,
  breakerForgiven,
  type BreakerState,
  breakerTried,
  NEW_BREAKER,
} from "./circuit_breaker.ts";

/** Transports to the server, the best one first. A transport over peers will be a name more, with facts of its own. */
export const TRANSPORTS = ["websocket", "polling"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** What somebody chose in the connection panel. */
export const PREFERENCES = ["auto", ...TRANSPORTS] as const;
export type Preference = (typeof PREFERENCES)[number];

/** How a try of a transport, or a connection on it, came out. */
export type TransportOutcome =
  /** Frames went both ways. */
  | { type: "connected" }
  /** It ended before it was open: a proxy that knows no WebSocket, or nobody there. */
  | { type: "upgrade_failed" }
  /** Nothing happened at all: something swallows what is sent. */
  | { type: "no_answer" }
  /** It opened, and then no frame came, or none came back. */
  | { type: "opened_but_mute" }
  /** It was connected, and broke without a word after this long. */
  | { type: "cut"; afterMs: number }
  /** It was connected and ended as it should: by a goodbye, or by us. */
  | { type: "ended"; afterMs: number }
  /** We gave it up before it showed anything. */
  | { type: "abandoned" };

/** All that is known of one transport. Times are ms of a clock that never goes back. */
export interface TransportFacts {
  breaker: BreakerState;
  /** The latest failure, unless it connected since. */
  failed?: { how: "upgrade_failed" | "no_answer" | "opened_but_mute"; at: number };
  /** Failures in a row. */
  failures: number;
  /** Connections in a row that were cut early, and when the last one was. */
  cuts: number;
  cutAt: number;
}

/** Of a transport that was never tried. */
export const NEW_TRANSPORT_FACTS: TransportFacts = { breaker: NEW_BREAKER, failures: 0, cuts: 0, cutAt: 0 };

/** A connection that breaks sooner was cut early: before our first heartbeat could keep it alive. */
export const EARLY_CUT_MS = 30_000;
/** A connection that lived this long clears its transport of early cuts. */
export const LASTING_MS = 60_000;
/** Early cuts in a row that speak against a transport. One may be chance. */
export const CUTS_MAX = 2;
/** A transport that failed once is tried again after this long, while another one is in use … */
export const RETRIAL_FIRST_MS = 15_000;
/** … then after twice as long, at most this. A transport that was cut early again and again waits this long at once. */
export const RETRIAL_MAX_MS = 300_000;
/**
 * How long a transport may take to its first frame, and from our first frame to the answer, while another one could be used:
 * with a backoff of at most a second, the other one is chosen within 5 s.
 */
export const TRANSPORT_PATIENCE_MS = 3_000;

export interface TransportSituation {
  transports: Readonly<Record<TransportName, TransportFacts>>;
  /** What this browser has at all. */
  available: Readonly<Record<TransportName, boolean>>;
  preference: Preference;
  now: number;
}

/** What speaks against a transport. */
export type Objection = "unavailable" | "resting" | "blocked" | "mute" | "cut_early";

export type TransportReason =
  /** Nothing speaks against the best transport. */
  | "first_choice"
  /** Somebody wants it so. */
  | "preferred"
  /** What speaks against the best transport; this one is free of it. */
  | `websocket_${Objection}`
  /** All have failed lately; they take turns. */
  | "taking_turns"
  /** None: all are resting after too many failures … */
  | "all_resting"
  /** … or this browser has none. */
  | "all_unavailable";

export type TransportChoice =
  /** `patienceMs`: to be given up after this long without a sign of life. Absent: nothing better could be tried. */
  | { transport: TransportName; reason: TransportReason; patienceMs?: number }
  /** `retryAt`: when the first of them may be tried again. */
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
  // Alone it has no turns to take: what keeps the best one away is the reason.
  const reason = rested.length > 1 ? "taking_turns" : reasonFor(longestAgo, situation);
  return { transport: longestAgo, reason, ...patience };
}

/** What speaks against a transport now. Old failures do not: then it is tried again. */
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
 * When a better transport than the one in use is worth a trial in the background; undefined when there is none, or when
 * somebody wants the one in use.
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

/** A try begins. */
export function transportTried(facts: TransportFacts, now: number): TransportFacts {
  return { ...facts, breaker: breakerTried(facts.breaker, now) };
}

/** What is known of a transport after this came of it. */
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

/** The device woke, or somebody asks to try again: resting ends, what was seen stays. */
export function transportForgiven(facts: TransportFacts, now: number): TransportFacts {
  return { ...facts, breaker: breakerForgiven(facts.breaker, now) };
}

/** Until when earlier failures speak against a transport; 0 when there are none. */
function retrialAt({ failed, failures, cuts, cutAt }: TransportFacts): number {
  const afterCuts = cuts >= CUTS_MAX ? cutAt + RETRIAL_MAX_MS : 0;
  if (failed === undefined) return afterCuts;
  const delayMs = Math.min(RETRIAL_MAX_MS, RETRIAL_FIRST_MS * 2 ** Math.min(30, failures - 1));
  return Math.max(afterCuts, failed.at + delayMs);
}

function failedAt({ failed, cutAt }: TransportFacts): number {
  return Math.max(failed?.at ?? 0, cutAt);
}

/** Why this transport and not the best one. */
function reasonFor(transport: TransportName, situation: TransportSituation): TransportReason {
  const [best] = TRANSPORTS;
  const objection = objectionTo(best, situation);
  return transport === best || objection === undefined ? "first_choice" : `${best}_${objection}`;
}
