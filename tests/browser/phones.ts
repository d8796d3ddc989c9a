/** Reads and changes links between phones in the connection panel. */
import { connectionTexts as panelTexts } from "../../lib/ui/texts/connection_texts.ts";
import { t, type Tab } from "./tab.ts";

/** The texts of the connection panel. */
export { panelTexts };

/** Links between many pages on one machine take a while. */
const LINKED_WITHIN_MS = 40_000;

/** Opens the connection panel. */
export async function openPanel(person: Tab) {
  await person.button(t.connection.open).click();
  return person.dialog(panelTexts.title);
}

/** The number of messages received from phones, by the panel. */
export async function receivedFromPhones(person: Tab): Promise<number> {
  const panel = person.dialog(panelTexts.title);
  const named = panel.locator("div", { has: person.page.getByText(panelTexts.receivedFromPeers, { exact: true }) });
  return Number(await named.last().locator("dd").textContent());
}

/** Presses "Connect now" and closes the panel. */
export async function connectPhones(person: Tab): Promise<void> {
  await person.button(t.connection.open).click();
  await person.dialog(panelTexts.title).getByRole("button", { name: panelTexts.connectPeers }).click();
  await person.page.keyboard.press("Escape");
  await person.dialog(panelTexts.title).waitFor({ state: "detached" });
}

/** Waits in the panel until everybody else is reached, and closes it. */
export async function untilReached(person: Tab, others: number): Promise<void> {
  await person.button(t.connection.open).click();
  const panel = person.dialog(panelTexts.title);
  await panel.getByText(panelTexts.reach(others, 0)).waitFor({ timeout: LINKED_WITHIN_MS });
  await panel.locator('[data-route="p2p"]').waitFor();
  await person.page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
}

/** Connects all of them with each other; resolves when every panel shows it. */
export async function link(people: Tab[]): Promise<void> {
  await Promise.all(people.map(connectPhones));
  await Promise.all(people.map((person) => untilReached(person, people.length - 1)));
}
