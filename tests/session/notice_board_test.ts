import { assertEquals } from "@std/assert";
import { publicKeyOf, signAsOperator } from "../../lib/server/admin/operator_key.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { meshConfigFor } from "../../lib/server/http/ice_config.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import type { WireEvent } from "../../lib/protocol/event.ts";
import { encodeNotice, readNotice } from "../../lib/protocol/notice.ts";
import { NoticeBoard } from "../../lib/session/room/notice_board.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const ROOM = "A".repeat(22);
const [KEY, OTHER_KEY] = ["A".repeat(43), "C".repeat(42) + "E"];

function notice(time: VirtualTime, text: string, key = KEY, minutes = 60): WireEvent {
  const at = time.clock.now();
  const times = { at, until: at + minutes * 60_000 };
  return signAsOperator(key, encodeNotice(publicKeyOf(key), times, { urgency: "emergency", text }));
}

/** One device, whose storage outlives its pages, before a server whose operator has `key`. */
function device(time = new VirtualTime(), key: string | undefined = KEY) {
  let kept: string | undefined, hears = () => {};
  const server = { key, asked: 0, reachable: true };
  const open = () => {
    const seen: { shown: string[]; told: string[] } = { shown: [], told: [] };
    const notices = new NoticeBoard({
      room: ROOM,
      clock: time.clock,
      timers: time.timers,
      verifier: nodeVerifier(),
      storage: {
        read: () => kept,
        write: (text) => kept = text,
        listen: (hear) => {
          hears = hear;
          return () => {};
        },
      },
      fetchConfig() {
        server.asked++;
        if (!server.reachable) return Promise.reject(new TypeError("no network"));
        const admin = { ...DEFAULT_CONFIG.admin, ...server.key !== undefined && { operatorKey: server.key } };
        return Promise.resolve(meshConfigFor({ ...DEFAULT_CONFIG, admin }, "d", 0));
      },
      show: (views) => seen.shown = views.map(({ text }) => text),
      log: () => {},
    });
    notices.follow((wires) => seen.told = wires.map((wire) => wire[0]));
    return { notices, seen };
  };
  return { time, server, open, wrote: () => hears(), setShelf: (text: string) => kept = text };
}

Deno.test("[NOTICE-2] a notice is shown when the operator whose key the server names has signed it", async () => {
  const { time, server, open } = device();
  const { notices, seen } = open();
  assertEquals(await notices.take([notice(time, "Storm")], "server"), "good");
  assertEquals([seen.shown, server.asked], [["Storm"], 1]);
  assertEquals(await notices.take([notice(time, "More")], "server"), "good");
  assertEquals([seen.shown, server.asked], [["Storm", "More"], 1], "the key is remembered");
});

Deno.test("[NOTICE-5] a forged notice is never shown, and counts against the peer that passed it on", async () => {
  const { time, open } = device();
  const { notices, seen } = open();
  notices.learn(publicKeyOf(KEY));
  const [payload] = notice(time, "Run");
  const [, signature] = notice(time, "Walk");
  for (const from of ["server", "peer"] as const) {
    assertEquals(await notices.take([[payload, signature]], from), "forged");
  }
  assertEquals([seen.shown, seen.told], [[], []]);
});

Deno.test("[NOTICE-5] another operator's notice is not shown and counts against nobody; from a peer it is not even verified", async () => {
  const { time, server, open } = device();
  const { notices, seen } = open();
  assertEquals(await notices.take([notice(time, "Theirs", OTHER_KEY)], "peer"), "refused");
  assertEquals(server.asked, 0, "a peer makes nobody ask");
  assertEquals(await notices.take([notice(time, "Theirs", OTHER_KEY)], "server"), "refused");
  assertEquals(seen.shown, []);
});

Deno.test("[NOTICE-6] a phone shows received notices again without a network, passes them to peers, and keeps read ones read", async () => {
  const { time, server, open } = device();
  const first = open();
  await first.notices.take([notice(time, "Storm"), notice(time, "Fire")], "server");
  server.reachable = false;
  const second = open();
  assertEquals(second.seen.shown, ["Storm", "Fire"]);
  assertEquals(second.seen.told.length, 2);
  const [storm] = second.seen.told.map((payload) => readNotice([payload, ""])!);
  second.notices.acknowledge(storm!.id);
  assertEquals([second.seen.shown, second.seen.told.length], [["Fire"], 2], "read, and still passed on");
  const third = open();
  assertEquals(third.seen.shown, ["Fire"]);
  assertEquals(await third.notices.take([notice(time, "Flood")], "peer"), "good", "the key is known without a server");
});

Deno.test("[NOTICE-3] a notice goes when its time is over by the server's clock, and when it is withdrawn", async () => {
  const { time, open } = device();
  const { notices, seen } = open();
  const wire = notice(time, "Storm", KEY, 10);
  await notices.take([wire], "server", 5 * 60_000);
  await time.run(4 * 60_000);
  assertEquals(seen.shown, ["Storm"]);
  await time.run(61_000);
  assertEquals(seen.shown, [], "this phone's clock is five minutes behind");

  const other = notice(time, "Fire", KEY, 100);
  await notices.take([other], "peer");
  assertEquals(seen.shown, ["Fire"]);
  const { id, until } = readNotice(other)!;
  const withdrawal = encodeNotice(publicKeyOf(KEY), { at: until - 1, until }, { of: id });
  await notices.take([signAsOperator(KEY, withdrawal)], "peer");
  assertEquals([seen.shown, seen.told.length], [[], 1], "the withdrawal goes on to others");
  await notices.take([other], "peer");
  assertEquals(seen.shown, []);
});

Deno.test("notices from another tab are shown; junk in the storage is ignored", async () => {
  const here = device();
  const { seen } = here.open();
  const there = device(here.time);
  const other = there.open();
  await other.notices.take([notice(here.time, "Storm")], "server");
  here.setShelf(JSON.stringify({
    operator: publicKeyOf(KEY),
    notices: other.seen.told.map((payload) => [payload, "A".repeat(86)]),
    acknowledged: [],
  }));
  here.wrote();
  assertEquals(seen.shown, ["Storm"]);
  for (const junk of ["", "{", "null", "[]", '{"notices":1}', '{"notices":[1,["a","b"]],"acknowledged":[]}']) {
    here.setShelf(junk);
    assertEquals(here.open().seen.shown, [], junk);
  }
});

Deno.test("[NOTICE-2] when the server names another key, or none, notices of the old one go", async () => {
  const { time, server, open } = device();
  const { notices, seen } = open();
  await notices.take([notice(time, "Old")], "server");
  server.key = OTHER_KEY;
  await notices.take([notice(time, "New", OTHER_KEY)], "server");
  assertEquals(seen.shown, ["New"]);
  notices.learn(undefined);
  assertEquals([seen.shown, seen.told], [[], []]);
});
