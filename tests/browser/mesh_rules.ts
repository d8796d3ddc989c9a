/** Phones talk to each other with the server, without it, and after it returns. */
import { assert, assertEquals } from "@std/assert";
import { BREAKER_COOLDOWN_MS } from "../../lib/routing/circuit_breaker.ts";
import { findViolations } from "../screens/axe.ts";
import { crowd } from "./crowd.ts";
import { rule } from "./field.ts";
import { connectPhones, link, openPanel, panelTexts, receivedFromPhones, untilReached } from "./phones.ts";
import { t, type Tab } from "./tab.ts";

/** Longest cooldown of the circuit breakers after a while without a server, and time to reconnect. */
const BACK_WITHIN_MS = BREAKER_COOLDOWN_MS + 15_000;

/** Waits until everybody is connected to the restarted server. */
async function untilBack(people: Tab[]): Promise<void> {
  await Promise.all(
    people.map((person) => person.status(t.connection.connected).waitFor({ timeout: BACK_WITHIN_MS })),
  );
}

rule("two phones connect and talk over the link, and the server still stores everything", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
  await link([ada!, ben!]);
  await ada!.say("over the link");
  await ben!.say("and back");
  for (const person of [ada!, ben!]) await person.shows(["over the link", "and back"]);
  const panel = await openPanel(ben!);
  await panel.locator('[data-peer="connected"]').getByText(/Ada/).waitFor();
  await panel.locator('[data-peer="connected"]').getByText(panelTexts.paths.direct).waitFor();
  assert(await receivedFromPhones(ben!) > 0, "nothing came over the link");
  assertEquals(await findViolations(ben!.page), []);
  // A later visitor gets it from the server.
  const cleo = await field.person("Cleo", { origin: ben!.device.origin });
  await cleo.enter(new URL(ben!.page.url()).pathname);
  await cleo.shows(["over the link", "and back"]);
}, { timeoutMs: 90_000 });

rule("five phones keep talking while the server is down; once it is back, everything is stored once", async (field) => {
  const names = ["Ada", "Ben", "Cleo", "Dora", "Eli"];
  const { server, people } = await crowd(field, names);
  await people[0]!.say("before");
  await link(people);
  await server.kill();
  for (const person of people) await person.status(t.connection.phones).waitFor();
  for (const person of people) await person.send(`${person.device.name} without a server`);
  const said = names.map((name) => `${name} without a server`);
  for (const person of people) await person.hears(...said);
  // The state is honest: other phones have the message, the server does not.
  await people[0]!.message(said[0]!).getByText(/^On \d phones?$/).waitFor();
  await server.startAgain();
  await untilBack(people);
  for (const [number, person] of people.entries()) await person.untilStored(said[number]!);
  const seen = await people[0]!.messages();
  assertEquals(seen.toSorted(), ["before", ...said].toSorted());
  for (const person of people) await person.shows(seen);
  const late = await field.person("Fay", { origin: server.url });
  await late.enter(new URL(people[0]!.page.url()).pathname);
  await late.shows(seen);
}, { timeoutMs: 180_000 });

rule(
  "messages of a phone that never returns are stored through the phones that received them",
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
    // Ben's page reloads too: the events that he carries survive that.
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

rule("a host who reloads keeps their identity, and links return by themselves", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
  await link([ada!, ben!]);
  await ada!.say("before");
  await ada!.reload();
  await untilReached(ben!, 1);
  await untilReached(ada!, 1);
  await ada!.say("here again");
  for (const person of [ada!, ben!]) await person.shows(["before", "here again"]);
  await ben!.untilPeople(2);
}, { timeoutMs: 90_000 });

rule("with peers switched off, phones talk only through the server", async (field) => {
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

/** A network without a path between phones: no ICE candidate is ever found. */
const NO_PATHS = `
  const Browsers = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Browsers {
    constructor(configuration) {
      super({ ...configuration, iceServers: [], iceTransportPolicy: "relay" });
    }
  };
`;

rule(
  "[WAY-2] when phones find no path to each other, the server carries everything, and the panel says so",
  async (field) => {
    const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], {}, NO_PATHS);
    for (const person of [ada!, ben!]) await connectPhones(person);
    await ada!.say("while they look for a path");
    await ben!.hears("while they look for a path");
    const panel = await openPanel(ben!);
    await panel.getByText(panelTexts.reach(0, 1)).waitFor();
    await panel.locator('[data-peer="connecting"]').waitFor();
    await panel.locator('[data-route="websocket"]').waitFor();
    // LINK_SETUP_TIMEOUT_MS ends the attempt.
    await panel.getByText(panelTexts.noRelay).waitFor({ timeout: 30_000 });
    await panel.getByText(panelTexts.reach(0, 1)).waitFor();
    assertEquals(await receivedFromPhones(ben!), 0);
    await ben!.page.keyboard.press("Escape");
    await ben!.say("there is none");
    for (const person of [ada!, ben!]) await person.shows(["while they look for a path", "there is none"]);
  },
  { timeoutMs: 90_000 },
);

