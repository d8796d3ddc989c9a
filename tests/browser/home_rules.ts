/** The home page: listed rooms, this device's rooms, and the page without JavaScript. */
import { assert, assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

/** The links to rooms below a heading of the home page. */
function linksBelow(tab: Tab, heading: string) {
  return tab.page.locator("section").filter({ has: tab.page.getByRole("heading", { name: heading, exact: true }) })
    .getByRole("link");
}

rule("a listed room is on the home page with the people in it now; an unlisted one is not", async (field) => {
  const [ada, ben, cleo] = [await field.person("Ada"), await field.person("Ben"), await field.person("Cleo")];
  await ada.startRoom("Nobody's business", "unlisted");
  await ben.enter(await ada.startRoom("Everybody's business", "listed"));
  await ada.untilPeople(2);
  await cleo.goHome();
  const room = linksBelow(cleo, t.home.listed).filter({ hasText: "Everybody's business" });
  await room.filter({ hasText: t.home.people(2) }).waitFor();
  assertEquals(await cleo.page.getByText("Nobody's business").count(), 0);
  // The number updates without a reload.
  await ben.device.close();
  await room.filter({ hasText: t.home.people(1) }).waitFor();
  await room.click();
  await cleo.untilLive();
});

rule("visited rooms are on the home page, with favourites above them", async (field) => {
  const ada = await field.person("Ada");
  const tents = await ada.startRoom("The tents");
  const river = await ada.startRoom("By the river", "sealed");
  await ada.page.getByRole("link", { name: t.app.back }).click();
  await linksBelow(ada, t.home.recent).first().waitFor();
  assertEquals(
    await linksBelow(ada, t.home.recent).evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
    [river, tents],
  );
  await ada.button(t.home.favourite("The tents")).click();
  await linksBelow(ada, t.home.favourites).filter({ hasText: "The tents" }).waitFor();
  await ada.page.reload();
  await linksBelow(ada, t.home.favourites).filter({ hasText: "The tents" }).waitFor();
  await linksBelow(ada, t.home.recent).filter({ hasText: "By the river" }).click();
  await ada.untilLive();
  assertEquals(await ada.page.getByRole("heading", { level: 1 }).textContent(), "By the river");
});

rule("a room that was left is no longer listed, and its code leads back", async (field) => {
  const ada = await field.person("Ada");
  const path = await ada.startRoom("Left");
  await ada.say("something");
  await ada.button(t.room.settings).click();
  await ada.dialog(t.room.settings).getByRole("button", { name: t.settings.leave }).click();
  await ada.page.waitForURL("/");
  await ada.page.getByText(t.home.recentEmpty).waitFor();
  await ada.enter(path);
  await ada.shows(["something"]);
});

rule("a room needs a name, and says so", async (field) => {
  const ada = await field.person("Ada");
  await ada.goHome();
  await ada.button(t.home.open).click();
  await ada.untilAlert(t.home.nameMissing);
  await ada.page.getByLabel(t.home.roomName).fill("r".repeat(61));
  await ada.button(t.home.open).click();
  await ada.untilAlert(t.home.nameTooLong(60));
});

rule(
  "[LOAD-1] with an overloaded server, the form says so, keeps the name, and opens the room later unless the person stops waiting",
  async (field) => {
    const ada = await field.person("Ada");
    ada.device.expects(/answered 503/, /status of 503/);
    let refuses = true, retryAfterMs = 60_000, asked = 0;
    await ada.page.route("**/api/rooms", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      asked++;
      if (!refuses) return await route.continue();
      await route.fulfill({ status: 503, json: { problem: "overloaded", retryAfterMs } });
    });
    await ada.goHome();
    const name = ada.page.getByLabel(t.home.roomName);
    await name.fill("Patience");
    await ada.button(t.home.open).click();
    await ada.status(t.home.waits).waitFor();
    assertEquals(await name.inputValue(), "Patience");
    await name.press("Enter");
    await ada.button(t.home.stopWaiting).click();
    await ada.untilEnabled(ada.button(t.home.open));
    assertEquals([asked, await name.inputValue()], [1, "Patience"]);
    retryAfterMs = 300;
    await ada.button(t.home.open).click();
    await ada.until(() => Promise.resolve(asked), (count) => count >= 3, (count) => assertEquals(count, 3));
    refuses = false;
    await ada.untilLive();
    assertEquals(await ada.page.getByRole("heading", { level: 1 }).textContent(), "Patience");
  },
);

async function saysWhatIsNeeded(tab: Tab): Promise<void> {
  // Found by its element, because Playwright finds no text in noscript.
  const words = tab.page.locator("noscript p");
  await words.waitFor();
  assertEquals(await words.innerText(), t.site.noScript);
}

rule("without JavaScript the pages say that it is needed, and a code still finds its room", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben", { javaScriptEnabled: false })];
  // The browser fetches no scripts that it may not run.
  ben.device.expects(/request failed: .*\.js csp$/);
  const path = await ada.startRoom("Scriptless", "listed");
  await ben.goTo("/");
  await saysWhatIsNeeded(ben);
  // The server caches the list for a second, and this page does not refresh by itself.
  const isListed = async () => {
    await ben.goTo("/");
    return await ben.page.getByRole("link", { name: "Scriptless" }).isVisible();
  };
  await ben.until(isListed, (listed) => listed, () => assert(false, "the room is not listed"));
  await ben.page.getByLabel(t.home.code).fill(path.slice("/r/".length).replaceAll("-", " "));
  await ben.button(t.home.go).click();
  await ben.page.getByRole("heading", { level: 1, name: "Scriptless" }).waitFor();
  await saysWhatIsNeeded(ben);
});
