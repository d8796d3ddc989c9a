/** Messages, names, links and markup between people in a room. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { MESSAGE_MAX_CHARS, NAME_MAX_CHARS } from "../../lib/protocol/limits.ts";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

rule("messages of two people have the same order on both screens", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Both ways"));
  await ada.say("Where are you?");
  await ben.hears("Where are you?");
  await ben.say("By the tall flag");
  await ada.hears("By the tall flag");
  // Twice at the same moment.
  await Promise.all([ada.send("Which one?"), ben.send("The green one")]);
  await Promise.all([ada.send("They are all green"), ben.send("Then look for my hat")]);
  for (const person of [ada, ben]) {
    await person.hears("Which one?", "The green one", "They are all green", "Then look for my hat");
  }
  const seen = await ada.messages();
  assertEquals(seen.slice(0, 2), ["Where are you?", "By the tall flag"]);
  assertEquals(seen.length, 6);
  await ben.shows(seen);
});

rule("a person who writes faster than the limit loses nothing", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("In a hurry"));
  const texts = Array.from({ length: 9 }, (_, i) => `quick ${i + 1}`);
  for (const text of texts) await ada.send(text);
  await ben.shows(texts);
  await ada.untilStored("quick 9");
  await ada.shows(texts);
});

rule("the header counts people as they come and go, and the people dialog names them", async (field) => {
  const people = await Promise.all(["Ada", "Ben", "Cleo"].map((name) => field.person(name)));
  const [ada, ben, cleo] = people as [Tab, Tab, Tab];
  const path = await ada.startRoom("Three");
  await ben.enter(path);
  await cleo.enter(path);
  for (const person of people) await person.untilPeople(3);
  await cleo.say("I am Cleo");
  await ada.button(t.room.people(3)).click();
  await ada.dialog(t.room.peopleTitle(3)).getByText("Cleo").waitFor();
  await ada.page.keyboard.press("Escape");
  await cleo.device.close();
  for (const person of [ada, ben]) await person.untilPeople(2);
});

rule("of two people with one name the later one is marked on both screens", async (field) => {
  const ada = await field.person("Sam");
  const path = await ada.startRoom("Two Sams");
  await ada.say("I am Sam");
  const ben = await field.person("Sam");
  await ben.enter(path);
  await ben.hears("I am Sam");
  await ben.say("So am I");
  await ada.hears("So am I");
  for (const person of [ada, ben]) {
    assertEquals(await person.log.getByText(t.room.copiedName("Sam"), { exact: true }).count(), 1);
    await person.message("So am I").locator("xpath=..").getByText(t.room.copiedName("Sam"), { exact: true })
      .waitFor({ state: "attached" });
  }
  const [first, second] = await ada.authors();
  // Each has one of 768 marks, so equal marks are rare; run the test again then.
  assertNotEquals(first, second);
});

rule(
  "an empty or too long name is refused in plain words, and the message waits for a valid one",
  async (field) => {
    const ada = await field.person("Ada");
    await ada.startRoom("Names");
    await ada.composer.fill("first words");
    await ada.button(t.composer.send).click();
    const dialog = ada.dialog(t.name.title);
    const name = dialog.getByLabel(t.name.label);
    const save = dialog.getByRole("button", { name: t.name.save });
    for (
      const [typed, words] of [["  ", t.name.empty], ["\u200b\u2060", t.name.empty], [
        "n".repeat(NAME_MAX_CHARS + 1),
        t.name.tooLong,
      ]] as const
    ) {
      await name.fill(typed);
      await save.click();
      await dialog.getByRole("alert").getByText(words).waitFor();
    }
    await name.fill(`  ${"n".repeat(NAME_MAX_CHARS)}  `);
    await save.click();
    await ada.untilStored("first words");
    assertEquals((await ada.authors())[0]?.endsWith("n".repeat(NAME_MAX_CHARS)), true);
  },
);

rule("a changed name counts here and in rooms opened later", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Renamed"));
  await ada.say("before");
  await ada.button(t.room.settings).click();
  await ada.dialog(t.room.settings).getByRole("button", { name: t.name.change }).click();
  const dialog = ada.dialog(t.name.change);
  await dialog.getByLabel(t.name.label).fill("Ada Lovelace");
  await dialog.getByRole("button", { name: t.name.save }).click();
  await dialog.waitFor({ state: "detached" });
  await ada.say("after");
  await ben.hears("after");
  await ben.log.getByText("Ada Lovelace", { exact: true }).first().waitFor();
  await ada.startRoom("Another one");
  // The name is known, so no dialog asks for it.
  await ada.say("still me");
  assert((await ada.authors())[0]?.endsWith("Ada Lovelace"));
});

rule(
  "a text of 2,001 characters is refused in plain words and stays in the field; one of 2,000 is sent",
  async (field) => {
    const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
    await ben.enter(await ada.startRoom("Long"));
    await ada.say("short");
    // The protocol counts each flag as one character and JavaScript as two.
    const most = "🏴".repeat(MESSAGE_MAX_CHARS / 2) + "a".repeat(MESSAGE_MAX_CHARS / 2);
    await ada.composer.fill(`${most}b`);
    await ada.untilAlert(t.composer.tooLong(1));
    await ada.composer.press("Enter");
    await ada.tryToSend();
    assertEquals(await ada.composer.inputValue(), `${most}b`);
    await ada.shows(["short"]);
    await ada.composer.press("Backspace");
    await ada.button(t.composer.send).click();
    await ada.untilStored(most);
    await ben.shows(["short", most]);
  },
);

rule("line breaks stay, and white space around a text is removed", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Lines"));
  await ada.send("  one\n\ntwo\n  ");
  await ben.shows(["one\n\ntwo"]);
  await ben.tryToSend();
  await ben.composer.fill("   \n ");
  await ben.tryToSend();
  await ada.say("last");
  await ben.shows(["one\n\ntwo", "last"]);
});

const MARKUP = [
  `<script>globalThis.ran = "script"</script>`,
  `<img src="/x" onerror="globalThis.ran = 'img'">`,
  `<svg onload="globalThis.ran = 'svg'"><a href="javascript:globalThis.ran = 'a'">a</a>`,
  `"'><iframe srcdoc="<script>parent.ran = 'iframe'</script>"></iframe>`,
];

rule("markup in room names, display names and messages stays text and runs nothing", async (field) => {
  const [ada, ben] = [await field.person(`<img src=x onerror=ran=1>`), await field.person(`<script>ran=2</script>`)];
  const roomName = `<img src=/x onerror="globalThis.ran='room'">`;
  const path = await ada.startRoom(roomName, "listed");
  await ben.enter(path);
  for (const text of MARKUP) await ada.say(text);
  await ben.say("</p></div></script><script>globalThis.ran='end'</script>");
  await ada.hears("</p></div></script><script>globalThis.ran='end'</script>");
  await ada.reload();
  await ben.shows(await ada.messages());
  for (const person of [ada, ben]) {
    await person.openShare();
    await person.page.keyboard.press("Escape");
    assertEquals(await person.page.getByRole("heading", { level: 1 }).textContent(), roomName);
    assertEquals(await person.page.title(), `${roomName} · ${t.app.name}`);
    assertEquals(await person.log.locator("script, img, iframe, svg[onload]").count(), 0);
    assertEquals(await person.page.evaluate(() => "ran" in globalThis), false);
    await person.goHome();
    await person.page.getByRole("link", { name: roomName }).first().waitFor();
    assertEquals(await person.page.evaluate(() => "ran" in globalThis), false);
  }
});

rule("http and https links can be clicked, other links cannot", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  await ben.enter(await ada.startRoom("Links"));
  const text = "See https://example.org/a?b=c#d (and http://example.org/e), " +
    "not javascript:alert(1) data:text/html,x ftp://example.org/f file:///etc/passwd";
  await ada.say(text);
  await ben.hears(text);
  const links = await ben.message(text).getByRole("link").evaluateAll((found) =>
    found.map((link) => [link.getAttribute("href"), link.getAttribute("target"), link.getAttribute("rel")])
  );
  assertEquals(links.map(([href]) => href), ["https://example.org/a?b=c#d", "http://example.org/e"]);
  for (const [, target, rel] of links) {
    assertEquals(target, "_blank");
    assert(rel?.includes("noopener") && rel.includes("noreferrer"), `rel is ${rel}`);
  }
});
