/** A phone that keeps nothing, or has no space left: the page works as far as it can, says so, and drops nothing silently. */
import { assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

/** Runs in the page, before all else: as in private windows and where somebody has switched storage off. */
function withoutStorage(): void {
  const refused = () => new DOMException("The user denied permission to access the database.", "SecurityError");
  IDBFactory.prototype.open = () => {
    throw refused();
  };
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(globalThis, name, {
      get() {
        throw refused();
      },
    });
  }
}

/** Runs in the page: from `storageIsFull = true` on, nothing more can be written to its database. */
function withLittleSpace(): void {
  const full = globalThis as unknown as { storageIsFull: boolean };
  full.storageIsFull = false;
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
    if (!full.storageIsFull) return put.apply(this, args);
    // As browsers do it: the request is taken, and its whole transaction is undone afterwards.
    const request = put.apply(this, args);
    const { transaction } = this;
    Object.defineProperty(transaction, "error", {
      configurable: true,
      get: () => new DOMException("The quota has been exceeded.", "QuotaExceededError"),
    });
    request.addEventListener("success", () => transaction.abort(), { once: true });
    return request;
  };
}

rule("without any storage the page works in memory, and says so", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ben.startRoom("Private");
  await ben.say("hello");
  await ada.page.addInitScript(withoutStorage);
  await ada.enter(path);
  await ada.page.getByRole("status").getByText(t.room.notStored).waitFor();
  await ada.hears("hello");
  await ada.say("I leave no traces");
  await ben.hears("I leave no traces");
  // A lost network is no lost page: what waits, waits in memory.
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.send("typed in a hole");
  await ada.message("typed in a hole").getByText(t.delivery.queued).waitFor();
  await ada.device.setOffline(false);
  await ada.untilStored("typed in a hole");
  for (const person of [ada, ben]) await person.shows(["hello", "I leave no traces", "typed in a hole"]);
});

rule("a room can be started and left without any storage", async (field) => {
  const ada = await field.person("Ada");
  await ada.page.addInitScript(withoutStorage);
  await ada.startRoom("No traces");
  await ada.say("only here");
  await ada.shows(["only here"]);
});

rule(
  "when storage is full the page says so, and the text stays with its writer until there is space",
  async (field) => {
    const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
    await ada.page.addInitScript(withLittleSpace);
    const path = await ada.startRoom("No space");
    await ben.enter(path);
    await ada.say("there was space");
    const setFull = (is: boolean) =>
      ada.page.evaluate((is) => Object.assign(globalThis, { storageIsFull: is }) && undefined, is);
    await setFull(true);
    for (let tries = 0; tries < 2; tries++) {
      await ada.send("no space for this");
      await ada.untilAlert(t.composer.problems.not_stored);
      assertEquals(await ada.composer.inputValue(), "no space for this");
    }
    // Reading needs no space.
    await ben.say("Ada?");
    await ada.shows(["there was space", "Ada?"]);
    assertEquals(await ada.composer.inputValue(), "no space for this");
    await setFull(false);
    await ada.composer.press("Enter");
    await ada.untilStored("no space for this");
    assertEquals(await ada.composer.inputValue(), "");
    for (const person of [ada, ben]) await person.shows(["there was space", "Ada?", "no space for this"]);
  },
);

rule("a message that was kept before storage was full is sent, and shown once after a reload", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ada.page.addInitScript(withLittleSpace);
  await ben.enter(await ada.startRoom("Full in between"));
  await ada.say("first");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.send("kept in time");
  await ada.message("kept in time").getByText(t.delivery.queued).waitFor();
  // Neither what comes nor what was stored can be written down from here on.
  await ada.page.evaluate(() => Object.assign(globalThis, { storageIsFull: true }) && undefined);
  await ada.device.setOffline(false);
  await ben.hears("kept in time");
  await ada.untilStored("kept in time");
  await ada.reload();
  await ada.untilStored("kept in time");
  for (const person of [ada, ben]) await person.shows(["first", "kept in time"]);
  await ada.say("and on");
  await ben.shows(["first", "kept in time", "and on"]);
});
