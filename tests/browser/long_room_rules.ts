/** Rooms with a long history: opened at once, read to their beginning. */
import { assert, assertEquals } from "@std/assert";
import { LATEST_EVENTS } from "../../lib/protocol/limits.ts";
import { fillRoom } from "../support/fill_room.ts";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

const TEXTS = Array.from({ length: 1_000 }, (_, n) => `message ${n}`);

rule("a room with 1,000 messages opens with the newest, and scrolling loads all older ones", async (field) => {
  const server = await field.ownServer({ FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" });
  const [ada, ben] = [
    await field.person("Ada", { origin: server.url }),
    await field.person("Ben", { origin: server.url }),
  ];
  const path = await ada.startRoom("Long");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await fillRoom(server.url, path, TEXTS);

  await ben.enter(path);
  await ben.until(() => ben.messages(), (texts) => texts.length > 0, () => {});
  const newest = await ben.messages();
  assertEquals(newest, TEXTS.slice(-LATEST_EVENTS));
  const isAtEnd = () => ben.log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 5);
  await ben.until(isAtEnd, (atEnd) => atEnd, () => assert(false, "the room did not open at its end"));

  // One look up: what stands at the top of the view stays where it is while older messages come above it.
  const [before, after] = await ben.log.evaluate(async (box) => {
    box.scrollTop = 300;
    const items = () => [...box.querySelectorAll("[data-item]")];
    const { top } = box.getBoundingClientRect();
    const seen = items().find((item) => item.getBoundingClientRect().top >= top)!;
    const id = seen.getAttribute("data-item");
    const count = items().length;
    const before = seen.getBoundingClientRect().top;
    await new Promise<void>((resolve) => {
      new MutationObserver((_, observer) => {
        if (items().length === count) return;
        observer.disconnect();
        resolve();
      }).observe(box, { childList: true, subtree: true });
    });
    return [before, items().find((item) => item.getAttribute("data-item") === id)!.getBoundingClientRect().top];
  }) as [number, number];
  assert(Math.abs(after - before) < 2, `the text jumped from ${before} to ${after}`);

  // Up to the beginning with the keyboard.
  await ben.log.focus();
  const beginning = ben.log.getByText(t.room.beginning);
  while (!await beginning.isVisible()) {
    const known = (await ben.messages()).length;
    await ben.page.keyboard.press("Home");
    await ben.until(
      async () => await beginning.isVisible() || (await ben.messages()).length > known || !await isAtTop(),
      (moved) => moved,
      () => assert(false, `no more than ${known} messages came`),
    );
  }
  assertEquals(await ben.messages(), TEXTS);

  // Ada was away all the time: she gets what she missed, without a hole and without asking.
  await ada.device.setOffline(false);
  await ada.shows(TEXTS);
  // Back at the end, new messages are shown as they come.
  await ben.button(t.room.jump).click();
  await ada.say("the newest of all");
  await ben.hears("the newest of all");
  await ben.until(isAtEnd, (atEnd) => atEnd, () => assert(false, "the list did not follow"));

  function isAtTop(): Promise<boolean> {
    return ben.log.evaluate((box) => box.scrollTop === 0);
  }
});
