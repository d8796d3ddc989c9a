import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CLOSE_REASONS } from "../../lib/protocol/codes.ts";
import { readNotice } from "../../lib/protocol/notice.ts";
import { AUDIT_SHOWN } from "../../lib/server/admin/audit_log.ts";
import { WIPE_WORDS } from "../../lib/server/admin/data_page.ts";
import { hashPassword, isPassword, readPasswordHash } from "../../lib/server/admin/password.ts";
import { publicKeyOf, signAsOperator } from "../../lib/server/admin/operator_key.ts";
import { ConfigError, readConfig } from "../../lib/server/config/read_config.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { takeKey } from "../../lib/operating/admin_tasks.ts";
import { deviceHash } from "../../lib/server/admin/runtime_settings.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { auditHash, firstBreak } from "../../lib/store/operators/audit.ts";
import type { AuditEntry } from "../../lib/store/operators/audit.ts";
import { newGenesis, TestClient } from "../support/client.ts";
import { type Operated, OPERATOR_KEY, PASSWORD, withOperator } from "./operators.ts";

function scene(name: string, run: (scene: Operated) => Promise<void>, count = 1): void {
  Deno.test(name, () => withOperator(run, count));
}

const somebody = (address: string) => ({ device: "d", address });

// ---- log-in ----

Deno.test("a password is kept as a salted hash, and only that password matches", async () => {
  const [one, other] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const hash = await hashPassword("correct horse battery", one);
  assertNotEquals(hash, await hashPassword("correct horse battery", other));
  assert(!hash.includes("horse") && /^[\w.-]+$/.test(hash), "no sign in it means anything to a shell");
  assert(await isPassword("correct horse battery", hash));
  for (const wrong of ["", "correct horse batterz", "correct horse battery ", "x".repeat(100_000)]) {
    assert(!await isPassword(wrong, hash), wrong.slice(0, 30));
  }
});

Deno.test("a malformed or too costly hash is refused at the start with one line", () => {
  const hash = `scrypt.15.8.1.${"A".repeat(22)}.${"A".repeat(43)}`;
  assert(readPasswordHash(hash) !== undefined);
  for (const wrong of ["secret", hash.replace("15", "25"), hash.replace("15", "5"), hash.slice(0, -1), `${hash}A`]) {
    assertEquals(readPasswordHash(wrong), undefined, wrong);
  }
  const env = { FESTIVAL_ADMIN_PASSWORD_HASH: "secret", FESTIVAL_OPERATOR_KEY: "short" } as Record<string, string>;
  try {
    readConfig((name) => env[name]);
    throw new Error("it started");
  } catch (error) {
    assert(error instanceof ConfigError);
    assertEquals(error.mistakes.length, 2);
    assert(!error.message.includes('"secret"'), "a password in the wrong place is not repeated in a log");
  }
});

scene(
  "guessing: five tries from one address, counted on all instances, then a wait that even the right password keeps",
  async ({
    instances: [first, second],
    time,
  }) => {
    const visitor = somebody("203.0.113.5");
    const answers: string[] = [];
    for (let n = 0; n < 6; n++) {
      const { admin, login } = n % 2 === 0 ? first! : second!;
      const answer = await admin.logIn(login, `guess number ${n}`, visitor);
      answers.push("problem" in answer ? answer.problem : "in");
    }
    assertEquals(answers, [...Array(5).fill("wrong_password"), "rate_limited"]);
    const waits = await second!.admin.logIn(second!.login, PASSWORD, visitor);
    assert("retryAfterMs" in waits && waits.retryAfterMs > 0);
    assert("operator" in await second!.admin.logIn(second!.login, PASSWORD, somebody("203.0.113.6")), "others may");
    await time.advance(waits.retryAfterMs);
    assert("operator" in await second!.admin.logIn(second!.login, PASSWORD, visitor));
  },
  2,
);

