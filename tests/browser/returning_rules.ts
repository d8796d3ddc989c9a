/** After reloads, lost networks, server restarts, and in several tabs, messages are there once and in order. */
import { assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

/** Settings for rules that write faster than the limits for people allow. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };

rule("a reload restores the conversation and the identity, without duplicates", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Reloaded"));
  await ada.say("one");
  await ben.hears("one");
  await ben.say("two");
  await ada.say("three");
  const authors = await ada.authors();
  await ada.reload();
  await ada.shows(["one", "two", "three"]);
  assertEquals(await ada.authors(), authors);
  await ada.untilPeople(2);
  // No dialog asks for a name, and everybody sees the same author.
  await ada.say("four");
  await ben.shows(["one", "two", "three", "four"]);
  assertEquals(new Set(await ben.authors()).size, 2);
});

rule("a draft survives a reload", async (field) => {
  const ada = await field.person("Ada");
  await ada.startRoom("Half a thought");
  await ada.composer.fill("not finis");
  await ada.reload();
  assertEquals(await ada.composer.inputValue(), "not finis");
});

rule("back and forward return to a live room", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Back and forth"));
  await ada.say("one");
  await ada.page.getByRole("link", { name: t.app.back }).click();
  await ben.untilPeople(1);
  await ben.say("two");
  await ada.page.goBack();
  await ada.untilLive();
  await ada.shows(["one", "two"]);
  await ada.say("three");
  await ben.shows(["one", "two", "three"]);
});

rule("a page that slept catches up when it wakes up", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Asleep"));
  await ada.say("good night");
  await ada.fallAsleep();
  await ben.say("are you awake?");
  await ada.wakeUp();
  await ada.shows(["good night", "are you awake?"]);
  await ada.untilLive();
  await ada.say("now I am");
  await ben.hears("now I am");
});

/** Makes the connection of a tab's next page lose frames that a rule picks. */
async function loseFrames(tab: Tab, loses: { toServer?(frame: string): boolean; toPage?(frame: string): boolean }) {
  const state = { losing: true, lost: 0 };
  await tab.page.routeWebSocket(/\/socket$/, (page) => {
    const server = page.connectToServer();
    const passes = (frame: string | Uint8Array, isLost?: (frame: string) => boolean) => {
      const lost = state.losing && (isLost?.(String(frame)) ?? false);
      if (lost) state.lost++;
      return !lost;
    };
    page.onMessage((frame) => {
      if (passes(frame, loses.toServer)) server.send(frame);
    });
    server.onMessage((frame) => {
      if (passes(frame, loses.toPage)) page.send(frame);
    });
  });
  return state;
}

rule("after a reload before a message left the phone, the message arrives once", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Reload before");
  await ben.enter(path);
  const frames = await loseFrames(ada, { toServer: (frame) => frame.includes(`"type":"send"`) });
  await ada.enter(path);
  await ada.send("caught in between");
  await ada.message("caught in between").waitFor();
  await ada.until(() => Promise.resolve(frames.lost), (lost) => lost > 0, () => {});
  frames.losing = false;
  await ada.reload();
  await ada.untilStored("caught in between");
  for (const person of [ada, ben]) await person.shows(["caught in between"]);
});

rule("after a reload between storing and ack, the message is there once", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Reload between");
  await ben.enter(path);
  const frames = await loseFrames(ada, { toPage: (frame) => /"type":"(ack|events)"/.test(frame) });
  await ada.enter(path);
  await ada.send("caught in between");
  await ben.hears("caught in between");
  assertEquals(await ada.message("caught in between").getByText(t.delivery.on_its_way).count(), 1);
  frames.losing = false;
  await ada.reload();
  await ada.untilStored("caught in between");
  await ada.say("and on");
  for (const person of [ada, ben]) await person.shows(["caught in between", "and on"]);
});

rule("an offline page says so, keeps typed messages, and delivers them afterwards", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("In the hole"));
  await ada.say("with a network");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.page.getByText(t.connection.reasons.offline).waitFor();
  for (const text of ["without one", "still without"]) {
    await ada.send(text);
    await ada.message(text).getByText(t.delivery.queued).waitFor();
  }
  await ben.say("Ada?");
  await ada.shows(["with a network", "without one", "still without"]);
  await ada.device.setOffline(false);
  await ada.untilLive();
  await ada.untilStored("still without");
  await ada.hears("Ada?");
  await ben.hears("still without");
  await ben.shows(await ada.messages());
  assertEquals((await ben.messages()).length, 4);
});

rule("a message typed offline outlives its page and arrives once", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Closed and opened"));
  await ada.say("before");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.send("typed in the hole");
  await ada.message("typed in the hole").getByText(t.delivery.queued).waitFor();
  // The page closes; another one on the same device opens once it is online.
  const address = ada.page.url();
  await ada.page.close();
  await ada.device.setOffline(false);
  const again = await ada.device.newTab();
  await again.enter(address);
  await again.untilStored("typed in the hole");
  for (const person of [again, ben]) await person.shows(["before", "typed in the hole"]);
});

