/**
 * Drives a tab as a person does: it finds everything by role and name, as a screen reader does.
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

  // ---- navigation ----

  /** Opens a path or link; resolves when the page's own code runs. */
  async goTo(pathOrLink: string): Promise<void> {
    await this.page.goto(pathOrLink);
  }

  /** The home page, ready to be used. */
  async goHome(): Promise<void> {
    await this.goTo("/");
    await this.untilEnabled(this.button(t.home.open));
  }

  /** Starts a room from the home page; resolves to its path once the room is open. */
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

  /** Types a code on the home page and submits it. */
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
   * Puts the phone to sleep: none of the page's code runs until `wakeUp`. A debugger pauses it, because headless browsers
   * freeze no page.
   */
  async fallAsleep(): Promise<void> {
    const session = await this.device.context.newCDPSession(this.page);
    const paused = new Promise<void>((resolve) => session.once("Debugger.paused", () => resolve()));
    await session.send("Debugger.enable");
    await session.send("Debugger.pause");
    // The debugger pauses only code that runs.
    session.send("Runtime.evaluate", { expression: "0" }).catch(() => {});
    await paused;
    this.#asleep = session;
  }

  /** Wakes the phone up, with the events that browsers send to a page that is visible again. */
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

  /** Types a message and sends it, after choosing a name if needed. Does not wait for the server. */
  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    // Enter, not the button: in a background tab Playwright waits two slow frames before it clicks.
    await this.composer.press("Enter");
    if (this.device.introduced) return;
    await this.introduce(this.device.name);
  }

  /** Presses Send although it is disabled. */
  async tryToSend(): Promise<void> {
    const send = this.button(t.composer.send);
    assertEquals(await send.getAttribute("aria-disabled"), "true");
    await send.click({ force: true });
  }

  /** Chooses a name in the dialog. */
  async introduce(name: string): Promise<void> {
    const dialog = this.dialog(t.name.title);
    await dialog.getByLabel(t.name.label).fill(name);
    await dialog.getByRole("button", { name: t.name.save }).click();
    await dialog.waitFor({ state: "detached" });
    this.device.introduced = true;
  }

  /** Sends a message and waits for its ack. */
  async say(text: string): Promise<void> {
    await this.send(text);
    await this.untilStored(text);
  }

  /** Waits until my message with this text is stored. */
  async untilStored(text: string): Promise<void> {
    await this.message(text).getByText(t.delivery.stored, { exact: true }).waitFor({ state: "attached" });
  }

  /** The message with exactly this text. */
  message(text: string): Locator {
    return this.log.locator("[data-item]").filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /** Opens the actions of the message with this text; resolves when they are visible. */
  async openActions(text: string): Promise<void> {
    await this.message(text).getByRole("button", { name: t.message.actions }).click();
    await this.message(text).getByRole("group", { name: t.message.actions }).waitFor();
  }

  /** Waits for messages, from others or from this person. */
  async hears(...texts: string[]): Promise<void> {
    for (const text of texts) await this.message(text).first().waitFor();
  }

  /** The texts of all messages, from top to bottom. */
  async messages(): Promise<string[]> {
    return await this.log.locator("[data-item] p[dir=auto]").allTextContents();
  }

  /** Waits until exactly these messages are shown, in this order. */
  async shows(expected: readonly string[]): Promise<void> {
    await this.until(() => this.messages(), (texts) => texts.join("\0") === expected.join("\0"), (texts) => {
      assertEquals(texts, expected, `what ${this.device.name} sees`);
    });
  }

  /** The marks and names above the groups of messages. */
  async authors(): Promise<string[]> {
    return await this.log.getByRole("img", { name: / mark$/ }).evaluateAll((marks) =>
      marks.map((mark) => `${mark.textContent} ${mark.getAttribute("aria-label")} ${mark.nextSibling?.textContent}`)
    );
  }

  /** Waits until the header shows this number of people. */
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

  /** Opens the share dialog. */
  async openShare(): Promise<Locator> {
    await this.page.getByRole("banner").getByRole("button", { name: t.room.share }).click();
    const dialog = this.dialog(t.room.share);
    await dialog.waitFor();
    return dialog;
  }

  /** Waits for an alert with this text. */
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

  /** Reads repeatedly until the value is good; `complain` throws if that takes too long. */
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

/** Time for a page to show what a rule waits for. */
const UNTIL_TIMEOUT_MS = 10_000;
const LOOK_AGAIN_MS = 25;