scene(
  "guessing: a browser that has logged in before has tries of its own, whatever others do, and few as well",
  async ({ instances: [first] }) => {
    const { admin, login, server } = first!;
    const operator = somebody("203.0.113.5");
    const before = await admin.logIn(login, PASSWORD, operator);
    assert("known" in before);
    // Somebody at the same address, and many elsewhere, use up the tries of the address and of all together.
    for (let n = 0; n < 6; n++) await admin.logIn(login, "guess", operator);
    for (let n = 0; n < server.config.admin.allTries.burst; n++) {
      await admin.logIn(login, "guess", somebody(`198.51.100.${n}`));
    }
    for (
      const unknown of [undefined, "", "a.b", `${before.known.split(".")[0]}.${"A".repeat(43)}`, `${before.known}.x`]
    ) {
      const answer = await admin.logIn(login, PASSWORD, operator, unknown);
      assertEquals("problem" in answer && answer.problem, "rate_limited", unknown);
    }
    const again = await admin.logIn(login, PASSWORD, operator, before.known);
    assert("known" in again);
    assertEquals(again.known, before.known, "the mark stays the same, so logging in gives no further tries");
    const answers: string[] = [];
    for (let n = 0; n < 5; n++) {
      const answer = await admin.logIn(login, "guess", operator, again.known);
      answers.push("problem" in answer ? answer.problem : "in");
    }
    assertEquals(answers, [...Array(4).fill("wrong_password"), "rate_limited"]);
  },
);

Deno.test("typing a password works as in any terminal: backspace deletes a character, Ctrl-U the line, Ctrl-C cancels", () => {
  const typed = (keys: string) => {
    const line: number[] = [];
    for (const byte of new TextEncoder().encode(keys)) {
      const key = takeKey(line, byte);
      if (key !== "more") return [key, new TextDecoder().decode(new Uint8Array(line))];
    }
  };
  assertEquals(typed("grün\u007f\u007fün\r"), ["end", "grün"]);
  assertEquals(typed("\u007fwrong\u0015right\n"), ["end", "right"]);
  assertEquals(typed("secret\u0003"), ["cancel", "secret"]);
});

scene(
  "guessing from ever new addresses is limited for all together, and does not fill the audit log",
  async ({ instances: [first] }) => {
    const { admin, login, server, store } = first!;
    const { burst } = server.config.admin.allTries;
    const answers: string[] = [];
    for (let n = 0; n < burst + 3; n++) {
      const answer = await admin.logIn(login, "guess", somebody(`198.51.100.${n}`));
      answers.push("problem" in answer ? answer.problem : "in");
    }
    // The operator's own log-in was one of them.
    assertEquals(answers.indexOf("rate_limited"), burst - 1);
    const entries = await store.audit.page(undefined, 100);
    assertEquals(entries.filter(({ action }) => action === "wrong_password").length, 5);
  },
);

scene("a session is good on every instance, and ends by log-out everywhere: a replayed cookie is refused", async ({
  instances: [first, second],
  cookie,
  operator,
}) => {
  for (const { login } of [first!, second!]) assertEquals((await login.operatorOf(cookie))?.session, operator.session);
  await first!.admin.logOut(first!.login, operator);
  for (const { login } of [first!, second!]) assertEquals(await login.operatorOf(cookie), undefined);
}, 2);

scene(
  "a session ends when it is not used, and after its whole life even when it is",
  async ({ instances: [first], cookie, time }) => {
    const { login, server: { config: { admin: { idleMs, lifeMs } } } } = first!;
    await time.advance(idleMs - 1_000);
    assert(await login.operatorOf(cookie) !== undefined);
    await time.advance(idleMs - 1_000);
    assert(await login.operatorOf(cookie) !== undefined, "using it kept it alive");
    for (let passed = 2 * idleMs; passed < lifeMs - idleMs; passed += idleMs / 2) {
      await time.advance(idleMs / 2);
      await login.operatorOf(cookie);
    }
    assert(await login.operatorOf(cookie) !== undefined);
    await time.advance(idleMs - 1_000);
    await login.operatorOf(cookie);
    await time.advance(5_000);
    assertEquals(await login.operatorOf(cookie), undefined, "its whole life is over");
  },
);

scene("a page that only draws itself anew keeps nobody logged in", async ({ instances: [first], cookie, time }) => {
  const { login, server: { config: { admin: { idleMs } } } } = first!;
  for (let passed = 0; passed < idleMs - 60_000; passed += 60_000) {
    await time.advance(60_000);
    assert(await login.operatorOf(cookie, { used: false }) !== undefined);
  }
  await time.advance(60_000);
  assertEquals(await login.operatorOf(cookie, { used: false }), undefined);
});

