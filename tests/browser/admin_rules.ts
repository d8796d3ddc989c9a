/** The operator's actions in a real browser, and their effects for people. */
import { assert, assertEquals } from "@std/assert";
import { adminTexts as words } from "../../lib/ui/texts/admin_texts.ts";
import { fileSize, fileTexts } from "../../lib/ui/texts/file_texts.ts";
import { noticeTexts } from "../../lib/ui/texts/notice_texts.ts";
import { hashPassword } from "../../lib/server/admin/password.ts";
import { findViolations } from "../screens/axe.ts";
import { card, choose, sendChosen } from "./file_rules.ts";
import { type Field, type OwnServer, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

const PASSWORD = "correct horse battery";
const LINKED_WITHIN_MS = 40_000;

/** A server that has an operator. */
async function operated(field: Field, env: Record<string, string> = {}): Promise<OwnServer> {
  return await field.ownServer({
    FESTIVAL_ADMIN_PASSWORD_HASH: await hashPassword(PASSWORD, new Uint8Array(16)),
    FESTIVAL_OPERATOR_KEY: "A".repeat(43),
    ...env,
  });
}

/** An operator who is logged in, with scripts switched off: every page works without. */
async function operator(field: Field, server: OwnServer): Promise<Tab> {
  const tab = await field.person("Operator", { origin: server.url, javaScriptEnabled: false });
  await logIn(tab);
  return tab;
}

async function logIn(tab: Tab): Promise<void> {
  await tab.goTo("/admin");
  await tab.page.getByLabel(words.login.password).fill(PASSWORD);
  await tab.button(words.login.enter).click();
  await tab.page.getByRole("heading", { name: words.rooms.title }).waitFor();
}

async function goToRoom(tab: Tab, code: string): Promise<void> {
  await tab.goTo("/admin");
  await tab.page.getByLabel(words.rooms.find).fill(code);
  await tab.button(words.rooms.go).click();
  await tab.page.getByRole("heading", { name: words.room.danger }).waitFor();
}

async function broadcast(tab: Tab, urgency: "info" | "emergency", text: string, rooms = ""): Promise<void> {
  await tab.goTo("/admin/notices");
  await tab.choose(words.notices.urgencies[urgency]);
  await tab.page.getByLabel(words.notices.text).fill(text);
  await tab.page.getByLabel(words.notices.rooms).fill(rooms);
  await tab.button(words.notices.send).click();
  await tab.page.getByRole("status").getByText(words.done.sent!).waitFor();
}

const emergency = (tab: Tab) => tab.page.getByRole("alertdialog", { name: noticeTexts.emergency });

rule(
  "an operator logs in, deletes a room by typing its code, and logs out; the people in it are told",
  async (field) => {
    const server = await operated(field);
    const ada = await field.person("Ada", { origin: server.url });
    const path = await ada.startRoom("Doomed", "listed");
    await ada.say("hello");
    const code = path.split("/").at(-1)!;

    const admin = await operator(field, server);
    await goToRoom(admin, code);
    await admin.page.getByRole("link", { name: words.room.delete }).click();
    admin.device.expects(/answered 400/, /status of 400/);
    await admin.page.getByLabel(words.confirm.type(code)).fill("something-else-1");
    await admin.button(words.confirm.yes.delete).click();
    await admin.untilAlert(words.confirm.wrong);
    assert(await ada.status(t.connection.connected).isVisible(), "a wrong word does nothing");
    await admin.page.getByLabel(words.confirm.type(code)).fill(code);
    await admin.button(words.confirm.yes.delete).click();
    await admin.page.getByText(words.done.deleted!).waitFor();
    await ada.page.getByRole("heading", { name: t.problems.room_deleted.title }).waitFor();
    await admin.page.getByText(words.rooms.none).waitFor();

    await admin.goTo("/admin/audit");
    for (const action of ["logged_in", "room_deleted"]) {
      await admin.page.getByText(words.audit.actions[action]!, { exact: true }).waitFor();
    }
    await admin.button(words.logOut).click();
    await admin.goTo("/admin");
    await admin.page.getByLabel(words.login.password).waitFor();
  },
);

rule(
  "an emergency covers the screen until it is acknowledged, stays acknowledged, and disappears when withdrawn",
  async (field) => {
    const server = await operated(field);
    const phone = { origin: server.url, viewport: { width: 360, height: 740 } };
    const [ada, ben] = [await field.person("Ada", phone), await field.person("Ben", phone)];
    const path = await ada.startRoom("Field");
    await ben.enter(path);
    const admin = await operator(field, server);
    await broadcast(admin, "emergency", "Storm. Leave the stages, go to the cars.");

    for (const person of [ada, ben]) {
      await emergency(person).getByText("Storm. Leave the stages, go to the cars.").waitFor();
      const box = await emergency(person).boundingBox();
      assertEquals([box?.width, box?.height], [360, 740], "all of the screen");
    }
    await ada.page.keyboard.press("Escape");
    assert(await emergency(ada).isVisible(), "Esc does not put it away");
    assertEquals(await findViolations(ada.page), []);
    await emergency(ada).getByRole("button", { name: noticeTexts.acknowledge }).click();
    await emergency(ada).waitFor({ state: "detached" });
    await ada.reload();
    await ada.say("I am fine");
    assert(!await emergency(ada).isVisible(), "read once is read");
    const cleo = await field.person("Cleo", phone);
    await cleo.enter(path);
    await emergency(cleo).waitFor();
    await admin.goTo("/admin/notices");
    await admin.button(words.notices.withdraw).click();
    for (const person of [ben, cleo]) await emergency(person).waitFor({ state: "detached" });
  },
);

rule(
  "[NOTICE-8] an emergency also reaches the home page, live, as rendered, and without JavaScript; acknowledged there, it is acknowledged in rooms",
  async (field) => {
    const server = await operated(field);
    const phone = { origin: server.url, viewport: { width: 360, height: 740 } };
    const text = "Storm. Leave the stages, go to the cars.";
    const [ada, ben] = [await field.person("Ada", phone), await field.person("Ben", phone)];
    const path = await ada.startRoom("Field");
    await ada.goHome();
    const admin = await operator(field, server);
    await broadcast(admin, "emergency", "For the field only", path.split("/").at(-1));
    await broadcast(admin, "emergency", text);
    await broadcast(admin, "info", "Free water at the gate");

    await emergency(ada).getByText(text).waitFor();
    const box = await emergency(ada).boundingBox();
    assertEquals([box?.width, box?.height], [360, 740], "all of the screen");
    assertEquals(await findViolations(ada.page), []);
    await emergency(ada).getByRole("button", { name: noticeTexts.acknowledge }).click();
    await emergency(ada).waitFor({ state: "detached" });
    await ada.button(noticeTexts.dismiss).click();
    await ada.page.getByText("Free water at the gate").waitFor({ state: "detached" });
    // The rendered page contains the notices and does not flash them: checked before its own code loads.
    let go = () => {};
    const held = new Promise<void>((resolve) => go = resolve);
    await ada.page.route("**/*.js*", async (route) => {
      await held;
      await route.continue();
    });
    await ada.page.goto("/", { waitUntil: "commit" });
    const drawn = ada.page.locator("[data-notice]");
    await drawn.first().waitFor({ state: "attached" });
    await ada.page.getByText(t.home.you, { exact: true }).waitFor();
    assertEquals([await drawn.count(), await drawn.filter({ visible: true }).count()], [2, 0]);
    go();
    await drawn.first().waitFor({ state: "detached" });
    await ada.page.unroute("**/*.js*");
    await ada.enter(path);
    await emergency(ada).getByText("For the field only").waitFor();
    await emergency(ada).getByRole("button", { name: noticeTexts.acknowledge }).click();
    await emergency(ada).waitFor({ state: "detached" });

    await ben.goTo("/");
    await emergency(ben).getByRole("button", { name: noticeTexts.acknowledge }).waitFor();
    assertEquals((await emergency(ben).boundingBox())?.height, 740);
    const cleo = await field.person("Cleo", { ...phone, javaScriptEnabled: false });
    cleo.device.expects(/request failed: .*\.js csp$/);
    await cleo.goTo("/");
    await emergency(cleo).getByText(text).waitFor();
    await cleo.page.getByLabel(t.home.code).click();

    await admin.goTo("/admin/notices");
    await admin.page.getByRole("listitem").filter({ hasText: text }).getByRole("button", {
      name: words.notices.withdraw,
    })
      .click();
    await emergency(ben).waitFor({ state: "detached" });
    await ben.page.getByText("Free water at the gate").waitFor();
  },
);

rule("a notice for one room is shown in that room only, and can be dismissed", async (field) => {
  const server = await operated(field);
  const [ada, ben] = [
    await field.person("Ada", { origin: server.url }),
    await field.person("Ben", { origin: server.url }),
  ];
  const path = await ada.startRoom("Here");
  await ben.startRoom("There");
  const admin = await operator(field, server);
  await broadcast(admin, "info", "Free water at the gate", path.split("/").at(-1));
  await ada.page.getByText("Free water at the gate").waitFor();
  assert(!await ben.page.getByText("Free water at the gate").isVisible());
  await ada.button(noticeTexts.dismiss).click();
  await ada.page.getByText("Free water at the gate").waitFor({ state: "detached" });
});

rule("a broadcast to a room that does not exist says so, and keeps the typed text", async (field) => {
  const server = await operated(field);
  const admin = await operator(field, server);
  admin.device.expects(/400/);
  await admin.goTo("/admin/notices");
  await admin.choose(words.notices.urgencies.emergency);
  const [text, rooms] = [admin.page.getByLabel(words.notices.text), admin.page.getByLabel(words.notices.rooms)];
  await text.fill("Storm.\nLeave the stages.");
  await rooms.fill("no-such-1");
  await admin.button(words.notices.send).click();
  await admin.untilAlert("no-such-1");
  assertEquals([await text.inputValue(), await rooms.inputValue()], ["Storm.\nLeave the stages.", "no-such-1"]);
  assert(await admin.page.getByRole("radio", { name: words.notices.urgencies.emergency }).isChecked());
});

rule(
  "the operator's page of a room updates its people live, and says so once it is logged out everywhere",
  async (field) => {
    const server = await operated(field);
    const ada = await field.person("Ada", { origin: server.url });
    const path = await ada.startRoom("Camp");
    const [watching, other] = [
      await field.person("Watching", { origin: server.url }),
      await field.person("Other", { origin: server.url }),
    ];
    for (const tab of [watching, other]) await logIn(tab);
    await goToRoom(watching, path.split("/").at(-1)!);
    await watching.page.getByLabel(words.room.suggest).fill("Half typed");
    await watching.page.getByLabel(words.room.suggest).blur();
    const ben = await field.person("Ben", { origin: server.url });
    await ben.enter(path);
    await watching.page.getByRole("heading", { name: `${words.room.people}: 2` }).waitFor();
    assertEquals(await watching.page.getByLabel(words.room.suggest).inputValue(), "Half typed");
    await other.goTo("/admin/data");
    await other.button(words.data.logOutAll).click();
    for (const tab of [other, watching]) await tab.page.getByLabel(words.login.password).waitFor();
  },
);

rule("an emergency reaches a phone without a server from another phone", async (field) => {
  const server = await operated(field, { FESTIVAL_ENVIRONMENT: "development" });
  const network = field.network(server);
  const ada = await field.person("Ada", { origin: server.url, mesh: "auto" });
  const ben = await field.person("Ben", { origin: network.url, mesh: "auto" });
  ben.device.expects(/ERR_/);
  const path = await ada.startRoom("Mesh");
  await ben.enter(path);
  await ada.untilPeople(2);
  const linked = ada.page.getByRole("button", { name: t.connection.open });
  await linked.click();
  await ada.page.locator('[data-peer="connected"]').waitFor({ timeout: LINKED_WITHIN_MS });
  await ada.page.keyboard.press("Escape");
  // Ben's connection to the server is cut; his links to phones are not.
  network.apply({ fault: "drop" });
  const admin = await operator(field, server);
  await broadcast(admin, "emergency", "Meet at the north gate.");
  await emergency(ada).waitFor();
  await emergency(ben).getByText("Meet at the north gate.").waitFor({ timeout: LINKED_WITHIN_MS });
  await emergency(ben).getByRole("button", { name: noticeTexts.acknowledge }).click();
  await emergency(ben).waitFor({ state: "detached" });
}, { timeoutMs: 120_000 });

rule(
  "a banned person is told and is out; a recommended room is on the home page; [CLEAR-2] a cleared room is empty",
  async (field) => {
    const server = await operated(field);
    const [ada, ben] = [
      await field.person("Ada", { origin: server.url }),
      await field.person("Ben", { origin: server.url }),
    ];
    const path = await ada.startRoom("Main stage", "listed");
    await ada.say("first");
    await ben.enter(path);
    await ben.say("spam");
    const code = path.split("/").at(-1)!;
    const admin = await operator(field, server);
    await goToRoom(admin, code);
    await admin.page.getByLabel(words.room.suggest).fill("Lost and found");
    await admin.button(words.room.save).click();
    await admin.page.getByText(words.done.suggested!).waitFor();
    await admin.page.getByRole("listitem").filter({ hasText: "Ben" }).getByRole("button", { name: words.room.remove })
      .click();
    await admin.page.getByText(words.done.removed!).waitFor();
    await ben.page.getByRole("heading", { name: t.problems.banned.title }).waitFor();

    await goToRoom(admin, code);
    await admin.page.getByRole("link", { name: words.room.clear }).click();
    await admin.page.getByLabel(words.confirm.type(code)).fill(code);
    await admin.button(words.confirm.yes.clear).click();
    await admin.page.getByText(words.done.cleared!).waitFor();
    await ada.page.getByText(t.empty.title).waitFor();
    assertEquals(await ada.messages(), []);
    await ada.say("after");
    await ada.reload();
    await ada.shows(["after"]);

    const cleo = await field.person("Cleo", { origin: server.url });
    await cleo.goHome();
    await cleo.page.getByRole("link", { name: /Lost and found/ }).waitFor();
  },
);

/** The file records and blocks that a device holds. */
async function filesOn(tab: Tab): Promise<{ files: number; blocks: number }> {
  return await tab.page.evaluate(() =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open("festival-chat-files");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const transaction = opening.result.transaction(["files", "blocks"]);
        const [files, blocks] = ["files", "blocks"].map((store) => transaction.objectStore(store).count());
        transaction.oncomplete = () => resolve({ files: files!.result, blocks: blocks!.result });
        opening.result.close();
      };
    })
  );
}

