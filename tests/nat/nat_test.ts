/** Phones in two homes behind NATs that block inbound connections: real NATs, a real relay, real browsers. */
import { assert, assertEquals } from "@std/assert";
import { connectPhones, link, openPanel, panelTexts, receivedFromPhones } from "../browser/phones.ts";
import type { Tab } from "../browser/tab.ts";
import { natRule } from "./nat_testbed.ts";

async function closePanel(person: Tab): Promise<void> {
  await person.page.keyboard.press("Escape");
  await person.dialog(panelTexts.title).waitFor({ state: "detached" });
}

/** Both see all messages once and in the same order, and the server has them. */
async function bothShow(people: readonly [Tab, Tab], said: readonly string[]): Promise<void> {
  for (const person of people) await person.hears(...said);
  for (const [number, text] of said.entries()) await people[number % 2]!.untilStored(text);
  const seen = await people[0].messages();
  assertEquals(seen.toSorted(), said.toSorted());
  await people[1].shows(seen);
}

natRule(
  "[WAY-2] [TURN-1] behind two NATs and without a relay no link comes about, the panel says what is missing, and the server carries the chat",
  async (testbed) => {
    await testbed.startRelay();
    await testbed.startApp({ relay: false });
    const [ada, ben] = [await testbed.person("Ada"), await testbed.person("Ben")];
    await ben.enter(await ada.startRoom("Two homes"));
    for (const person of [ada, ben]) await person.untilPeople(2);
    for (const person of [ada, ben]) await connectPhones(person);
    await ada.say("while they look for a path");
    const panel = await openPanel(ben);
    await panel.locator('[data-peer="connecting"]').waitFor();
    // After LINK_SETUP_TIMEOUT_MS the dial has failed.
    await panel.getByText(panelTexts.noRelay).waitFor({ timeout: 30_000 });
    await panel.getByText(panelTexts.reach(0, 1)).waitFor();
    await panel.locator('[data-route="websocket"]').waitFor();
    assertEquals(await receivedFromPhones(ben), 0);
    await closePanel(ben);
    await ben.say("there is none");
    await bothShow([ada, ben], ["while they look for a path", "there is none"]);
  },
);

natRule(
  "[WAY-5] [WAY-7] [TURN-1] behind two NATs phones talk over the relay; it is killed while they talk, and every message is there once, in one order",
  async (testbed) => {
    const relay = await testbed.startRelay();
    await testbed.startApp({ relay: true });
    const [ada, ben] = [await testbed.person("Ada"), await testbed.person("Ben")];
    await ben.enter(await ada.startRoom("Two homes"));
    for (const person of [ada, ben]) await person.untilPeople(2);
    await link([ada, ben]);
    const said: string[] = [];
    const talk = async (about: string) => {
      for (const person of [ada, ben]) {
        said.push(`${said.length + 1} ${about}, ${person.device.name}`);
        await person.send(said.at(-1)!);
      }
    };
    await talk("over the relay");
    await bothShow([ada, ben], said);
    for (const person of [ada, ben]) {
      const panel = await openPanel(person);
      await panel.locator('[data-peer="connected"]').getByText(panelTexts.paths.relayed).waitFor();
      assert(await receivedFromPhones(person) > 0, `nothing came to ${person.device.name} over the relay`);
      await closePanel(person);
    }
    await talk("just before");
    await relay.kill();
    for (let round = 0; round < 3; round++) await talk("the relay is dead");
    await bothShow([ada, ben], said);
    const panel = await openPanel(ada);
    await panel.locator('[data-route="websocket"]').waitFor({ timeout: 15_000 });
    await closePanel(ada);
    await talk("over the server");
    await bothShow([ada, ben], said);
  },
);
