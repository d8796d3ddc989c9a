/** Sealed rooms: what the server stores and writes down is not what people say. */
import { assert, assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

/** Words that stand nowhere by chance. */
const CANARY = "zanzibarcanary";
const OPEN_CANARY = "openairparakeet";

/** Whether any file below holds these bytes. */
async function folderHolds(folder: string, word: string): Promise<boolean> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory ? await folderHolds(path, word) : await fileHolds(path, word)) return true;
  }
  return false;
}

async function fileHolds(path: string, word: string): Promise<boolean> {
  return new TextDecoder("latin1").decode(await Deno.readFile(path)).includes(word);
}

rule("two people chat in a sealed room; its words are in no file and no line of the server", async (field) => {
  const server = await field.ownServer();
  const origin = server.url;
  const [ada, ben] = [
    await field.person(`Ada ${CANARY}`, { origin }),
    await field.person(`Ben ${CANARY}`, { origin }),
  ];
  const sent: string[] = [];
  for (const { device, page } of [ada, ben]) {
    device.context.on("request", (request) => sent.push(request.url(), request.postData() ?? ""));
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
  }
  const path = await ada.startRoom(`Room ${CANARY}`, "sealed");
  const [, key] = path.split("#");
  assert(key !== undefined && key.length >= 22, `the link has no key: ${path}`);
  await ada.say(`${CANARY} one`);
  await ben.enter(path);
  await ben.hears(`${CANARY} one`);
  assertEquals(await ben.page.getByRole("heading", { level: 1 }).textContent(), `Room ${CANARY}`);
  await ben.say(`${CANARY} two`);
  await ada.hears(`${CANARY} two`);
  await ben.reload();
  await ben.shows([`${CANARY} one`, `${CANARY} two`]);
  const share = await ada.openShare();
  await share.getByText(t.share.sealedHint).waitFor();
  await ada.page.keyboard.press("Escape");
  // An open room beside it, of somebody else, shows that this search finds what is there.
  const cleo = await field.person("Cleo", { origin });
  await cleo.startRoom("Open");
  await cleo.say(`${OPEN_CANARY} is for everybody`);
  for (const { device } of [ada, ben, cleo]) device.expects(/net::ERR_CONNECTION_/);
  await server.kill();
  assert(await folderHolds(server.dataDir, OPEN_CANARY), "the database does not hold even open words as they are");
  for (const secret of [CANARY, key]) {
    assert(!await folderHolds(server.dataDir, secret), `the database holds ${secret}`);
    assert(!server.log.includes(secret), `the log holds ${secret}`);
    // The link itself is what a browser was told to open; it does not send the fragment.
    const leaks = sent.filter((text) => text.includes(secret) && !text.endsWith(`#${key}`));
    assertEquals(leaks, [], `${secret} left the device`);
  }
});

rule("a sealed room opened without its key, or with a wrong one, says what is missing", async (field) => {
  const [ada, ben] = [await field.person("Ada"), await field.person("Ben")];
  const path = await ada.startRoom("Sealed", "sealed");
  const [page, key] = path.split("#") as [string, string];
  await ben.goTo(page);
  await ben.page.getByRole("heading", { name: t.problems.secret_missing.title }).waitFor();
  await ben.untilAlert(t.problems.secret_missing.hint);
  for (const wrong of ["short", `${key[0] === "A" ? "B" : "A"}${key.slice(1)}`]) {
    const tab = await ben.device.newTab();
    await tab.goTo(`${page}#${wrong}`);
    await tab.page.getByRole("heading", { name: t.problems.wrong_secret.title }).waitFor();
  }
});