scene("logging out everywhere ends every log-in on every instance, and one that is just used stays ended", async ({
  instances: [first, second],
  operator,
  cookie,
  time,
}) => {
  const other = await second!.admin.logIn(second!.login, PASSWORD, somebody("203.0.113.7"));
  assert("cookie" in other);
  await time.advance(120_000);
  const { store } = second!;
  const get = store.operators.get.bind(store.operators);
  store.operators.get = async (session) => {
    const record = await get(session);
    // Between reading a log-in and recording its use.
    await first!.admin.logOutEverywhere(first!.login, operator);
    return record;
  };
  await second!.login.operatorOf(other.cookie);
  store.operators.get = get;
  for (const { login } of [first!, second!]) {
    for (const one of [cookie, other.cookie]) assertEquals(await login.operatorOf(one), undefined);
  }
  assertEquals((await store.audit.page(undefined, 1))[0]?.action, "logged_out_everywhere");
}, 2);

scene("a cookie that anybody made or changed is none", async ({ instances: [first], cookie }) => {
  const [id, until, mac] = cookie.split(".") as [string, string, string];
  const forged = [
    `${id}.${Number(until) + 1}.${mac}`,
    `${id}.${until}.${"A".repeat(43)}`,
    `${id}.${until}`,
    `${"A".repeat(22)}.${until}.${mac}`,
    `${cookie}.x`,
    "",
    "..",
  ];
  for (const wrong of forged) assertEquals(await first!.login.operatorOf(wrong), undefined, wrong);
});

scene("the database holds nothing that opens a session", ({ database, cookie }) => {
  const all = JSON.stringify(database.dump().map(({ key, value }) => [key, String(JSON.stringify(value, bigints))]));
  for (const part of cookie.split(".").filter((part) => part.length > 15)) assert(!all.includes(part));
  return Promise.resolve();
});

// ---- audit log ----

scene("every action is in the audit log before it is done, by whom, and on the server's own log as a witness", async ({
  instances: [first],
  operator,
}) => {
  const { admin, store, log } = first!;
  const room = await first!.newRoom();
  await admin.bans.add(operator, { kind: "key", who: room.host, room: room.id, reason: "private words", minutes: 5 });
  await admin.rooms.delete(operator, room.id, room.code!);
  const entries = await store.audit.page(undefined, 10);
  assertEquals(entries.map(({ action, by }) => [action, by]), [
    ["room_deleted", operator.by],
    ["banned", operator.by],
    ["logged_in", operator.by],
  ]);
  assertEquals(firstBreak(entries.toReversed()), undefined);
  assert(!JSON.stringify(entries).includes("private words"));
  for (const { number, action, hash } of entries) assert(log.includes(`audit ${number} ${action} ${hash}`));
});

scene("an action that cannot be written down does not happen", async ({ instances: [first], operator }) => {
  const { admin, store } = first!;
  const room = await first!.newRoom();
  store.audit.append = () => Promise.reject(new Error("full"));
  let failed = false;
  await admin.rooms.delete(operator, room.id, room.code!).catch(() => failed = true);
  assert(failed && await store.rooms.byId(room.id) !== undefined);
});

Deno.test("a changed, removed or inserted audit entry is detected", () => {
  const chain: AuditEntry[] = [];
  for (let number = 1; number <= 5; number++) {
    const linked = {
      number,
      at: number,
      by: "me",
      action: "did",
      details: { it: number },
      previous: chain.at(-1)?.hash ?? "",
    };
    chain.push({ ...linked, hash: auditHash(linked) });
  }
  assertEquals(firstBreak(chain), undefined);
  assertEquals(firstBreak(chain.slice(2)), undefined, "the oldest ones may have ended by their age");
  assertEquals(firstBreak(chain.map((entry) => entry.number === 3 ? { ...entry, details: { it: 9 } } : entry)), 3);
  assertEquals(firstBreak(chain.filter(({ number }) => number !== 3)), 4);
  const remade = { ...chain[2]!, by: "somebody else" };
  assertEquals(
    firstBreak(chain.map((entry) => entry.number === 3 ? { ...remade, hash: auditHash(remade) } : entry)),
    4,
  );
});

