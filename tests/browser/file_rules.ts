/** Photos and files go from phone to phone, survive reloads, come from any holder, and show honestly if none is online. */
import { assert, assertEquals } from "@std/assert";
import type { Locator } from "playwright-core";
import { fileTexts as words } from "../../lib/ui/texts/file_texts.ts";
import { FILE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { findViolations } from "../screens/axe.ts";
import { crowd } from "./crowd.ts";
import { rule } from "./field.ts";
import { link, untilReached } from "./phones.ts";
import { t, type Tab } from "./tab.ts";

/** Time for 25 MB over a link between two pages on a busy machine. */
const TRANSFER_WITHIN_MS = 60_000;

/** Puts a file into the picker, as a person would choose it. Its bytes are made in the page, and all its blocks differ. */
export async function choose(person: Tab, name: string, type: string, bytes: number): Promise<void> {
  await person.page.evaluate(([name, type, bytes]) => {
    const content = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(content.subarray(at, at + 65_536));
    attach(new File([content], name, { type }));
    function attach(file: File) {
      const chosen = new DataTransfer();
      chosen.items.add(file);
      const picker = document.querySelector<HTMLInputElement>("input[type=file]")!;
      picker.files = chosen.files;
      picker.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }, [name, type, bytes] as const);
}

/** A photo like a camera's: large, and full of detail. */
async function choosePhoto(person: Tab, width: number, height: number): Promise<void> {
  await person.page.evaluate(async ([width, height]) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext("2d")!;
    const sky = pen.createLinearGradient(0, 0, 0, height);
    for (const [at, color] of [[0, "#14203c"], [0.6, "#c2553a"], [1, "#1c130e"]] as const) sky.addColorStop(at, color);
    pen.fillStyle = sky;
    pen.fillRect(0, 0, width, height);
    for (let dot = 0; dot < 20_000; dot++) {
      pen.fillStyle = `hsl(${(dot * 47) % 360} 70% ${30 + (dot * 13) % 50}%)`;
      pen.fillRect((dot * 7919) % width, height * 0.6 + ((dot * 104729) % (height * 0.4)), 5, 11);
    }
    const photo = await new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob!), "image/jpeg", 0.95));
    const chosen = new DataTransfer();
    chosen.items.add(new File([photo], "sunset.jpg", { type: "image/jpeg" }));
    const picker = document.querySelector<HTMLInputElement>("input[type=file]")!;
    picker.files = chosen.files;
    picker.dispatchEvent(new Event("change", { bubbles: true }));
  }, [width, height] as const);
}

/** Chooses a name if needed, then sends the chosen file. */
export async function sendChosen(person: Tab, title: string, caption = ""): Promise<void> {
  const sheet = person.dialog(title);
  if (caption !== "") await sheet.getByLabel(words.sheet.caption).fill(caption);
  await person.untilEnabled(sheet.getByRole("button", { name: words.sheet.send }));
  await sheet.getByRole("button", { name: words.sheet.send }).click();
  await sheet.waitFor({ state: "detached", timeout: TRANSFER_WITHIN_MS });
}

export function card(person: Tab, label: string): Locator {
  return person.log.getByRole("group", { name: label });
}

async function untilHere(person: Tab, label: string): Promise<void> {
  await person.log.locator('[data-file="here"]', {}).and(card(person, label)).waitFor({ timeout: TRANSFER_WITHIN_MS });
}

/** The name and the SHA-256 of a saved file. */
async function saved(person: Tab, label: string): Promise<{ name: string; bytes: number; hash: string }> {
  const download = person.page.waitForEvent("download");
  await card(person, label).getByRole("button", { name: words.save }).click();
  const file = await download;
  const content = await Deno.readFile((await file.path())!);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
  return { name: file.suggestedFilename(), bytes: content.length, hash };
}

rule("[FILE-8] a file of 25 MB goes over the link, and the receiver reloads in the middle", async (field) => {
  const { server, people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], { FESTIVAL_ENVIRONMENT: "development" });
  await ada!.say("hello");
  await link([ada!, ben!]);
  const label = words.file("stage plan.bin", "25 MB");
  await choose(ada!, "stage plan.bin", "application/octet-stream", FILE_MAX_BYTES);
  await sendChosen(ada!, words.sheet.file, "the whole plan");
  await card(ada!, label).getByText(words.onlyHere).waitFor();
  await card(ben!, label).getByRole("button", { name: words.download }).click();
  const begunAt = performance.now();
  const progress = card(ben!, label).getByRole("progressbar");
  const bytesHere = async () => await progress.evaluate((bar) => (bar as HTMLProgressElement).value).catch(() => 0);
  const before = await ben!.until(bytesHere, (bytes) => bytes > 4_000_000, () => {}, TRANSFER_WITHIN_MS);
  await ben!.reload();
  const kept = await ben!.until(bytesHere, (bytes) => bytes > 0, () => {});
  assert(kept > before / 2, `${kept} of ${before} bytes outlived the reload`);
  await untilHere(ben!, label);
  const tookMs = Math.round(performance.now() - begunAt);
  console.info(`25 MB with a reload in the middle: ${tookMs} ms; ${before} bytes before it, ${kept} kept`);
  await card(ada!, label).getByText(words.here, { exact: true }).waitFor();
  const [mine, theirs] = [await saved(ada!, label), await saved(ben!, label)];
  assertEquals(theirs, mine);
  assertEquals([theirs.name, theirs.bytes], ["stage plan.bin", FILE_MAX_BYTES]);
  // The server's whole database is smaller than one block of the file.
  let stored = 0;
  for (const { name, isFile } of Deno.readDirSync(server.dataDir)) {
    if (isFile) stored += Deno.statSync(`${server.dataDir}/${name}`).size;
  }
  assert(stored < 1_000_000, `the server has ${stored} bytes`);
}, { timeoutMs: 180_000 });