rule(
  "[WAY-1] changing the preferred transport back and forth in mid-conversation loses nothing",
  async (field) => {
    const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"]);
    await link([ada!, ben!]);
    const said: string[] = [];
    for (const preference of ["p2p", "websocket", "polling", "p2p", "auto", "polling", "auto"] as const) {
      const panel = await openPanel(ada!);
      await panel.getByRole("radio", { name: panelTexts.preferences[preference], exact: true }).check();
      await ada!.page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });
      for (const person of [ada!, ben!]) {
        said.push(`${said.length + 1} from ${person.device.name}, Ada prefers ${preference}`);
        await person.send(said.at(-1)!);
      }
    }
    for (const person of [ada!, ben!]) await person.hears(...said);
    for (const [number, text] of said.entries()) await [ada!, ben!][number % 2]!.untilStored(text);
    for (const person of [ada!, ben!]) assertEquals((await person.messages()).toSorted(), said.toSorted());
    assertEquals(await ada!.messages(), await ben!.messages());
    const late = await field.person("Cleo", { origin: ada!.device.origin });
    await late.enter(new URL(ada!.page.url()).pathname);
    await late.shows(await ada!.messages());
  },
  { timeoutMs: 90_000 },
);

/** Browsers and companies switch WebRTC off in these ways. */
const BLOCKED = [
  ["a browser without RTCPeerConnection", "delete globalThis.RTCPeerConnection;", panelTexts.peersUnavailable],
  [
    "a browser whose RTCPeerConnection throws",
    `globalThis.RTCPeerConnection = class { constructor() { throw new DOMException("blocked", "NotAllowedError"); } };`,
    /^0 phones connected, \d+ attempts? failed$/,
  ],
] as const;

for (const [what, initScript, says] of BLOCKED) {
  rule(`[WAY-2] ${what}: the panel says so, and the server carries everything`, async (field) => {
    const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], {}, initScript);
    const panel = await openPanel(ben!);
    await panel.getByRole("button", { name: panelTexts.connectPeers }).click();
    await panel.getByText(says).waitFor();
    await panel.locator('[data-route="websocket"]').waitFor();
    await ben!.page.keyboard.press("Escape");
    await ada!.say("over the server");
    await ben!.say("as ever");
    for (const person of [ada!, ben!]) await person.shows(["over the server", "as ever"]);
  });
}

/** Records the page's links, so that a rule can cut them. */
const REMEMBER_LINKS = `
  const Browsers = globalThis.RTCPeerConnection;
  globalThis.links = [];
  globalThis.RTCPeerConnection = class extends Browsers {
    constructor(configuration) {
      super(configuration);
      globalThis.links.push(this);
    }
  };
`;

rule("[WAY-7] a cut link or a sleeping phone costs a moment and no message", async (field) => {
  const { people: [ada, ben] } = await crowd(field, ["Ada", "Ben"], {}, REMEMBER_LINKS);
  await link([ada!, ben!]);
  await ada!.say("over the link");
  await ben!.hears("over the link");
  await ben!.page.evaluate(() => {
    for (const link of (globalThis as unknown as { links: RTCPeerConnection[] }).links) link.close();
  });
  const cutAt = performance.now();
  await ada!.send("after the cut");
  await ben!.send("from the other end");
  await ben!.hears("after the cut");
  await ada!.hears("from the other end");
  // Two pages and a server on a busy machine have delays of their own; a test in virtual time shows the exact second.
  const tookMs = performance.now() - cutAt;
  assert(tookMs < 3_000, `${Math.round(tookMs)} ms`);
  await link([ada!, ben!]);
  await ben!.fallAsleep();
  await ada!.send("you sleep");
  await ada!.untilStored("you sleep");
  await ben!.wakeUp();
  await ben!.hears("you sleep");
  await ben!.say("good morning");
  await ada!.hears("good morning");
  for (const person of [ada!, ben!]) {
    assertEquals((await person.messages()).length, 5);
  }
  assertEquals(await ada!.messages(), await ben!.messages());
}, { timeoutMs: 120_000 });

const TWELVE = ["Ada", "Ben", "Cleo", "Dora", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jo", "Kim", "Lea"];

rule(
  "twelve browsers in one room: the server stops in mid-conversation and returns, and every message is stored once",
  async (field) => {
    const { server, people } = await crowd(field, TWELVE);
    await people[0]!.say("before");
    await link(people);
    await server.kill();
    const said = TWELVE.map((name) => `${name} talks on`);
    for (const [number, person] of people.entries()) await person.send(said[number]!);
    const all = ["before", ...said].toSorted().join("\n");
    const hasAll = (texts: string[]) => texts.toSorted().join("\n") === all;
    for (const person of people) {
      await person.until(
        () => person.messages(),
        hasAll,
        (texts) => assertEquals(texts.toSorted().join("\n"), all),
        20_000,
      );
    }
    await people[0]!.message(said[0]!).getByText(/^On \d+ phones?$/).waitFor();
    await server.startAgain();
    await untilBack(people);
    for (const [number, person] of people.entries()) await person.untilStored(said[number]!);
    const seen = await people[0]!.messages();
    assert(hasAll(seen), seen.join("\n"));
    for (const person of people) await person.shows(seen);
    const late = await field.person("Max", { origin: server.url });
    await late.enter(new URL(people[0]!.page.url()).pathname);
    await late.shows(seen);
  },
  { timeoutMs: 240_000 },
);
