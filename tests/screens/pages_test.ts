/** Layout, touch, keyboard and accessibility of the pages, in a real browser on the real server. */
import { assert, assertEquals } from "@std/assert";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { withSecondTry } from "../support/second_try.ts";
import { findViolations } from "./axe.ts";

const chromiumPath = await findChromium();
const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const SMALL: BrowserContextOptions = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

let server: ServerProcess;
let browser: Browser;
let dataDir: string;

Deno.test.beforeAll(async () => {
  if (chromiumPath === undefined) return;
  dataDir = await Deno.makeTempDir({ prefix: "festival-screens-" });
  server = await startServer({ dataDir, env: { FESTIVAL_MESSAGE_EVERY_MS: "1", FESTIVAL_MESSAGE_BURST: "1000" } });
  browser = await launchChromium(chromiumPath);
});

Deno.test.afterAll(async () => {
  if (chromiumPath === undefined) return;
  await browser.close();
  await server.stop();
  await Deno.remove(dataDir, { recursive: true });
});

/** A test with a page of a fresh browser context. Fails on errors in it and on requests to other origins. */
function screen(name: string, options: BrowserContextOptions, run: (page: Page) => Promise<void>): void {
  Deno.test({
    name,
    ignore: chromiumPath === undefined,
    // The browser and the server live longer than one test.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => withSecondTry(name, () => runScreen(options, run)),
  });
}

async function runScreen(options: BrowserContextOptions, run: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ baseURL: server.url, locale: "en", ...options });
  // Long enough for a busy machine; no test waits for time to pass.
  context.setDefaultTimeout(30_000);
  const faults: string[] = [];
  context.on("weberror", (error) => faults.push(`thrown: ${error.error().stack ?? error.error()}`));
  context.on("console", (message) => {
    if (message.type() === "error" && !/status of 404/.test(message.text())) faults.push(message.text());
  });
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== server.url) faults.push(`asked ${origin}`);
  });
  try {
    await run(await context.newPage());
    assertEquals(faults, []);
  } finally {
    await context.close();
  }
}

async function startRoom(page: Page, name: string, kind = t.kinds.unlisted.name): Promise<string> {
  await page.goto("/");
  await page.getByLabel(t.home.roomName).fill(name);
  await page.getByRole("radio", { name: kind, exact: true }).check();
  await page.getByRole("button", { name: t.home.open }).click();
  await page.getByRole("status").filter({ hasText: t.connection.connected }).waitFor();
  const { pathname, hash } = new URL(page.url());
  return pathname + hash;
}

async function say(page: Page, text: string, name?: string): Promise<void> {
  await page.getByRole("textbox", { name: t.composer.label }).fill(text);
  await page.getByRole("button", { name: t.composer.send }).click();
  if (name !== undefined) {
    await page.getByLabel(t.name.label).fill(name);
    await page.getByRole("button", { name: t.name.save }).click();
  }
  await page.locator('[data-item]:has([data-delivery="stored"])').filter({ hasText: text.slice(0, 40) }).first()
    .waitFor();
}

