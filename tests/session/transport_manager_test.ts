/** Several transports as one, under virtual time: fallback, its time, and the way back. */
import { assert, assertEquals } from "@std/assert";
import { TRANSPORT_PATIENCE_MS, type TransportName } from "../../lib/routing/transport_choice.ts";
import { type Route, TransportManager } from "../../lib/session/connection/transport_manager.ts";
import type { Transport, TransportEvents } from "../../lib/transport/transport.ts";
import { VirtualTime } from "../support/virtual_time.ts";

/** Behaviours of a network towards a transport. */
type Weather = "works" | "blocked" | "black hole" | "silent" | "deaf";

/** One transport that was opened. */
interface Opened {
  name: TransportName;
  events: TransportEvents;
  sent: string[];
  closed: boolean;
}

function network(weather: Record<TransportName, Weather>) {
  const time = new VirtualTime();
  const opened: Opened[] = [];
  const calls: unknown[] = [];
  const routes: (Route | undefined)[] = [];
  let better = 0;
  const opener = (name: TransportName) => (events: TransportEvents): Transport => {
    const transport: Opened = { name, events, sent: [], closed: false };
    opened.push(transport);
    const now = weather[name];
    const later = (delayMs: number, run: () => void) => time.after(delayMs, () => transport.closed || run());
    if (now === "blocked") {
      later(20, () => {
        transport.closed = true;
        events.closed(1006);
      });
    } else if (now !== "black hole") {
      later(20, () => events.opened());
      if (now !== "silent") later(40, () => events.received("challenge"));
    }
    return {
      send(text) {
        transport.sent.push(text);
        if (now === "works") later(40, () => events.received(`answer to ${text}`));
        return true;
      },
      close: () => void (transport.closed = true),
    };
  };
  const transports = new TransportManager({
    steady: time.clock,
    timers: time.timers,
    openers: { websocket: opener("websocket"), polling: opener("polling") },
    onBetterTransport: () => void better++,
    onRoute: (route) => routes.push(route),
  });
  /** Opens and says hello to a challenge, as a session does. */
  const open = () => {
    calls.length = 0;
    const transport: Transport = transports.open({
      opened: () => calls.push("opened"),
      received: (data) => {
        calls.push(data);
        if (data === "challenge") transport.send("hello");
      },
      closed: (code) => calls.push(code),
    });
    return transport;
  };
  return {
    time,
    weather,
    opened,
    calls,
    routes,
    transports,
    open,
    names: () => opened.map(({ name }) => name),
    better: () => better,
    /** Opens again as often as it takes, with a backoff of a second; ms until frames go both ways. */
    async connect() {
      const startedAt = time.now();
      for (;;) {
        open();
        await time.run(60_000, () => calls.some((what) => typeof what === "number" || what === "answer to hello"));
        if (calls.includes("answer to hello")) return time.now() - startedAt;
        await time.run(1_000);
      }
    },
  };
}

const CONNECTED = ["opened", "challenge", "answer to hello"];

Deno.test("where WebSockets work, nothing else is opened", async () => {
  const { time, calls, routes, connect, names, transports } = network({ websocket: "works", polling: "works" });
  await connect();
  assertEquals([calls, names(), routes], [CONNECTED, ["websocket"], [{
    transport: "websocket",
    reason: "first_choice",
  }]]);
  await time.run(3_600_000);
  assertEquals(names(), ["websocket"]);
  transports.dispose();
});

for (
  const [what, weather, reason] of [
    ["blocked", "blocked", "websocket_blocked"],
    ["swallowed", "black hole", "websocket_blocked"],
    ["opened and silent", "silent", "websocket_silent"],
    ["deaf to what we say", "deaf", "websocket_silent"],
  ] as const
) {
  Deno.test(`where WebSockets are ${what}, polling has the room within 5 s, and the reason is reported`, async () => {
    const { calls, connect, transports, opened } = network({ websocket: weather, polling: "works" });
    const tookMs = await connect();
    assert(tookMs < 5_000, `${tookMs} ms`);
    assertEquals(calls, CONNECTED);
    assertEquals(transports.route, { transport: "polling", reason });
    assertEquals(opened.map(({ name, closed }) => [name, closed]), [["websocket", true], ["polling", false]]);
    transports.dispose();
  });
}

