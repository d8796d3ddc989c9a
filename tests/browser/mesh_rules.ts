/** Phones talk to each other: with the server, while it is away, and when it comes back. */
import { assert, assertEquals } from "@std/assert";
import { connectionTextsFor } from "../../lib/design/connection_texts.ts";
import { type Field, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

const panelTexts = connectionTextsFor("en");
/** Settings for rules that write more than a person may in this time. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
/** Setting up links in many pages of one machine takes its time. */
const LINKED_WITHIN_MS = 40_000;

/** People with peers switched on, in one room of a server of their own. */
async function crowd(field: Field, names: string[], env: Record<string, string> = {}) {
  const server = await field.ownServer({ ...TALKATIVE, ...env });
  const people: Tab[] = [];
  let path: string | undefined;
  for (const name of names) {
    const person = await field.person(name, { origin: server.url, mesh: "auto" });
    person.device.expects(/ERR_CONNECTION_REFUSED/);
    if (path === undefined) path = await person.startRoom("Phone to phone");
    else await person.enter(path);
    people.push(person);
  }
  for (const person of people) await person.untilPeople(names.length);
  return { server, people, path: path! };
}

/** Presses "Connect phones now" and closes the panel. */
async function connectPhones(person: Tab): Promise<void> {
  await person.button(t.connection.open).click();
  await person.dialog(panelTexts.title).getByRole("button", { name: panelTexts.connectPeers }).click();
  await person.page.keyboard.press("Escape");
  await person.dialog(panelTexts.title).waitFor({ state: "detached" });
}

/** Opens the panel until it says that everybody else is reached, and closes it. */
async function untilReached(person: Tab, others: number): Promise<void> {
  await person.button(t.connection.open).click();
  const panel = person.dialog(panelTexts.title);
  await panel.getByText(panelTexts.reach(others, 0)).waitFor({ timeout: LINKED_WITHIN_MS });
  await panel.locator('[data-route="p2p"]').waitFor();
  await person.page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
}

async function link(people: Tab[]): Promise<void> {
  await Promise.all(people.map(connectPhones));
  await Promise.all(people.map((person) => untilReached(person, people.length - 1)));
}

rule("two phones link, talk over the link, and the server still stores all of it", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
  await link([ada!, ben!]);
  await ada!.say("over the link");
  await ben!.say("and back");
  for (const person of [ada!, ben!]) await person.shows(["over the link", "and back"]);
  const panel = ben!.dialog(panelTexts.title);
  await ben!.button(t.connection.open).click();
  await panel.locator('[data-peer="connected"]').getByText(/Ada/).waitFor();
  await panel.getByText(panelTexts.paths.direct).waitFor();
  const received = panel.locator("div", { has: ben!.page.getByText(panelTexts.receivedFromPeers, { exact: true }) })
    .last();
  assert(Number(await received.locator("dd").textContent()) > 0, "nothing came over the link");
  // Somebody who comes later has it from the server.
  const cleo = await field.person("Cleo", { origin: ben!.device.origin });
  await cleo.enter(new URL(ben!.page.url()).pathname);
  await cleo.shows(["over the link", "and back"]);
}, { timeoutMs: 90_000 });

rule("the server goes and five phones talk on; it comes back and everything is stored once", async (field) => {
  const names = ["Ada", "Ben", "Cleo", "Dora", "Eli"];
  const { server, people } = await crowd(field, names);
  await people[0]!.say("before");
  await link(people);
  await server.kill();
  for (const person of people) await person.status(t.connection.phones).waitFor();
  for (const person of people) await person.send(`${person.device.name} without a server`);
  const said = names.map((name) => `${name} without a server`);
  for (const person of people) await person.hears(...said);
  // True, and shown: others have it, the server has not.
  await people[0]!.message(said[0]!).getByText(/^On \d phones?$/).waitFor();
  await server.startAgain();
  // A breaker that has opened lets nobody try for 15 s.
  for (const person of people) await person.status(t.connection.connected).waitFor({ timeout: LINKED_WITHIN_MS });
  for (const [number, person] of people.entries()) await person.untilStored(said[number]!);
  const seen = await people[0]!.messages();
  assertEquals(seen.toSorted(), ["before", ...said].toSorted());
  for (const person of people) await person.shows(seen);
  const late = await field.person("Fay", { origin: server.url });
  await late.enter(new URL(people[0]!.page.url()).pathname);
  await late.shows(seen);
}, { timeoutMs: 180_000 });

rule(
  "what a phone said without a server is stored by the phones that heard it, when it never comes back",
  async (field) => {
    const { server, people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
    await ada!.say("before");
    await link([ada!, ben!]);
    await server.kill();
    await ada!.status(t.connection.phones).waitFor();
    await ada!.send("carried by Ben");
    await ben!.hears("carried by Ben");
    await ada!.message("carried by Ben").getByText(t.delivery.on_phones(1)).waitFor();
    await ada!.device.close();
    // Ben's page is loaded anew, too: what he carries outlives it.
    await server.startAgain();
    await ben!.reload();
    await ben!.hears("carried by Ben");
    const cleo = await field.person("Cleo", { origin: server.url });
    await cleo.enter(new URL(ben!.page.url()).pathname);
    await cleo.until(() => cleo.messages(), (texts) => texts.includes("carried by Ben"), (texts) => {
      assertEquals(texts, ["before", "carried by Ben"]);
    }, 20_000);
  },
  { timeoutMs: 120_000 },
);

rule("a host who reloads is the same person, and links come back by themselves", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], { FESTIVAL_ENVIRONMENT: "development" });
  await link([ada!, ben!]);
  await ada!.reload();
  await untilReached(ben!, 1);
  await untilReached(ada!, 1);
  await ada!.say("here again");
  await ben!.hears("here again");
  await ben!.untilPeople(2);
}, { timeoutMs: 90_000 });

rule("phones that are switched off for each other talk over the server alone", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
  await link([ada!, ben!]);
  await ben!.button(t.connection.open).click();
  const panel = ben!.dialog(panelTexts.title);
  await panel.getByRole("radio", { name: panelTexts.modes.off }).check();
  await panel.getByText(panelTexts.modeHint.switched_off).waitFor();
  await panel.locator('[data-route="websocket"]').waitFor();
  assertEquals(await panel.locator("[data-peer]").count(), 0);
  await ben!.page.keyboard.press("Escape");
  await ben!.say("over the server");
  await ada!.hears("over the server");
}, { timeoutMs: 90_000 });
