/** Starting a room, inviting others, and every way to join. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { rule } from "./field.ts";
import { readQr } from "./qr_reading.ts";
import { t, type Tab } from "./tab.ts";

/** The code in a room's path. */
const codeOf = (path: string) => path.slice("/r/".length);

/** This code with a typo in the middle of its first word. */
function misheard(code: string): string {
  return `${code.slice(0, 2)}${code[2] === "x" ? "q" : "x"}${code.slice(3)}`;
}

rule("a listed room opens in one step, and its first person can write alone", async (field) => {
  const ada = await field.person("Ada");
  const path = await ada.startRoom("Main stage", "listed");
  assertMatch(path, /^\/r\/[a-z]+-[a-z]+-[1-9][0-9]{0,2}$/);
  assertEquals(await ada.page.getByRole("heading", { level: 1 }).textContent(), "Main stage");
  await ada.untilPeople(1);
  await ada.say("Hello, empty field!");
  await ada.shows(["Hello, empty field!"]);
});

rule("the share dialog shows the code, the link, and a QR code of the link", async (field) => {
  const ada = await field.person("Ada", { permissions: ["clipboard-read", "clipboard-write"] });
  const path = await ada.startRoom("Come in", "unlisted");
  const share = await ada.openShare();
  await share.getByRole("img", { name: codeOf(path).replaceAll("-", " ") }).waitFor();
  const link = field.server.url + path;
  assertEquals(await readQr(share.getByRole("img", { name: t.share.qr("Come in") })), link);
  await share.getByRole("button", { name: t.share.copyLink }).click();
  await share.getByText(t.clipboard.copied).waitFor();
  assertEquals(await ada.page.evaluate(() => navigator.clipboard.readText()), link);
});

rule("a code may be typed in any case, with spaces", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Typed");
  await ben.typeCode(`  ${codeOf(path).toUpperCase().replaceAll("-", "  ")} `);
  await ben.untilLive();
  assertEquals(new URL(ben.page.url()).pathname, path);
  await ada.untilPeople(2);
});

rule("a code one letter off gets a suggestion that leads into the room", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Misheard");
  ben.device.expects(/404/);
  await ben.typeCode(misheard(codeOf(path)));
  await ben.page.getByText(t.home.didYouMean).waitFor();
  await ben.page.getByRole("link", { name: codeOf(path).replaceAll("-", " ") }).click();
  await ben.untilLive();
  assertEquals(new URL(ben.page.url()).pathname, path);
});

rule("a link with a wrong code answers 404, repeats the code, and suggests similar ones", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Right code");
  ben.device.expects(/404/);
  const answer = await ben.page.goto(`/r/${misheard(codeOf(path))}`);
  assertEquals(answer?.status(), 404);
  await ben.page.getByRole("heading", { name: t.notFound.roomTitle }).waitFor();
  await ben.page.getByRole("link", { name: codeOf(path).replaceAll("-", " ") }).click();
  await ben.untilLive();
  assertEquals((await ben.page.goto("/no/such/page"))?.status(), 404);
  await ben.page.getByRole("heading", { name: t.notFound.title }).waitFor();
});

async function openScanner(tab: Tab) {
  await tab.goHome();
  await tab.button(t.home.scan).click();
  const scanner = tab.dialog(t.scanner.title);
  await scanner.waitFor();
  return scanner;
}

rule("a camera that sees the QR code opens the room, in a browser without BarcodeDetector", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Scanned");
  await field.holdUpQr(field.server.url + path);
  await openScanner(ben);
  await ben.untilLive();
  assertEquals(new URL(ben.page.url()).pathname, path);
  assert(!await ben.page.evaluate(() => "BarcodeDetector" in globalThis), "this Chromium would not need jsQR");
});

rule("a foreign QR code is named as such, and the camera keeps scanning", async (field) => {
  const ben = await field.person("Ben");
  await field.holdUpQr("https://elsewhere.example/r/cosmic-stage-417");
  const scanner = await openScanner(ben);
  await scanner.getByText(t.scanner.foreign("https://elsewhere.example/r/cosmic-stage-417")).waitFor();
  assertEquals(new URL(ben.page.url()).pathname, "/");
});

rule("a picture of the QR code opens the room", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Photographed");
  await (await ada.openShare()).getByRole("img", { name: t.share.qr("Photographed") }).waitFor();
  // A dialog that still fades in has no code with enough contrast.
  const picture = await ada.page.screenshot({ animations: "disabled" });
  await field.holdUpQr();
  const scanner = await openScanner(ben);
  const choosing = ben.page.waitForEvent("filechooser");
  await scanner.getByText(t.scanner.picture).click();
  await (await choosing).setFiles({ name: "room.png", mimeType: "image/png", buffer: picture });
  await ben.untilLive();
  assertEquals(new URL(ben.page.url()).pathname, path);
});

rule("a picture without a QR code says so, and another one can be chosen", async (field) => {
  const ben = await field.person("Ben");
  await field.holdUpQr();
  const scanner = await openScanner(ben);
  const picture = await ben.page.screenshot();
  await scanner.getByLabel(t.scanner.picture).setInputFiles({
    name: "tent.png",
    mimeType: "image/png",
    buffer: picture,
  });
  await scanner.getByText(t.scanner.noCode).waitFor();
});
