/** The choice of a transport, as a table of earlier outcomes and the resulting choice. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  betterTransportAt,
  chooseTransport,
  NEW_TRANSPORT_FACTS,
  type Preference,
  transportAfter,
  transportForgiven,
  type TransportName,
  type TransportOutcome,
  type TransportReason,
  TRANSPORTS,
  type TransportSituation,
  transportTried,
} from "../../lib/routing/transport_choice.ts";

const START = 1_800_000_000_000;

/** The outcome of a transport, or ms that pass, or the device waking up. */
type Step = [TransportName, TransportOutcome["type"], afterMs?: number] | number | "wake";

function outcome(type: TransportOutcome["type"], afterMs = 0): TransportOutcome {
  return type === "cut" || type === "ended" ? { type, afterMs } : { type };
}

function situation(
  steps: readonly Step[],
  { preference = "auto", available = {} }: {
    preference?: Preference;
    available?: Partial<Record<TransportName, boolean>>;
  } = {},
): TransportSituation {
  const transports = { websocket: NEW_TRANSPORT_FACTS, polling: NEW_TRANSPORT_FACTS };
  let now = START;
  for (const step of steps) {
    if (typeof step === "number") now += step;
    else if (step === "wake") {
      for (const transport of TRANSPORTS) transports[transport] = transportForgiven(transports[transport], now);
    } else {
      const [transport, type, afterMs] = step;
      transports[transport] = transportAfter(transportTried(transports[transport], now), outcome(type, afterMs), now);
    }
  }
  return { transports, available: { websocket: true, polling: true, ...available }, preference, now };
}

const BLOCKED: Step = ["websocket", "upgrade_failed"];
const SWALLOWED: Step = ["websocket", "no_answer"];
const MUTE: Step = ["websocket", "opened_but_mute"];
const WORKS: Step = ["websocket", "connected"];
const CUT: Step[] = [WORKS, ["websocket", "cut", 10_000]];
const POLLS: Step = ["polling", "connected"];
const NO_POLL: Step = ["polling", "upgrade_failed"];
const times = (count: number, ...steps: Step[]) => Array<Step[]>(count).fill(steps).flat();

const TABLE: [rule: string, TransportSituation, transport: TransportName | undefined, reason: TransportReason][] = [
  ["a WebSocket comes first", situation([]), "websocket", "first_choice"],
  ["and stays while it works", situation([WORKS, ["websocket", "ended", 500]]), "websocket", "first_choice"],
  ["a proxy that strips Upgrade is bypassed", situation([BLOCKED]), "polling", "websocket_blocked"],
  ["so is one that drops everything silently", situation([SWALLOWED]), "polling", "websocket_blocked"],
  ["and one that opens the socket and stays mute", situation([MUTE]), "polling", "websocket_mute"],
  ["one early cut may be chance", situation(CUT), "websocket", "first_choice"],
  ["two early cuts are not", situation([...CUT, ...CUT]), "polling", "websocket_cut_early"],
  [
    "a lasting connection clears early cuts",
    situation([...CUT, WORKS, ["websocket", "ended", 60_000], ...CUT]),
    "websocket",
    "first_choice",
  ],
  [
    "a late cut is a network failure, not a proxy",
    situation(times(5, WORKS, ["websocket", "cut", 31_000])),
    "websocket",
    "first_choice",
  ],
  ["polling that works is kept", situation([BLOCKED, POLLS, 14_999]), "polling", "websocket_blocked"],
  ["a blocked WebSocket is tried again after 15 s", situation([BLOCKED, POLLS, 15_000]), "websocket", "first_choice"],
  ["then after 30 s", situation([BLOCKED, 15_000, BLOCKED, POLLS, 29_999]), "polling", "websocket_blocked"],
  [
    "in the end every 5 minutes",
    situation([...times(4, BLOCKED, 1e9), BLOCKED, "wake", 239_999]),
    "polling",
    "websocket_blocked",
  ],
  ["after early cuts in 5 minutes", situation([...CUT, ...CUT, POLLS, 299_999]), "polling", "websocket_cut_early"],
  ["and then it is", situation([...CUT, ...CUT, POLLS, 300_000]), "websocket", "first_choice"],
  ["a WebSocket that connects has no objection again", situation([BLOCKED, WORKS]), "websocket", "first_choice"],
  ["when both fail they take turns", situation([BLOCKED, 500, NO_POLL, 500]), "websocket", "taking_turns"],
  ["one after the other", situation([BLOCKED, 500, NO_POLL, 500, BLOCKED, 500]), "polling", "taking_turns"],
  [
    "after five failures a WebSocket rests for its cooldown",
    situation(times(5, BLOCKED)),
    "polling",
    "websocket_resting",
  ],
  [
    "an abandoned attempt is no failure",
    situation(times(9, ["websocket", "abandoned"])),
    "websocket",
    "first_choice",
  ],
  ["when both rest, nothing is opened", situation(times(5, BLOCKED, NO_POLL)), undefined, "all_resting"],
  [
    "until the first cooldown is over",
    situation([...times(5, BLOCKED), ...times(5, NO_POLL), 15_000]),
    "websocket",
    "taking_turns",
  ],
  [
    "a device that woke up does not wait",
    situation([...times(5, BLOCKED, NO_POLL), "wake"]),
    "websocket",
    "taking_turns",
  ],
  [
    "a browser without WebSockets polls",
    situation([], { available: { websocket: false } }),
    "polling",
    "websocket_unavailable",
  ],
  [
    "also when polling failed",
    situation([NO_POLL], { available: { websocket: false } }),
    "polling",
    "websocket_unavailable",
  ],
  [
    "a browser without anything opens nothing",
    situation([], { available: { websocket: false, polling: false } }),
    undefined,
    "all_unavailable",
  ],
  ["a preference for polling is followed", situation([], { preference: "polling" }), "polling", "preferred"],
  [
    "a preference for a blocked WebSocket is followed",
    situation([BLOCKED], { preference: "websocket" }),
    "websocket",
    "preferred",
  ],
  [
    "but not while it rests",
    situation(times(5, BLOCKED), { preference: "websocket" }),
    "polling",
    "websocket_resting",
  ],
  [
    "nor if the browser has none",
    situation([], { preference: "websocket", available: { websocket: false } }),
    "polling",
    "websocket_unavailable",
  ],
];