/** How much wider than the screen the page is, in CSS px. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

const NASTY = [
  "a".repeat(300),
  "🎉🎉🎉",
  "https://chat.example/" + "very-long-path/".repeat(20),
  "אני ליד הבמה הראשית, ליד עמוד הסאונד. 123 hello",
  "line one\nline two\n\n\nline five",
  "W ".repeat(999),
];

screen("on the smallest phone no page is wider than the screen, with any text", SMALL, async (page) => {
  await page.goto("/");
  assertEquals(await overflow(page), 0);
  await startRoom(page, "W".repeat(60), t.kinds.listed.name);
  await say(page, "hello", "M".repeat(40));
  for (const text of NASTY) await say(page, text);
  assertEquals(await overflow(page), 0);
  const log = page.getByRole("log");
  assertEquals(await log.evaluate((box) => box.scrollWidth - box.clientWidth), 0);
  await page.goto("/");
  await page.getByText("W".repeat(60)).first().waitFor();
  assertEquals(await overflow(page), 0);
});

for (const theme of ["dark", "sunlight"] as const) {
  screen(`axe finds nothing on any page or dialog in the ${theme} theme`, PHONE, async (page) => {
    await page.addInitScript(`localStorage.setItem("festival-chat.theme", ${JSON.stringify(theme)})`);
    const check = async (where: string) => {
      assertEquals(await page.locator("html").getAttribute("data-theme"), theme, where);
      assertEquals(await findViolations(page), [], where);
    };
    await page.goto("/");
    await page.getByRole("button", { name: t.home.open }).and(page.locator(":enabled")).waitFor();
    await check("home");
    await page.getByRole("button", { name: t.home.scan }).click();
    await page.getByRole("dialog").waitFor();
    await check("scanner");

    await startRoom(page, "Flamingo Camp", t.kinds.listed.name);
    await check("empty room");
    await say(page, "Look: https://chat.example/map", "Ann");
    await page.getByRole("button", { name: t.message.actions }).first().click();
    await page.getByRole("group", { name: t.message.actions }).waitFor();
    await check("message actions");
    await page.getByRole("button", { name: "👍" }).click();
    await page.getByRole("button", { name: t.message.reaction("👍", 1, true) }).waitFor();
    await check("room");
    for (
      const [button, dialog] of [
        [t.room.share, t.room.share],
        [t.room.people(1), t.room.peopleTitle(1)],
        [t.room.settings, t.room.settings],
      ] as const
    ) {
      await page.getByRole("button", { name: button }).first().click();
      await page.getByRole("dialog", { name: dialog }).waitFor();
      await check(dialog);
      await page.getByRole("button", { name: t.app.close }).click();
    }
    await page.goto("/r/cosmic-nothing-1");
    await check("wrong code");
    await page.goto("/nothing/here");
    await check("not found");
    await page.goto("/");
    await page.getByRole("link", { name: "Flamingo Camp" }).first().waitFor();
    await check("home with rooms");
  });
}

screen("the layout does not shift while the home page and a room load", PHONE, async (page) => {
  await page.addInitScript(() => {
    const seen: number[] = [];
    Object.assign(globalThis, { layoutShifts: seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if ("value" in entry && typeof entry.value === "number") seen.push(entry.value);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  const shifts = () =>
    page.evaluate(() => {
      const { layoutShifts } = globalThis as unknown as { layoutShifts: number[] };
      return layoutShifts.reduce((sum, value) => sum + value, 0);
    });
  const path = await startRoom(page, "Steady");
  await say(page, "hello", "Ann");
  await page.goto("/");
  await page.getByRole("link", { name: "Steady" }).waitFor();
  assert(await shifts() < 0.02, `home: ${await shifts()}`);
  await page.goto(path);
  await page.getByText("hello").waitFor();
  assert(await shifts() < 0.05, `room: ${await shifts()}`);
});

screen("with a keyboard open the room's code makes way for messages; on a phone in landscape it stays", {
  ...PHONE,
  viewport: { width: 740, height: 360 },
}, async (page) => {
  await startRoom(page, "Turned");
  const share = page.getByRole("banner").getByRole("button", { name: t.room.share });
  await share.waitFor();
  await page.setViewportSize({ width: 740, height: 200 });
  await share.waitFor({ state: "hidden" });
});

for (const [width, height] of [[320, 640], [360, 740], [640, 400], [740, 360]] as const) {
  screen(
    `on ${width} by ${height} px the share dialog shows code, QR code and how to copy without scrolling`,
    {
      ...PHONE,
      viewport: { width, height },
    },
    async (page) => {
      await startRoom(page, "Shared");
      await page.getByRole("banner").getByRole("button", { name: t.room.share }).click();
      const dialog = page.getByRole("dialog", { name: t.room.share });
      for (const part of [dialog.getByRole("img"), dialog.getByRole("button")]) {
        await part.first().waitFor();
        for (const seen of await part.all()) {
          const box = (await seen.boundingBox())!;
          assert(
            box.y >= 0 && box.y + box.height <= height,
            `${await seen.getAttribute("aria-label")} ends at ${box.y + box.height}`,
          );
        }
      }
    },
  );
}

screen("without JavaScript the page says that it is needed, lists rooms, and a code leads to its room", {
  ...PHONE,
  javaScriptEnabled: false,
}, async (page) => {
  const helper = await browser.newPage({ baseURL: server.url });
  const path = await startRoom(helper, "Readable", t.kinds.listed.name);
  await helper.close();
  await page.goto("/");
  assertEquals(await page.locator("noscript p").innerText(), t.site.noScript);
  await page.getByRole("link", { name: "Readable" }).waitFor();
  await page.getByLabel(t.home.code).fill(path.slice(3).replaceAll("-", " ").toUpperCase());
  await page.getByRole("button", { name: t.home.go }).click();
  await page.waitForURL(`**${path}`);
  await page.getByRole("heading", { name: "Readable" }).waitFor();
  assertEquals(await page.locator("noscript p").innerText(), t.site.noScript);
});

screen("script in names and messages stays text", DESKTOP, async (page) => {
  const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
  page.on("dialog", () => {
    throw new Error("a script ran");
  });
  const path = await startRoom(page, evil, t.kinds.listed.name);
  await say(page, `</script>${evil}`, "<b>Ann</b>");
  await page.reload();
  await page.getByText(`</script>${evil}`).waitFor();
  assertEquals(await page.getByRole("heading", { level: 1 }).textContent(), evil);
  assertEquals(await page.locator("main img, main script, main b").count(), 0);
  await page.goto("/");
  await page.locator(`a[href="${path}"]`).first().waitFor();
  assertEquals(await page.locator("main img").count(), 0);
});

screen("a dialog keeps the focus inside, closes on Esc and returns the focus", DESKTOP, async (page) => {
  await startRoom(page, "Keys");
  const people = page.getByRole("button", { name: t.room.people(1) });
  await people.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("Tab");
    // Between the last and the first element the browser's own controls may have the focus.
    assert(await page.evaluate(() => document.activeElement?.closest("dialog, body")?.tagName) !== undefined);
    assertEquals(await page.evaluate(() => document.activeElement?.closest("header")), null);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert(await people.evaluate((button) => button === document.activeElement));
});

screen("the keyboard is enough to write, reply and react", DESKTOP, async (page) => {
  await startRoom(page, "Keys");
  await say(page, "first", "Ann");
  const field = page.getByRole("textbox", { name: t.composer.label });
  // From the top of the page, past all messages.
  await page.reload();
  await page.getByText("first", { exact: true }).waitFor();
  const skip = page.getByRole("button", { name: t.composer.skip });
  for (let stops = 0; !await skip.evaluate((button) => button === document.activeElement); stops++) {
    assert(stops < 3, "the way to the composer is not at the top");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  assert(await field.evaluate((text) => text === document.activeElement));
  await page.keyboard.type("two");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("lines");
  await page.keyboard.press("Enter");
  await page.locator("[data-item]").filter({ hasText: "two\nlines" }).waitFor();
  assertEquals(await field.inputValue(), "");

  await page.getByRole("button", { name: t.message.actions }).first().focus();
  await page.keyboard.press("Enter");
  const actions = page.getByRole("group", { name: t.message.actions });
  await actions.waitFor();
  assert(await actions.evaluate((box) => box.contains(document.activeElement)));
  await page.keyboard.press("Escape");
  await actions.waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await actions.getByRole("button", { name: t.menu.reply }).focus();
  await page.keyboard.press("Enter");
  await page.getByText(t.composer.replying("Ann")).waitFor();
  await page.keyboard.type("an answer");
  await page.keyboard.press("Enter");
  await page.locator("[data-item]").filter({ hasText: "an answer" }).getByText("first").waitFor();
});

screen(
  "a draft survives a reload, and a message that is too long says so and stays in the field",
  PHONE,
  async (page) => {
    await startRoom(page, "Drafts");
    const field = page.getByRole("textbox", { name: t.composer.label });
    await field.fill("half a thought");
    await page.reload();
    await page.waitForFunction(() => document.querySelector("textarea")?.value === "half a thought");
    const long = "x".repeat(2_001);
    await field.fill(long);
    await page.getByText(t.composer.tooLong(1)).waitFor();
    // The button is marked as disabled, and pressing it does nothing.
    await page.getByRole("button", { name: t.composer.send }).click({ force: true });
    assertEquals(await field.inputValue(), long);
    await field.fill("x".repeat(1_990));
    await page.getByText(t.composer.left(10)).waitFor();
  },
);

screen(
  "a person reading older messages keeps their place, is told of new ones, and gets there with one press",
  PHONE,
  async (page) => {
    const path = await startRoom(page, "Places");
    await say(page, "first", "Ann");
    for (let i = 0; i < 25; i++) await say(page, `line ${i} of many`);
    const other = await browser.newPage({ baseURL: server.url });
    await other.goto(path);
    await other.getByText("line 24 of many").waitFor();

    const log = page.getByRole("log");
    await log.evaluate((box) => box.scrollTop = 300);
    const jump = page.getByRole("button", { name: t.room.jump });
    await jump.waitFor();
    const place = page.getByText("line 8 of many");
    const before = await place.boundingBox();
    await say(other, "news", "Bob");
    await page.getByRole("button", { name: t.room.jumpNew(1) }).waitFor();
    assertEquals(Math.round((await place.boundingBox())!.y), Math.round(before!.y));
    await page.getByRole("button", { name: t.room.jumpNew(1) }).click();
    await page.getByText("news", { exact: true }).waitFor();
    await page.getByText(t.room.newMessages, { exact: true }).waitFor();
    assertEquals(await log.evaluate((box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight)), 0);
    await other.close();
  },
);

screen("every button and link that stands alone is at least 44 px high and wide", SMALL, async (page) => {
  const tooSmall = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, a, summary, label.choice, select")].flatMap((element) => {
        const { width, height } = element.getBoundingClientRect();
        const hidden = width === 0 || element.matches(".skip") || element.closest("p") !== null;
        return hidden || (width >= 43.5 && height >= 43.5)
          ? []
          : [`${element.outerHTML.slice(0, 120)} ${width}×${height}`];
      })
    );
  await page.goto("/");
  assertEquals(await tooSmall(), []);
  await startRoom(page, "Fingers", t.kinds.listed.name);
  await say(page, "hello", "Ann");
  await page.getByRole("button", { name: t.message.actions }).first().click();
  await page.getByRole("button", { name: "🔥" }).click();
  await page.getByRole("button", { name: t.message.actions }).first().click();
  await page.getByRole("group", { name: t.message.actions }).waitFor();
  assertEquals(await tooSmall(), []);
  await page.getByRole("button", { name: t.room.share }).first().click();
  await page.getByRole("dialog").waitFor();
  assertEquals(await tooSmall(), []);
});

screen("a sealed room's link without its key says what is missing", PHONE, async (page) => {
  const path = await startRoom(page, "Secret plans", t.kinds.sealed.name);
  assert(/^\/s\/[\w-]{22}#[\w-]{22,}$/.test(path), path);
  const other = await browser.newPage({ baseURL: server.url });
  await other.goto(path.split("#")[0]!);
  await other.getByText(t.problems.secret_missing.hint).waitFor();
  assert(!(await other.content()).includes("Secret plans"));
  await other.goto(path);
  await other.getByRole("heading", { name: "Secret plans" }).waitFor();
  await other.close();
});

screen(
  "the chosen theme applies at once on the next page, and auto follows the system",
  PHONE,
  async (page) => {
    const theme = () => page.locator("html").getAttribute("data-theme");
    await page.goto("/");
    assertEquals(await theme(), "dark");
    await page.getByRole("radio", { name: t.settings.themes.sunlight }).check();
    assertEquals(await theme(), "sunlight");
    await page.goto("/nothing");
    assertEquals(await theme(), "sunlight");
    assertEquals(await page.locator("meta[name=theme-color]").getAttribute("content"), "#ffffff");
    await page.emulateMedia({ colorScheme: "light", contrast: "more" });
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    assertEquals(await theme(), "sunlight");
  },
);
