/** Offline, and after the browser was closed, rooms open from the phone's own copy. */
import { assert, assertEquals } from "@std/assert";
import { PAGE_CACHE } from "../../lib/offline/strategy.ts";
import { type Field, type OwnServer, rule } from "./field.ts";
import { keptBy, untilPageKept } from "./kept.ts";
import { t, type Tab } from "./tab.ts";

const PHONE = { serviceWorkers: "allow", viewport: { width: 360, height: 740 } } as const;

/** A person whose browser has service workers, at a server that can be killed. */
async function onThePhone(field: Field, server: OwnServer, name: string): Promise<Tab> {
  const person = await field.person(name, { ...PHONE, origin: server.url });
  person.device.expects(/ERR_CONNECTION_REFUSED|ERR_FAILED|ERR_ABORTED/);
  return person;
}

/** The builds whose scripts the cached pages use. */
async function buildsKeptBy(tab: Tab): Promise<string[]> {
  return await tab.page.evaluate(async (pageCache) => {
    const pages = await caches.open(pageCache);
    const builds = new Set<string>();
    for (const request of await pages.keys()) {
      const html = await (await pages.match(request))!.text();
      for (const [, build] of html.matchAll(/"\/_fresh\/js\/(\w+)\//g)) builds.add(build!);
    }
    return [...builds];
  }, PAGE_CACHE);
}

/** The number of events that the device holds, of all rooms. */
async function copiedBy(tab: Tab): Promise<number> {
  return await tab.page.evaluate(() =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open("festival-chat");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const counting = opening.result.transaction("events").objectStore("events").count();
        counting.onsuccess = () => resolve(counting.result);
        counting.onerror = () => reject(counting.error);
        opening.result.close();
      };
    })
  );
}

/**
 * Waits until this page is cached with all of its code, the offline page too, and until the device holds this many
 * events. A room begins with one, and a person's name is another.
 */
async function untilKept(tab: Tab, events: number): Promise<void> {
  await untilPageKept(tab);
  await tab.until(
    () => copiedBy(tab),
    (count) => count >= events,
    (count) => assert(false, `the device holds ${count} events of ${events}`),
  );
}

/** Switches the network off and kills the server, so that no request is answered. */
async function cutOff(server: OwnServer, ...tabs: Tab[]): Promise<void> {
  await server.kill();
  for (const { device } of tabs) await device.setOffline(true);
}

/** Closes the tab and opens another one on the same device. */
async function closeAndOpen(tab: Tab): Promise<Tab> {
  await tab.page.close();
  return await tab.device.newTab();
}

rule("a room opens offline after the browser was closed, and messages typed there arrive once", async (field) => {
  const server = await field.ownServer();
  const [ada, ben] = [await onThePhone(field, server, "Ada"), await onThePhone(field, server, "Ben")];
  const path = await ada.startRoom("Dead zone");
  await ben.enter(path);
  await ada.say("one");
  await ben.say("two");
  await ada.shows(["one", "two"]);
  await untilKept(ada, 5);
  await cutOff(server, ada);
  const inTheHole = await closeAndOpen(ada);
  await inTheHole.goTo(path);
  await inTheHole.shows(["one", "two"]);
  await inTheHole.status(t.connection.offline).waitFor();
  assertEquals(await inTheHole.page.getByRole("heading", { level: 1 }).textContent(), "Dead zone");
  for (const text of ["three", "four"]) {
    await inTheHole.send(text);
    await inTheHole.message(text).getByText(t.delivery.queued).waitFor();
  }
  // Code that loads on demand was cached as well.
  await (await inTheHole.openShare()).getByRole("button", { name: t.share.copyLink }).waitFor();
  const stillThere = await closeAndOpen(inTheHole);
  await stillThere.goTo(path);
  await stillThere.shows(["one", "two", "three", "four"]);
  await stillThere.page.close();
  await server.startAgain();
  await ada.device.setOffline(false);
  const back = await ada.device.newTab();
  await back.enter(path);
  await back.untilStored("four");
  // After this many failures the circuit breakers of Ben's transports may stay open for 15 s.
  await ben.status(t.connection.connected).waitFor({ timeout: 25_000 });
  for (const person of [back, ben]) await person.shows(["one", "two", "three", "four"]);
});

