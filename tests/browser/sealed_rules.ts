/** Sealed rooms: the server stores and logs no plain text. */
import { assert, assertEquals } from "@std/assert";
import { rule } from "./field.ts";
import { t } from "./tab.ts";

/** Words that appear nowhere by chance. */
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

rule("two people chat in a sealed room; no file and no log line of the server contains their words", async (field) => {
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
  // Somebody else's open room shows that the search finds text that is there.
  const cleo = await field.person("Cleo", { origin });
  await cleo.startRoom("Open");
  await cleo.say(`${OPEN_CANARY} is for everybody`);
  for (const { device } of [ada, ben, cleo]) device.expects(/net::ERR_CONNECTION_/);
  await server.kill();
  assert(await folderHolds(server.dataDir, OPEN_CANARY), "the database does not hold even open words as they are");
  for (const secret of [CANARY, key]) {
    assert(!await folderHolds(server.dataDir, secret), `the database holds ${secret}`);
    assert(!server.log.includes(secret), `the log holds ${secret}`);
    // A browser opens the link without sending its fragment.
    const leaks = sent.filter((text) => text.includes(secret) && !text.endsWith(`#${key}`));
    assertEquals(leaks, [], `${secret} left the device`);
  }
});

rule("a sealed room opened without its key, or with a wrong one, shows the problem", async (field) => {
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

/** A proxy before the server that records all bytes from browsers. */
function listeningDoor(port: number): { url: string; heard(): string; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const decoder = new TextDecoder("latin1"), open = new Set<Deno.Conn>();
  let heard = "";
  const serve = async (near: Deno.Conn) => {
    const far = await Deno.connect({ hostname: "127.0.0.1", port });
    for (const connection of [near, far]) open.add(connection);
    const listen = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        heard += decoder.decode(chunk);
        controller.enqueue(chunk);
      },
    });
    await Promise.all([
      near.readable.pipeThrough(listen).pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
  };
  void (async () => {
    for await (const near of listener) serve(near).catch(() => {}); // Ended by one of its sides.
  })();
  return {
    url: `http://localhost:${(listener.addr as Deno.NetAddr).port}`,
    heard: () => heard,
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

rule(
  "[CODE-5] a sealed room's link in a code field opens the room; its key reaches no server, with scripts or without",
  async (field) => {
    const door = listeningDoor(Number(new URL(field.server.url).port));
    try {
      const [ada, ben, cleo] = [
        await field.person("Ada", { origin: door.url }),
        await field.person("Ben", { origin: door.url }),
        await field.person("Cleo", { origin: door.url, javaScriptEnabled: false }),
      ];
      const open = await ada.startRoom("Open to codes");
      const path = await ada.startRoom("Sealed by a link", "sealed");
      const [page, key] = path.split("#") as [string, string];
      const spellings = [
        `${door.url}${path}`,
        `come here: <HTTPS://OTHER.EXAMPLE${page.replace("/s/", "/S/")}?utm_source=mail#${key}>.`,
        `${door.url}${page}%23${key}`,
        encodeURIComponent(`${door.url}${page}%2523${key}`),
        `${page.slice(3)}＃\u200b${key}`,
      ];
      const asked: string[] = [];
      for (const { device } of [ben, cleo]) {
        device.context.on("request", (request) => {
          // The page opens by its own link, whose fragment stays in the browser.
          const url = request.isNavigationRequest() ? request.url().split("#")[0] : request.url();
          asked.push([url, request.postData(), ...Object.values(request.headers())].join(" "));
        });
      }
      for (const device of [ben.device, cleo.device]) device.expects(/404/);
      cleo.device.expects(/ csp$/); // A browser without scripts reports them so.
      for (const [at, spelling] of spellings.entries()) {
        if (at % 2 === 0) await ben.goHome();
        else {
          await ben.goTo("/r/cosmic-nothing-1");
          await ben.page.locator("form[action='/r']").evaluate((form: HTMLFormElement) =>
            new Promise<void>((resolve) => {
              const look = () => form.noValidate ? resolve() : void requestAnimationFrame(look);
              look();
            })
          );
        }
        await ben.page.getByLabel(t.home.code).fill(spelling);
        await ben.button(t.home.go).click();
        await ben.page.waitForURL(`**${path}`);
        await ben.untilLive();
        assertEquals(await ben.page.getByRole("heading", { level: 1 }).textContent(), "Sealed by a link");
      }
      await ben.goHome();
      await ben.page.getByLabel(t.home.code).fill(key);
      await ben.button(t.home.go).click();
      await ben.untilAlert(t.home.codeShape);
      // Without scripts the browser itself blocks the text; codes pass.
      for (const from of ["/", "/r/cosmic-nothing-1"]) {
        await cleo.goTo(from);
        for (const spelling of [...spellings, key]) {
          await cleo.page.getByLabel(t.home.code).fill(spelling);
          await cleo.page.getByLabel(t.home.code).press("Enter");
          await cleo.button(t.home.go).click();
          assertEquals(new URL(cleo.page.url()).pathname, from);
        }
        await cleo.page.getByLabel(t.home.code).fill(open.slice(3).replaceAll("-", " "));
        await cleo.button(t.home.go).click();
        await cleo.page.waitForURL(`**${open}`);
      }
      assert(door.heard().includes("GET /r?code="), "the form of a page without scripts was not heard");
      for (let at = 0; at + 8 <= key.length; at++) {
        const part = key.slice(at, at + 8);
        assert(!door.heard().includes(part), `the server was sent ${part} of ${key}`);
        assertEquals(asked.filter((text) => text.includes(part)), []);
      }
    } finally {
      door.close();
    }
  },
);
