/** Pages: size, accessibility, and plain http. */
import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { connectionTexts as panelTexts } from "../../lib/ui/texts/connection_texts.ts";
import { FIELD_HOST, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

/** Limit of the room page's compressed JavaScript before the first touch (FEATURES.md R5). */
const ROOM_SCRIPT_MAX_BYTES = 60_000;

rule("the room page loads at most 60 KB of compressed JavaScript before the first touch", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Light");
  await ada.say("hello");
  const finished: Promise<{ bytes: number; what: string }>[] = [];
  ben.page.on("requestfinished", (request) => {
    if (request.resourceType() !== "script") return;
    finished.push(
      request.sizes().then(({ responseBodySize: bytes }) => ({ bytes, what: `${bytes} ${request.url()}` })),
    );
  });
  await ben.enter(path);
  await ben.shows(["hello"]);
  await ben.page.waitForLoadState("networkidle");
  const scripts = await Promise.all(finished);
  const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0);
  const list = scripts.map(({ what }) => what).join("\n");
  assert(scripts.length > 1 && scripts.every(({ bytes }) => bytes > 0), `sizes are missing:\n${list}`);
  assert(bytes <= ROOM_SCRIPT_MAX_BYTES, `${bytes} bytes:\n${list}`);
});

rule("a menu whose code fails to load says so", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Untouched");
  await ada.say("hello");
  await ben.enter(path);
  await ben.shows(["hello"]);
  await ben.device.setOffline(true);
  await ben.message("hello").getByRole("button", { name: t.message.actions }).click();
  await ben.untilAlert(t.noNetwork);
});

rule("pages load everything from their own origin, and send no request elsewhere", async (field) => {
  const ada = await field.person("Ada");
  const asked = new Set<string>();
  ada.device.context.on("request", (request) => asked.add(new URL(request.url()).origin));
  ada.page.on("websocket", (socket) => asked.add(new URL(socket.url()).origin));
  await field.holdUpQr();
  await ada.goHome();
  await ada.button(t.home.scan).click();
  await ada.dialog(t.scanner.title).getByText(t.scanner.aim).waitFor();
  await ada.startRoom("At home", "listed");
  await ada.say("https://example.org/picture.png");
  await (await ada.openShare()).getByRole("button", { name: t.share.enlarge }).click();
  await ada.page.waitForLoadState("networkidle");
  assertEquals([...asked].sort(), [field.server.url, field.server.url.replace("http", "ws")]);
});

/** Serious and critical findings of axe-core on the page as shown now. */
export async function findings(tab: Tab, where: string): Promise<string[]> {
  await settled(tab.page);
  await tab.page.evaluate(axe.source);
  const found = await tab.page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    const { violations } = await axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  });
  return found.map((finding) => `${where}: ${finding}`);
}
interface AxeViolation {
  id: string;
  impact?: string;
  nodes: { html: string }[];
}