rule("the home page opens offline, shows my rooms and leads into them", async (field) => {
  const server = await field.ownServer();
  const ada = await onThePhone(field, server, "Ada");
  const path = await ada.startRoom("Kept here", "listed");
  await ada.say("hello");
  await untilKept(ada, 3);
  await ada.goHome();
  await untilKept(ada, 3);
  await cutOff(server, ada);
  const again = await closeAndOpen(ada);
  await again.goHome();
  await again.page.getByText(t.home.offline).waitFor();
  await again.page.getByText(t.home.listedFailed).waitFor();
  await again.page.getByRole("link", { name: "Kept here" }).click();
  await again.shows(["hello"]);
  assertEquals(new URL(again.page.url()).pathname, path);
});

rule(
  "a room never opened here says that it needs a network once, and opens as soon as there is one",
  async (field) => {
    const server = await field.ownServer();
    const [ada, ben] = [await onThePhone(field, server, "Ada"), await onThePhone(field, server, "Ben")];
    const unknown = await ben.startRoom("Unknown");
    const path = await ada.startRoom("Known");
    await untilKept(ada, 1);
    await cutOff(server, ada);
    const again = await closeAndOpen(ada);
    await again.goTo(unknown);
    await again.page.getByRole("heading", { name: t.offline.title }).waitFor();
    await again.untilAlert(t.offline.room);
    const known = again.page.getByRole("link", { name: "Known" });
    assertEquals(await known.getAttribute("href"), path);
    await server.startAgain();
    await again.device.setOffline(false);
    // The page reloads by itself.
    await again.untilLive();
    assertEquals(await again.page.getByRole("heading", { level: 1 }).textContent(), "Unknown");
  },
);

rule("a sealed room opens offline by its link, and no cache holds its key", async (field) => {
  const server = await field.ownServer();
  const ada = await onThePhone(field, server, "Ada");
  const link = await ada.startRoom("Secret", "sealed");
  const [path, key] = link.split("#") as [string, string];
  await ada.say("whispered");
  await ada.reload();
  await untilKept(ada, 3);
  await cutOff(server, ada);
  const again = await closeAndOpen(ada);
  await again.goTo(link);
  await again.shows(["whispered"]);
  const held = await again.page.evaluate(async () => {
    const texts: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const response = (await cache.match(request))!;
        texts.push(request.url, response.url, JSON.stringify([...response.headers]), await response.text());
      }
    }
    return texts;
  });
  assert(held.some((text) => text.endsWith(path)), "the page is not kept");
  assertEquals(held.filter((text) => text.includes(key)), []);
});

rule("a room that was left is no longer stored", async (field) => {
  const server = await field.ownServer();
  const ada = await onThePhone(field, server, "Ada");
  const path = await ada.startRoom("Left");
  await untilKept(ada, 1);
  await ada.button(t.room.settings).click();
  await ada.button(t.settings.leave).click();
  await ada.untilEnabled(ada.button(t.home.open));
  assert(!(await keptBy(ada)).pages.includes(path), "the page of the room is still there");
  await cutOff(server, ada);
  await ada.goTo(path);
  await ada.untilAlert(t.offline.room);
});

rule("after a new build pages run its code, old code is dropped, and waiting messages are sent", async (field) => {
  const server = await field.ownServer();
  const ada = await onThePhone(field, server, "Ada");
  const other = await ada.startRoom("Other room");
  await untilKept(ada, 1);
  const path = await ada.startRoom("Deployed");
  await ada.say("old build");
  await untilKept(ada, 4);
  const buildsOf = async (tab: Tab) => {
    const scripts = await tab.page.locator("script[type=module]").evaluateAll((modules) =>
      modules.flatMap(({ textContent }) => [...textContent.matchAll(/"\/_fresh\/js\/([^/]+)/g)].map(([, id]) => id!))
    );
    return [...new Set(scripts)];
  };
  const [old] = await buildsOf(ada);
  assert(old !== undefined);
  await cutOff(server, ada);
  await ada.send("typed in between");
  await ada.message("typed in between").getByText(t.delivery.queued).waitFor();
  await server.startAgain("new");
  await ada.device.setOffline(false);
  const again = await closeAndOpen(ada);
  await again.enter(path);
  await again.untilStored("typed in between");
  await again.shows(["old build", "typed in between"]);
  const [current] = await buildsOf(again);
  assert(current !== old, "the page is still the old one");
  await untilKept(again, 5);
  // The other room's page is updated as well, and both open offline.
  await again.until(
    () => buildsKeptBy(again),
    (builds) => builds.join() === current,
    (builds) => assertEquals(builds, [current], "builds of the kept pages"),
  );
  await again.reload();
  await cutOff(server, again);
  const offline = await closeAndOpen(again);
  for (const kept of [other, path]) {
    await offline.goTo(kept);
    await offline.composer.waitFor();
    assertEquals(await buildsOf(offline), [current]);
  }
  await offline.shows(["old build", "typed in between"]);
});
