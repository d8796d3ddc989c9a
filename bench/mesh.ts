/**
 * Benchmarks of links between phones: real Chromium and the built server, without a proxy.
 * `deno task bench:mesh [--quick] [--only=setup|latency|cut|reload|load]`. Method: README.md.
 */
import type { Browser } from "playwright-core";
import { Device } from "../tests/browser/device.ts";
import { link, openPanel, panelTexts, untilReached } from "../tests/browser/phones.ts";
import type { Tab } from "../tests/browser/tab.ts";
import { findChromium, launchChromium } from "../tests/support/chromium.ts";
import { type ServerProcess, startServer } from "../tests/support/server_process.ts";
import { linkPerson, linkServers } from "../tests/transport/peer_link_testbed.ts";
import { PUSH_LIMIT } from "../lib/mesh/mesh_limits.ts";
import { type MarkedTransport, marksOf, markText, mutePeers, noteMarks, type PageMarks } from "./page_marks.ts";
import { cpuMsOf } from "./usage.ts";

const quick = Deno.args.includes("--quick");
/** One part of the benchmark. */
const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
const times = (count: number) => quick ? Math.min(3, count) : count;

/** Raised limits: messages are sent faster than people write. */
const RAISED_LIMITS = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };

interface Row {
  what: string;
  /** Ms. */
  samples: number[];
  goal: string;
}

const rows: Row[] = [];
let numbered = 0;
const nextText = () => markText(++numbered);

/** Time from `connect` to an open channel, for two pages with links only, each in its own browser. */
async function linkSetUp(browsers: readonly [Browser, Browser]): Promise<void> {
  const servers = await linkServers(1);
  const samples: number[] = [];
  try {
    const url = `http://127.0.0.1:${servers.ports[0]}/`;
    const [ada, ben] = [
      await linkPerson(browsers[0], url, servers.room, 1),
      await linkPerson(browsers[1], url, servers.room, 2),
    ];
    for (let sample = 0; sample < times(40); sample++) {
      samples.push(await ada.call("connect", ben.author));
      await ada.call("close", ben.author);
      await ben.call("until", ada.author, "closed peer leaving");
    }
    for (const { context } of [ada, ben]) await context.close();
  } finally {
    await servers.close();
  }
  rows.push({ what: "link set up through the server", samples, goal: "p50 100" });
}

/** People of one room, each in their own browser context, with recorded marks. */
async function inOneRoom<Result>(
  browsers: readonly Browser[],
  server: ServerProcess,
  names: readonly string[],
  play: (people: Tab[]) => Promise<Result>,
): Promise<Result> {
  const people: Tab[] = [];
  try {
    for (const [number, name] of names.entries()) {
      const device = await Device.make(browsers[number % browsers.length]!, name, server.url, { mesh: "auto" });
      await noteMarks(device.context);
      people.push(await device.newTab());
    }
    const path = await people[0]!.startRoom("Benchmark");
    for (const person of people.slice(1)) await person.enter(path);
    for (const person of people) {
      await person.untilPeople(names.length);
      await person.say(`I am ${person.device.name}`);
    }
    return await play(people);
  } finally {
    for (const { device } of people) await device.close();
  }
}

/** Selects an option in the connection panel. */
async function choose(person: Tab, label: string): Promise<void> {
  const panel = await openPanel(person);
  await panel.getByRole("radio", { name: label, exact: true }).check();
  await person.page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
}

function chooseMode(person: Tab, mode: "auto" | "off"): Promise<void> {
  return choose(person, panelTexts.modes[mode]);
}

/** Ada writes and Ben reads; returns both pages' marks. No faster than the mesh's rate limit per author. */
async function sayAndNote(ada: Tab, ben: Tab): Promise<{ text: string; from: PageMarks; to: PageMarks }> {
  await ada.page.waitForTimeout(PUSH_LIMIT.everyMs);
  const text = nextText();
  await ada.send(text);
  await ben.hears(text);
  return { text, from: await marksOf(ada.page), to: await marksOf(ben.page) };
}

/**
 * The same two pages: linked, and without a link. Then both transports at once, from a page's send to the other's
 * receipt.
 */
