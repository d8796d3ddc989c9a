/** Two kinds of browsers in one room. */
import { assertEquals } from "@std/assert";
import { findFirefox, launchFirefox } from "../support/firefox.ts";
import { rule } from "./field.ts";
import { link, openPanel, panelTexts, untilReached } from "./phones.ts";
import { t } from "./tab.ts";

const executablePath = await findFirefox();

rule(
  "Firefox and Chromium talk in one room, through the server or, while it is down, over a link; everything is stored once",
  async (field) => {
    const firefox = await launchFirefox(executablePath!);
    field.closes(() => firefox.close());
    const server = await field.ownServer();
    const [fox, ada] = [
      await field.person("Fox", { origin: server.url, mesh: "auto", browser: firefox }),
      await field.person("Ada", { origin: server.url, mesh: "auto" }),
    ];
    for (const { device } of [ada, fox]) device.expects(/CONNECTION_REFUSED/, /can’t establish a connection/);
    await fox.enter(await ada.startRoom("Two browsers"));
    for (const person of [ada, fox]) await person.untilPeople(2);
    await ada.say("over the server");
    await fox.say("the same from here");
    for (const person of [ada, fox]) await person.shows(["over the server", "the same from here"]);
    await link([ada, fox]);
    for (const person of [ada, fox]) {
      const panel = await openPanel(person);
      await panel.locator('[data-peer="connected"]').getByText(panelTexts.paths.direct).waitFor();
      await person.page.keyboard.press("Escape");
    }
    await server.kill();
    for (const person of [ada, fox]) await person.status(t.connection.phones).waitFor();
    await ada.send("without a server");
    await fox.hears("without a server");
    await fox.send("nobody needs it");
    await ada.hears("nobody needs it");
    await server.startAgain();
    await ada.untilStored("without a server");
    await fox.untilStored("nobody needs it");
    const seen = ["over the server", "the same from here", "without a server", "nobody needs it"];
    for (const person of [ada, fox]) await person.shows(seen);
    const late = await field.person("Cleo", { origin: server.url });
    await late.enter(new URL(ada.page.url()).pathname);
    await late.shows(seen);
    assertEquals((await late.messages()).length, seen.length);
  },
  { timeoutMs: 120_000, ignore: executablePath === undefined },
);

rule(
  "Firefox: in a sealed room a reload keeps the identity and reconnects; with the server down the page opens from its copy",
  async (field) => {
    const firefox = await launchFirefox(executablePath!);
    field.closes(() => firefox.close());
    const server = await field.ownServer();
    const fox = await field.person("Fox", {
      origin: server.url,
      mesh: "auto",
      browser: firefox,
      serviceWorkers: "allow",
    });
    const ada = await field.person("Ada", { origin: server.url, mesh: "auto" });
    for (const { device } of [ada, fox]) {
      device.expects(/CONNECTION_REFUSED|FAILURE|NS_/, /can’t establish|NetworkError/);
    }
    const path = await fox.startRoom("Fox's den", "sealed");
    await ada.enter(path);
    for (const person of [ada, fox]) await person.untilPeople(2);
    await fox.say("sealed");
    await ada.say("I can read it");
    await link([ada, fox]);
    await fox.reload();
    for (const person of [ada, fox]) {
      await untilReached(person, 1);
      await person.shows(["sealed", "I can read it"]);
      await person.untilPeople(2);
    }
    await fox.say("still me");
    await ada.hears("still me");
    await fox.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await fox.until(
      () =>
        fox.page.evaluate(async () =>
          (await Promise.all(
            (await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).length),
          )).join()
        ),
      (kept) => kept !== "",
      (kept) => assertEquals(kept, "something kept"),
    );
    await server.kill();
    await fox.goTo(path);
    await fox.shows(["sealed", "I can read it", "still me"]);
  },
  { timeoutMs: 120_000, ignore: executablePath === undefined },
);
