/** The storage in IndexedDB keeps the contract, in a real browser. */
import { assertEquals } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/chromium.ts";
import type { StoragePage } from "./idb_page.ts";
import { FILE_STORE_RULES } from "../files/store_contract.ts";
import { STORAGE_RULES } from "./storage_contract.ts";

declare const storagePage: StoragePage;

const executablePath = await findChromium();
let browser: Browser | undefined;
let server: Deno.HttpServer<Deno.NetAddr> | undefined;
let open: (() => Promise<Page>) | undefined;

Deno.test.beforeAll(async () => {
  if (executablePath === undefined) return;
  const bundle = await Deno.bundle({
    entrypoints: [new URL("./idb_page.ts", import.meta.url).pathname],
    platform: "browser",
    write: false,
  });
  const script = bundle.outputFiles?.[0]?.text();
  if (script === undefined) throw new Error(`no bundle: ${JSON.stringify(bundle.errors)}`);
  const html = `<!doctype html><title>storage</title><script type="module" src="/page.js"></script>`;
  // @std/assert knows SharedArrayBuffer, which exists only in isolated pages.
  const isolated = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  };
  server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      new URL(request.url).pathname === "/page.js"
        ? new Response(script, { headers: { "content-type": "text/javascript", ...isolated } })
        : new Response(html, { headers: { "content-type": "text/html", ...isolated } }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  browser = await launchChromium(executablePath);
  const context = await browser.newContext();
  open = async () => {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => "storagePage" in globalThis);
    return page;
  };
});

Deno.test.afterAll(async () => {
  await browser?.close();
  await server?.shutdown();
});

/** A test in a page of its own; the browser outlives it. */
function inBrowser(name: string, run: (openPage: () => Promise<Page>) => Promise<void>): void {
  Deno.test({
    name: `IndexedDB: ${name}`,
    ignore: executablePath === undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const pages: Page[] = [];
      try {
        await run(async () => {
          const page = await open!();
          pages.push(page);
          return page;
        });
      } finally {
        for (const page of pages) await page.close();
      }
    },
  });
}

// Each rule has a database of its own, so that one page serves them all.
let rulePage: Promise<Page> | undefined;
for (const { name } of [...STORAGE_RULES, ...FILE_STORE_RULES]) {
  inBrowser(name, async () => {
    const page = await (rulePage ??= open!());
    assertEquals(await page.evaluate((name) => storagePage.runRule(name), name), "ok");
  });
}

inBrowser("pages that write at once get numbers without holes or doubles", async (openPage) => {
  const pages = await Promise.all([openPage(), openPage(), openPage()]);
  await Promise.all(pages.map((page) => page.evaluate(() => storagePage.write("shared", 40))));
  const numbers = await pages[0]!.evaluate(() => storagePage.write("shared", 1));
  assertEquals(numbers, Array.from({ length: 121 }, (_, at) => at + 1));
});

inBrowser("an older page does not keep a newer one from upgrading the database", async (openPage) => {
  const [older, newer] = [await openPage(), await openPage()];
  await older.evaluate(() => storagePage.write("upgraded", 1));
  assertEquals(await newer.evaluate(() => storagePage.upgrade("upgraded")), "ok");
});

inBrowser("files that an earlier version kept are there, and can be cleared", async (openPage) => {
  const page = await openPage();
  assertEquals(await page.evaluate(() => storagePage.readOldFiles("old files")), ["a 3", "a"]);
});

for (const version of [1, 2] as const) {
  inBrowser(
    `a database of version ${version} is upgraded with all that it held, the outbox above all`,
    async (openPage) => {
      const [older, newer] = [await openPage(), await openPage()];
      const database = `version ${version}`;
      await older.evaluate(([version, name]) => storagePage.makeVersion(version, name), [version, database] as const);
      // The older page stays open and connected: the newer one must not wait for it.
      const found = await newer.evaluate((name) => storagePage.readAll(name), database);
      assertEquals(found, {
        name: "Ada",
        secret: Array.from({ length: 32 }, () => 7),
        rooms: ["Room"],
        outbox: [["signed", 3], ["typed", 4]],
        wires: [["p", "s"], null],
        nextN: 5,
        copy: { epoch: "epoch", ranges: [{ from: 1, to: 2 }], positions: [1, 2], wire: ["payload 2", "signature 2"] },
        seen: version === 1 ? null : { epoch: "epoch", position: 1 },
        relayed: [],
      });
    },
  );

  inBrowser(`what the upgraded database of version ${version} holds is there for the next page`, async (openPage) => {
    const [first, second] = [await openPage(), await openPage()];
    const database = `version ${version}, upgraded once`;
    await first.evaluate(([version, name]) => storagePage.makeVersion(version, name), [version, database] as const);
    await first.evaluate((name) => storagePage.readAll(name), database);
    const found = await second.evaluate((name) => storagePage.readAll(name), database);
    assertEquals(found.outbox.map(([text]) => text), ["signed", "typed", "next"]);
    assertEquals([found.seen, found.relayed], [{ epoch: "epoch", position: 2 }, ["carried"]]);
  });
}