rule(
  "[FILE-12] a room that is cleared or deleted leaves no block of its files on a phone that has it open",
  async (field) => {
    const server = await operated(field);
    const files = fileTexts;
    const ada = await field.person("Ada", { origin: server.url });
    const path = await ada.startRoom("Pictures");
    const code = path.split("/").at(-1)!;
    await ada.say("hello");
    const share = async (name: string) => {
      await choose(ada, name, "application/pdf", 600_000);
      await sendChosen(ada, files.sheet.file);
      await card(ada, files.file(name, fileSize(600_000))).getByText(files.onlyHere).waitFor();
    };
    const untilHolding = (files: number, blocks: number) =>
      ada.until(
        () => filesOn(ada),
        (held) => held.files === files && held.blocks === blocks,
        (held) => assertEquals(held, { files, blocks }),
      );
    await share("one.pdf");
    await share("two.pdf");
    await untilHolding(2, 6);
    const admin = await operator(field, server);
    const confirm = async (action: "clear" | "delete") => {
      await goToRoom(admin, code);
      await admin.page.getByRole("link", { name: words.room[action] }).click();
      await admin.page.getByLabel(words.confirm.type(code)).fill(code);
      await admin.button(words.confirm.yes[action]).click();
    };
    await confirm("clear");
    await untilHolding(0, 0);
    await share("three.pdf");
    await ada.reload();
    await card(ada, files.file("three.pdf", fileSize(600_000))).getByText(files.onlyHere).waitFor();
    await untilHolding(1, 3);
    await confirm("delete");
    await untilHolding(0, 0);
  },
);

