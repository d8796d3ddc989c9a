/** People whose phones link to each other. */
import { connectionTextsFor } from "../../lib/design/connection_texts.ts";
import type { Field } from "./field.ts";
import { t, type Tab } from "./tab.ts";

export const panelTexts = connectionTextsFor("en");
/** Settings for rules that write more than a person may in this time. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
/** Setting up links in many pages of one machine takes its time. */
const LINKED_WITHIN_MS = 40_000;
/** Pages that are loaded at a time. */
const ENTER_AT_ONCE = 3;
/** People with peers switched on, in one room of a server of their own. */
export async function crowd(field: Field, names: string[], env: Record<string, string> = {}, initScript?: string) {
  const server = await field.ownServer({ ...TALKATIVE, ...env });
  const people = await Promise.all(
    names.map((name) =>
      field.person(name, { origin: server.url, mesh: "auto", viewport: { width: 360, height: 740 } })
    ),
  );
  for (const { device } of people) {
    device.expects(/ERR_CONNECTION_REFUSED/);
    // Many pages on one machine: each has less of it.
    device.context.setDefaultTimeout(3_000 * (names.length + 3));
    if (initScript !== undefined) await device.context.addInitScript(initScript);
  }
  const [first, ...others] = people;
  const path = await first!.startRoom("Phone to phone");
  for (let at = 0; at < others.length; at += ENTER_AT_ONCE) {
    await Promise.all(others.slice(at, at + ENTER_AT_ONCE).map((person) => person.enter(path)));
  }
  for (const person of people) await person.untilPeople(names.length);
  return { server, people, path };
}

/** Opens the connection panel. */
export async function openPanel(person: Tab) {
  await person.button(t.connection.open).click();
  return person.dialog(panelTexts.title);
}

/** Presses "Connect phones now" and closes the panel. */
export async function connectPhones(person: Tab): Promise<void> {
  await person.button(t.connection.open).click();
  await person.dialog(panelTexts.title).getByRole("button", { name: panelTexts.connectPeers }).click();
  await person.page.keyboard.press("Escape");
  await person.dialog(panelTexts.title).waitFor({ state: "detached" });
}

/** Opens the panel until it says that everybody else is reached, and closes it. */
export async function untilReached(person: Tab, others: number): Promise<void> {
  await person.button(t.connection.open).click();
  const panel = person.dialog(panelTexts.title);
  await panel.getByText(panelTexts.reach(others, 0)).waitFor({ timeout: LINKED_WITHIN_MS });
  await panel.locator('[data-route="p2p"]').waitFor();
  await person.page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
}

/** Links them all, and waits until everybody reaches everybody. */
export async function link(people: Tab[]): Promise<void> {
  await Promise.all(people.map(connectPhones));
  await Promise.all(people.map((person) => untilReached(person, people.length - 1)));
}
