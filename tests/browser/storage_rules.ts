/** Without storage, or with storage full, the page works as far as it can, says so, and drops nothing silently. */
import { assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

/** Runs first in the page: storage is off, as in private windows or by a browser setting. */
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
    // As in real browsers, the request is accepted, and its whole transaction aborts afterwards.
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
  // While the page stays open, waiting messages survive a lost network in memory.
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
  "when storage is full the page says so, and the text stays in the field until there is space",
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

rule("a message stored before storage was full is sent, and shown once after a reload", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ada.page.addInitScript(withLittleSpace);
  await ben.enter(await ada.startRoom("Full in between"));
  await ada.say("first");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.send("kept in time");
  await ada.message("kept in time").getByText(t.delivery.queued).waitFor();
  // From here on neither incoming messages nor acks can be stored.
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

const CLEARED = new TextEncoder().encode(
  'HTTP/1.1 200 OK\r\nclear-site-data: "storage"\r\ncontent-length: 0\r\n\r\n',
);

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** A proxy on the server's origin that answers `/clear` with Clear-Site-Data, as an operator may. */
function clearingDoor(port: number): { url: string; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const serve = async (near: Deno.Conn) => {
    open.add(near);
    const far = await Deno.connect({ hostname: "127.0.0.1", port });
    open.add(far);
    const answers = (async () => {
      for await (const chunk of far.readable) await writeAll(near, chunk);
      near.close();
    })();
    answers.catch(() => {}); // Awaited below, unless this side ends first.
    for await (const chunk of near.readable) {
      // Browsers send one request at a time on a connection, so no response of the server is in progress here.
      if (new TextDecoder().decode(chunk).startsWith("GET /clear ")) await writeAll(near, CLEARED);
      else await writeAll(far, chunk);
    }
    far.close();
    await answers;
  };
  void (async () => {
    for await (const near of listener) serve(near).catch(() => {}); // Ended by one of its sides.
  })();
  return {
    url: `http://localhost:${(listener.addr as Deno.NetAddr).port}`,
    close() {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // It has ended by itself.
        }
      }
    },
  };
}

/** Ways in which an open page loses its stored data. */
const CLEARINGS: Record<string, (tab: Tab, other: Tab) => Promise<void>> = {
  "another page deletes its database": async (_, other) => {
    await other.page.evaluate(() =>
      new Promise<void>((resolve, reject) => {
        const deleting = indexedDB.deleteDatabase("festival-chat");
        deleting.onsuccess = () => resolve();
        deleting.onerror = () => reject(deleting.error);
      })
    );
  },
  "the browser's settings clear the site's data": async ({ device, page }) => {
    const session = await device.context.newCDPSession(page);
    const { origin } = new URL(page.url());
    await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
    await session.detach();
  },
  "the server answers with Clear-Site-Data": async ({ page }) => {
    await page.evaluate(() => fetch("/clear").then((response) => response.text()));
  },
};

for (const [how, clear] of Object.entries(CLEARINGS)) {
  rule(
    `[TAB-10] site data is cleared under an open page (${how}): nothing typed is lost, and a reload keeps the identity`,
    async (field) => {
      const door = clearingDoor(Number(new URL(field.server.url).port));
      try {
        const [ada, ben] = [
          await field.person("Ada", { origin: door.url }),
          await field.person("Ben", { origin: door.url }),
        ];
        const path = await ada.startRoom("Cleared");
        await ben.enter(path);
        await ada.say("before");
        const other = await ada.device.newTab();
        await other.goHome();
        const second = await ada.device.newTab();
        await second.enter(path);
        await ada.device.setOffline(true);
        await ada.status(t.connection.offline).waitFor();
        await ada.send("waits");
        await ada.message("waits").getByText(t.delivery.queued).waitFor();
        // Clear-Site-Data arrives only over a network.
        if (how.includes("server")) await ada.device.setOffline(false);
        await clear(ada, other);
        for (const text of ["one", "two", "three"]) {
          await ada.send(text);
          await ada.message(text).waitFor();
        }
        await ada.device.setOffline(false);
        const all = ["before", "waits", "one", "two", "three"];
        for (const text of all) await ada.untilStored(text);
        for (const tab of [ada, ben, second]) await tab.shows(all);
        await second.say("from the other tab");
        await ada.reload();
        await ada.say("after the reload");
        for (const tab of [ada, ben, second]) await tab.shows([...all, "from the other tab", "after the reload"]);
        await ada.untilStored("one"); // Still mine: the identity has not changed.
      } finally {
        door.close();
      }
    },
  );
}