for (const theme of ["dark", "sunlight"] as const) {
  rule(`no page of the operator has a serious accessibility finding (${theme})`, async (field) => {
    const server = await operated(field);
    const ada = await field.person("Ada", { origin: server.url });
    const path = await ada.startRoom("Camp", "listed");
    await ada.say("hello");
    const tab = await field.person("Operator", { origin: server.url });
    await tab.device.context.addInitScript(`localStorage.setItem("festival-chat.theme", "${theme}")`);
    await tab.goTo("/admin");
    assertEquals(await findViolations(tab.page), [], "log-in");
    await tab.page.getByLabel(words.login.password).fill(PASSWORD);
    await tab.button(words.login.enter).click();
    await tab.page.getByText(path.split("/").at(-1)!).click();
    await tab.page.getByRole("heading", { name: words.room.danger }).waitFor();
    const room = new URL(tab.page.url()).pathname;
    const pages = ["/admin", room, `${room}?confirm=delete`, "/admin/notices", "/admin/bans", "/admin/limits"];
    for (const path of [...pages, "/admin/data", "/admin/data?confirm=wipe", "/admin/audit"]) {
      await tab.goTo(path);
      assertEquals(await findViolations(tab.page), [], path);
      const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert(wide <= 0, `${path} is wider than the screen`);
    }
  });
}
