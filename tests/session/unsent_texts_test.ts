/** A page that is reloaded between the key press and the answer of its database. */
import { assertEquals } from "@std/assert";
import { type TextSink, UnsentTexts } from "../../lib/session/outbox/unsent_texts.ts";
import { lines, openRoom } from "./open_session.ts";

/** One tab's storage. */
function tabStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

/** A page whose database never answers. */
const stuck = {
  sendMessage: () => new Promise<never>(() => {}),
  edit: () => new Promise<never>(() => {}),
};

async function start() {
  const { time, session, server } = await openRoom();
  const storage = tabStorage();
  const open = (outbox: TextSink = session.commands) =>
    new UnsentTexts({
      room: server.room.id,
      clock: { now: () => time.now() },
      storage: () => storage,
      outbox,
      session,
    });
  return { time, session, storage, open };
}

Deno.test("a text that the outbox has is not written twice", async () => {
  const { session, storage, open } = await start();
  await open().sendMessage("kept");
  assertEquals(storage.items.size, 0);
  session.dispose();
});

Deno.test("the next page sends the texts of the last one before its own", async () => {
  const { time, session, storage, open } = await start();
  const before = open(stuck);
  void before.sendMessage("one");
  void before.sendMessage("two");
  await open().sendMessage("three");
  await time.run(1_000);
  assertEquals(lines(session).slice(-3), ["one", "two", "three"]);
  assertEquals(storage.items.size, 0);
  session.dispose();
});

Deno.test("a text that the outbox got in time is not sent again", async () => {
  const { time, session, storage, open } = await start();
  void open({
    ...stuck,
    sendMessage: (text, replyTo, at) => session.commands.sendMessage(text, replyTo, at).then(() => stuck.sendMessage()),
  })
    .sendMessage("in time");
  await time.run(1_000);
  assertEquals(storage.items.size, 1);
  open();
  await time.run(1_000);
  assertEquals(lines(session).filter((line) => line.startsWith("in time")), ["in time"]);
  assertEquals(storage.items.size, 0);
  session.dispose();
});

Deno.test("[TAB-13] a page that is shown again sends nothing that a later page of its tab has sent", async () => {
  const { time, session, storage, open } = await start();
  await session.sendMessage("first");
  await time.run(1_000);
  const mine = session.messages.value.at(-1)!.id;
  let show = () => {};
  const shown = new Promise<void>((resolve) => show = resolve);
  const left = open({
    sendMessage: (...message) => shown.then(() => session.commands.sendMessage(...message)),
    edit: (...change) => shown.then(() => session.commands.edit(...change)),
  });
  const sent = [left.sendMessage("once"), left.edit(mine, "changed")];
  const later = open();
  await later.edit(mine, "changed again");
  await time.run(1_000);
  assertEquals(lines(session).slice(-2), ["changed again", "once"]);
  show();
  assertEquals(await Promise.all(sent), [{}, {}]);
  await time.run(1_000);
  assertEquals(lines(session).slice(-2), ["changed again", "once"]);
  assertEquals(storage.items.size, 0);
  session.dispose();
});

Deno.test("[TAB-13] a page that is shown again sends its unsent texts, even without writable storage", async () => {
  const { time, session, storage, open } = await start();
  let show = () => {};
  const shown = new Promise<void>((resolve) => show = resolve);
  const left = open({
    ...stuck,
    sendMessage: (...message) => shown.then(() => session.commands.sendMessage(...message)),
  });
  const written = left.sendMessage("written");
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const unwritten = left.sendMessage("not written");
  show();
  await Promise.all([written, unwritten]);
  await time.run(1_000);
  assertEquals(lines(session).slice(-2), ["written", "not written"]);
  session.dispose();
});

Deno.test("a text that still cannot be stored waits for the next page; without a storage nothing is reported", async () => {
  const { time, session, storage, open } = await start();
  void open(stuck).sendMessage("no space yet");
  open({ ...stuck, sendMessage: () => Promise.resolve({ problem: "not_stored" as const }) });
  await time.run(100);
  assertEquals(storage.items.size, 1);
  open();
  await time.run(1_000);
  assertEquals(lines(session).at(-1), "no space yet");
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  assertEquals(await open().sendMessage("as ever"), {});
  session.dispose();
});
