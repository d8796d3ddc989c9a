/** Two phones without a server: each shows its code and scans the other's. Others join through them. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { findViolations } from "../screens/axe.ts";
import { connectionTexts } from "../../lib/ui/texts/connection_texts.ts";
import { pairingTexts as words } from "../../lib/ui/texts/pairing_texts.ts";
import {
  encodePairing,
  fromBase45,
  PAIRING_PREFIX,
  PAIRING_SMALL_BYTES,
  readPairing,
} from "../../lib/protocol/peer/pairing_code.ts";
import { untilPageKept } from "./kept.ts";
import { type Field, type OwnServer, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

interface Phone {
  tab: Tab;
  see(text?: string): Promise<void>;
}

/** A phone with a camera that has opened the app before. */
async function phone(field: Field, server: OwnServer, name: string): Promise<Phone> {
  const made = await field.personWithCamera(name, {
    origin: server.url,
    mesh: "auto",
    serviceWorkers: "allow",
    viewport: { width: 360, height: 740 },
  });
  made.tab.device.expects(/ERR_CONNECTION_REFUSED|ERR_FAILED|ERR_ABORTED/);
  return made;
}

/** Opens the pairing dialog in a room; resolves to this phone's code. */
async function showCode(phone: Phone): Promise<string> {
  await phone.tab.button(t.connection.linkPhones).first().click();
  return await shownCode(phone);
}

/** The code in the pairing dialog, once it is open. */
async function shownCode({ tab }: Phone): Promise<string> {
  const dialog = tab.dialog(words.title);
  const code = await dialog.getByRole("img", { name: words.code }).getAttribute("data-code");
  return code!;
}

/** Holds two phones up to each other until both say that they are connected. */
async function holdTogether(one: Phone, other: Phone): Promise<void> {
  const [ones, others] = [await showCode(one), await showCode(other)];
  await Promise.all([one.see(others), other.see(ones)]);
  for (const { tab } of [one, other]) {
    const dialog = tab.dialog(words.title);
    await dialog.locator('[data-pairing="paired"]').waitFor();
    await dialog.getByRole("button", { name: words.done }).click();
  }
  await Promise.all([one.see(), other.see()]);
}

rule(
  "two phones connect by scanning each other's codes, and others join through them, without any server",
  async (field) => {
    const server = await field.ownServer();
    const [ada, ben, cleo] = [
      await phone(field, server, "Ada"),
      await phone(field, server, "Ben"),
      await phone(field, server, "Cleo"),
    ];
    const path = await ada.tab.startRoom("No server");
    await ada.tab.say("before the network went");
    // Ben and Cleo have opened only the home page before.
    for (const { tab } of [ben, cleo]) await tab.goHome();
    for (const { tab } of [ada, ben, cleo]) await untilPageKept(tab);
    await server.kill();

    const code = await showCode(ada);
    assert(fromBase45(code.slice(PAIRING_PREFIX.length))!.length <= PAIRING_SMALL_BYTES);
    await ben.see(code);
    await ben.tab.goTo("/");
    await ben.tab.button(t.home.scan).click();
    await ada.see(await shownCode(ben));
    for (const { tab } of [ada, ben]) await tab.dialog(words.title).locator('[data-pairing="paired"]').waitFor();
    for (const { tab } of [ada, ben]) await tab.dialog(words.title).getByRole("button", { name: words.done }).click();
    await ben.tab.hears("before the network went");
    assertEquals(new URL(ben.tab.page.url()).pathname, path);
    await ben.tab.send("hello from Ben");
    await ada.tab.hears("hello from Ben");
    await ada.tab.send("hello from Ada");
    await ben.tab.hears("hello from Ada");

    // Cleo scans Ben's code; Ada's phone learns of her through Ben's.
    await Promise.all([ada.see(), ben.see()]);
    await cleo.see(await showCode(ben));
    await cleo.tab.goTo("/");
    await cleo.tab.button(t.home.scan).click();
    await ben.see(await shownCode(cleo));
    for (const { tab } of [ben, cleo]) await tab.dialog(words.title).locator('[data-pairing="paired"]').waitFor();
    for (const { tab } of [ben, cleo]) await tab.dialog(words.title).getByRole("button", { name: words.done }).click();
    await cleo.tab.hears("hello from Ada");
    await cleo.tab.send("hello from Cleo");
    const all = ["before the network went", "hello from Ben", "hello from Ada", "hello from Cleo"];
    for (const { tab } of [ada, ben, cleo]) await tab.shows(all);

    // Ada and Cleo never scanned each other: Ben's phone relayed their signaling. Now they stay connected without him.
    await ada.tab.button(t.connection.open).click();
    const panel = ada.tab.dialog(connectionTexts.title);
    await panel.locator('[data-peer="connected"]').nth(1).waitFor({ timeout: 20_000 });
    await ada.tab.page.keyboard.press("Escape");
    await ada.see();
    await ben.see();

    // The room lives on in Ben's phone, which has never loaded the server's page of it.
    await ben.tab.page.reload();
    await ben.tab.shows(all);
    await ben.tab.send("after a reload");
    await holdTogether(ada, ben);
    for (const { tab } of [ada, ben, cleo]) await tab.shows([...all, "after a reload"]);

    await server.startAgain();
    for (const { tab } of [ada, ben, cleo]) await tab.status(t.connection.connected).waitFor({ timeout: 40_000 });
    await ben.tab.untilStored("after a reload");
    await cleo.tab.untilStored("hello from Cleo");
    const dan = await field.person("Dan", { origin: server.url });
    await dan.enter(path);
    await dan.shows([...all, "after a reload"]);
  },
  { timeoutMs: 120_000 },
);

rule(
  "phones that cannot reach each other suggest reasons within 15 s, and offer to try again",
  async (field) => {
    const server = await field.ownServer();
    const ada = await phone(field, server, "Ada");
    await ada.tab.startRoom("No way");
    await ada.tab.openShare();
    const mine = readPairing(await showCode(ada))!;
    // A phone on another network that does not answer.
    await ada.see(encodePairing({
      ...mine,
      fingerprint: toBase64Url(new Uint8Array(32).fill(7)),
      addresses: [{ host: "203.0.113.77", port: 9 }],
    }));
    const dialog = ada.tab.dialog(words.title);
    await dialog.getByText(words.scanBack).waitFor();
    await dialog.locator('[data-advice="other_network"]').waitFor({ timeout: 15_000 });
    await dialog.getByText(words.advice.scan_back).waitFor();
    assertEquals(await findViolations(ada.tab.page), []);
    await ada.see();
    await dialog.getByRole("button", { name: words.again }).click();
    await dialog.getByText(words.camera.running).waitFor();
    const again = await dialog.getByRole("img", { name: words.code }).getAttribute("data-code");
    assertNotEquals(readPairing(again!)?.fingerprint, mine.fingerprint);
  },
);
