/** A person's device: its storage and cookies, its tabs, and the faults in them. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { Tab } from "./tab.ts";

/** Time for one action or wait in a page. */
const ACTION_TIMEOUT_MS = 10_000;

export class Device {
  readonly name: string;
  readonly origin: string;
  readonly context: BrowserContext;
  readonly tabs: Tab[] = [];
  /** Unexpected errors. */
  readonly faults: string[] = [];
  /** Other console output. */
  readonly notes: string[] = [];
  /** The person has chosen their name on this device. */
  introduced = false;
  /** An overloaded server creates no room, and the page asks again; many pages on one machine cause that. */
  readonly #expected: RegExp[] = [/\b503\b.*\/api\/rooms\)?$/];

  private constructor(name: string, origin: string, context: BrowserContext) {
    this.name = name;
    this.origin = origin;
    this.context = context;
  }

  static async make(
    browser: Browser,
    name: string,
    origin: string,
    { mesh = "off", ...options }: BrowserContextOptions & { mesh?: "auto" | "off" },
  ): Promise<Device> {
    // A service worker would answer requests that rules count or block; the rules about it allow it.
    const serviceWorkers = "block";
    const context = await browser.newContext({ baseURL: origin, locale: "en", serviceWorkers, ...options });
    context.setDefaultTimeout(ACTION_TIMEOUT_MS);
    // Peers would carry messages that rules block; the rules about peers switch them on.
    await context.addInitScript(`try { localStorage.setItem("festival-chat.mesh", "${mesh}") } catch {}`);
    const device = new Device(name, origin, context);
    context.on("request", (request) => device.#checkOrigin(request.url()));
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // The browser aborts the requests of a page that is left.
      if (why !== "net::ERR_ABORTED") device.#fault(`request failed: ${request.method()} ${request.url()} ${why}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) device.#fault(`answered ${response.status()}: ${response.url()}`);
    });
    context.on("weberror", (error) => device.#fault(`thrown in the page: ${error.error().stack ?? error.error()}`));
    context.on("console", (message) => {
      const text = `console ${message.type()}: ${message.text()} (${message.location().url})`;
      if (message.type() === "error") device.#fault(text);
      else device.notes.push(text);
    });
    return device;
  }

  /** Another tab of this device. */
  async newTab(): Promise<Tab> {
    return this.#adopt(await this.context.newPage());
  }

  #adopt(page: Page): Tab {
    page.on("websocket", (socket) => this.#checkOrigin(socket.url()));
    const tab = new Tab(this, page);
    this.tabs.push(tab);
    return tab;
  }

  /** From now on, matching errors are no faults: the rule causes them. */
  expects(...patterns: RegExp[]): void {
    this.#expected.push(...patterns);
  }

  /** Switches the network off or on. */
  async setOffline(offline: boolean): Promise<void> {
    if (offline) this.expects(/ERR_INTERNET_DISCONNECTED/);
    await this.context.setOffline(offline);
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  /** Records requests to other origins, which are always faults. */
  #checkOrigin(address: string): void {
    const url = new URL(address);
    if (url.protocol === "data:" || url.protocol === "blob:") return;
    if (url.host !== new URL(this.origin).host) this.#fault(`asked another origin: ${address}`);
  }

  #fault(text: string): void {
    if (this.#expected.some((pattern) => pattern.test(text))) this.notes.push(text);
    else this.faults.push(text);
  }
}