/** Waits until no animation runs. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() =>
    Promise.all(
      document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
        .map((animation) => animation.finished.catch(() => {})),
    )
  );
}

for (const theme of ["dark", "sunlight"] as const) {
  rule(`no page and no dialog has a serious accessibility finding (${theme})`, async (field) => {
    const [ada, ben] = [
      await field.person("Ada", { viewport: { width: 390, height: 844 } }),
      await field.person("Ada", { viewport: { width: 1280, height: 800 } }),
    ];
    const found: string[] = [];
    for (const person of [ada, ben]) {
      await person.goHome();
      await person.choose(t.settings.themes[theme]);
    }
    const path = await ada.startRoom("For all", "listed");
    found.push(...await findings(ada, "empty room"));
    await ben.enter(path);
    await ada.say("I am Ada https://example.org");
    await ben.say("So am I");
    await ada.hears("So am I");
    for (const person of [ada, ben]) found.push(...await findings(person, "room"));
    await ada.openShare();
    found.push(...await findings(ada, "share dialog"));
    await ada.button(t.share.enlarge).click();
    await ada.button(t.share.enlarge).waitFor({ state: "detached" });
    found.push(...await findings(ada, "large QR code"));
    await ada.page.keyboard.press("Escape");
    await ada.button(t.share.enlarge).waitFor();
    await ada.page.keyboard.press("Escape");
    await ada.dialog(t.room.share).waitFor({ state: "detached" });
    await ada.button(t.room.people(2)).click();
    await ada.dialog(t.room.peopleTitle(2)).waitFor();
    found.push(...await findings(ada, "people"));
    await ada.page.keyboard.press("Escape");
    await ada.button(t.room.settings).click();
    await ada.dialog(t.room.settings).waitFor();
    found.push(...await findings(ada, "settings"));
    await ada.dialog(t.room.settings).getByRole("button", { name: t.name.change }).click();
    await ada.dialog(t.name.change).waitFor();
    found.push(...await findings(ada, "name"));
    await ada.page.keyboard.press("Escape");
    await ada.button(t.connection.open).click();
    await ada.dialog(panelTexts.title).getByRole("button", { name: panelTexts.check }).click();
    await ada.dialog(panelTexts.title).locator("[data-finding]").waitFor();
    found.push(...await findings(ada, "connection"));
    await ada.page.keyboard.press("Escape");
    await ada.openActions("So am I");
    found.push(...await findings(ada, "message actions"));
    await ada.device.setOffline(true);
    await ada.status(t.connection.offline).waitFor();
    await ada.composer.fill("x".repeat(2_001));
    found.push(...await findings(ada, "offline, too long"));
    await ada.device.setOffline(false);
    for (const person of [ada, ben]) {
      await person.goHome();
      await person.page.getByRole("link", { name: "For all" }).first().waitFor();
      found.push(...await findings(person, "home"));
    }
    await field.holdUpQr();
    await ben.button(t.home.scan).click();
    await ben.dialog(t.scanner.title).getByText(t.scanner.aim).waitFor();
    found.push(...await findings(ben, "scanner"));
    ben.device.expects(/404/);
    await ben.goTo("/r/no-such-room");
    found.push(...await findings(ben, "no such room"));
    await ben.goTo("/nowhere");
    found.push(...await findings(ben, "404"));
    await ben.goTo("/offline");
    await ben.page.getByText(t.offline.kept).waitFor();
    found.push(...await findings(ben, "offline page"));
    assertEquals(found, []);
  });
}

/** Elements wider than the screen: the page, or a part that scrolls sideways. */
export async function tooWide(tab: Tab, where: string): Promise<string[]> {
  await settled(tab.page);
  const found = await tab.page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const wide: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>("*")) {
      const { overflowX, position } = getComputedStyle(element);
      const scrolls = element === document.documentElement || overflowX === "auto" || overflowX === "scroll";
      if (scrolls && element.scrollWidth > element.clientWidth + 1 && position !== "absolute") {
        wide.push(`${element.tagName} scrolls: ${element.scrollWidth} > ${element.clientWidth}`);
      }
      const { left, right, height } = element.getBoundingClientRect();
      // Elements outside the screen until they get the focus, such as the skip link, do not count.
      const shown = height > 1 && right - left > 1 && right > 0 && element.checkVisibility();
      if (shown && (element.matches("button, a, input, textarea, h1, h2")) && (right > width + 1 || left < -1)) {
        wide.push(`${element.outerHTML.slice(0, 120)} reaches from ${left} to ${right} of ${width}`);
      }
    }
    return wide;
  });
  return found.map((finding) => `${where}: ${finding}`);
}

rule("on a screen 320 px wide nothing scrolls sideways", async (field) => {
  const ada = await field.person("A".repeat(40), { viewport: { width: 320, height: 568 } });
  const found: string[] = [];
  const name = "Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";
  await ada.startRoom(name, "listed");
  found.push(...await tooWide(ada, "empty room"));
  await ada.say("w".repeat(300));
  await ada.say(`https://example.org/${"w".repeat(200)}`);
  found.push(...await tooWide(ada, "room"));
  await ada.openShare();
  found.push(...await tooWide(ada, "share dialog"));
  await ada.button(t.share.enlarge).click();
  await ada.button(t.share.enlarge).waitFor({ state: "detached" });
  found.push(...await tooWide(ada, "large QR code"));
  await ada.page.keyboard.press("Escape");
  await ada.button(t.share.enlarge).waitFor();
  await ada.page.keyboard.press("Escape");
  await ada.dialog(t.room.share).waitFor({ state: "detached" });
  await ada.button(t.room.people(1)).click();
  await ada.dialog(t.room.peopleTitle(1)).waitFor();
  found.push(...await tooWide(ada, "people"));
  await ada.page.keyboard.press("Escape");
  await ada.button(t.room.settings).click();
  await ada.dialog(t.room.settings).waitFor();
  found.push(...await tooWide(ada, "settings"));
  await ada.page.keyboard.press("Escape");
  await ada.openActions("w".repeat(300));
  found.push(...await tooWide(ada, "message actions"));
  await ada.goHome();
  await ada.page.getByRole("link", { name }).first().waitFor();
  found.push(...await tooWide(ada, "home"));
  await field.holdUpQr();
  await ada.button(t.home.scan).click();
  await ada.dialog(t.scanner.title).getByText(t.scanner.aim).waitFor();
  found.push(...await tooWide(ada, "scanner"));
  ada.device.expects(/404/);
  await ada.goTo(`/r/${"w".repeat(200)}`);
  found.push(...await tooWide(ada, "no such room"));
  assertEquals(found, []);
});

