import { assert, assertEquals } from "@std/assert";
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import { TabRelay } from "../../lib/session/tabs/tab_relay.ts";
import { TabConnection, type TabElection } from "../../lib/session/tabs/tab_connection.ts";
import type { TabChannel } from "../../lib/session/ports/session_deps.ts";
import type { TabMessage } from "../../lib/session/tabs/tab_messages.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { SeededRandom } from "../simulation/random.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { lines, openSession, tabHub } from "./open_session.ts";

interface Candidate {
  onResult: (leads: boolean) => void;
}

/** The tabs of one device: a disk, a lock and a channel in common, and a connection each as SharedTransport gives it. */
class Device {
  readonly disk = new MemoryDisk();
  readonly #outboxes;
  #hearers = new Set<(message: TabMessage) => void>();
  /** Candidates in the order in which they came; the first one leads. */
  #candidates: Candidate[] = [];

  constructor(readonly time: VirtualTime, readonly server: FakeServer) {
    this.#outboxes = tabHub(time);
  }

  openTab(seed: number): DeviceTab {
    return new DeviceTab(this, seed, this.#outboxes());
  }

  channel(tab: () => DeviceTab): TabChannel<TabMessage> {
    let mine: ((message: TabMessage) => void) | undefined;
    return {
      tell: (message) => {
        if (tab().frozen) return;
        for (const hear of this.#hearers) {
          if (hear !== mine) this.time.after(1, () => this.#hearers.has(hear) && hear(structuredClone(message)));
        }
      },
      listen: (hear) => {
        mine = (message) => tab().frozen || hear(message);
        this.#hearers.add(mine);
        return () => void this.#hearers.delete(mine!);
      },
    };
  }

  election(): TabElection {
    let mine: Candidate | undefined;
    return {
      run: (onResult) => {
        const me: Candidate = mine = { onResult };
        this.#candidates.push(me);
        this.time.after(0, () => this.#candidates.includes(me) && onResult(this.#candidates[0] === me));
        return () => {
          const led = this.#candidates[0] === me;
          this.#candidates = this.#candidates.filter((one) => one !== me);
          if (led) this.#candidates[0]?.onResult(true);
        };
      },
      take: () => {
        const me = mine!;
        const before = this.#candidates[0];
        this.#candidates = [me, ...this.#candidates.filter((one) => one !== me)];
        if (before !== me) before?.onResult(false);
        me.onResult(true);
      },
    };
  }
}

class DeviceTab {
  frozen = false;
  visible = true;
  readonly session: RoomSession;
  readonly transport: TabConnection;

  constructor(device: Device, seed: number, outboxes: ReturnType<ReturnType<typeof tabHub>>) {
    const { time, server } = device;
    this.transport = new TabConnection({
      clock: time.clock,
      timers: time.timers,
      random: new SeededRandom(seed, "tab"),
      open: server.openTransport,
      channel: device.channel(() => this),
      election: device.election(),
      loadRelay: () => Promise.resolve(TabRelay),
      visible: () => this.visible,
      onChange: () => this.session.wake(),
      onSuspect: () => this.session.wake(),
    });
    this.session = openSession({ server, disk: device.disk, tabs: outboxes, seed, openTransport: this.transport.open });
  }

  get connected(): boolean {
    return this.session.connection.value.state === "connected";
  }

  async close(): Promise<void> {
    await this.session.persist();
    this.session.dispose();
    this.transport.dispose();
  }
}

async function deviceWithTabs(count: number) {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const device = new Device(time, server);
  const tabs: DeviceTab[] = [];
  for (let number = 1; number <= count; number++) {
    tabs.push(device.openTab(number));
    await time.until(() => tabs.every((tab) => tab.connected));
    await time.run(1_500);
  }
  return { time, server, device, tabs };
}

Deno.test("[TAB-1] three tabs of a device have one connection, and show and send the same", async () => {
  const { time, server, tabs } = await deviceWithTabs(3);
  assertEquals(server.open.length, 1);
  for (const [number, tab] of tabs.entries()) await tab.session.sendMessage(`from ${number}`);
  await time.run(500);
  await server.say("from Ben");
  await time.run(500);
  for (const tab of tabs) {
    assertEquals(lines(tab.session).slice(1), ["from 0", "from 1", "from 2", "from Ben"]);
    assertEquals(tab.session.people.value.count, tabs[0]!.session.people.value.count);
  }
});

Deno.test("[TAB-2] an event is sent to the server once, from any tab", async () => {
  const { time, server, tabs } = await deviceWithTabs(3);
  for (let number = 0; number < 6; number++) await tabs[number % 3]!.session.sendMessage(`text ${number}`);
  await time.run(1_000);
  const sent = server.received.flatMap((frame) => frame.type === "send" ? frame.events : []);
  assertEquals(sent.length, 6);
  assertEquals(new Set(sent.map(([payload]) => payload)).size, 6);
});

Deno.test("[TAB-3] when the tab with the connection is closed, the next one takes its place, and nothing is lost", async () => {
  const { time, server, tabs: [first, second, third] } = await deviceWithTabs(3);
  await first!.close();
  await server.say("while they change");
  await second!.session.sendMessage("still here");
  await time.until(() => second!.connected && third!.connected, 5_000);
  await time.run(500);
  assertEquals(server.open.length, 1);
  for (const tab of [second!, third!]) {
    assertEquals(lines(tab.session).slice(1).toSorted(), ["still here", "while they change"]);
  }
});

Deno.test("[TAB-4] a visible tab takes over from a sleeping one", async () => {
  const { time, server, tabs: [first, second] } = await deviceWithTabs(2);
  first!.frozen = true;
  first!.visible = false;
  await second!.session.sendMessage("anybody there?");
  await time.until(() => lines(second!.session).includes("anybody there?"), 6_000);
  assert(second!.connected);
  // The sleeper wakes, and follows.
  first!.frozen = false;
  first!.session.wake();
  await time.until(() => lines(first!.session).includes("anybody there?"), 10_000);
  assertEquals(server.open.length, 1);
});

Deno.test("[TAB-4] a hidden tab leaves the lead to a sleeping one, and takes over when it becomes visible", async () => {
  const { time, tabs: [first, second] } = await deviceWithTabs(2);
  first!.frozen = true;
  second!.visible = false;
  await second!.session.sendMessage("later");
  await time.run(8_000);
  assertEquals(second!.connected, false);
  second!.visible = true;
  second!.session.wake();
  await time.until(() => lines(second!.session).includes("later"), 6_000);
});

Deno.test("[TAB-5] all tabs show a broken connection, and return with it", async () => {
  const { time, server, tabs } = await deviceWithTabs(2);
  server.down = true;
  server.cut();
  await time.until(() => tabs.every((tab) => tab.session.connection.value.state === "disconnected"), 3_000);
  await tabs[1]!.session.sendMessage("waits");
  assertEquals(lines(tabs[1]!.session).at(-1), "waits (queued)");
  server.down = false;
  await time.until(() => tabs.every((tab) => tab.connected), 12_000);
  await time.run(500);
  for (const tab of tabs) assertEquals(lines(tab.session).at(-1), "waits");
  assertEquals(server.open.length, 1);
});

Deno.test("[TAB-6] older history goes to the tab that asked for it", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  for (let number = 1; number <= 120; number++) await server.say(`old ${number}`);
  const device = new Device(time, server);
  const first = device.openTab(1);
  await time.until(() => first.connected);
  await time.run(1_500);
  const second = device.openTab(2);
  await time.until(() => second.connected);
  await time.run(1_500);
  second.session.loadOlder();
  await time.run(1_000);
  assert(lines(second.session).length > 100, `${lines(second.session).length}`);
  assert(lines(first.session).length <= 51, `${lines(first.session).length}`);
  first.session.loadOlder();
  await time.run(1_000);
  assert(lines(first.session).length > 100);
  assertEquals(server.open.length, 1);
});

Deno.test("[TAB-7] a tab whose copy ends before the events of the leader has its own connection", async () => {
  const { time, server, device, tabs: [before] } = await deviceWithTabs(1);
  for (let number = 1; number <= 60; number++) await server.say(`text ${number}`);
  await time.run(2_000);
  await before!.close();
  // This one goes on from the copy: of what was before, its connection told it nothing.
  const first = device.openTab(1);
  await time.until(() => first.connected);
  device.disk.copies.clear();
  const second = device.openTab(2);
  await time.until(() => second.connected, 5_000);
  await time.run(1_000);
  assertEquals(lines(second.session).at(-1), "text 60");
  assertEquals(server.open.length, 2);
});
