/** The home page against a server that answers as the real one does. */
import { assert, assertEquals } from "@std/assert";
import { roomNamePlace, sealerOf } from "../../lib/crypto/seal.ts";
import { verifyEvent } from "../../lib/crypto/signing.ts";
import { readWireEvent, type WireEvent } from "../../lib/protocol/event.ts";
import { type Event, readEvent } from "../../lib/kinds/kinds.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import { createHomeModel, type HomeDeps, type HomeModel } from "../../lib/session/home/home_model.ts";
import { LISTED_POLL_MS } from "../../lib/session/ports/session_limits.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { NoticeBoard, type NoticeStorage } from "../../lib/session/room/notice_board.ts";
import { encodeNotice, type NoticeUrgency, readNotice } from "../../lib/protocol/notice.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { meshConfigFor } from "../../lib/server/http/ice_config.ts";
import { publicKeyOf, signAsOperator } from "../../lib/server/admin/operator_key.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { SeededRandom } from "../simulation/random.ts";
import { fakeEd25519 } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";

type Answer = (path: string, body: unknown) => unknown;

function infoOf(genesis: Event): RoomInfo {
  assert(genesis.kind === "room");
  const { roomKind: kind, name } = genesis.body;
  const code = kind === "sealed" ? {} : { code: "cosmic-stage-417" };
  return { id: genesis.room, kind, name, ...code, host: genesis.author, genesis: genesis.wire, createdAt: 1 };
}

/** The server's side of making a room. */
function made(body: unknown): RoomInfo {
  const wire = readWireEvent(body);
  assert(wire !== undefined);
  const read = readEvent(wire);
  assert(read.ok);
  return infoOf(read.event);
}

/** A storage as an earlier page left it. */
function noticeStorage(kept: { text?: string } = {}): NoticeStorage {
  return { read: () => kept.text, write: (text) => kept.text = text, listen: () => () => {} };
}

function openHome(
  answer: Answer,
  { disk = new MemoryDisk(), time = new VirtualTime(), notices, ed25519 = fakeEd25519 }: Partial<
    Pick<HomeDeps, "notices" | "ed25519"> & { disk: MemoryDisk; time: VirtualTime }
  > = {},
) {
  const asked: { path: string; body: unknown }[] = [];
  const home: HomeModel = createHomeModel({
    log() {},
    clock: time.clock,
    timers: time.timers,
    random: new SeededRandom(1),
    storage: memoryStorage(disk, { lasting: true }),
    ed25519,
    ...(notices && { notices }),
    fetch(path, init) {
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body));
      asked.push({ path, body });
      try {
        return Promise.resolve(Response.json(answer(path, body)));
      } catch (error) {
        return Promise.reject(error);
      }
    },
  });
  return { home, asked, disk, time };
}

Deno.test("a room is made by its host's signed genesis event, number 1 at clock 1", async () => {
  const { home, asked, disk } = openHome((_, body) => made(body));
  assertEquals(await home.create("Main stage", "listed"), { path: "/r/cosmic-stage-417" });
  const read = readEvent(readWireEvent(asked[0]?.body)!);
  assert(read.ok && await verifyEvent(fakeEd25519, read.event));
  const { n, clock, kind, body, room } = read.event;
  assertEquals({ n, clock, kind, body }, {
    n: 1,
    clock: 1,
    kind: "room",
    body: { roomKind: "listed", name: "Main stage" },
  });
  assertEquals(home.recent.value?.map(({ id, name }) => [id, name]), [[room, "Main stage"]]);
  // The host's next event is number 2, even before the first connection.
  assertEquals(disk.outboxes.get(room)?.n, 1);
  home.dispose();
});

Deno.test("a sealed room's name leaves the device sealed, and its key is only in the link", async () => {
  const { home, asked } = openHome((_, body) => made(body));
  const opened = await home.create("Canary stage", "sealed");
  assert("path" in opened);
  const [, id, secret] = /^\/s\/([\w-]{22})#([\w-]{22})$/.exec(opened.path)!;
  assert(!JSON.stringify(asked).includes("Canary") && !JSON.stringify(asked).includes(secret!));
  const read = readEvent(readWireEvent(asked[0]?.body)!);
  assert(read.ok && read.event.kind === "room");
  assertEquals(await (await sealerOf(secret!)).open(read.event.body.name, roomNamePlace(id!)), "Canary stage");
  assertEquals(home.recent.value?.[0]?.name, "Canary stage");
  home.dispose();
});

Deno.test("a taken id is replaced; other problems are reported by name", async () => {
  let tries = 0;
  const { home, asked } = openHome((_, body) => ++tries < 3 ? { problem: "id_taken" } : made(body));
  assert("path" in await home.create("Main stage", "unlisted"));
  assertEquals(new Set(asked.map(({ body }) => JSON.stringify(body))).size, 3);
  home.dispose();
  const limited = openHome(() => ({ problem: "rate_limited", retryAfterMs: 60_000 }));
  assertEquals(await limited.home.create("x", "listed"), { problem: "rate_limited", retryAfterMs: 60_000 });
  limited.home.dispose();
});

