/** Rooms with a long history open at once and can be read to the start. */
import { assert, assertEquals } from "@std/assert";
import { LATEST_EVENTS } from "../../lib/protocol/limits.ts";
import { eventPlace, sealerOf } from "../../lib/crypto/seal.ts";
import { dialogTexts } from "../../lib/ui/texts/dialog_texts.ts";
import type { EventContent } from "../../lib/kinds/kinds.ts";
import { TestClient, webSocketWire } from "../support/client.ts";
import { fillRoom, roomAt } from "../support/fill_room.ts";
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

  // Scrolling up: the message at the top of the view stays in place while older ones load above it.
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

  // Up to the start with the keyboard.
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

  // Ada was away all the time: she gets the missed messages without a gap, and without asking.
  await ada.device.setOffline(false);
  await ada.shows(TEXTS);
  // Back at the end, new messages show as they arrive.
  await ben.button(t.room.jump).click();
  await ada.say("the newest of all");
  await ben.hears("the newest of all");
  await ben.until(isAtEnd, (atEnd) => atEnd, () => assert(false, "the list did not follow"));

  function isAtTop(): Promise<boolean> {
    return ben.log.evaluate((box) => box.scrollTop === 0);
  }
});

for (const kind of ["unlisted", "sealed"] as const) {
  rule(
    `a newcomer to ${kind === "sealed" ? "a sealed" : "an open"} room reads the 20 messages above 50 and 300 reactions`,
    async (field) => {
      const server = await field.ownServer({ FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" });
      const origin = server.url;
      const ada = await field.person("Ada", { origin });
      const path = await ada.startRoom("Loved", kind);
      const [, id, secret] = /^\/s\/([^#]+)#(.+)$/.exec(path) ?? [];
      const room = id ?? await roomAt(origin, path);
      const sealer = secret === undefined ? undefined : await sealerOf(secret);
      const open = webSocketWire(`${origin.replace("http", "ws")}/api/rooms/${room}/socket`);
      const writer = await TestClient.join({ open, room, name: "Cleo" });
      await writer.holds(writer.welcome!.head);
      const texts = Array.from({ length: 20 }, (_, n) => `message ${n}`);
      const write = async (contents: readonly EventContent[]) => {
        const events = await Promise.all(contents.map(async (content) => {
          if (sealer === undefined) return await writer.sign(content);
          const header = { room, author: writer.signer.author, n: ++writer.n, clock: ++writer.clock, at: 0 };
          const sealed = await sealer.seal(JSON.stringify(content), eventPlace(header));
          return await writer.sign({ kind: "sealed", body: { sealed } }, header);
        }));
        writer.sendEvents(...events);
        await Promise.all(events.map(({ id }) => writer.stored(id)));
        return events;
      };
      const said = await write(texts.map((text) => ({ kind: "message", body: { name: "Cleo", text } })));
      const react = async (count: number) => {
        for (let at = 0; at < count; at += 10) {
          await write(Array.from({ length: 10 }, (_, n) => ({
            kind: "reaction",
            body: { to: said[n]!.id, emoji: "🔥", on: at % 20 === 0 },
          })));
        }
      };
      for (const [name, count] of [["Ben", 50], ["Dora", 250]] as const) {
        await react(count);
        const newcomer = await field.person(name, { origin });
        await newcomer.enter(path);
        await newcomer.shows(texts);
        assertEquals(await newcomer.page.getByText(dialogTexts.empty.title).count(), 0);
      }
      await writer.close();
    },
  );
}
