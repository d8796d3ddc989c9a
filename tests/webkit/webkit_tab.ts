/** Drives a page in WebKit as a person does, like tests/browser/tab.ts for the browsers of Playwright. */
import { assertEquals } from "@std/assert";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import type { DeliveryState } from "../../lib/chat/timeline.ts";
import type { WebDriverSession } from "../support/webdriver.ts";

/** The texts of the app. */
export { t };

const COMPOSER = `//textarea[@aria-label="${t.composer.label}"]`;
const NAME_DIALOG = `//*[@role="dialog" or self::dialog][contains(., "${t.name.title}")]`;
/** Time for a page to show what a rule waits for. A page that hangs hangs for good. */
const UNTIL_TIMEOUT_MS = 12_000;

export class WebKitTab {
  readonly session: WebDriverSession;
  readonly #origin: string;

  constructor(session: WebDriverSession, origin: string) {
    this.session = session;
    this.#origin = origin;
  }

  async goTo(path: string): Promise<void> {
    await this.session.goTo(this.#origin + path);
  }

  /** Opens a room by its path; resolves once it is connected. */
  async enter(path: string): Promise<void> {
    await this.goTo(path);
    await this.untilLive();
  }

  /** Starts a room from the home page; resolves to its path. */
  async startRoom(name: string): Promise<string> {
    await this.goTo("/");
    await this.session.type(labelled("input", t.home.roomName), name);
    await this.session.click(button(t.home.open));
    await this.untilLive();
    return await this.session.run(() => location.pathname);
  }

  /** The room is open and connected. */
  async untilLive(withinMs = UNTIL_TIMEOUT_MS): Promise<void> {
    await this.session.until(
      "the room did not open",
      withinMs,
      (live) => [...document.querySelectorAll("[role=status]")].some(({ textContent }) => textContent!.trim() === live),
      t.connection.connected,
    );
  }

  /** Types a message and presses Send. Does not wait for anything. */
  async send(text: string): Promise<void> {
    await this.session.type(COMPOSER, text);
    await this.session.click(button(t.composer.send));
  }

  /** Chooses a name in the dialog. */
  async introduce(name: string): Promise<void> {
    await this.session.type(`${NAME_DIALOG}//input`, name);
    await this.session.click(`${NAME_DIALOG}${button(t.name.save)}`);
  }

  /** The texts of all messages, from top to bottom. */
  async messages(): Promise<string[]> {
    return await this.session.run(() => (
      [...document.querySelectorAll("[role=log] [data-item] p[dir=auto]")].map(({ textContent }) => textContent!)
    ));
  }

  /** Waits until this message is shown, from anyone. */
  async hears(text: string): Promise<void> {
    await this.session.until(
      `"${text}" did not come`,
      UNTIL_TIMEOUT_MS,
      (text) => [...document.querySelectorAll("[role=log] [data-item] p")].some((p) => p.textContent === text),
      text,
    );
  }

  /** Waits until exactly these messages are shown, in this order. */
  async shows(expected: readonly string[]): Promise<void> {
    const deadline = performance.now() + UNTIL_TIMEOUT_MS;
    for (;;) {
      const texts = await this.messages();
      if (texts.join("\0") === expected.join("\0")) return;
      if (performance.now() > deadline) assertEquals(texts, expected);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits until this message of mine is in this state, e.g. "stored". */
  async untilDelivery(text: string, state: DeliveryState["state"]): Promise<void> {
    await this.session.until(
      `"${text}" did not become ${state}`,
      UNTIL_TIMEOUT_MS,
      (text, state) =>
        [...document.querySelectorAll("[role=log] [data-item]")].some((item) =>
          [...item.querySelectorAll("p")].some((p) => p.textContent === text) &&
          item.querySelector(`[data-delivery=${state}]`) !== null
        ),
      text,
      state,
    );
  }

  /** Presses a button in the menu of a message. */
  async choose(text: string, action: string): Promise<void> {
    await this.session.click(`${messageOf(text)}${button(t.message.actions)}`);
    await this.session.click(`${messageOf(text)}//*[@role="group"]${button(action)}`);
  }
}

/** XPath of the message with this text. */
export function messageOf(text: string): string {
  return `//*[@role="log"]//*[@data-item][.//p[@dir="auto" and .="${text}"]]`;
}

/** XPath of the button with this name, once it can be pressed. */
export function button(name: string): string {
  return `//button[normalize-space()="${name}" or @aria-label="${name}"][not(@disabled or @aria-disabled="true")]`;
}

function labelled(element: string, label: string): string {
  return `//${element}[@aria-label="${label}" or @id=//label[normalize-space()="${label}"]/@for or ` +
    `ancestor::label[contains(., "${label}")]]`;
}