Deno.test("[LOAD-1] a room that a busy server refused is requested again after the time it names, until it is made or no longer wanted", async () => {
  let refusals = 3;
  const { home, asked, time } = openHome((_, body) =>
    refusals-- > 0 ? { problem: "overloaded", retryAfterMs: 2_000 } : made(body)
  );
  assertEquals(await home.create("Main stage", "unlisted"), { problem: "overloaded", retryAfterMs: 2_000 });
  let waits = 0;
  const making = home.create("Main stage", "unlisted", { wanted: new AbortController().signal, onWait: () => waits++ });
  await time.run(1_999);
  assertEquals([asked.length, waits], [2, 1]);
  await time.run(2_001);
  assertEquals([asked.length, waits], [4, 2]);
  assertEquals(await making, { path: "/r/cosmic-stage-417" });

  refusals = Infinity;
  const control = new AbortController();
  const given = home.create("Another", "unlisted", { wanted: control.signal, onWait: () => waits++ });
  await time.run(3_000);
  control.abort();
  await time.run(60_000);
  assertEquals([(await given as { problem: string }).problem, asked.length, time.pending], ["overloaded", 6, 0]);
  home.dispose();
});

Deno.test("no answer, or an unreadable one, counts as offline", async () => {
  for (
    const answer of [
      () => {
        throw new TypeError("no network");
      },
      () => 7,
      () => ({}),
      () => ({ problem: "from the future" }),
      () => ({ room: { id: 1 } }),
    ]
  ) {
    const { home } = openHome(answer);
    assertEquals(await home.create("x", "listed"), { problem: "offline" });
    assertEquals(await home.join("cosmic-stage-417"), { problem: "offline" });
    home.dispose();
  }
});

Deno.test("a code leads to its room, and a wrong one to similar codes", async () => {
  const { home: maker, asked: posted } = openHome((_, body) => made(body));
  await maker.create("Main stage", "unlisted");
  maker.dispose();
  const { home, asked } = openHome((path) =>
    path.endsWith("417") ? made(posted[0]?.body) : { problem: "no_such_room", suggestions: ["cosmic-stage-417", 7] }
  );
  assertEquals(await home.join("Cosmic Stage 417"), { path: "/r/cosmic-stage-417" });
  assertEquals(asked[0]?.path, "/api/codes/cosmic-stage-417");
  assertEquals(await home.join("cosmic-stage-418"), { problem: "no_such_room", suggestions: ["cosmic-stage-417"] });
  home.dispose();
});

Deno.test("listed rooms are requested only while the page is visible", async () => {
  const { home: maker, asked: posted } = openHome((_, body) => made(body));
  await maker.create("Main stage", "listed");
  maker.dispose();
  const room = made(posted[0]?.body);
  let people = 3;
  const { home, asked, time } = openHome(() => ({ rooms: [{ room, lastAt: 5, people: people++ }, { room: 7 }] }));
  await time.run(2 * LISTED_POLL_MS);
  assertEquals([asked.length, home.listed.value], [0, undefined]);
  home.setShown(true);
  await time.run(10);
  assertEquals(home.listed.value, [{ room, lastAt: 5, people: 3 }]);
  await time.run(LISTED_POLL_MS);
  assertEquals(home.listed.value?.[0]?.people, 4);
  home.setShown(false);
  await time.run(5 * LISTED_POLL_MS);
  assertEquals(asked.length, 2);
  home.setShown(true);
  await time.run(10);
  home.dispose();
  await time.run(5 * LISTED_POLL_MS);
  assertEquals([asked.length, time.pending], [3, 0]);
});

Deno.test("rooms and name are remembered; favourites stay; a forgotten room is gone with its copy", async () => {
  const disk = new MemoryDisk();
  const { home } = openHome((_, body) => made(body), { disk });
  await home.create("Main stage", "unlisted");
  const { id } = home.recent.value![0]!;
  await home.setFavourite(id, true);
  assertEquals(home.favourites.value.map((room) => room.id), [id]);
  assertEquals(await home.setName("  Ada "), {});
  assertEquals(await home.setName(" "), { problem: "empty" });
  home.dispose();
  const { home: later, time } = openHome(() => ({}), { disk });
  await time.run(1);
  assertEquals([later.name.value, later.favourites.value.length], ["Ada", 1]);
  await later.forget(id);
  assertEquals([later.recent.value, later.favourites.value, disk.outboxes.size], [[], [], 0]);
  later.dispose();
});

Deno.test("without storage the page works and says that it stores nothing", async () => {
  const time = new VirtualTime();
  const broken = memoryStorage(new MemoryDisk(), { lasting: true, turn: () => Promise.reject(new Error("broken")) });
  const home = createHomeModel({
    log() {},
    clock: time.clock,
    timers: time.timers,
    random: new SeededRandom(1),
    storage: broken,
    ed25519: fakeEd25519,
    fetch: (_, init) => Promise.resolve(Response.json(made(JSON.parse(String(init?.body))))),
  });
  await time.run(1);
  assertEquals([home.recent.value, home.name.value, home.stored.value], [[], "", false]);
  assertEquals(await home.create("Main stage", "unlisted"), { path: "/r/cosmic-stage-417" });
  home.dispose();
});