for (const [rule, seen, transport, reason] of TABLE) {
  Deno.test(`transport choice: ${rule}`, () => {
    const choice = chooseTransport(seen);
    assertEquals([choice.transport, choice.reason], [transport, reason]);
  });
}

Deno.test("transport choice: a transport gets 3 s for its first frame while another one is available, otherwise any time", () => {
  const patience = (seen: TransportSituation) => {
    const choice = chooseTransport(seen);
    return choice.transport && choice.patienceMs;
  };
  assertEquals(patience(situation([])), 3_000);
  assertEquals(patience(situation([BLOCKED])), 3_000);
  assertEquals(patience(situation([], { available: { polling: false } })), undefined);
  assertEquals(patience(situation(times(5, NO_POLL))), undefined);
});

Deno.test("transport choice: while all rest, the time of the next attempt is given", () => {
  assertEquals(chooseTransport(situation([...times(5, BLOCKED), 400, ...times(5, NO_POLL), 100])), {
    transport: undefined,
    reason: "all_resting",
    retryAt: START + 15_000,
  });
});

Deno.test("a better transport is tried in the background when it is due, unless the user chose the one in use", () => {
  const seen = [BLOCKED, POLLS];
  assertEquals(betterTransportAt("polling", situation(seen)), { transport: "websocket", at: START + 15_000 });
  assertEquals(betterTransportAt("polling", situation([...CUT, ...CUT, POLLS])), {
    transport: "websocket",
    at: START + 300_000,
  });
  assertEquals(betterTransportAt("websocket", situation([])), undefined);
  assertEquals(betterTransportAt("polling", situation(seen, { preference: "polling" })), undefined);
  assertEquals(betterTransportAt("polling", situation([], { available: { websocket: false } })), undefined);
  assertEquals(betterTransportAt("websocket", situation([], { preference: "polling" }))?.transport, "polling");
});

Deno.test("transport choice: an unavailable or resting transport is never chosen, and no wait exceeds 15 s", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.nat(400_000),
    fc.constant("wake" as const),
    fc.tuple(
      fc.constantFrom(...TRANSPORTS),
      fc.constantFrom<TransportOutcome["type"]>(
        "connected",
        "upgrade_failed",
        "no_answer",
        "opened_but_mute",
        "cut",
        "ended",
        "abandoned",
      ),
      fc.nat(100_000),
    ),
  );
  fc.assert(fc.property(
    fc.array(step, { maxLength: 60 }),
    fc.constantFrom<Preference>("auto", ...TRANSPORTS),
    fc.boolean(),
    (steps, preference, websocket) => {
      const seen = situation(steps, { preference, available: { websocket } });
      const choice = chooseTransport(seen);
      if (choice.transport === undefined) {
        assertEquals(choice.reason, "all_resting");
        assert(choice.retryAt! > seen.now && choice.retryAt! <= seen.now + 15_000);
        return;
      }
      assert(websocket || choice.transport === "polling");
      assert(choice.transport === "polling" || !choice.reason.startsWith("websocket_"));
    },
  ));
});
