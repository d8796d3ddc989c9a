/** The oldest supported browsers: Chromium 107 does everyday things; older ones are told that they are too old. */
import { assert, assertEquals } from "@std/assert";
import { dialogTexts } from "../../lib/ui/texts/dialog_texts.ts";
import { fillRoom } from "../support/fill_room.ts";
import { findOldChromium, launchOldChromium } from "../support/old_chromium.ts";
import { type Field, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

const { menu } = dialogTexts;

const folder = await findOldChromium();
const onOld = { ignore: folder === undefined, timeoutMs: 60_000 };

async function oldBrowser(field: Field) {
  const browser = await launchOldChromium(folder!);
  field.closes(() => browser.close());
  return browser;
}

rule(
  "Chromium 107: two people talk, with links, replies, reactions, edits, and markup as text",
  async (field) => {
    const browser = await oldBrowser(field);
    const [ada, ben] = [await field.person("Ada", { browser }), await field.person("Ben", { browser })];
    const path = await ada.startRoom("Old phones");
    await ben.enter(path);
    await ada.say("hello");
    await ben.hears("hello");
    await ben.say("see https://example.org/map?x=1 and www.example.org");
    const links = ada.log.getByRole("link");
    await ada.until(() => links.count(), (count) => count === 2, (count) => assertEquals(count, 2));
    assertEquals(
      await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href)),
      ["https://example.org/map?x=1", "https://www.example.org/"],
    );

    await ada.openActions("hello");
    await ada.message("hello").getByRole("button", { name: menu.edit }).click();
    await ada.composer.fill("hello all");
    await ada.composer.press("Enter");
    await ben.hears("hello all");

    await ben.openActions("hello all");
    await ben.message("hello all").getByRole("button", { name: `${menu.react}: ` }).first().click();
    await ada.message("hello all").getByRole("button", { name: /1 person/ }).waitFor();

    await ben.openActions("hello all");
    await ben.message("hello all").getByRole("button", { name: menu.reply, exact: true }).click();
    await ben.say("an answer");
    await ada.message("an answer").getByText("hello all").waitFor();

    await ben.composer.evaluate((field) => {
      (field as HTMLTextAreaElement).value = "half \ud83c of a character";
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    await ben.composer.press("Enter");
    await ada.hears("half \ufffd of a character");

    await ada.reload();
    await ada.hears("hello all", "an answer", "half \ufffd of a character");
    await ada.device.setOffline(true);
    await ada.status(t.connection.offline).waitFor();
    await ada.send("typed without a network");
    await ada.device.setOffline(false);
    await ada.untilStored("typed without a network");
    await ben.hears("typed without a network");
  },
  onOld,
);

rule("Chromium 107: a long room, and a sealed one; the composer is in reach on small screens", async (field) => {
  const browser = await oldBrowser(field);
  const server = await field.ownServer({ FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" });
  const ada = await field.person("Ada", { browser, origin: server.url, viewport: { width: 360, height: 740 } });
  const path = await ada.startRoom("Long");
  const said = Array.from({ length: 200 }, (_, n) => `line ${n}`);
  await fillRoom(server.url, path, said);
  await ada.hears("line 199");
  await composerIsInReach(ada);
  await ada.page.setViewportSize({ width: 320, height: 568 });
  await composerIsInReach(ada);

  const sealed = await ada.startRoom("Kept to ourselves", "sealed");
  const ben = await field.person("Ben", { browser, origin: server.url, viewport: { width: 320, height: 568 } });
  await ben.enter(sealed);
  await ada.say("only for us");
  await ben.hears("only for us");
  await ben.say("I can read it");
  await ada.hears("I can read it");
  await composerIsInReach(ben);
}, onOld);

async function composerIsInReach(tab: Tab): Promise<void> {
  const { height } = tab.page.viewportSize()!;
  const box = await tab.composer.boundingBox();
  assert(box !== null && box.y >= 0 && box.y + box.height <= height, `the composer is at ${JSON.stringify(box)}`);
}

rule("an outdated browser shows that it is too old, and no page claims to be opening", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Too new");
  // The missing features make the code fail as well, which is not the message to show.
  ben.device.expects(/./);
  await ben.device.context.addInitScript(() => {
    delete (Object as { hasOwn?: unknown }).hasOwn;
    delete (globalThis as { structuredClone?: unknown }).structuredClone;
  });
  for (const page of [path, "/"]) {
    await ben.goTo(page);
    await ben.untilAlert(t.site.tooOld);
    assertEquals(await ben.page.getByText(t.site.notStarted).isVisible(), false);
  }
});

rule("a page whose script does not load, does not parse or throws says so, and offers a reload", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Out of order");
  ben.device.expects(/./);
  const script = /\/_fresh\/js\/[^/]+\/Room\.js/;
  const answers = [
    { status: 404, body: "" },
    { contentType: "text/javascript", body: "class {{" },
    { contentType: "text/javascript", body: "export default 1; null.start()" },
  ];
  for (const answer of answers) {
    await ben.page.route(script, (route) => route.fulfill(answer));
    await ben.goTo(path);
    await ben.untilAlert(t.site.notStarted);
    assertEquals(await ben.page.getByText(t.room.loading).isVisible(), false);
    await ben.page.unroute(script);
  }
  await ben.page.getByRole("link", { name: t.site.reload }).click();
  await ben.untilLive();
  assertEquals(await ben.page.getByText(t.site.notStarted).isVisible(), false);
});

rule("a room that fails to open says so", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Broken inside");
  ben.device.expects(/./);
  await ben.device.context.addInitScript(() => {
    Object.defineProperty(crypto, "getRandomValues", { value: undefined });
  });
  await ben.goTo(path);
  await ben.untilAlert(t.site.notStarted);
  assertEquals(await ben.page.getByText(t.room.loading).isVisible(), false);
});