async function latency([ada, ben]: readonly [Tab, Tab]): Promise<void> {
  const seen: Record<MarkedTransport, number[]> = { p2p: [], websocket: [] };
  const onTransport: Record<MarkedTransport, number[]> = { p2p: [], websocket: [] };
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const transport of ["p2p", "websocket"] as const) {
      if (transport === "websocket") await chooseMode(ada, "off");
      else {
        await chooseMode(ada, "auto");
        await link([ada, ben]);
      }
      for (let sample = 0; sample < times(15); sample++) {
        const { text, from, to } = await sayAndNote(ada, ben);
        if (to.received[transport][text] === undefined) throw new Error(`${text} did not come over ${transport}`);
        seen[transport].push(to.shown[text]! - from.pressed[text]!);
      }
    }
    await chooseMode(ada, "auto");
    await link([ada, ben]);
    // The event goes to peers and the server at the same time.
    await choose(ada, panelTexts.preferences.websocket);
    for (let sample = 0; sample < times(15); sample++) {
      const { text } = await sayAndNote(ada, ben);
      const both = await untilBothTransports(ada, ben, text);
      for (const transport of ["p2p", "websocket"] as const) {
        onTransport[transport].push(both.to.received[transport][text]! - both.from.sent[transport][text]!);
      }
    }
    await choose(ada, panelTexts.preferences.auto);
  }
  rows.push(
    { what: "key press to shown on the other page, over a link", samples: seen.p2p, goal: "" },
    { what: "key press to shown on the other page, over the server", samples: seen.websocket, goal: "" },
    { what: "sent to received, without the pages: over a link", samples: onTransport.p2p, goal: "" },
    { what: "sent to received, without the pages: over the server", samples: onTransport.websocket, goal: "" },
  );
}

async function untilBothTransports(ada: Tab, ben: Tab, text: string): Promise<{ from: PageMarks; to: PageMarks }> {
  const to = await ben.until(
    () => marksOf(ben.page),
    ({ received }) => received.p2p[text] !== undefined && received.websocket[text] !== undefined,
    () => {
      throw new Error(`${text} did not come over both transports`);
    },
  );
  return { from: await marksOf(ada.page), to };
}

/** The link becomes a black hole or is closed by the peer. Measures when a message written at that moment is shown. */
async function cut([ada, ben]: readonly [Tab, Tab]): Promise<void> {
  const silent: number[] = [];
  const closed: number[] = [];
  for (let sample = 0; sample < times(10); sample++) {
    await link([ada, ben]);
    await mutePeers(ada.page, true);
    const { text, from, to } = await sayAndNote(ada, ben);
    silent.push(to.shown[text]! - from.pressed[text]!);
    await mutePeers(ada.page, false);
    await chooseMode(ada, "off");
    await chooseMode(ada, "auto");
    await link([ada, ben]);
    await chooseMode(ben, "off");
    const after = await sayAndNote(ada, ben);
    closed.push(after.to.shown[after.text]! - after.from.pressed[after.text]!);
    await chooseMode(ben, "auto");
  }
  rows.push(
    { what: "key press to shown, the link swallows everything", samples: silent, goal: "under 1,000" },
    { what: "key press to shown, the other side has just closed the link", samples: closed, goal: "under 1,000" },
  );
}

/** Time from the start of the host's page reload to an open channel. */
async function reload([ada, ben]: readonly [Tab, Tab]): Promise<void> {
  const samples: number[] = [];
  await link([ada, ben]);
  for (let sample = 0; sample < times(10); sample++) {
    // A device may open 15 connections a minute. Without its cookie it counts as another device.
    await ada.device.context.clearCookies({ name: "device" });
    await ada.page.reload();
    const startedAt = await ada.page.evaluate(() => performance.timeOrigin);
    const { opened } = await ada.until(
      () => marksOf(ada.page),
      ({ opened }) => opened.length > 0,
      () => {
        throw new Error("the link did not come back");
      },
      30_000,
    );
    samples.push(opened[0]! - startedAt);
    note("reload", samples);
    await untilReached(ben, 1);
  }
  rows.push({ what: "the host reloads: from the navigation to linked again", samples, goal: "under 2,000" });
}

interface Load {
  cpuMs: number;
  characters: number;
  frames: number;
}

/** Five people write in turns for a while: once over the server only, once over links with the server as storage. */
async function load(people: Tab[], server: ServerProcess): Promise<Record<MarkedTransport, Load>[]> {
  const rounds: Record<MarkedTransport, Load>[] = [];
  for (let round = 0; round < (quick ? 1 : 2); round++) {
    const loads: Partial<Record<MarkedTransport, Load>> = {};
    for (const transport of ["websocket", "p2p"] as const) {
      for (const person of people) await chooseMode(person, transport === "p2p" ? "auto" : "off");
      if (transport === "p2p") await link(people);
      loads[transport] = await talk(people, server);
      note(`five people, ${transport}`, [loads[transport].cpuMs]);
    }
    rounds.push(loads as Record<MarkedTransport, Load>);
  }
  return rounds;
}