Deno.test("the home page knows whether the server answers", async () => {
  let dead = true;
  const { home, time } = openHome(() => {
    if (dead) throw new TypeError("no network");
    return { rooms: [] };
  });
  assertEquals(home.reachable.value, true);
  home.setShown(true);
  await time.run(1);
  assertEquals([home.reachable.value, home.listed.value], [false, undefined]);
  dead = false;
  await time.run(LISTED_POLL_MS);
  assertEquals([home.reachable.value, home.listed.value], [true, []]);
  home.dispose();
});

const OPERATOR = "A".repeat(43);

/** A home page whose server has an operator and says `said`; without a network when `said` is undefined. */
function operated(drawn: readonly WireEvent[] = [], storage = noticeStorage()) {
  const server: { said: WireEvent[] | undefined; asked: number } = { said: [], asked: 0 };
  const time = new VirtualTime();
  const opened = openHome((path) => {
    if (server.said === undefined) throw new TypeError("no network");
    if (path !== "/mesh/config") return { rooms: [], notices: server.said, at: time.now() };
    server.asked++;
    const admin = { ...DEFAULT_CONFIG.admin, operatorKey: OPERATOR };
    return meshConfigFor({ ...DEFAULT_CONFIG, admin }, "d", 0);
  }, {
    time,
    notices: { storage, drawn },
    ed25519: { ...fakeEd25519, verify: (...signed) => nodeVerifier().verify(...signed) },
  });
  return { ...opened, server, texts: () => opened.home.notices.value?.map(({ text }) => text) };
}

function notice(
  text: string,
  { at = new VirtualTime().now(), urgency = "emergency" as NoticeUrgency, rooms = [] as string[] } = {},
) {
  const content = { urgency, text, ...(rooms.length > 0 && { rooms }) };
  const times = { at, until: at + 3_600_000 };
  return signAsOperator(OPERATOR, encodeNotice(publicKeyOf(OPERATOR), times, content));
}

Deno.test("[NOTICE-8] the home page shows notices for all rooms as soon as the list has them, until they end or are withdrawn", async () => {
  const { home, server, texts, time } = operated();
  home.setShown(true);
  await time.run(1);
  assertEquals(texts(), []);
  const storm = notice("Storm");
  server.said = [storm, notice("For one room", { rooms: ["A".repeat(22)] }), notice("Water", { urgency: "info" })];
  await time.run(LISTED_POLL_MS);
  assertEquals([texts()?.sort(), server.asked], [["Storm", "Water"], 1]);
  const { id, at, until } = readNotice(storm)!;
  server.said = [signAsOperator(OPERATOR, encodeNotice(publicKeyOf(OPERATOR), { at, until }, { of: id }))];
  await time.run(LISTED_POLL_MS);
  assertEquals(texts(), ["Water"]);
  await time.run(3_600_000);
  assertEquals(texts(), []);
  home.dispose();
  assertEquals(time.pending, 0);
});

Deno.test("[NOTICE-8] a drawn notice stays until it can be verified, and goes if its operator did not sign it", async () => {
  const forged: WireEvent = [notice("Run")[0], notice("Walk")[1]];
  const { home, server, texts, time } = operated([forged]);
  server.said = undefined; // The key cannot be requested.
  home.setShown(true);
  await time.run(LISTED_POLL_MS);
  assertEquals(texts(), undefined);
  server.said = [notice("Walk")];
  await time.run(LISTED_POLL_MS);
  assertEquals(texts(), ["Walk"]);
  home.dispose();
});

Deno.test("[NOTICE-8] a notice read at home is not shown again there or in a room, and vice versa; a page without a network shows stored notices", async () => {
  const kept: { text?: string } = {};
  const drawn = [notice("Storm"), notice("Fire")];
  const [storm, fire] = drawn.map((wire) => readNotice(wire)!.id);
  const { home, texts, time } = operated(drawn, noticeStorage(kept));
  await time.run(1);
  assertEquals(texts()?.sort(), ["Fire", "Storm"]);
  home.acknowledge(storm!);
  assertEquals(texts(), ["Fire"]);
  home.dispose();
  const inRoom: string[] = [];
  const room = new NoticeBoard({
    room: "A".repeat(22),
    clock: time.clock,
    timers: time.timers,
    verifier: nodeVerifier(),
    storage: noticeStorage(kept),
    fetchConfig: () => Promise.reject(new TypeError("no network")),
    show: (views) => inRoom.splice(0, Infinity, ...views.map(({ text }) => text)),
    log: () => {},
  });
  assertEquals(inRoom, ["Fire"]);
  room.acknowledge(fire!);
  room.dispose();
  const later = operated(drawn, noticeStorage(kept));
  later.server.said = undefined;
  await later.time.run(1);
  assertEquals(later.texts(), []);
  later.home.dispose();
});