/** Presses Tab until the focus is on the control with this name. */
async function tabTo(tab: Tab, role: Parameters<Page["getByRole"]>[0], name: string | RegExp, key = "Tab") {
  const control = tab.page.getByRole(role, { name, ...(typeof name === "string" ? { exact: true } : {}) });
  for (let presses = 0; presses < 40; presses++) {
    if (await control.evaluateAll((found) => found.some((one) => one === document.activeElement))) return;
    await tab.page.keyboard.press(key);
  }
  throw new Error(`Tab never reaches the ${role} ${name}`);
}

rule("the keyboard is enough to start a room, write and share, and the focus returns", async (field) => {
  const ada = await field.person("Ada");
  const { keyboard } = ada.page;
  await ada.goHome();
  await tabTo(ada, "textbox", t.home.roomName);
  await keyboard.type("Keys");
  await keyboard.press("Enter");
  await ada.untilLive();
  await tabTo(ada, "textbox", t.composer.label);
  await keyboard.type("hello");
  await keyboard.press("Shift+Enter");
  await keyboard.type("there");
  await keyboard.press("Enter");
  await ada.dialog(t.name.title).waitFor();
  await keyboard.type("Ada");
  await keyboard.press("Enter");
  ada.device.introduced = true;
  await ada.shows(["hello\nthere"]);
  // Back in the field, ready for the next message.
  await tabTo(ada, "textbox", t.composer.label);
  await keyboard.type("again");
  await keyboard.press("Enter");
  await ada.shows(["hello\nthere", "again"]);
  const share = new RegExp(`^${t.room.share}:`);
  await tabTo(ada, "button", share, "Shift+Tab");
  await keyboard.press("Enter");
  const dialog = ada.dialog(t.room.share);
  await dialog.waitFor();
  assert(await dialog.evaluate((shown) => shown.contains(document.activeElement)), "the focus is not in the dialog");
  await keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  const button = ada.page.getByRole("button", { name: share });
  assert(await button.evaluate((found) => found === document.activeElement), "the focus did not come back");
});

rule("people chat over plain http on a local name, without crypto.subtle", async (field) => {
  const { port } = new URL(field.server.url);
  const ada = await field.person("Ada", { origin: `http://${FIELD_HOST}:${port}` });
  // Chromium warns that this header has no effect without https; it does no harm.
  ada.device.expects(/Cross-Origin-Opener-Policy header has been ignored/);
  const ben = await field.person("Ben");
  for (const kind of ["unlisted", "sealed"] as const) {
    const path = await ada.startRoom(`Plain ${kind}`, kind);
    assertEquals(
      await ada.page.evaluate(() => [globalThis.isSecureContext, typeof globalThis.crypto.subtle]),
      [false, "undefined"],
    );
    await ben.enter(path);
    await ada.say("from the field");
    await ben.hears("from the field");
    await ben.say("from the town");
    await ada.shows(["from the field", "from the town"]);
  }
});

rule(
  "the connection panel shows the transport, its reason and measurements, and lets people choose and check",
  async (field) => {
    const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
    await ben.enter(await ada.startRoom("Transports"));
    await ada.say("over the socket");
    await ada.button(t.connection.open).click();
    const panel = ada.dialog(panelTexts.title);
    await panel.getByText(panelTexts.reasons.first_choice).waitFor();
    await panel.getByText(/Response time \d+ ms/).waitFor();
    await panel.getByText(/^1, in \d+ ms/).waitFor();
    await panel.getByRole("radio", { name: panelTexts.preferences.polling }).check();
    await panel.getByText(panelTexts.reasons.preferred).waitFor();
    await panel.getByRole("button", { name: panelTexts.check }).click();
    await panel.locator('[data-finding="polling_chosen"]').waitFor();
    assertEquals(await panel.locator("[data-finding]").count(), 1);
    await ada.page.keyboard.press("Escape");
    await ada.untilLive();
    await ada.say("by polling");
    await ben.say("heard");
    for (const person of [ada, ben]) await person.shows(["over the socket", "by polling", "heard"]);
  },
);
