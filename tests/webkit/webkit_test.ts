/** The app in WebKit, old and new: Safari's engine, which every browser of an iPhone has. */
import { assert, assertEquals } from "@std/assert";
import { dialogTexts } from "../../lib/ui/texts/dialog_texts.ts";
import { newFounding, TestClient, webSocketWire } from "../support/client.ts";
import { freePort, type ServerProcess, startServer } from "../support/server_process.ts";
import { withSecondTry } from "../support/second_try.ts";
import { findWebKits, launchWebKit, type WebKitEngine } from "../support/webkit.ts";
import { messageOf, t, WebKitTab } from "./webkit_tab.ts";

const { menu } = dialogTexts;

/** Settings for rules that write faster than the limits for people allow. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };

interface Field {
  tab: WebKitTab;
  server: { readonly url: string; kill(): Promise<void>; startAgain(): Promise<void> };
}

const webKits = await findWebKits();

/** A rule of the app, tested in both WebKits, each with its own browser and server. */
function rule(name: string, run: (field: Field) => Promise<void>): void {
  for (const { name: engineName, engine } of webKits) {
    const fullName = `${engineName}: ${name}`;
    Deno.test({
      name: fullName,
      ignore: engine === undefined,
      fn: () => withSecondTry(fullName, () => runIn(engine!, run)),
    });
  }
}

