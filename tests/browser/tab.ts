/**
 * A tab of a person's browser, as a person uses it: everything is found by what it is and what it is called, as a
 * screen reader finds it.
 */
import { assert, assertEquals } from "@std/assert";
import type { CDPSession, Locator, Page } from "playwright-core";
import type { RoomKind } from "../../lib/protocol/event.ts";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import type { Device } from "./device.ts";

/** The texts of the app. */
export { t };

export class Tab {
  readonly device: Device;
  readonly page: Page;
  #asleep: CDPSession | undefined;

  constructor(device: Device, page: Page) {
    this.device = device;
    this.page = page;
  }

  // ---- going somewhere ----

  /** Goes to a path or link; resolves when the page's own code runs. */
  async goTo(pathOrLink: string): Promise<void> {
    await this.page.goto(pathOrLink);
  }

  /** The home page, ready to be used. */
  async goHome(): Promise<void> {
    await this.goTo("/");
    await this.untilEnabled(this.button(t.home.open));
  }

  /** Starts a room from the home page, in one step; resolves in the room. The room's path. */
  async startRoom(name: string, kind: RoomKind = "unlisted"): Promise<string> {
    await this.goHome();
    await this.page.getByLabel(t.home.roomName).fill(name);
    await this.choose(t.kinds[kind].name);
    await this.button(t.home.open).click();
    await this.untilLive();
    const { pathname, hash } = new URL(this.page.url());
    return pathname + hash;
  }

  /** Opens a room by its path or link; resolves when it is connected. */
  async enter(pathOrLink: string): Promise<void> {
    await this.goTo(pathOrLink);
    await this.untilLive();
  }

  /** Types a code at the home page and sends it. */
  async typeCode(typed: string): Promise<void> {
    await this.goHome();
    await this.page.getByLabel(t.home.code).fill(typed);
    await this.button(t.home.go).click();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.untilLive();
  }

  /**
   * The phone goes to sleep: not one line of the page's code runs until `wakeUp`. (A debugger holds it: browsers without a
   * screen freeze no page.)
   */
  async fallAsleep(): Promise<void> {
    const session = await this.device.context.newCDPSession(this.page);
    const paused = new Promise<void>((resolve) => session.once("Debugger.paused", () => resolve()));
    await session.send("Debugger.enable");
    await session.send("Debugger.pause");
    // Something has to run for it to be held.
    session.send("Runtime.evaluate", { expression: "0" }).catch(() => {});
    await paused;
    this.#asleep = session;
  }

  /** It wakes, and is told what browsers tell a page that is looked at again. */
  async wakeUp(): Promise<void> {
    const session = this.#asleep!;
    this.#asleep = undefined;
    await session.send("Debugger.resume");
    await session.detach();
    await this.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  }

  /** The room is open and connected. */
  async untilLive(): Promise<void> {
    await this.status(t.connection.connected).waitFor();
  }

  // ---- chatting ----

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: t.composer.label });
  }

  get log(): Locator {
    return this.page.getByRole("log", { name: t.room.messages });
  }

  /** Types a message and sends it; says the name first where it is not known. Does not wait for the server. */
  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    // Not the button: in a tab that lies behind another one, Playwright waits two slow frames before it presses.
    await this.composer.press("Enter");
    if (this.device.introduced) return;
    await this.introduce(this.device.name);
  }

  /** Presses Send although it says that nothing can be sent. */
  async tryToSend(): Promise<void> {
    const send = this.button(t.composer.send);
    assertEquals(await send.getAttribute("aria-disabled"), "true");
    await send.click({ force: true });
  }

  /** Answers the question for a name. */
  async introduce(name: string): Promise<void> {
    const dialog = this.dialog(t.name.title);
    await dialog.getByLabel(t.name.label).fill(name);
    await dialog.getByRole("button", { name: t.name.save }).click();
    await dialog.waitFor({ state: "detached" });
    this.device.introduced = true;
  }

  /** Sends a message and waits until the server has stored it. */
  async say(text: string): Promise<void> {
    await this.send(text);
    await this.untilStored(text);
  }

  /** My message with this text is stored. */
  async untilStored(text: string): Promise<void> {
    await this.message(text).getByText(t.delivery.stored, { exact: true }).waitFor({ state: "attached" });
  }

  /** The message with exactly this text. */
  message(text: string): Locator {
    return this.log.locator("[data-item]").filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /** Opens what can be done with the message of this text; resolves when it is there. */
  async openActions(text: string): Promise<void> {
    await this.message(text).getByRole("button", { name: t.message.actions }).click();
    await this.message(text).getByRole("group", { name: t.message.actions }).waitFor();
  }

  /** Waits for messages from others, or one's own. */
  async hears(...texts: string[]): Promise<void> {
    for (const text of texts) await this.message(text).first().waitFor();
  }

  /** The texts of all messages, from top to bottom. */
  async messages(): Promise<string[]> {
    return await this.log.locator("[data-item] p[dir=auto]").allTextContents();
  }

  /** Waits until exactly these messages are there, in this order. */
  async shows(expected: readonly string[]): Promise<void> {
    await this.until(() => this.messages(), (texts) => texts.join("\0") === expected.join("\0"), (texts) => {
      assertEquals(texts, expected, `what ${this.device.name} sees`);
    });
  }

  /** The marks and names of the authors, as they stand above groups of messages. */
  async authors(): Promise<string[]> {
    return await this.log.getByRole("img", { name: / mark$/ }).evaluateAll((marks) =>
      marks.map((mark) => `${mark.textContent} ${mark.getAttribute("aria-label")} ${mark.nextSibling?.textContent}`)
    );
  }

  /** Waits until the header says how many are here. */
  async untilPeople(count: number): Promise<void> {
    await this.button(t.room.people(count)).waitFor();
  }

  // ---- finding things ----

  /** Chooses a radio button. */
  async choose(label: string): Promise<void> {
    await this.page.getByRole("radio", { name: label, exact: true }).check();
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  dialog(name: string): Locator {
    return this.page.getByRole("dialog", { name });
  }

  status(text: string): Locator {
    return this.page.getByRole("status").getByText(text, { exact: true });
  }

  /** Opens the dialog that brings others here. */
  async openShare(): Promise<Locator> {
    await this.page.getByRole("banner").getByRole("button", { name: t.room.share }).click();
    const dialog = this.dialog(t.room.share);
    await dialog.waitFor();
    return dialog;
  }

  /** An alert with these words is shown. */
  async untilAlert(text: string): Promise<void> {
    await this.page.getByRole("alert").getByText(text).waitFor();
  }

  async untilEnabled(control: Locator): Promise<void> {
    await control.waitFor();
    await this.until(
      () => control.isEnabled(),
      (enabled) => enabled,
      () => assert(false, "the control stays disabled"),
    );
  }

  /** Reads again and again until the value is good; `complain` throws when it does not become so in time. */
  async until<Value>(
    read: () => Promise<Value>,
    isGood: (value: Value) => boolean,
    complain: (value: Value) => void,
    withinMs = UNTIL_TIMEOUT_MS,
  ): Promise<Value> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const value = await read();
      if (isGood(value)) return value;
      if (Date.now() > deadline) {
        complain(value);
        throw new Error(`not in time: ${JSON.stringify(value)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

/** How long a page may take to show what it has to. */
const UNTIL_TIMEOUT_MS = 10_000;
const LOOK_AGAIN_MS = 25;