scene("entries that were taken out between two pages, or at the newest end, show", async ({
  instances: [first],
  operator,
  database,
}) => {
  const { admin } = first!;
  for (let n = 0; n < AUDIT_SHOWN + 10; n++) await admin.bans.lift(operator, "A".repeat(16));
  const all = AUDIT_SHOWN + 11;
  const { entries, broken } = await admin.audit.page(undefined);
  assertEquals([entries.length, entries[0]!.number, broken], [AUDIT_SHOWN, all, undefined]);
  const next = entries.at(-1)!.number;
  assertEquals((await admin.audit.page(next)).broken, undefined);
  assertEquals((await admin.audit.page(1)).broken, undefined, "there is nothing before the first");
  const kv = database.open();
  const { value } = await kv.get(["audit", all]);
  await kv.delete(["audit", all]);
  assertEquals((await admin.audit.page(undefined)).broken, all);
  await kv.set(["audit", all], value);
  await kv.delete(["audit", next - 1]);
  assertEquals((await admin.audit.page(undefined)).broken, next);
  assertEquals((await admin.audit.page(next)).broken, next - 1);
});

scene("two instances that write at once write one chain", async ({ instances: [first, second], operator, time }) => {
  const writing = Promise.all(
    [first!, second!].flatMap(({ admin }) =>
      Array.from({ length: 5 }, () => admin.bans.lift(operator, "A".repeat(16)))
    ),
  );
  await time.advance(1_000);
  await writing;
  const entries = (await first!.store.audit.page(undefined, 50)).toReversed();
  assertEquals(entries.map(({ number }) => number), Array.from({ length: 11 }, (_, at) => at + 1));
  assertEquals(firstBreak(entries), undefined);
}, 2);

// ---- rooms ----

scene("the room of the probes is in no list of rooms and no count of them", async ({ instances: [first] }) => {
  const { admin, store } = first!;
  const [people, probes] = [await first!.newRoom(), await first!.newRoom({ name: "Probes" })];
  await store.stats.setProbeRoom(probes.id, undefined);
  const { rooms, total, looked } = await admin.rooms.list();
  assertEquals([rooms.map(({ room }) => room.id), total, looked], [[people.id], 1, 1]);
});

scene("an import that is refused is not in the audit log", async ({ instances: [first], operator }) => {
  const { admin, store } = first!;
  const room = await first!.newRoom();
  const lines: string[] = [];
  for await (const line of (await admin.rooms.export(operator, room.id))!) lines.push(line);
  const archive = () => new Blob(lines).stream();
  assertEquals(await admin.data.importRoom(operator, archive()), { problem: "id_taken" });
  await admin.rooms.delete(operator, room.id, room.code!);
  assertEquals(await admin.data.importRoom(operator, archive()), { problem: "id_taken" });
  assertEquals((await store.audit.page(undefined, 1))[0]?.action, "room_deleted");
});

scene(
  "[DEL-1] a deleted room is gone from the database, its people on every instance are told, and it stays deleted",
  async ({
    instances: [first, second],
    operator,
    database,
    time,
  }) => {
    const genesis = await newGenesis({ roomKind: "listed", name: "Doomed place" });
    const made = await first!.server.createRoom(genesis.wire, somebody("192.0.2.1"));
    assert("room" in made);
    const { id, code } = made.room;
    const ada = await TestClient.join({ ...first!.wire(id), room: id });
    const ben = await TestClient.join({ ...second!.wire(id), room: id });
    const said = ada.say("canary words");
    await time.advance(1_000);
    await said;
    assertEquals(await first!.admin.rooms.delete(operator, id, "other-room-1"), {
      ok: false,
      problem: "not_confirmed",
    });
    assertEquals(ada.closeCode, undefined);
    const deleting = first!.admin.rooms.delete(operator, id, code!.toUpperCase());
    await time.advance(2_000);
    assertEquals(await deleting, { ok: true });
    for (const person of [ada, ben]) assertEquals(person.closeCode, CLOSE_REASONS.room_deleted.code);
    await time.advance(2_000);
    const left = database.dump().filter(({ key }) => key.includes(id) || key.includes(code!));
    assertEquals(left.map(({ key }) => key[0]), ["deleted"]);
    const all = JSON.stringify(database.dump(), bigints);
    for (const word of ["canary words", "Doomed place"]) assert(!all.includes(word), word);
    const again = await TestClient.create({ ...second!.wire(id), room: id });
    void again.connect();
    await time.advance(100);
    assertEquals(again.closeCode, CLOSE_REASONS.room_deleted.code);
    const remade = await second!.server.createRoom(genesis.wire, somebody("192.0.2.2"));
    assertEquals(remade, { problem: "id_taken" });
  },
  2,
);

