/** Real browsers for link tests: pages with links only, and a real server for their signals. */
import { withSecondTry } from "../support/second_try.ts";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { SOCKET_IDLE_TIMEOUT_S } from "../../lib/server/connections/websocket.ts";
import { serveSocket } from "../../lib/server/connections/websocket.ts";
import { configWith, startTestServer } from "../server/support.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import type { LinkPage } from "./peer_link_page.ts";

declare const linkPage: LinkPage;

/** Limit of one test, so that a page that hangs does not hang the run. */
const TIMEOUT_MS = 40_000;

const executablePath = await findChromium();
let browser: Browser | undefined;
let script: string | undefined;

/** A person's page in a browser of their own. */
export interface LinkPerson {
  author: string;
  page: Page;
  context: BrowserContext;
  /** Calls a function of the page. */
  call<Name extends CallName>(name: Name, ...values: Parameters<LinkPage[Name]>): Promise<Result<Name>>;
  /** Reloads the page as the same person. */
  reload(): Promise<void>;
}
type CallName = Exclude<keyof LinkPage, "admits">;
type Result<Name extends CallName> = Awaited<ReturnType<LinkPage[Name]>>;

export interface LinkTestbed {
  /** Adds a person to the room, connected to this instance. */
  person(seed: number, options?: { at?: number }): Promise<LinkPerson>;
}

/** Serves the page and the sockets of `count` instances on one database; `origin` is the first one's. */
export async function linkServers(count: number) {
  script ??= await bundlePage();
  const database = new MemoryDatabase({ now: () => Date.now() });
  const config = {
    limits: { ...configWith().limits, deviceConnections: { burst: 1_000, everyMs: 1, pauseMs: 0 } },
  };
  const instances = Array.from(
    { length: count },
    (_, at) => startTestServer({ database, config, instance: `instance ${at}` }),
  );
  const servers = instances.map(({ server }) =>
    Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      const room = /^\/api\/rooms\/([^/]+)\/socket$/.exec(pathname)?.[1];
      if (pathname === "/page.js") return new Response(script, { headers: { "content-type": "text/javascript" } });
      if (room === undefined) {
        const html = `<!doctype html><title>links</title><script type="module" src="/page.js"></script>`;
        return new Response(html, { headers: { "content-type": "text/html" } });
      }
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: SOCKET_IDLE_TIMEOUT_S });
      serveSocket(socket, server, room, { device: "device", address: "127.0.0.1" });
      return response;
    })
  );
  const { id: room } = await instances[0]!.newRoom();
  return {
    room,
    ports: servers.map(({ addr }) => addr.port),
    async close() {
      for (const { close } of instances) await close();
      for (const server of servers) await server.shutdown();
    },
  };
}

async function bundlePage(): Promise<string> {
  const bundle = await Deno.bundle({
    entrypoints: [new URL("./peer_link_page.ts", import.meta.url).pathname],
    platform: "browser",
    write: false,
  });
  const text = bundle.outputFiles?.[0]?.text();
  if (text === undefined) throw new Error(`no bundle: ${JSON.stringify(bundle.errors)}`);
  return text;
}

/** Opens a person's page and joins the room. */
export async function linkPerson(
  browser: Browser,
  url: string,
  room: string,
  seed: number,
  ice: Parameters<LinkPage["join"]>[2] = {},
  said: string[] = [],
): Promise<LinkPerson> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("console", (message) => said.push(`${seed}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`${seed}: ${error.stack ?? error}`));
  const join = async () => {
    await page.waitForFunction(() => "linkPage" in globalThis);
    return await page.evaluate(([room, seed, ice]) => linkPage.join(room, seed, ice), [room, seed, ice] as const);
  };
  await page.goto(url);
  const author = await join();
  return {
    author,
    page,
    context,
    // Names and arguments cross as one value; LinkPage says what belongs together.
    call: (name, ...values) =>
      page.evaluate(
        ([name, values]) => (linkPage[name as "history"] as (...all: unknown[]) => unknown)(...values),
        [name, values] as [string, unknown[]],
      ) as Promise<never>,
    async reload() {
      await page.reload();
      await join();
    },
  };
}

Deno.test.afterAll(async () => {
  await browser?.close();
  browser = undefined;
});

/** A rule of links between real browsers. */
export function linkRule(name: string, run: (testbed: LinkTestbed) => Promise<void>, instances = 1): void {
  Deno.test({
    name,
    ignore: executablePath === undefined,
    // The browser outlives the test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withSecondTry(name, () => runLinkRule(run, instances)),
  });
}

async function runLinkRule(run: (testbed: LinkTestbed) => Promise<void>, instances: number): Promise<void> {
  browser ??= await launchChromium(executablePath!);
  const servers = await linkServers(instances);
  const people: LinkPerson[] = [];
  const said: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    const running = run({
      async person(seed, { at = 0 } = {}) {
        const url = `http://127.0.0.1:${servers.ports[at]}/`;
        const person = await linkPerson(browser!, url, servers.room, seed, {}, said);
        people.push(person);
        return person;
      },
    });
    await Promise.race([running, late]);
  } catch (error) {
    console.error(said.join("\n"));
    for (const { author, page } of people) {
      const seen = people.map((other) =>
        page.evaluate((peer) => linkPage.history(peer), other.author).catch((error) => String(error))
      );
      console.error(author, JSON.stringify(await Promise.all(seen)));
    }
    throw error;
  } finally {
    clearTimeout(timer);
    for (const { context } of people) await context.close();
    await servers.close();
  }
}
