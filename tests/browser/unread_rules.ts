/** Unseen messages stand below the "new" line, and late ones are marked. */
import { assert, assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
const PHONE = { viewport: { width: 360, height: 740 } };

/** The texts of all messages and the "new" line, from top to bottom. */
function withLine(tab: Tab): Promise<string[]> {
  return tab.log.locator("[data-item] p[dir=auto], .new-line").allTextContents();
}

/** Waits until the line stands right above the message with this text, or, for undefined, until there is no line. */
async function untilLineAbove(tab: Tab, text: string | undefined): Promise<void> {
  await tab.until(
    () => withLine(tab),
    (texts) => texts[texts.indexOf(t.room.newMessages) + 1] === text || (text === undefined && !hasLine(texts)),
    (texts) => assert(false, `the line of ${tab.device.name} is not above “${text}”: ${texts.join(", ")}`),
  );
}
const hasLine = (texts: string[]) => texts.includes(t.room.newMessages);

/** The line's distance from the top of the view, in CSS px. */
function lineTop(tab: Tab): Promise<number> {
  return tab.log.evaluate((box) =>
    box.querySelector(".new-line")!.getBoundingClientRect().top - box.getBoundingClientRect().top
  );
}

/** Waits until the read cursor covers a room's first `count` events, including genesis and names. */
async function untilRemembered(tab: Tab, count: number): Promise<void> {
  await tab.until(() => remembered(tab), (position) => position === count, (position) => assertEquals(position, count));
}

/** The device's read cursor in a room. */
function remembered(tab: Tab): Promise<number> {
  return tab.page.evaluate(() =>
    new Promise<number>((resolve) => {
      const opening = indexedDB.open("festival-chat");
      opening.onsuccess = () => {
        const all = opening.result.transaction("seen").objectStore("seen").getAll();
        all.onsuccess = () => {
          opening.result.close();
          resolve(all.result[0]?.position ?? 0);
        };
      };
    })
  );
}

/** Makes the page believe that it is hidden, or visible again. */
async function setHidden(tab: Tab, hidden: boolean): Promise<void> {
  await tab.page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden ? "hidden" : "visible");
}

rule(
  "a returning person starts at the first missed message, and has seen everything once at the end",
  async (field) => {
    const server = await field.ownServer(TALKATIVE);
    const origin = server.url;
    const [ada, ben] = [await field.person("Ada", { origin, ...PHONE }), await field.person("Ben", { origin })];
    const path = await ben.startRoom("Missed");
    await ben.say("seen");
    await ada.enter(path);
    await ada.hears("seen");
    assert(!hasLine(await withLine(ada)), "a first visit has missed nothing");
    await ben.say("seen live");
    await ada.hears("seen live");
    await untilRemembered(ada, 4);
    await ada.goHome();
    const missed = Array.from({ length: 30 }, (_, n) => `missed ${n}`);
    for (const text of missed) await ben.say(text);

    await ada.enter(path);
    await untilLineAbove(ada, "missed 0");
    const top = await lineTop(ada);
    assert(top >= 0 && top < 60, `the view does not begin at the line: it is at ${top} px`);
    await ada.button(t.room.jumpNew(30)).click();
    await ada.button(t.room.jumpNew(30)).waitFor({ state: "detached" });
    // Read, but still marked by the line.
    await untilLineAbove(ada, "missed 0");
    await untilRemembered(ada, 34);
    await ada.say("I was away");
    await untilLineAbove(ada, undefined);
    await ada.reload();
    await ada.shows(["seen", "seen live", ...missed, "I was away"]);
    assert(!hasLine(await withLine(ada)), "what was read is new again after a reload");
  },
);

rule(
  "messages that arrive while a page is hidden, offline or scrolled up stand below the line; those seen live need none",
  async (field) => {
    const server = await field.ownServer(TALKATIVE);
    const origin = server.url;
    const [ada, ben] = [await field.person("Ada", { origin, ...PHONE }), await field.person("Ben", { origin })];
    await ada.enter(await ben.startRoom("Looked away"));
    await ben.say("live");
    await ada.hears("live");
    await setHidden(ada, true);
    await ben.say("hidden");
    await untilLineAbove(ada, "hidden");
    await setHidden(ada, false);
    await ben.say("live again");
    await ada.hears("live again");
    await untilLineAbove(ada, "hidden");

    await ada.device.setOffline(true);
    await ada.status(t.connection.offline).waitFor();
    for (let n = 0; n < 20; n++) await ben.say(`offline ${n}`);
    await ada.device.setOffline(false);
    await untilLineAbove(ada, "offline 0");
    // More messages than fit: the view starts at the line again.
    await ada.button(t.room.jumpNew(20)).click();
    await ada.button(t.room.jumpNew(20)).waitFor({ state: "detached" });

    await ada.log.evaluate((box) => box.scrollTop = 0);
    await ada.button(t.room.jump).waitFor();
    await untilLineAbove(ada, undefined);
    await ben.say("below");
    await untilLineAbove(ada, "below");
    await ada.button(t.room.jumpNew(1)).click();
    await untilLineAbove(ada, "below");
  },
);

rule(
  "a message from a phone that was offline is sorted in above, stands below the line, and is marked as late",
  async (field) => {
    const [ada, ben, cy] = [await field.person("Ada"), await field.person("Ben"), await field.person("Cy")];
    // Cy writes ten minutes before the others.
    await cy.page.addInitScript(() => {
      const now = Date.now;
      Date.now = () => now() - 600_000;
    });
    const path = await ben.startRoom("From the field");
    await ben.say("before");
    for (const person of [ada, cy]) {
      await person.enter(path);
      await person.hears("before");
    }
    await cy.device.setOffline(true);
    await cy.status(t.connection.offline).waitFor();
    await cy.send("from the field");
    await cy.message("from the field").getByText(t.delivery.queued).waitFor();
    for (const text of ["one", "two", "three"]) await ben.say(text);
    await ada.hears("three");
    await untilRemembered(ada, 6);
    await ada.goHome();
    await cy.device.setOffline(false);
    await cy.untilStored("from the field");

    await ben.hears("from the field");
    const texts = await ben.messages();
    const at = texts.indexOf("from the field");
    // Cy had not seen them, so by the order the first messages are concurrent.
    assert(at > 0 && at < texts.indexOf("three"), `it stands at ${at}`);
    // Ben was looking all the time; for Ada it stands below the line, with messages that she had read.
    assert(!hasLine(await withLine(ben)), "a line where somebody looked");
    await ada.enter(path);
    await untilLineAbove(ada, "from the field");
    assertEquals((await withLine(ada)).filter((text) => text !== t.room.newMessages), texts);
    for (const person of [ada, ben, cy]) {
      await person.message("from the field").getByText(t.room.late).waitFor();
      assertEquals(await person.log.getByText(t.room.late).count(), 1);
    }
  },
);