scene("[CLEAR-1] a cleared room keeps no event; a new epoch begins and positions and numbers go on", async ({
  instances: [first],
  operator,
  database,
  time,
}) => {
  const room = await first!.newRoom();
  const ada = await TestClient.join({ ...first!.wire(room.id), room: room.id });
  const said = ada.say("canary words");
  await time.advance(1_000);
  await said;
  const before = (await first!.store.log.readHead(room.id))!;
  const clearing = first!.admin.rooms.clear(operator, room.id, room.code!);
  await time.advance(2_000);
  assertEquals(await clearing, { ok: true });
  assertEquals(ada.closeCode, CLOSE_REASONS.room_cleared.code);
  assert(!JSON.stringify(database.dump(), bigints).includes("canary words"));
  const after = (await first!.store.log.readHead(room.id))!;
  assertNotEquals(after.epoch, before.epoch);
  assertEquals([after.head, after.oldest, after.cleared], [before.head, before.head + 1, before.clock]);
  const resume = ada.position!;
  await ada.connect({ resume });
  assertEquals([ada.welcome?.cleared, ada.welcome?.mode, ada.welcome?.lastN], [before.clock, "latest", 1]);
  const more = ada.say("after");
  await time.advance(1_000);
  assertEquals((await more).position, before.head + 1);
});

scene(
  "everything is deleted only after its words are typed",
  async ({ instances: [first], operator, database, time }) => {
    for (let n = 0; n < 3; n++) await first!.newRoom();
    assertEquals(await first!.admin.data.wipe(operator, "yes"), { ok: false, problem: "not_confirmed" });
    const wiping = first!.admin.data.wipe(operator, WIPE_WORDS);
    await time.advance(1_000);
    assertEquals(await wiping, { ok: true, rooms: 3 });
    assertEquals(await first!.store.rooms.count(), 0);
    assertEquals(database.dump().filter(({ key }) => ["room", "event", "head", "number"].includes(String(key[0]))), []);
  },
);

// ---- bans ----

scene(
  "[BAN-1] until the ban ends, a banned key is disconnected on every instance, cannot join, and its events are refused",
  async ({
    instances: [first, second],
    operator,
    time,
  }) => {
    const room = await first!.newRoom();
    const [adaWire, benWire] = [first!.wire(room.id), second!.wire(room.id)];
    const ada = await TestClient.join({ ...adaWire, room: room.id });
    const secret = new Uint8Array(32).fill(7);
    const ben = await TestClient.join({ ...benWire, room: room.id, name: "Ben", secret });
    const who = ben.signer.author;
    const banning = first!.admin.bans.add(operator, { kind: "key", who, room: room.id, reason: "spam", minutes: 5 });
    await time.advance(1_000);
    assertEquals(await banning, { ok: true });
    assertEquals(ben.closeCode, CLOSE_REASONS.banned.code);
    assertEquals(ada.closeCode, undefined);
    const event = await ben.signText("by another's connection");
    ada.sendEvents(event);
    await time.advance(100);
    assertEquals((await ada.refused(event.id)).reason, "banned");
    const back = await TestClient.create({ ...first!.wire(room.id), room: room.id, secret });
    await back.connect();
    assertEquals(back.closeCode, CLOSE_REASONS.banned.code);
    assertEquals(first!.server.settings.bans.length, 1);
    await time.advance(5 * 60_000 + 20_000);
    assertEquals(second!.server.settings.bansKey(who, room.id), undefined, "it ended");
  },
  2,
);