async function runIn(engine: WebKitEngine, run: (field: Field) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const start = (port: number) => startServer({ dataDir, port, env: TALKATIVE });
  const port = freePort();
  let server: ServerProcess | undefined;
  let browser: Awaited<ReturnType<typeof launchWebKit>> | undefined;
  try {
    server = await start(port);
    browser = await launchWebKit(engine);
    const { url } = server;
    const startAgain = async () => {
      server = await start(port);
    };
    await run({ tab: new WebKitTab(browser.session, url), server: { url, kill: () => server!.kill(), startAgain } });
  } catch (error) {
    const picture = await Deno.makeTempFile({ prefix: "festival-webkit-", suffix: ".png" });
    await browser?.session.screenshot().then((bytes) => Deno.writeFile(picture, bytes)).then(
      () => console.error(`picture: ${picture}`),
      (error) => console.error(`no picture: ${error}`),
    );
    throw error;
  } finally {
    await browser?.close();
    await server?.kill();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Another person in the room, without a browser. */
function join(name: string, url: string, room: string): Promise<TestClient> {
  const open = webSocketWire(`${url.replace("http", "ws")}/api/rooms/${room}/socket`);
  return TestClient.join({ room, name, open });
}

rule("a person starts a room, talks, leaves, returns, and writes while the server is down", async (field) => {
  const { tab, server } = field;
  const path = await tab.startRoom("Old phones");
  const found = await fetch(`${server.url}/api/codes/${path.split("/").at(-1)}`);
  const ben = await join("Ben", server.url, (await found.json()).id);
  await tab.send("hello from WebKit 🎪");
  await tab.introduce("Ada 𝒜🔥");
  await tab.untilDelivery("hello from WebKit 🎪", "stored");
  await ben.until(() => ben.texts.includes("hello from WebKit 🎪"));
  await ben.say("hello Ada");
  await tab.hears("hello Ada");
  await tab.choose("hello Ada", `${menu.react}: 🔥`);
  const myReaction = `${messageOf("hello Ada")}//button[@aria-label="${t.message.reaction("🔥", 1, true)}"]`;
  await tab.session.waitFor(myReaction);
  await tab.choose("hello Ada", menu.reply);
  await tab.send("an answer");
  await tab.untilDelivery("an answer", "stored");
  const all = ["hello from WebKit 🎪", "hello Ada", "an answer"];
  assertEquals(ben.texts, all);
  assertEquals([...ben.people.values()].toSorted(), ["Ada 𝒜🔥", "Ben"]);
  await ben.close();
  await tab.goTo("/");
  await tab.session.click(`//a[@href="${path}"]`);
  await tab.untilLive();
  await tab.shows(all);
  await tab.session.reload();
  await tab.untilLive();
  await tab.shows(all);
  await tab.session.waitFor(myReaction);
  await server.kill();
  await tab.send("into the hole");
  await tab.untilDelivery("into the hole", "queued");
  await tab.session.reload();
  await server.startAgain();
  await tab.enter(path);
  await tab.untilDelivery("into the hole", "stored");
  await tab.shows([...all, "into the hole"]);
});

const RETURNS = 20;
/** Time between messages in a busy room. */
const CROWD_EVERY_MS = 300;

rule(
  "[TAB-12] [TAB-13] a busy room reopens however often and whenever it was left, and nothing is lost or doubled",
  async (field) => {
    const { tab, server } = field;
    const founding = await newFounding({ name: "Busy" });
    const made = await fetch(`${server.url}/api/rooms`, { method: "POST", body: JSON.stringify(founding.wire) });
    const path = `/r/${(await made.json()).code}`;
    const crowd = await join("Crowd", server.url, founding.room);
    const theirs: string[] = [], mine: string[] = [];
    let saying: Promise<unknown> = Promise.resolve();
    const talking = setInterval(() => {
      theirs.push(`crowd ${theirs.length + 1}`);
      saying = crowd.say(theirs.at(-1)!);
    }, CROWD_EVERY_MS);
    try {
      await tab.enter(path);
      mine.push("I am here");
      await tab.send("I am here");
      await tab.introduce("Ada");
      await tab.untilDelivery("I am here", "stored");
      let fromCache = 0;
      for (let round = 0; round < RETURNS; round++) {
        const moment = (["sent", "received", "opened", "sent"] as const)[round % 4]!;
        await leaveAt(tab, moment, round * 7 % 40);
        if (moment === "sent") {
          mine.push(`mine ${round}`);
          await tab.send(`mine ${round}`);
        }
        await tab.session.until("the room was not left", 5_000, () => location.pathname === "/");
        // The home page reads the same database.
        await tab.session.waitFor(`//a[@href="${path}"]`);
        // Half of the times back into the page that was left, half into a new one.
        if (round % 2 === 0) await tab.session.back();
        else await tab.goTo(path);
        await tab.untilLive();
        if (await tab.session.run(() => "leftThisPage" in globalThis)) fromCache++;
      }
      // Otherwise the rule would prove nothing.
      assert(fromCache >= RETURNS / 4, `the back-forward cache gave ${fromCache} of ${RETURNS / 2} pages`);
    } finally {
      clearInterval(talking);
    }
    await saying;
    await crowd.until(() => mine.every((text) => crowd.texts.includes(text)));
    assertEquals(crowd.texts.toSorted(), [...theirs, ...mine].toSorted());
    assertEquals(crowd.texts.filter((text) => mine.includes(text)), mine);
    await tab.hears(mine.at(-1)!);
    const shown = await tab.messages();
    assertEquals(shown.length, new Set(shown).size, "messages that are shown twice");
    const mineShown = shown.filter((text) => mine.includes(text));
    assertEquals(mineShown, mine.slice(-mineShown.length));
    await crowd.close();
  },
);

/** Makes the page itself leave for the home page after this many ms: no command from outside would be as exact. */
async function leaveAt(tab: WebKitTab, moment: "opened" | "received" | "sent", afterMs: number): Promise<void> {
  await tab.session.run(
    (moment, afterMs) => {
      const leave = () => {
        Object.assign(globalThis, { leftThisPage: true });
        location.assign("/");
      };
      const soon = () => void setTimeout(leave, afterMs);
      if (moment === "opened") soon();
      else if (moment === "sent") {
        document.querySelector("form.composer")!.addEventListener("submit", soon, {
          once: true,
        });
      } else {
        const watching = new MutationObserver(() => {
          watching.disconnect();
          soon();
        });
        watching.observe(document.querySelector("[role=log]")!, { childList: true, subtree: true });
      }
    },
    moment,
    afterMs,
  );
}