Deno.test("where idle WebSockets are cut, the second early loss leads to polling, and a lasting connection does not", async () => {
  const { time, opened, calls, connect, transports, names } = network({ websocket: "works", polling: "works" });
  for (let losses = 0; losses < 2; losses++) {
    await connect();
    await time.run(10_000);
    opened.at(-1)!.closed = true;
    opened.at(-1)!.events.closed(1006);
    assertEquals(calls.at(-1), 1006);
  }
  assert(await connect() < 1_000);
  assertEquals(transports.route, { transport: "polling", reason: "websocket_lost_early" });
  assertEquals(names(), ["websocket", "websocket", "polling"]);
  transports.dispose();
});

Deno.test("a WebSocket that is given up because it went silent counts as lost early", async () => {
  const { time, connect, transports, opened, open } = network({ websocket: "works", polling: "works" });
  for (let times = 0; times < 2; times++) {
    await connect();
    opened.at(-1)!.closed = true; // Nothing comes any more, and nobody says so.
    const transport = open();
    transport.close();
    await time.run(0);
  }
  assertEquals(
    transports.situation.transports.websocket.earlyLosses,
    0,
    "a connection that the client ends is not lost",
  );
  const { time: later, transports: silenced, opened: sockets, ...rest } = network({
    websocket: "works",
    polling: "works",
  });
  for (let times = 0; times < 2; times++) {
    const transport = rest.open();
    await later.until(() => rest.calls.includes("answer to hello"));
    sockets.at(-1)!.closed = true;
    transport.send("ping");
    await later.run(1_500);
    transport.close();
  }
  assertEquals(silenced.situation.transports.websocket.earlyLosses, 2);
  transports.dispose();
  silenced.dispose();
});

Deno.test("one opening tries each transport once; when both fail its owner is informed, and the transports alternate", async () => {
  const { time, calls, open, names } = network({ websocket: "blocked", polling: "blocked" });
  open();
  await time.run(1_000);
  assertEquals([calls, names()], [[1006], ["websocket", "polling"]]);
  open();
  await time.run(1_000);
  assertEquals([calls, names().slice(2)], [[1006], ["websocket", "polling"]]);
});

Deno.test("[D6] after five failures of each nothing is opened for 15 s, unless the device wakes", async () => {
  const { time, open, opened, calls, transports } = network({ websocket: "blocked", polling: "blocked" });
  for (let tries = 0; tries < 5; tries++) {
    open();
    await time.run(500);
  }
  assertEquals(opened.length, 10);
  open();
  assertEquals(calls, [], "no event before the opening returned");
  await time.run(0);
  assertEquals([calls, opened.length], [[1006], 10]);
  transports.wake();
  open();
  await time.run(500);
  assertEquals(opened.length, 12);
  await time.run(15_000);
  open();
  await time.run(500);
  assertEquals(opened.length, 14);
});

Deno.test("while polling, a WebSocket is tried in the background; when it works the connection moves there at once", async () => {
  const { time, weather, calls, better, connect, open, opened, transports, names } = network({
    websocket: "blocked",
    polling: "works",
  });
  await connect();
  await time.run(14_000);
  assertEquals(opened.length, 2);
  await time.run(2_000);
  assertEquals(names(), ["websocket", "polling", "websocket"]);
  assertEquals([calls, better()], [CONNECTED, 0], "a trial that fails disturbs nobody");
  weather.websocket = "works";
  await time.run(30_000);
  assertEquals(names().slice(3), ["websocket"]);
  assertEquals([calls.at(-1), better(), opened[1]!.closed], [1006, 1, true]);
  open();
  await time.run(100);
  assertEquals(calls, CONNECTED);
  assertEquals(names().length, 4, "the trial is the new transport: nothing else was opened");
  assertEquals(transports.route?.transport, "websocket");
  await time.run(600_000);
  assertEquals([names().length, time.pending], [4, 0]);
});