rule(
  "after a server is killed and restarted, both pages reconnect, and everything arrives once and in order",
  async (field) => {
    const server = await field.ownServer(TALKATIVE);
    const origin = server.url;
    const [ada, ben] = [await field.person("Ada", { origin }), await field.person("Ben", { origin })];
    for (const { device } of [ada, ben]) device.expects(/ERR_CONNECTION_REFUSED/);
    await ben.enter(await ada.startRoom("Killed"));
    await ada.say("before 1");
    await ben.say("before 2");
    await ada.hears("before 2");
    await server.kill();
    const typed: Record<string, string[]> = { Ada: ["Ada 1", "Ada 2", "Ada 3"], Ben: ["Ben 1", "Ben 2", "Ben 3"] };
    for (const person of [ada, ben]) {
      await person.status(t.connection.offline).waitFor();
      for (const text of typed[person.device.name]!) await person.send(text);
      await person.message(`${person.device.name} 3`).getByText(t.delivery.queued).waitFor();
    }
    await server.startAgain();
    for (const person of [ada, ben]) {
      await person.untilLive();
      await person.hears(...typed.Ada!, ...typed.Ben!);
      await person.untilStored(`${person.device.name} 3`);
    }
    const seen = await ada.messages();
    assertEquals(seen.slice(0, 2), ["before 1", "before 2"]);
    assertEquals(seen.length, 8);
    for (const [name, texts] of Object.entries(typed)) {
      assertEquals(seen.filter((text) => text.startsWith(name)), texts);
    }
    await ben.shows(seen);
  },
);

rule("two tabs of one device are one person, and their messages arrive once and without gaps", async (field) => {
  const server = await field.ownServer(TALKATIVE);
  const origin = server.url;
  const [ada, ben] = [await field.person("Ada", { origin }), await field.person("Ben", { origin })];
  const path = await ada.startRoom("Two tabs");
  await ben.enter(path);
  await ada.say("first");
  const other = await ada.device.newTab();
  await other.enter(path);
  await other.shows(["first"]);
  const alternating = ["a 1", "b 2", "a 3", "b 4", "a 5", "b 6"];
  for (const text of alternating) await (text.startsWith("a") ? ada : other).say(text);
  for (const tab of [ada, other, ben]) await tab.shows(["first", ...alternating]);
  const writes = async (tab: Tab, texts: string[]) => {
    for (const text of texts) await tab.send(text);
  };
  const left = Array.from({ length: 10 }, (_, i) => `left ${i}`);
  const right = Array.from({ length: 10 }, (_, i) => `right ${i}`);
  await Promise.all([writes(ada, left), writes(other, right)]);
  for (const tab of [ada, other, ben]) await tab.hears(...left, ...right);
  await ada.untilStored("left 9");
  await other.untilStored("right 9");
  const seen = await ben.messages();
  assertEquals(seen.length, 27);
  assertEquals(seen.filter((text) => text.startsWith("left")), left);
  assertEquals(seen.filter((text) => text.startsWith("right")), right);
  for (const tab of [ada, other]) await tab.shows(seen);
  for (const tab of [ada, other, ben]) await tab.untilPeople(2);
  assertEquals(new Set(await ben.authors()).size, 1);
});

rule(
  "[TAB-1] [TAB-3] the tabs of a device share one connection; when its tab is closed, another one connects",
  async (field) => {
    const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
    const path = await ada.startRoom("One line");
    await ben.enter(path);
    await ada.say("one");
    const second = await ada.device.newTab();
    let sockets = 0;
    second.page.on("websocket", () => sockets++);
    await second.enter(path);
    await second.say("two");
    await ben.say("three");
    for (const tab of [ada, second, ben]) await tab.shows(["one", "two", "three"]);
    assertEquals(sockets, 0);
    await ada.page.close();
    await ben.say("four");
    await second.hears("four");
    await second.say("five");
    await ben.shows(["one", "two", "three", "four", "five"]);
    assertEquals(sockets, 1);
    await ben.untilPeople(2);
  },
);

rule("messages that a closed tab left unsent are sent by another tab of the device", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Left behind");
  await ben.enter(path);
  const dead = await ada.device.newTab();
  await loseFrames(dead, { toServer: (frame) => frame.includes(`"type":"send"`) });
  await dead.enter(path);
  await dead.send("from the tab that is closed");
  await dead.message("from the tab that is closed").waitFor();
  await dead.page.close();
  await ben.shows(["from the tab that is closed"]);
  await ada.shows(["from the tab that is closed"]);
});
