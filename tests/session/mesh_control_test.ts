/** When the mesh of a room opens and closes, and the reports to the panel. */
import { assert, assertEquals } from "@std/assert";
import type { MeshView } from "../../lib/session/model/connection_model.ts";
import { MeshControl } from "../../lib/session/mesh/mesh_control.ts";
import type { MeshMode } from "../../lib/routing/mesh_mode.ts";
import { BACKGROUND_AFTER_MS } from "../../lib/routing/power_policy.ts";
import { SeededRandom } from "../simulation/random.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, openSession } from "./open_session.ts";

const AUTO_CONNECT_MS = 10_000;
const CONFIG = { iceServers: [], autoConnectMs: AUTO_CONNECT_MS };

/** A connection that never succeeds. */
const noConnection = () =>
  ({
    createDataChannel: () => ({ readyState: "connecting" }),
    createOffer: () => Promise.resolve({ type: "offer", sdp: "" }),
    setLocalDescription: () => Promise.resolve(),
    close() {},
  }) as unknown as RTCPeerConnection;

/** A page with a control; `others`: somebody else is in the room. */
async function open({ others = true, answers = true, linkedBefore = false } = {}) {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const session = openSession({ server, seed: 1 });
  const other = others ? openSession({ server, seed: 2, name: "Ben" }) : undefined;
  await connected(server, session);
  const world = {
    answers,
    asked: 0,
    membership: undefined as string | undefined,
    mode: "auto" as MeshMode,
    hiddenForMs: 0,
    follows: false,
  };
  const views: MeshView[] = [];
  const control = new MeshControl({
    clock: time.clock,
    timers: time.timers,
    random: new SeededRandom(1, "control"),
    session,
    power: () => ({
      mode: world.mode,
      battery: undefined,
      saveData: false,
      networkType: undefined,
      weak: false,
      hiddenForMs: world.hiddenForMs,
    }),
    follows: () => world.follows,
    fetchConfig: (membership) => {
      world.asked++;
      world.membership = membership;
      return world.answers ? Promise.resolve(CONFIG) : Promise.reject(new TypeError("no network"));
    },
    makeConnection: noConnection,
    files: () =>
      Promise.resolve({
        useMesh: () => {},
        exchange: { linked: () => {}, unlinked: () => {}, received: () => {}, drained: () => {} },
      }),
    linkedBefore: () => linkedBefore,
    keepLinked: () => {},
    onView: (view) => views.push(view),
    log: () => {},
  });
  return {
    time,
    server,
    world,
    control,
    session,
    get view(): MeshView {
      return views.at(-1)!;
    },
    close() {
      control.dispose();
      session.dispose();
      other?.dispose();
    },
  };
}

Deno.test("mesh control: somebody has to be here for autoConnectMs before links are made", async () => {
  const page = await open();
  await page.time.run(AUTO_CONNECT_MS - 2_500);
  assertEquals(page.view.enabled, false);
  await page.time.run(5_000);
  assertEquals([page.view.enabled, page.view.reason, page.view.reached, page.view.missing], [true, "full", 0, 1]);
  page.close();
});

Deno.test("[TURN-2] mesh control: the configuration is requested again once the server says that this device is in the room", async () => {
  const page = await open();
  await page.time.run(AUTO_CONNECT_MS);
  assertEquals([page.world.asked, page.world.membership], [1, undefined]);
  page.session.peers!.membership = "proof";
  await page.time.run(20_000);
  assertEquals([page.world.asked, page.world.membership], [2, "proof"]);
  await page.time.run(60_000);
  assertEquals(page.world.asked, 2);
  page.close();
});

Deno.test("mesh control: a tab that had links before a reload links at once", async () => {
  const page = await open({ linkedBefore: true });
  await page.time.run(100);
  assertEquals(page.view.enabled, true);
  page.close();
});

Deno.test("mesh control: alone in a room no link is made, even on request", async () => {
  const page = await open({ others: false });
  page.control.connectNow();
  await page.time.run(60_000);
  assertEquals(page.view.enabled, false);
  page.close();
});

Deno.test("mesh control: a request for links skips the wait", async () => {
  const page = await open();
  await page.time.run(100);
  page.control.connectNow();
  await page.time.run(100);
  assertEquals(page.view.enabled, true);
  page.close();
});

Deno.test("mesh control: the mesh closes when it is switched off, in the background, or when another tab has the connection, and opens again afterwards", async () => {
  const page = await open();
  page.control.connectNow();
  await page.time.run(3_000);
  const changes: [() => void, () => void, MeshView["reason"] | undefined][] = [
    [() => page.world.mode = "off", () => page.world.mode = "auto", "switched_off"],
    [() => page.world.hiddenForMs = BACKGROUND_AFTER_MS, () => page.world.hiddenForMs = 0, "background"],
    [() => page.world.follows = true, () => page.world.follows = false, undefined],
  ];
  for (const [begin, end, reason] of changes) {
    assertEquals(page.view.enabled, true);
    begin();
    await page.time.run(2_500);
    assertEquals(page.view.enabled, false);
    if (reason !== undefined) assertEquals(page.view.reason, reason);
    end();
    await page.time.run(2_500);
  }
  page.close();
});

Deno.test("mesh control: a missing configuration is requested again, with pauses", async () => {
  const page = await open({ answers: false });
  await page.time.run(60_000);
  assert(page.world.asked >= 3 && page.world.asked <= 6, `asked ${page.world.asked} times in a minute`);
  assertEquals([page.view.enabled, page.view.relay], [false, undefined]);
  page.world.answers = true;
  await page.time.run(20_000);
  assertEquals([page.view.enabled, page.view.relay], [true, false]);
  const { asked } = page.world;
  await page.time.run(600_000);
  assertEquals(page.world.asked, asked);
  page.close();
});

Deno.test("mesh control: links stay without a server, and a page that is left closes them", async () => {
  const page = await open();
  page.control.connectNow();
  await page.time.run(3_000);
  page.server.down = true;
  page.server.cut();
  await page.time.run(10_000);
  assertEquals([page.view.enabled, page.view.delivery], [true, "no_transport"]);
  page.control.leave();
  assertEquals(page.view.enabled, false);
  page.close();
});