Deno.test("frames of a trial that arrive before it is taken over are delivered in order", async () => {
  const { time, weather, calls, connect, open, opened, better, transports } = network({
    websocket: "blocked",
    polling: "works",
  });
  await connect();
  weather.websocket = "deaf";
  await time.run(20_000, () => better() > 0);
  opened.at(-1)!.events.received("before");
  open();
  opened.at(-1)!.events.received("between");
  assertEquals(calls, [], "no event before the opening returned");
  await time.run(0);
  assertEquals(calls, ["opened", "challenge", "before", "between"]);
  transports.dispose();
});

Deno.test("a working trial that nobody takes over is closed", async () => {
  const { time, weather, connect, opened, transports } = network({ websocket: "blocked", polling: "works" });
  await connect();
  weather.websocket = "works";
  await time.run(16_000);
  assertEquals([opened.at(-1)!.name, opened.at(-1)!.closed], ["websocket", false]);
  await time.run(TRANSPORT_PATIENCE_MS);
  assertEquals(opened.at(-1)!.closed, true);
  transports.dispose();
  assertEquals(time.pending, 0);
});

Deno.test("trials grow rarer, and end when the transport is left or disposed of", async () => {
  const { time, connect, names, transports } = network({ websocket: "blocked", polling: "works" });
  await connect();
  const trials = () => names().filter((name) => name === "websocket").length - 1;
  await time.run(3_600_000);
  assert(trials() >= 10 && trials() <= 20, `${trials()} trials in an hour`);
  const before = trials();
  transports.dispose();
  await time.run(3_600_000);
  assertEquals([trials(), time.pending], [before, 0]);
});

Deno.test("on another network a WebSocket is the first choice again", async () => {
  const { time, weather, connect, better, transports } = network({ websocket: "blocked", polling: "works" });
  await connect();
  weather.websocket = "works";
  transports.networkChanged();
  await time.run(100);
  assertEquals(better(), 1);
  await connect();
  assertEquals(transports.route, { transport: "websocket", reason: "first_choice" });
  transports.dispose();
});

Deno.test("a preference for polling is kept, without trials", async () => {
  const { time, transports, connect, names } = network({ websocket: "works", polling: "works" });
  transports.setPreference("polling");
  await connect();
  assertEquals(transports.route, { transport: "polling", reason: "preferred" });
  await time.run(3_600_000);
  assertEquals(names(), ["polling"]);
});

Deno.test("an attempt that its owner closes reports nothing and leaves nothing running", async () => {
  for (const afterMs of [0, 10, 30, 50, 100]) {
    const { time, calls, open, opened } = network({ websocket: "works", polling: "works" });
    const transport = open();
    await time.run(afterMs);
    const before = calls.length;
    transport.close();
    transport.close();
    await time.run(60_000);
    assertEquals([calls.length, time.pending, opened.length], [before, 0, 1]);
    assertEquals(transport.send("too late"), false);
  }
});

Deno.test("a page that is left closes its transport without telling the session, and the transport rejects frames", async () => {
  const { time, calls, open, opened, transports } = network({ websocket: "works", polling: "works" });
  transports.leave();
  const transport = open();
  await time.run(100);
  transports.leave();
  assertEquals([opened[0]!.closed, transport.send("ping"), calls], [true, false, CONNECTED]);
  open();
  await time.run(100);
  assertEquals([opened.length, calls], [2, CONNECTED]);
});

Deno.test("a browser whose WebSocket constructor throws uses polling", async () => {
  const time = new VirtualTime();
  let polled = 0;
  const transports = new TransportManager({
    steady: time.clock,
    timers: time.timers,
    openers: {
      websocket: () => {
        throw new DOMException("not allowed", "SecurityError");
      },
      polling: () => {
        polled++;
        return { send: () => true, close() {} };
      },
    },
    onBetterTransport() {},
  });
  const transport = transports.open({ opened() {}, received() {}, closed() {} });
  assertEquals(polled, 1);
  transport.close();
  await time.run(0);
});
