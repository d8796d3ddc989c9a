/** Repeated trouble: reloads in the middle of sending, long offline times, a server that dies ten times. */
import { assertEquals } from "@std/assert";
import { seededRandom } from "../../bench/arrivals.ts";
import { readEntry } from "../../lib/kinds/kinds.ts";
import { TestClient, webSocketWire } from "../support/client.ts";
import { roomAt } from "../support/fill_room.ts";
import { Conversation } from "./conversation.ts";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

/** Settings for rules that write faster than the limits for people allow. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };

const RELOADS = 200;
const RELOAD_SEED = 1;
/** Storing a message takes a few ms and its ack a few more; most reloads hit that time. */
const RELOAD_WITHIN_MS = 60;

/**
 * Runs in the page at every load. Once the page knows its room, it writes this round's text, presses Enter, and reloads
 * this many ms later.
 */
function writeAndReload(delays: number[]): void {
  const round = Number(sessionStorage.getItem("round") ?? "0");
  addEventListener("DOMContentLoaded", async () => {
    const composer = await appears(() => document.querySelector<HTMLTextAreaElement>("textarea"));
    // The header counts people once the room is known, from the stored copy or from the server.
    await appears(() =>
      [...document.querySelectorAll("header button")].find((b) => / here$/.test(b.textContent ?? ""))
    );
    if (round === delays.length) return void Object.assign(globalThis, { allRoundsDone: true });
    sessionStorage.setItem("round", String(round + 1));
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")!.set!.call(composer, `round ${round}`);
    composer.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve));
    composer.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    if (delays[round] === 0) location.reload();
    else setTimeout(() => location.reload(), delays[round]);
  });
  function appears<Found>(find: () => Found | null | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === null || found === undefined) return;
        observer.disconnect();
        resolve(found);
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, characterData: true });
      look();
    });
  }
}

rule(`${RELOADS} reloads in the middle of sending, seed ${RELOAD_SEED}: each text is there once`, async (field) => {
  const server = await field.ownServer(TALKATIVE);
  const ada = await field.person("Ada", { origin: server.url });
  const path = await ada.startRoom("Reloaded 200 times");
  await ada.say("before");
  const random = seededRandom(RELOAD_SEED);
  const delays = Array.from({ length: RELOADS }, () => Math.floor(random() ** 2 * RELOAD_WITHIN_MS));
  await ada.page.addInitScript(writeAndReload, delays);
  // A device may open 15 connections a minute; this rule is not about that limit.
  ada.page.on("load", () => void ada.device.context.clearCookies({ name: "device" }));
  await ada.goTo(path);
  await ada.page.waitForFunction(() => "allRoundsDone" in globalThis, undefined, { timeout: 200_000 });
  const texts = ["before", ...delays.map((_, round) => `round ${round}`)];
  await ada.untilStored(texts.at(-1)!);
  // No page lived long enough to store everything: older messages load as she scrolls up.
  const beginning = ada.log.getByText(t.room.beginning);
  await ada.until(
    async () => {
      await ada.log.evaluate((box) => void (box.scrollTop = 0));
      return await beginning.isVisible();
    },
    (seen) => seen,
    () => {},
  );
  await ada.shows(texts);

  // In the room's log her numbers have no gap; number 1 opened the room.
  const room = await roomAt(server.url, path);
  const witness = await TestClient.join({
    open: webSocketWire(`${server.url.replace("http", "ws")}/api/rooms/${room}/socket`),
    room,
  });
  witness.send({ type: "history", before: witness.welcome!.from, limit: RELOADS });
  await witness.waitFor("page");
  await witness.close();
  assertEquals(witness.texts, texts);
  const numbers = [...witness.log].sort(([a], [b]) => a - b).map(([, wire]) => {
    const read = readEntry(wire, "");
    return read.ok ? read.event.n : undefined;
  });
  assertEquals(numbers, numbers.map((_, at) => at + 1));
}, { timeoutMs: 240_000 });

rule("a reload while the first message waits for a name restores its text", async (field) => {
  const ada = await field.person("Ada");
  await ada.startRoom("Nameless");
  await ada.composer.fill("who am I?");
  await ada.composer.press("Enter");
  await ada.dialog(t.name.title).waitFor();
  await ada.reload();
  assertEquals(await ada.composer.inputValue(), "who am I?");
  await ada.say("I am Ada");
  await ada.shows(["I am Ada"]);
  assertEquals(await ada.composer.inputValue(), "");
});

rule(
  "fifty messages typed offline show as waiting, outlive the page, and arrive once and in order",
  async (field) => {
    const server = await field.ownServer(TALKATIVE);
    const [ada, ben] = [
      await field.person("Ada", { origin: server.url }),
      await field.person("Ben", { origin: server.url }),
    ];
    const talk = await Conversation.of(ada, ben);
    const path = await ada.startRoom("Fifty");
    await ben.enter(path);
    await talk.goesOn("before", 1);
    await ada.device.setOffline(true);
    await ada.status(t.connection.offline).waitFor();
    for (let n = 1; n <= 50; n++) {
      await talk.say(ada, `in the hole ${n}`);
      if (n % 10 === 0) await talk.say(ben, `Ada? ${n}`);
    }
    await ada.message("in the hole 50").waitFor();
    const waiting = await ada.log.locator("[data-delivery=queued]").count();
    assertEquals(waiting, 50, "messages that say that they wait");
    const address = ada.page.url();
    await ada.page.close();
    await ada.device.setOffline(false);
    const again = await ada.device.newTab();
    await talk.movesTo(ada, again);
    await again.enter(address);
    await talk.settles();
  },
);

rule("ten kills and restarts of the server during a conversation lose and double nothing", async (field) => {
  const server = await field.ownServer(TALKATIVE);
  const people = [
    await field.person("Ada", { origin: server.url }),
    await field.person("Ben", { origin: server.url }),
  ] as const;
  const [ada, ben] = people;
  for (const { device } of people) device.expects(/\/(socket|poll)\b/, /net::ERR_/);
  const talk = await Conversation.of(ada, ben);
  await ben.enter(await ada.startRoom("Restarted ten times"));
  for (let life = 1; life <= 10; life++) {
    await talk.goesOn(`life ${life}`);
    // Some kills come before anything was stored, some after an ack was shown.
    if (life % 2 === 0) await ben.untilStored(`life ${life}: Ben 1`);
    await server.kill();
    await talk.goesOn(`after life ${life}`, 1);
    await server.startAgain();
    // Skips the page's own backoff, which is not tested here.
    for (const person of people) {
      await person.page.evaluate(() => dispatchEvent(new Event("online")));
      await person.untilLive();
    }
  }
  await talk.settles();
}, { timeoutMs: 180_000 });
