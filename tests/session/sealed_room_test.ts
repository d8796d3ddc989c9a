/** Sealed rooms: people with the key can read, others learn nothing, and no text leaves the device in the clear. */
import { assert, assertEquals } from "@std/assert";
import { newRoomSecret, sealerOf } from "../../lib/crypto/seal.ts";
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { lines, openSession } from "./open_session.ts";

const random = (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(5);

async function sealedRoom() {
  const secret = newRoomSecret(random);
  const sealer = await sealerOf(secret);
  const time = new VirtualTime();
  const server = await FakeServer.create(time, { kind: "sealed", name: "Secret stage", sealer });
  return { secret, sealer, time, server };
}

/** Web Crypto works outside of virtual time, on a busy machine for long: goes on in small steps until `done`. */
async function until(time: VirtualTime, done: () => boolean): Promise<void> {
  for (let step = 0; step < 2_000 && !done(); step++) {
    await time.run(5);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(done(), `did not happen: ${done}`);
}

Deno.test("the key opens the room's name, the people's names and the messages", async () => {
  const { secret, sealer, time, server } = await sealedRoom();
  await server.say("hidden", { sealer });
  const session = openSession({ server, secret });
  await until(time, () => lines(session).length === 2);
  assertEquals(session.room.value?.name, "Secret stage");
  assertEquals(lines(session), ["opened Secret stage", "hidden"]);
  await until(time, () => session.people.value.shown.length === 1);
  assertEquals(session.people.value.shown[0]?.name, "Ada");
  session.dispose();
});

Deno.test("no text of a sealed room leaves the device in the clear", async () => {
  const { secret, time, server } = await sealedRoom();
  const session = openSession({ server, secret, name: "CanaryName" });
  await until(time, () => session.connection.value.state === "connected");
  await session.sendMessage("canary text");
  await session.rename("CanaryTwo");
  await until(time, () => server.log.length === 3);
  await until(time, () => lines(session).includes("canary text"));
  assert(!/canary/i.test(JSON.stringify(server.received)));
  session.dispose();
});

Deno.test("a wrong key is reported as such, and not tried again", async () => {
  const { time, server } = await sealedRoom();
  const session = openSession({ server, secret: newRoomSecret((bytes) => bytes.fill(6)) });
  await until(time, () => session.problem.value !== undefined);
  assertEquals(session.problem.value, { problem: "wrong_secret" });
  assertEquals(session.room.value, undefined);
  assertEquals(lines(session), []);
  await time.run(60_000);
  assertEquals(server.transports.length, 1);
  session.forceReconnect();
  assertEquals(server.transports.length, 1);
  session.dispose();
});

Deno.test("a link without its key is reported as such", async () => {
  const { time, server } = await sealedRoom();
  const session = openSession({ server });
  await until(time, () => session.problem.value !== undefined);
  assertEquals(session.problem.value, { problem: "secret_missing" });
  session.dispose();
});

Deno.test("a fragment that is no key opens no transport at all", async () => {
  const { time, server } = await sealedRoom();
  const session = openSession({ server, secret: "too short" });
  await time.run(1_000);
  assertEquals(session.problem.value, { problem: "wrong_secret" });
  assertEquals(server.transports.length, 0);
  session.dispose();
});

Deno.test("a room that the server calls plain, opened with a key, gets no plain text", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const session = openSession({ server, secret: newRoomSecret(random) });
  await session.sendMessage("canary");
  await until(time, () => session.problem.value !== undefined);
  assertEquals(session.problem.value, { problem: "wrong_secret" });
  assert(!JSON.stringify(server.received).includes("canary"));
  session.dispose();
});

Deno.test("a message that does not open is shown as unreadable; a plain one in a sealed room is not shown", async () => {
  const { secret, time, server } = await sealedRoom();
  await server.say("sealed with another key", { sealer: await sealerOf(newRoomSecret((bytes) => bytes.fill(8))) });
  await server.say("plain");
  const session = openSession({ server, secret });
  await until(time, () => lines(session).length === 2);
  assertEquals(lines(session), ["opened Secret stage", "unreadable"]);
  session.dispose();
});

Deno.test("a sealed room opens from the device's own copy, and its outbox is sealed once", async () => {
  const { secret, sealer, time, server } = await sealedRoom();
  const disk = new MemoryDisk();
  await server.say("kept", { sealer });
  const first = openSession({ server, secret, disk });
  await until(time, () => lines(first).length === 2);
  await first.persist();
  server.down = true;
  server.cut();
  await first.sendMessage("typed offline");
  first.dispose();
  const second = openSession({ server, secret, disk });
  await second.ready;
  assertEquals(lines(second), ["opened Secret stage", "kept", "typed offline (queued)"]);
  const { wire } = disk.outboxes.get(server.room.id)!.entries[0]!;
  server.down = false;
  await until(time, () => lines(second).at(-1) === "typed offline");
  assertEquals(server.log.at(-1), wire);
  second.dispose();
});

Deno.test("[DEL-5] a retract is sent unsealed, and names the sealed message by id and number only", async () => {
  const { secret, time, server } = await sealedRoom();
  const session = openSession({ server, secret });
  await until(time, () => session.connection.value.state === "connected");
  await session.sendMessage("canary text");
  await until(time, () => server.log.length === 2 && lines(session).includes("canary text"));
  const mine = session.messages.value.at(-1)!.id;
  await session.deleteMessage(mine);
  await until(time, () => server.log.length === 3 && lines(session).includes("retracted"));
  const { kind, body } = JSON.parse(server.log.at(-1)![0]);
  assertEquals([kind, body], ["retract", { to: mine, n: 1 }]);
  session.dispose();
});
