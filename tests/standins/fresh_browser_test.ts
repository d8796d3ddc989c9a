import { assert, assertEquals, assertStringIncludes } from "@std/assert";
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

/** Without a browser these tests are left out, and said to be; in CI they must run. */
function isMissing(): boolean {
  try {
    Deno.statSync(CHROMIUM);
    return false;
  } catch {
    if (Deno.env.get("CI") === "true") return false;
    console.warn(`No Chromium at ${CHROMIUM} (set CHROMIUM_PATH): the hydration tests are left out.`);
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

Deno.test("islands share signals, show their slots and load code on demand", options, async () => {
  await inBrowser("/", async (page, requests) => {
    await page.waitForSelector("#echo[data-live=true]");
    assertEquals(await page.textContent("#echo .slot"), "Slot of server markup");
    assertEquals(requests.some((path) => path.includes("heavy")), false);
    await page.click("#nested button");
    await page.waitForFunction(() => document.querySelector("#nested span")!.textContent === "loaded on demand");
    assert(requests.some((path) => path.includes("heavy")));
    for (const id of ["first", "second", "nested"]) assertEquals(await page.textContent(`#${id} output`), "4");
    await page.click("#echo > button");
    assertEquals(await page.$("#echo .content"), null);
    await page.click("#echo > button");
    await page.click("#nested button");
    assertEquals(await page.textContent("#first output"), "5");
    assertEquals(await page.textContent("#echo .slot"), "Slot of server markup");
  });
});

Deno.test("props of every kind reach the browser as they were, and none runs as code", options, async () => {
  await inBrowser("/props", async (page) => {
    await page.waitForFunction(() => document.querySelector("#inspector output")!.textContent !== "");
    const report = JSON.parse(await page.textContent("#inspector output") ?? "");
    assertEquals(report, {
      text: "</script><script>globalThis.hacked = 1</script><!-- \u2028\u2029 ' \" \\ `${}",
      date: "1970-01-02T00:00:00.000Z",
      map: [1, "2"],
      url: "https://example.com/a?b#c",
      bytes: [0, 127, 255],
      big: "12345678901234567890",
      hasNothing: true,
      nil: null,
      numbers: ["NaN", "-0", "Infinity", "-Infinity", "1.5"],
      pattern: "/a<b/gi",
      holes: false,
      isShared: true,
      isCircular: true,
      areOneSignal: true,
      computed: 2,
    });
    assertEquals(await page.evaluate("globalThis.hacked"), undefined);
    assertEquals(await page.textContent("#inspector .header"), "JSX prop");
    assertStringIncludes(await page.textContent("#inspector p") ?? "", "only text");
  });
});

Deno.test(
  "children that were not shown at first appear with their islands, and Head follows the state",
  options,
  async () => {
    await inBrowser("/hidden", async (page) => {
      assertEquals(await page.title(), "Closed");
      assertEquals(await page.$(".revealed"), null);
      // Before the islands are live a click does nothing, so it is repeated.
      await page.waitForFunction(() => {
        if (document.querySelector(".revealed") === null) {
          document.querySelector<HTMLButtonElement>("#hidden-slot > button")!.click();
        }
        return document.querySelector(".revealed") !== null;
      });
      assertEquals(await page.textContent(".revealed"), "from the template");
      assertEquals(await page.title(), "Open");
      assertEquals(await page.getAttribute("meta[name=state]", "content"), "open");
      assert(await page.isChecked("#hidden-slot input"));
      assert(await page.isDisabled("#hidden-slot input"));
      await page.click("#inner button");
      await page.waitForFunction(() => document.querySelector("#inner output")!.textContent === "8");
    });
  },
);