/** As fast as five people chat when it is lively. */
const MESSAGES = quick ? 60 : 100;
const MESSAGE_EVERY_MS = 200;
/** Waits until all pending events are sent and stored. */
const SETTLE_MS = 2_500;

async function talk(people: Tab[], server: ServerProcess): Promise<Load> {
  const socketsNow = async () => {
    const all = await Promise.all(people.map(({ page }) => marksOf(page)));
    return {
      characters: all.reduce((sum, { socket }) => sum + socket.characters, 0),
      frames: all.reduce((sum, { socket }) => sum + socket.frames, 0),
    };
  };
  await people[0]!.page.waitForTimeout(SETTLE_MS);
  const before = await socketsNow();
  const cpuBefore = cpuMsOf(server.pid);
  const startedAt = performance.now();
  let last = "";
  for (let number = 0; number < MESSAGES; number++) {
    last = nextText();
    await people[number % people.length]!.send(last);
    const restMs = startedAt + (number + 1) * MESSAGE_EVERY_MS - performance.now();
    if (restMs > 0) await people[0]!.page.waitForTimeout(restMs);
  }
  for (const person of people) await person.hears(last);
  await people[0]!.page.waitForTimeout(SETTLE_MS);
  const cpuMs = cpuMsOf(server.pid) - cpuBefore;
  const after = await socketsNow();
  return { cpuMs, characters: after.characters - before.characters, frames: after.frames - before.frames };
}

function note(what: string, samples: readonly number[]): void {
  console.error(`${what}: ${Math.round(samples.at(-1)!)} ms`);
}

function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

const executablePath = await findChromium();
if (executablePath === undefined) Deno.exit(1);
const folder = await Deno.makeTempDir({ prefix: "festival-chat-bench-" });
const browsers = [await launchChromium(executablePath), await launchChromium(executablePath)] as const;
let loads: Record<MarkedTransport, Load>[] = [];
const wants = (part: string) => only === undefined || only === part;
if (wants("setup")) await linkSetUp(browsers);
const pairs = { latency, cut, reload };
for (const [part, play] of Object.entries(pairs)) {
  if (!wants(part)) continue;
  const server = await startServer({ dataDir: `${folder}/${part}`, env: RAISED_LIMITS });
  try {
    await inOneRoom(browsers, server, ["Ada", "Ben"], (people) => play(people as [Tab, Tab]));
  } finally {
    await server.kill();
  }
  console.error(`${part}: done`);
}
if (wants("load")) {
  const server = await startServer({ dataDir: `${folder}/load`, env: RAISED_LIMITS });
  try {
    loads = await inOneRoom(browsers, server, ["Ada", "Ben", "Cleo", "Dora", "Eli"], (people) => load(people, server));
  } finally {
    await server.kill();
  }
}
for (const browser of browsers) await browser.close();
await Deno.remove(folder, { recursive: true });

const ms = (value: number) => value < 20 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
console.log("| ms | p50 | p95 | longest | samples | goal |\n| --- | --- | --- | --- | --- | --- |");
for (const { what, samples, goal } of rows) {
  const figures = [percentile(samples, 0.5), percentile(samples, 0.95), Math.max(...samples)].map(ms);
  console.log(`| ${what} | ${figures.join(" | ")} | ${samples.length} | ${goal} |`);
}
if (loads.length > 0) {
  console.log(
    `\n| five people, ${MESSAGES} messages in ${
      MESSAGES * MESSAGE_EVERY_MS / 1_000
    } s | server's CPU ms | KB on all sockets | frames on all sockets |`,
  );
  console.log("| --- | --- | --- | --- |");
  const mean = (pick: (of: Record<MarkedTransport, Load>) => number) =>
    loads.map(pick).reduce((sum, value) => sum + value, 0) / loads.length;
  for (const transport of ["websocket", "p2p"] as const) {
    const name = transport === "p2p" ? "over links, the server as memory" : "over the server";
    const figures = (["cpuMs", "characters", "frames"] as const).map((key) => mean((of) => of[transport][key]));
    console.log(
      `| ${name} | ${figures[0]!.toFixed(0)} | ${(figures[1]! / 1_000).toFixed(0)} | ${figures[2]!.toFixed(0)} |`,
    );
  }
  const ratio = (key: keyof Load) => mean((of) => of.p2p[key] / of.websocket[key]).toFixed(2);
  console.log(`| ratio, within a round | ${ratio("cpuMs")} | ${ratio("characters")} | ${ratio("frames")} |`);
}