rule("[FILE-7] after the author has left, a third phone gets the file from the second", async (field) => {
  const { people: [ada, ben, cleo] } = await crowd(field, ["Ada", "Ben", "Cleo"], {
    FESTIVAL_ENVIRONMENT: "development",
  });
  await ada!.say("hello");
  await link([ada!, ben!, cleo!]);
  const label = words.file("map.pdf", "3.0 MB");
  await choose(ada!, "map.pdf", "application/pdf", 3 * 1_048_576);
  await sendChosen(ada!, words.sheet.file);
  await card(ben!, label).getByRole("button", { name: words.download }).click();
  await untilHere(ben!, label);
  await card(cleo!, label).waitFor();
  await ada!.device.close();
  await untilReached(cleo!, 1);
  await card(cleo!, label).getByRole("button", { name: words.download }).click();
  await untilHere(cleo!, label);
  assertEquals(await saved(cleo!, label), await saved(ben!, label));
}, { timeoutMs: 120_000 });

rule(
  "[FILE-11] a photo is compressed, previewed and sent, and downloads by itself on the other phone",
  async (field) => {
    const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
    await ada!.say("hello");
    await link([ada!, ben!]);
    await choosePhoto(ada!, 4_000, 3_000);
    const sheet = ada!.dialog(words.sheet.photo);
    await sheet.getByRole("img", { name: "sunset.jpg" }).waitFor();
    const told = await sheet.getByText(/^Compressed from/).textContent();
    assert(Number(/ to (\d+) KB/.exec(told!)?.[1]) <= 200, told!);
    assertEquals(await findViolations(ada!.page), []);
    await sendChosen(ada!, words.sheet.photo, "from the hill");
    const label = words.picture("sunset.webp");
    // It downloads without a press.
    await untilHere(ben!, label);
    const picture = card(ben!, label).getByRole("img", { name: "from the hill" });
    await picture.waitFor();
    const width = await picture.evaluate((picture) => (picture as HTMLImageElement).naturalWidth);
    assertEquals(width, 1_600);
    await ben!.hears("from the hill");
    assertEquals(await findViolations(ben!.page), []);
    await card(ben!, label).getByRole("button", { name: words.show("from the hill") }).click();
    await ben!.dialog(words.large).getByRole("img", { name: "from the hill" }).waitFor();
    await ben!.page.keyboard.press("Escape");
    assertEquals((await saved(ben!, label)).name, "sunset.webp");
  },
  { timeoutMs: 90_000 },
);

rule("[FILE-8] a paused download waits, also across a reload, and resumes where it was", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], { FESTIVAL_ENVIRONMENT: "development" });
  await ada!.say("hello");
  await link([ada!, ben!]);
  const label = words.file("set.mp3", "25 MB");
  await choose(ada!, "set.mp3", "audio/mpeg", FILE_MAX_BYTES);
  await sendChosen(ada!, words.sheet.file);
  await card(ben!, label).getByRole("button", { name: words.download }).click();
  await card(ben!, label).getByText(/from 1 phone$/).waitFor();
  await card(ben!, label).getByRole("button", { name: words.pause }).click();
  await card(ben!, label).getByText(/^Paused at/).waitFor();
  const paused = await card(ben!, label).getByText(/^Paused at/).textContent();
  await ben!.reload();
  await untilReached(ben!, 1);
  assertEquals(await card(ben!, label).getByText(/^Paused at/).textContent(), paused);
  await card(ben!, label).getByRole("button", { name: words.resume }).click();
  await untilHere(ben!, label);
}, { timeoutMs: 120_000 });

rule("without links the event arrives, the file waits with its author, and both phones say so", async (field) => {
  const ada = await field.person("Ada"), ben = await field.person("Ben");
  const path = await ada.startRoom("No links");
  await ada.say("hello");
  await ben.enter(path);
  await choose(ada, "notes.txt", "text/plain", 2_000);
  await sendChosen(ada, words.sheet.file, "my notes");
  const label = words.file("notes.txt", "2 KB");
  await card(ada, label).getByText(words.onlyHere).waitFor();
  await ada.untilStored("my notes");
  await card(ben, label).getByRole("button", { name: words.download }).click();
  await card(ben, label).getByText(words.blocked.no_holder).waitFor();
  assertEquals(await findViolations(ben.page), []);
  // Once its message is deleted, the file is no longer stored.
  const message = ada.message("my notes");
  await message.getByRole("button", { name: t.message.actions }).click();
  await message.getByRole("button", { name: t.menu.deleteMessage }).click();
  await message.getByRole("button", { name: t.menu.deleteMessage }).click();
  await ben.log.getByText(t.room.retracted).waitFor();
});

rule("a file that is too large is refused with a reason, before any of it is read", async (field) => {
  const ada = await field.person("Ada");
  await ada.startRoom("Too large");
  await ada.say("hello");
  await choose(ada, "film.mkv", "video/x-matroska", FILE_MAX_BYTES + 1);
  await ada.dialog(words.sheet.file).getByText(words.problems.too_large).waitFor();
  assertEquals(await ada.dialog(words.sheet.file).getByRole("button", { name: words.sheet.send }).count(), 0);
});
