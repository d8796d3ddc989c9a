/**
 * Takes screenshots of the pages with real content: `deno run -A tests/screens/screenshots.ts FOLDER`. Starts the real
 * server on its own empty database.
 */
import type { Browser, Page } from "playwright-core";
import { connectionTexts } from "@/lib/ui/texts/connection_texts.ts";
import { pairingTexts } from "@/lib/ui/texts/pairing_texts.ts";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { startServer } from "../support/server_process.ts";

const SIZES = [[360, 740], [320, 640], [1280, 800]] as const;
const SAID: readonly (readonly [who: string, text: string])[] = [
  ["Ann", "We're at the second sound tower, left of the big tree. Look for the inflatable flamingo."],
  ["Maximiliane Alexandra von Sonnenschein-W", "Bring water 🙏 https://festival.example/map?tent=12 (and the map)"],
  ["דניאל", "אני ליד הבמה הראשית, ליד עמוד הסאונד. מישהו רוצה בירה?"],
  ["Ann", "🔥"],
  ["Kai 🎪", "a".repeat(300)],
  ["Kai 🎪", "Longest message we take. ".repeat(80)],
  ["Ann", "On my way, five minutes.\nSave me a spot by the flamingo?"],
];

async function introduceAndSay(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole("textbox", { name: t.composer.label }).fill(text);
  await page.getByRole("button", { name: t.composer.send }).click();
  const label = page.getByLabel(t.name.label);
  await page.waitForTimeout(300);
  if (await label.isVisible()) {
    await label.fill(name);
    await page.getByRole("button", { name: t.name.save }).click();
  }
  await page.locator('[data-delivery="stored"]').last().waitFor({ state: "attached" });
}

async function startRoom(page: Page, origin: string): Promise<string> {
  await page.goto(origin);
  await page.getByLabel(t.home.roomName).fill("Flamingo Camp");
  await page.getByRole("radio", { name: t.kinds.listed.name, exact: true }).check();
  await page.getByRole("button", { name: t.home.open }).click();
  await page.getByRole("status").filter({ hasText: t.connection.connected }).waitFor();
  return page.url();
}

async function takeAll(browser: Browser, origin: string, folder: string): Promise<void> {
  const people = new Map<string, Page>();
  const first = await (await browser.newContext()).newPage();
  const room = await startRoom(first, origin);
  people.set("Ann", first);
  for (const [who, text] of SAID) {
    let page = people.get(who);
    if (page === undefined) {
      page = await (await browser.newContext()).newPage();
      await page.goto(room);
      people.set(who, page);
    }
    await introduceAndSay(page, who, text);
  }
  for (const theme of ["dark", "sunlight"]) {
    for (const [width, height] of SIZES) {
      const phone = width < 500;
      const context = await browser.newContext({
        viewport: { width, height },
        deviceScaleFactor: phone ? 2 : 1,
        isMobile: phone,
        hasTouch: phone,
      });
      await context.addInitScript(`localStorage.setItem("festival-chat.theme", "${theme}")`);
      const page = await context.newPage();
      const take = async (name: string) => {
        // Waits until the last elements have faded in.
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${folder}/${name}-${theme}-${width}.png` });
      };
      await page.goto(room);
      await page.getByText("On my way").waitFor();
      await take("room");
      await page.getByRole("log").evaluate((box) => box.scrollTop = 0);
      await take("room-top");
      await page.getByRole("button", { name: t.message.actions }).nth(1).click();
      await page.getByRole("group", { name: t.message.actions }).waitFor();
      await take("actions");
      await page.getByRole("button", { name: t.connection.open }).click();
      await page.getByText(connectionTexts.measured).waitFor();
      await page.waitForTimeout(2_500);
      await page.getByRole("button", { name: connectionTexts.check }).click();
      await page.locator("[data-finding]").first().waitFor();
      await take("connection");
      await page.getByRole("button", { name: connectionTexts.connectPeers }).click();
      await page.locator('[data-peer="connected"]').nth(1).waitFor();
      await page.getByRole("heading", { name: connectionTexts.peers }).evaluate((heading) => heading.scrollIntoView());
      await take("peers");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: t.room.share }).click();
      await page.getByRole("button", { name: t.share.enlarge }).waitFor();
      await take("share");
      await page.getByRole("button", { name: t.share.enlarge }).click();
      await take("share-full");
      await page.goto(`${room.slice(0, -1)}`);
      await take("wrong-code");
      await page.goto(origin);
      await page.getByRole("link", { name: "Flamingo Camp" }).first().waitFor();
      await take("home");
      await page.goto(room);
      await page.getByText("On my way").waitFor();
      await introduceAndSay(page, "Robin", "Where are you all?");
      await context.setOffline(true);
      await page.getByRole("textbox", { name: t.composer.label }).fill("Still walking");
      await page.getByRole("button", { name: t.composer.send }).click();
      await page.getByRole("button", { name: t.connection.retryNow }).waitFor();
      await take("room-offline");
      await context.setOffline(false);
      await page.goto(room);
      await page.getByRole("button", { name: t.room.share }).click();
      await page.getByRole("button", { name: t.connection.linkPhones }).click();
      await page.getByText(pairingTexts.camera.running).waitFor();
      await take("pair");
      await context.close();
    }
  }
}

if (import.meta.main) {
  const [folder] = Deno.args;
  const path = await findChromium();
  if (folder === undefined || path === undefined) {
    console.error("usage: deno run -A tests/screens/screenshots.ts FOLDER (and a Chromium)");
    Deno.exit(2);
  }
  await Deno.mkdir(folder, { recursive: true });
  const dataDir = await Deno.makeTempDir();
  const server = await startServer({ dataDir });
  const browser = await launchChromium(path, {
    args: ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
  });
  await takeAll(browser, server.url, folder);
  await browser.close();
  await server.stop();
  await Deno.remove(dataDir, { recursive: true });
  Deno.exit();
}