scene(
  "[BAN-2] with its key the device is kept out too, known by a hash only",
  async ({ instances: [first], operator, database, time }) => {
    const room = await first!.newRoom();
    const device = "cookie-of-a-phone";
    const ben = await TestClient.join({ ...first!.wire(room.id, { device }), room: room.id });
    const asked = {
      kind: "key",
      who: ben.signer.author,
      room: room.id,
      withDevice: true,
      reason: "",
      minutes: 60,
    } as const;
    const banning = first!.admin.bans.add(operator, asked);
    await time.advance(1_000);
    await banning;
    assertEquals(first!.server.settings.bansDevice(device, room.id)?.who, deviceHash(device));
    assert(!JSON.stringify(database.dump().filter(({ key }) => key[0] === "ban")).includes(device));
    const another = await TestClient.create({ ...first!.wire(room.id, { device }), room: room.id });
    another.openOnly();
    await time.advance(100);
    assertEquals(another.closeCode, CLOSE_REASONS.banned.code);
    const elsewhere = await first!.newRoom();
    assertEquals(first!.server.settings.bansDevice(device, elsewhere.id), undefined, "only in that room");
  },
);

// ---- limits ----

scene("limits set on one instance hold on all, say where they come from, and go back to the configuration", async ({
  instances: [first, second],
  operator,
  time,
}) => {
  const set = first!.admin.setLimits(operator, (name) => ({ message_burst: "2", message_every_ms: "60000" })[name]);
  await time.advance(1_000);
  assertEquals(await set, { ok: true });
  assertEquals(second!.server.config.limits.messages, { burst: 2, everyMs: 60_000 });
  const view = second!.server.settings.limits.find(({ name }) => name === "message_burst");
  assertEquals([view?.value, view?.configured, view?.source], [2, 5, "operator"]);
  const room = await second!.newRoom();
  const ada = await TestClient.join({ ...second!.wire(room.id), room: room.id });
  const events = [await ada.signText("one"), await ada.signText("two"), await ada.signText("three")];
  ada.sendEvents(...events);
  await time.advance(1_000);
  assertEquals((await ada.refused(events[2]!.id)).reason, "rate_limited");
  assertEquals(DEFAULT_CONFIG.limits.messages, { burst: 5, everyMs: 1_000 }, "nobody else's configuration is touched");
  const reset = first!.admin.setLimits(operator, () => "");
  await time.advance(1_000);
  await reset;
  assertEquals(second!.server.config.limits.messages, { burst: 5, everyMs: 1_000 });
}, 2);

scene("a limit that cannot be is named, and none is changed", async ({ instances: [first], operator }) => {
  for (const wrong of ["0", "-1", "1e3", "1001", "many", "99999999999"]) {
    const set = await first!.admin.setLimits(operator, (name) => name === "message_burst" ? wrong : undefined);
    assertEquals(!set.ok && set.wrong.name, "message_burst", wrong);
  }
  assertEquals((await first!.store.settings.read(0)).limits, {});
});

// ---- notices ----

scene(
  "[NOTICE-1] [NOTICE-2] a notice is signed by the operator's key, told to everybody on every instance and to who comes later",
  async ({
    instances: [first, second],
    operator,
    time,
  }) => {
    const room = await first!.newRoom();
    const ada = await TestClient.join({ ...second!.wire(room.id), room: room.id });
    const sending = first!.admin.notices.broadcast(operator, {
      urgency: "emergency",
      text: "Storm",
      rooms: [],
      minutes: 60,
    });
    await time.advance(1_000);
    const sent = await sending;
    assert(sent.ok);
    const { notices: [wire] } = await ada.waitFor("notices");
    const notice = readNotice(wire!)!;
    assertEquals([notice.operator, notice.id], [publicKeyOf(OPERATOR_KEY), sent.notice.id]);
    assert(await nodeVerifier().verify(notice.operator, ...wire!));
    const ben = await TestClient.join({ ...first!.wire(room.id), room: room.id });
    await time.advance(100);
    assertEquals((await ben.waitFor("notices")).notices, [wire]);

    const withdrawing = first!.admin.notices.withdraw(operator, notice.id);
    await time.advance(1_000);
    assert((await withdrawing).ok);
    const last = ada.frames.findLast((frame) => frame.type === "notices")!;
    assertEquals(last.notices.map((wire) => readNotice(wire)?.kind), ["withdrawal"]);
    assertEquals(await first!.admin.notices.withdraw(operator, notice.id), { ok: false, problem: "no_such_notice" });
    await time.advance(60 * 60_000);
    const cleo = await TestClient.join({ ...first!.wire(room.id), room: room.id });
    await time.advance(100);
    assertEquals(cleo.frames.filter(({ type }) => type === "notices"), [], "an ended notice is not sent");
  },
  2,
);

