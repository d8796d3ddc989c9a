/**
 * Client benchmarks: real Chromium and the built server, with network faults from the fault proxy.
 * `deno task bench:client [--quick] [--only=browser|crowd]`. Method: README.md.
 */
import type { Browser } from "playwright-core";
import { type ChooseRule, FaultProxy, type FaultRule, isUpgrade, onlySockets } from "../tests/faults/fault_proxy.ts";
import { Device } from "../tests/browser/device.ts";
import { t, type Tab } from "../tests/browser/tab.ts";
import { findChromium, launchChromium } from "../tests/support/chromium.ts";
import { fillRoom } from "../tests/support/fill_room.ts";
import { startServer } from "../tests/support/server_process.ts";
import { STABLE_AFTER_MS } from "../lib/routing/backoff.ts";
import { SLEPT_AFTER_MS } from "../lib/session/connection/probe_timeout.ts";
import { returnOfTheCrowd } from "./crowd.ts";

const quick = Deno.args.includes("--quick");
/** One part of the benchmark. */
const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
const times = (count: number) => quick ? Math.min(3, count) : count;

/** Limits raised for the browser part: rooms fill fast, and one device connects often. */
const RAISED_LIMITS = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
const PASS: ChooseRule = () => ({ fault: "pass" });

interface Row {
  what: string;
  /** Ms. */
  samples: number[];
  goal: string;
}

/** Ada's tab behind the fault proxy and Ben's on a good network, in one room. */
interface Stage {
  ada: Tab;
  ben: Tab;
  network: FaultProxy;
  path: string;
}

async function onStage(browser: Browser, port: number, play: (stage: Stage) => Promise<Row[]>): Promise<Row[]> {
  const network = new FaultProxy({ port, rule: PASS });
  const devices = [
    await Device.make(browser, "Ada", network.url, {}),
    await Device.make(browser, "Ben", `http://127.0.0.1:${port}`, {}),
  ] as const;
  try {
    const [ada, ben] = [await devices[0].newTab(), await devices[1].newTab()];
    const path = await ada.startRoom("Benchmark");
    await ben.enter(path);
    await ada.say("I am Ada");
    await ben.say("I am Ben");
    return await play({ ada, ben, network, path });
  } finally {
    for (const device of devices) await device.close();
    await network.close();
  }
}

/** A new, connected page of Ada's without knowledge of the transports. */
async function openAnew({ ada, network, path }: Stage): Promise<void> {
  // A device may open 15 connections a minute. Without its cookie it counts as another device.
  await ada.device.context.clearCookies({ name: "device" });
  network.rule = PASS;
  await ada.goTo(path);
  await ada.untilLive();
}

/** Resolves with the time when this text first appears in the page, by the clock shared with this process. */
async function noteArrival({ page }: Tab, text: string): Promise<() => Promise<number>> {
  const name = `arrival of ${text}`;
  await page.evaluate(([name, text]) => {
    const looks = new MutationObserver(() => {
      if (![...document.querySelectorAll("[data-item] p[dir=auto]")].some((line) => line.textContent === text)) return;
      looks.disconnect();
      Object.assign(globalThis, { [name!]: Date.now() });
    });
    looks.observe(document, { subtree: true, childList: true, characterData: true });
  }, [name, text]);
  return async () => {
    const handle = await page.waitForFunction(
      (name) => (globalThis as unknown as Record<string, number>)[name],
      name,
      { timeout: 60_000, polling: 20 },
    );
    return (await handle.jsonValue())!;
  };
}

function socketsOf(network: FaultProxy) {
  return network.open.filter(({ head }) => isUpgrade(head));
}

const BLACK_HOLE = "the connection became a black hole";
/** Puts the page to sleep for longer than SLEPT_AFTER_MS, like a phone in a pocket. */
const LONG_SLEEP = "after a long sleep the connection is a black hole";

