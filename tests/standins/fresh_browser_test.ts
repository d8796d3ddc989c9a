import { assert, assertEquals } from "@std/assert";
import { Builder } from "fresh/dev";
import { type Browser, chromium, type Page } from "playwright-core";
import { FIXTURE } from "./build_once.ts";
import { app } from "./fixture/main.ts";

const CHROMIUM = Deno.env.get("CHROMIUM_PATH") ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Without a browser these tests are skipped with a warning; in CI they must run. */
function isMissing(): boolean {
  try {
    Deno.statSync(CHROMIUM);
    return false;
  } catch {
    if (Deno.env.get("CI") === "true") return false;
    console.warn(`No Chromium at ${CHROMIUM} (set CHROMIUM_PATH): the hydration tests are skipped.`);
    return true;
  }
}

/** Opens a page of the fixture in a browser. Any error in the page fails the test. */
async function inBrowser(path: string, run: (page: Page, requests: string[]) => Promise<void>): Promise<void> {
  const apply = await new Builder({ root: FIXTURE }).build({ snapshot: "memory" });
  apply(app);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.handler());
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    const page = await browser.newPage();
    const errors: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) errors.push(message.text());
    });
    page.on("request", (request) => requests.push(new URL(request.url()).pathname));
    await page.goto(`http://127.0.0.1:${server.addr.port}${path}`);
    await run(page, requests);
    assertEquals(errors, []);
  } finally {
    await browser?.close();
    await server.shutdown();
  }
}

// The browser driver keeps timers and pipes of its own beyond the test that started it.
const options = { ignore: isMissing(), sanitizeOps: false, sanitizeResources: false };

Deno.test("islands become interactive, also inside others, and load code on demand", options, async () => {
  await inBrowser("/", async (page, requests) => {
    assert(!requests.some((path) => path.includes("heavy")));
    for (const [id, before, after] of [["first", "3", "4"], ["nested", "7", "8"]] as const) {
      assertEquals(await page.textContent(`#${id} output`), before);
      await page.click(`#${id}[data-live=true] button`);
      await page.waitForFunction((id) => document.querySelector(`#${id} span`)!.textContent !== "", id);
      assertEquals(await page.textContent(`#${id} output`), after);
    }
    assert(requests.some((path) => path.includes("heavy")));
  });
});

Deno.test("props reach the browser unchanged, and none runs as code", options, async () => {
  await inBrowser("/props", async (page) => {
    const text = "</script><script>globalThis.hacked = 1</script><!-- \u2028\u2029 ' \" \\ `${}";
    await page.click("#nested[data-live=true] button");
    assertEquals(await page.textContent("#nested output"), "-0.5");
    assertEquals(await page.textContent("#pair p"), text);
    assertEquals(await page.evaluate("globalThis.hacked"), undefined);
  });
});
