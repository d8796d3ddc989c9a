/** Rooms with a long history: opened at once, read to their beginning. */
import { assert, assertEquals } from "@std/assert";
import { TestClient, webSocketWire } from "../support/client.ts";
import { LATEST_EVENTS } from "../../lib/protocol/limits.ts";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

const MESSAGES = 1_000;
/** Over so many connections: one alone may not send that fast. */
const WRITERS = 5;
/** Events that one connection may have waiting for their answer are 64; this stays well below. */
const AT_ONCE = 20;

/** Fills a room over plain sockets; the texts are `message 0` to `message 999`. */
async function fill(origin: string, path: string): Promise<void> {
  const answer = await fetch(`${origin}/api/codes/${path.slice("/r/".length)}`);
  const { id: room } = await answer.json();
  const open = webSocketWire(`${origin.replace("http", "ws")}/api/rooms/${room}/socket`);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) => TestClient.join({ open, room, name: `Writer ${i}` })),
  );
  await Promise.all(writers.map(async (writer, i) => {
    for (let first = i; first < MESSAGES; first += WRITERS * AT_ONCE) {
      const numbers = Array.from({ length: AT_ONCE }, (_, k) => first + k * WRITERS).filter((n) => n < MESSAGES);
      const events = [];
      for (const n of numbers) events.push(await writer.signText(`message ${n}`));
      writer.sendEvents(...events);
      for (const event of events) await writer.stored(event.id);
    }
    assertEquals(writer.violations, []);
    await writer.close();
  }));
}

rule("a room with 1,000 messages opens with the newest, and scrolling loads all older ones", async (field) => {
  const server = await field.ownServer({ FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" });
  const [ada, ben] = [
    await field.person("Ada", { origin: server.url }),
    await field.person("Ben", { origin: server.url }),
  ];
  const path = await ada.startRoom("Long");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await fill(server.url, path);

  await ben.enter(path);
  await ben.until(() => ben.messages(), (texts) => texts.length > 0, () => {});
  const newest = await ben.messages();
  assert(newest.length <= LATEST_EVENTS, `${newest.length} messages at once`);
  const isAtEnd = () => ben.log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 5);
  await ben.until(isAtEnd, (atEnd) => atEnd, () => assert(false, "the room did not open at its end"));

  // One look up: what stands at the top of the view stays where it is while older messages come above it.
  await ben.log.evaluate((box) => box.scrollTop = 300);
  const inView = await ben.log.evaluate((box) => {
    const { top } = box.getBoundingClientRect();
    const items = [...box.querySelectorAll("[data-item]")];
    return items.find((item) => item.getBoundingClientRect().top >= top)?.getAttribute("data-item");
  });
  const first = ben.log.locator(`[data-item="${inView}"]`);
  const before = await first.boundingBox();
  await ben.until(() => ben.messages(), (texts) => texts.length > newest.length, () => {});
  const after = await first.boundingBox();
  assert(Math.abs(after!.y - before!.y) < 2, `the text jumped from ${before!.y} to ${after!.y}`);

  // Up to the beginning, as somebody who turns the wheel.
  await ben.log.hover();
  const beginning = ben.log.getByText(t.room.beginning);
  while (!await beginning.isVisible()) {
    const known = (await ben.messages()).length;
    await ben.page.mouse.wheel(0, -20_000);
    await ben.until(
      async () => await beginning.isVisible() || (await ben.messages()).length > known || !await isAtTop(),
      (moved) => moved,
      () => assert(false, `no more than ${known} messages came`),
    );
  }
  const all = await ben.messages();
  assertEquals(all.length, MESSAGES);
  // Older ones may come to stand between them, for their place is by clock; their order stays.
  const shownFirst = new Set(newest);
  assertEquals(all.filter((text) => shownFirst.has(text)), newest);
  assertEquals(new Set(all), new Set(Array.from({ length: MESSAGES }, (_, n) => `message ${n}`)));
  // What each wrote stands in the order it was written.
  for (let writer = 0; writer < WRITERS; writer++) {
    const numbers = all.map((text) => Number(text.slice("message ".length))).filter((n) => n % WRITERS === writer);
    assertEquals(numbers, numbers.toSorted((a, b) => a - b));
  }

  // Ada was away all the time: she gets what she missed, without a hole and without asking.
  await ada.device.setOffline(false);
  await ada.shows(all);
  // Back at the end, new messages are shown as they come.
  await ben.button(t.room.jump).click();
  await ada.say("the newest of all");
  await ben.hears("the newest of all");
  await ben.until(isAtEnd, (atEnd) => atEnd, () => assert(false, "the list did not follow"));

  function isAtTop(): Promise<boolean> {
    return ben.log.evaluate((box) => box.scrollTop === 0);
  }
});