/** Time from waking up to seeing the missed messages. */
async function wakeToSynced(stage: Stage): Promise<Row[]> {
  const { ada, ben, network } = stage;
  const swallow = () => socketsOf(network).forEach((connection) => connection.rule = { fault: "drop" });
  const cases = [
    ["the connection is still good", () => {}, 20],
    ["the connection was closed meanwhile", () => socketsOf(network).forEach((connection) => connection.cut()), 20],
    [BLACK_HOLE, swallow, 20],
    [LONG_SLEEP, swallow, 10],
  ] as const;
  const rows: Row[] = [];
  for (const [what, happens, count] of cases) {
    const samples: number[] = [];
    for (let sample = 0; sample < times(count); sample++) {
      await openAnew(stage);
      // Like a connection that was in use before the phone slept.
      if (happens === swallow) await ada.page.waitForTimeout(STABLE_AFTER_MS);
      const text = `${what} ${sample}`;
      const arrival = await noteArrival(ada, text);
      await ada.fallAsleep();
      happens();
      await ben.say(text);
      if (what === LONG_SLEEP) await ben.page.waitForTimeout(SLEPT_AFTER_MS);
      const wokeAt = Date.now();
      await ada.wakeUp();
      samples.push(await arrival() - wokeAt);
      note(`wake to synced, ${what}`, samples);
    }
    rows.push({ what: `wake to synced: ${what}`, samples, goal: "1,000 (p95)" });
  }
  return rows;
}

/** Time from pressing Enter to giving up a connection that became a black hole. */
async function deadLinkNoticed(stage: Stage): Promise<Row[]> {
  const { ada, network } = stage;
  const samples: number[] = [];
  for (let sample = 0; sample < times(10); sample++) {
    await openAnew(stage);
    socketsOf(network).forEach((connection) => connection.rule = { fault: "drop" });
    const noticed = ada.page.waitForEvent("console", (message) => message.text().startsWith("connection: no pong"));
    await ada.composer.fill(`into the hole ${sample}`);
    const startedAt = Date.now();
    await ada.composer.press("Enter");
    await noticed;
    samples.push(Date.now() - startedAt);
    note("dead link noticed", samples);
    await ada.untilStored(`into the hole ${sample}`);
  }
  return [{ what: "dead link noticed, from sending into it", samples, goal: "under 3,000" }];
}

/** Time from following the room's link to being connected. */
async function openingOver(stage: Stage): Promise<Row[]> {
  const { ada, network, path } = stage;
  const cases: [string, FaultRule][] = [
    ["WebSockets work", { fault: "pass" }],
    ["by polling: Upgrade is stripped", { fault: "strip_upgrade" }],
    ["by polling: WebSockets are answered 503", { fault: "answer", status: 503 }],
    ["by polling: WebSockets are swallowed", { fault: "drop" }],
    ["by polling: WebSockets open and stay silent", { fault: "silent_after_head" }],
  ];
  await ada.page.addInitScript((live) => {
    const looks = new MutationObserver(() => {
      if (![...document.querySelectorAll("[role=status]")].some((sign) => sign.textContent?.includes(live))) return;
      looks.disconnect();
      Object.assign(globalThis, { liveAfterMs: performance.now() });
    });
    looks.observe(document, { subtree: true, childList: true, characterData: true });
  }, t.connection.connected);
  const rows: Row[] = [];
  for (const [what, fault] of cases) {
    network.rule = onlySockets(fault);
    const samples: number[] = [];
    for (let sample = 0; sample < times(10); sample++) {
      await ada.device.context.clearCookies({ name: "device" });
      await ada.goTo(path);
      await ada.untilLive();
      samples.push(await ada.page.evaluate(() => (globalThis as unknown as { liveAfterMs: number }).liveAfterMs));
      note(`opening, ${what}`, samples);
    }
    rows.push({ what: `room opened and connected: ${what}`, samples, goal: "5,000" });
  }
  network.rule = PASS;
  return rows;
}