scene(
  "[NOTICE-8] outside of rooms people get the notices to all rooms, and only those that this operator signed",
  async ({ instances: [first, second], operator, time }) => {
    const room = await first!.newRoom();
    const notice = { urgency: "emergency", text: "Storm", rooms: [], minutes: 60 } as const;
    const told = async () => (await second!.server.settings.broadcasts()).map(([payload]) => JSON.parse(payload));
    const storm = await first!.admin.notices.broadcast(operator, notice);
    await first!.admin.notices.broadcast(operator, { ...notice, text: "Here", rooms: [room.id] });
    assert(storm.ok);
    const other = "C".repeat(42) + "E";
    const [payload] = storm.notice.wire;
    await first!.store.settings.changeNotices((wires) => [
      ...wires,
      signAsOperator(other, payload.replace(publicKeyOf(OPERATOR_KEY), publicKeyOf(other))),
      [payload.replace("Storm", "Forged"), storm.notice.wire[1]],
    ]);
    await second!.server.settings.refresh();
    assertEquals(second!.server.settings.notices.length, 4);
    assertEquals((await told()).map(({ text }) => text), ["Storm"]);
    await first!.admin.notices.withdraw(operator, storm.notice.id);
    await second!.server.settings.refresh();
    assertEquals((await told()).map(({ of }) => of), [storm.notice.id]);
    await time.advance(3_600_000);
    assertEquals(await told(), []);
  },
  2,
);

scene("an unusable notice is refused by name", async ({ instances: [first], operator, time }) => {
  const notice = { urgency: "info", text: "Hi", rooms: [], minutes: 60 } as const;
  const problem = async (changes: object) => {
    const did = await first!.admin.notices.broadcast(operator, { ...notice, ...changes });
    return did.ok ? "sent" : did.problem;
  };
  assertEquals(await problem({ text: " \n" }), "empty");
  assertEquals(await problem({ text: "x".repeat(601) }), "too_long");
  assertEquals(await problem({ minutes: 0 }), "bad_time");
  assertEquals(await problem({ minutes: NaN }), "bad_time");
  assertEquals(await problem({ rooms: ["cosmic-stage-417"] }), "no_such_room");
  for (let n = 0; n < 8; n++) assertEquals(await problem({ text: `notice ${n}` }), "sent");
  assertEquals(await problem({}), "too_many");
  await time.advance(61 * 60_000);
  assertEquals(await problem({}), "sent", "the others ended");
});

scene(
  "rooms an operator suggests are on the home page, with their people",
  async ({ instances: [first], operator, time }) => {
    const room = await first!.newRoom();
    const sealed = await first!.newRoom({ roomKind: "sealed", name: "A".repeat(40) });
    assertEquals(await first!.admin.rooms.suggest(operator, room.id, "  Food   court "), { ok: true });
    assertEquals(await first!.admin.rooms.suggest(operator, sealed.id, "Secret"), {
      ok: false,
      problem: "no_such_room",
    });
    await TestClient.join({ ...first!.wire(room.id), room: room.id });
    await time.advance(2_000);
    const suggested = await first!.server.suggestedRooms();
    assertEquals(suggested.map(({ label, people, room: { id } }) => [label, people, id]), [["Food court", 1, room.id]]);
    await first!.admin.rooms.suggest(operator, room.id, "");
    assertEquals(await first!.server.suggestedRooms(), []);
  },
);

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" || value instanceof Deno.KvU64 ? String(value) : value;
}
