/**
 * A client of W3C WebDriver (https://www.w3.org/TR/webdriver2/), as much of it as the tests need: WebKit outside of Apple's
 * systems speaks nothing else. selenium-webdriver would do too; it brings 9 MB of programs for other browsers.
 */

/** WebDriver's name for an element in its answers. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
/** One command; a page that hangs must not hang the run. */
const COMMAND_TIMEOUT_MS = 30_000;
const LOOK_AGAIN_MS = 50;

/** An error that a driver answered with; `code` is one of the specification's, e.g. "no such element". */
export class WebDriverError extends Error {
  override readonly name = "WebDriverError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** One page of a browser that a driver at `url` has started. */
export class WebDriverSession {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Starts a browser. Throws when the driver cannot. */
  static async start(driverUrl: string, capabilities: Record<string, unknown>): Promise<WebDriverSession> {
    const { sessionId } = await command<{ sessionId: string }>(`${driverUrl}/session`, "POST", {
      capabilities: { alwaysMatch: { ...capabilities, timeouts: { script: 10_000, pageLoad: 20_000 } } },
    });
    return new WebDriverSession(`${driverUrl}/session/${sessionId}`);
  }

  /** Resolves when the page has loaded. */
  async goTo(url: string): Promise<void> {
    await this.#post("/url", { url });
  }

  async back(): Promise<void> {
    await this.#post("/back");
  }

  async reload(): Promise<void> {
    await this.#post("/refresh");
  }

  /** Runs a function in the page: it sees nothing but its arguments and the page. Its value, if that is JSON. */
  async run<Args extends unknown[], Result>(call: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>> {
    return await this.#post("/execute/sync", { script: `return (${call})(...arguments)`, args });
  }

  /** Runs a function in the page until its value is true; throws with `complaint` when it does not become so in time. */
  async until<Args extends unknown[]>(
    complaint: string,
    withinMs: number,
    call: (...args: Args) => boolean,
    ...args: Args
  ): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!await this.run(call, ...args)) {
      if (performance.now() > deadline) throw new Error(complaint);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** Clicks as a mouse does, once the element that this XPath finds is there and nothing covers it. */
  async click(xpath: string): Promise<void> {
    await this.#withElement(xpath, (element) => this.#post(`/element/${element[ELEMENT]}/click`));
  }

  /** Puts a text into a field, as the keyboard of a phone does: the drivers' own keys cannot write an emoji. */
  async type(xpath: string, text: string): Promise<void> {
    await this.#withElement(xpath, (element) =>
      this.run(
        (field, text) => {
          (field as unknown as HTMLElement).focus();
          document.execCommand("insertText", false, text);
        },
        element,
        text,
      ));
  }

  /** Waits until this XPath finds an element. */
  async waitFor(xpath: string): Promise<void> {
    await this.#withElement(xpath, () => Promise.resolve());
  }

  /** A picture of the page, PNG. */
  async screenshot(): Promise<Uint8Array> {
    return Uint8Array.fromBase64(await command(`${this.#url}/screenshot`, "GET"));
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    await command(this.#url, "DELETE");
  }

  /** Elements come late, move, and are drawn anew: tries again until it works or has taken too long. */
  async #withElement(
    xpath: string,
    act: (element: Record<string, string>) => Promise<unknown>,
    withinMs = 10_000,
  ): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        const found = await this.#post<Record<string, string>>("/element", { using: "xpath", value: xpath });
        await act(found);
        return;
      } catch (error) {
        if (!(error instanceof WebDriverError) || performance.now() > deadline) {
          throw new Error(`nothing could be done with ${xpath}`, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
    }
  }

  #post<Result = null>(path: string, body: Record<string, unknown> = {}): Promise<Result> {
    return command<Result>(this.#url + path, "POST", body);
  }
}

async function command<Result>(url: string, method: string, body?: unknown): Promise<Result> {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { "content-type": "application/json" },
    signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
  });
  const { value } = await response.json();
  if (!response.ok) throw new WebDriverError(value.error, value.message);
  return value;
}