/** Catching up on 1,000 missed messages; then reopening the room with the newest 500 of them on the device. */
async function missedAndKept({ ada, ben, path }: Stage): Promise<Row[]> {
  const missed: number[] = [];
  for (let sample = 0; sample < times(3); sample++) {
    await ada.device.setOffline(true);
    await ada.status(t.connection.offline).waitFor();
    await fillRoom(ben.device.origin, path, Array.from({ length: 1_000 }, (_, n) => `${sample}, missed ${n}`));
    const arrival = await noteArrival(ada, `${sample}, missed 999`);
    const backAt = Date.now();
    await ada.device.setOffline(false);
    missed.push(await arrival() - backAt);
    note("1,000 missed messages", missed);
    const seen = new Set(await ada.messages());
    for (let n = 0; n < 1_000; n++) if (!seen.has(`${sample}, missed ${n}`)) throw new Error(`missed ${n} is missing`);
  }
  // The replica is written within a second, and when the page closes.
  await ada.page.waitForTimeout(1_500);
  await ada.page.addInitScript(() => {
    const looks = new MutationObserver(() => {
      const count = document.querySelectorAll("[data-item]").length;
      if (count === 0) return;
      const times = globalThis as unknown as { firstAfterMs?: number; allAfterMs?: number };
      times.firstAfterMs ??= performance.now();
      if (count < 500) return;
      looks.disconnect();
      times.allAfterMs = performance.now();
    });
    looks.observe(document, { subtree: true, childList: true });
  });
  const opened: number[] = [];
  for (let sample = 0; sample < times(20); sample++) {
    await ada.device.context.clearCookies({ name: "device" });
    await ada.page.reload();
    await ada.page.waitForFunction(() => "allAfterMs" in globalThis, undefined, { polling: 20 });
    opened.push(await ada.page.evaluate(() => (globalThis as unknown as { allAfterMs: number }).allAfterMs));
    note("cold open", opened);
  }
  return [
    { what: "1,000 missed messages caught up, from the network being back", samples: missed, goal: "2,000" },
    { what: "room opened with 500 messages of its own copy, from navigation", samples: opened, goal: "" },
  ];
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
const rows: Row[] = [];
if (only !== "crowd") {
  const server = await startServer({ dataDir: `${folder}/browser`, env: RAISED_LIMITS });
  const browser = await launchChromium(executablePath);
  const port = Number(new URL(server.url).port);
  for (const scene of [wakeToSynced, deadLinkNoticed, openingOver, missedAndKept]) {
    rows.push(...await onStage(browser, port, scene));
  }
  await browser.close();
  await server.kill();
}
const crowds = [];
for (let round = 0; only !== "browser" && round < times(3); round++) {
  crowds.push(await returnOfTheCrowd({ dataDir: `${folder}/crowd ${round}`, sockets: quick ? 200 : 1_000 }));
  console.error(crowds.at(-1));
}
await Deno.remove(folder, { recursive: true });

const ms = (value: number) => Math.round(value).toLocaleString("en");
console.log("| ms | p50 | p95 | longest | samples | goal |\n| --- | --- | --- | --- | --- | --- |");
for (const { what, samples, goal } of rows) {
  const figures = [percentile(samples, 0.5), percentile(samples, 0.95), Math.max(...samples)].map(ms);
  console.log(`| ${what} | ${figures.join(" | ")} | ${samples.length} | ${goal} |`);
}
console.log("\n| sockets | server down | half synced | all synced | connections tried | refused |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const { sockets, downMs, halfMs, allMs, tries, refusals } of crowds) {
  const refused = Object.entries(refusals).map(([reason, count]) => `${count} ${reason}`).join(", ") || "none";
  console.log(`| ${ms(sockets)} | ${ms(downMs)} | ${ms(halfMs)} | ${ms(allMs)} | ${ms(tries)} | ${refused} |`);
}
