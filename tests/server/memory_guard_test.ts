/** Which sockets end when memory grows, and how the process's memory limit is found. */
import { assertEquals } from "@std/assert";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { abortSocket } from "../../lib/server/connections/abort_socket.ts";
import { SocketWatch } from "../../lib/server/connections/socket_watch.ts";
import { MemoryGuard } from "../../lib/server/limits/memory_guard.ts";
import { memoryLimit } from "../../lib/server/limits/memory_limit.ts";
import type { ConnectionHandle } from "../../lib/server/connections/connection.ts";
import { TestClient } from "../support/client.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { startTestServer } from "./support.ts";

const MB = 1_048_576;
const settings = DEFAULT_CONFIG.memory;

class Socket {
  asked = 0;
  constructor(readonly name: string, readonly answers = true, readonly canBeAsked = true) {}
  check(): boolean {
    if (!this.canBeAsked) return false;
    this.asked++;
    return true;
  }
}

/** A guard at an age of 10 s, whose sockets have sent this many frames. */
function guarded(...sockets: [socket: Socket, frames: number][]) {
  const guard = new MemoryGuard<Socket>(settings);
  for (const [socket, frames] of sockets) {
    guard.opened(socket, 0);
    for (let frame = 0; frame < frames; frame++) guard.heard(socket);
  }
  guard.look(10_000, 100 * MB);
  return {
    guard,
    /** The names of those that end at this time, with this growth. */
    look: (ms: number, grownMb: number) => guard.look(10_000 + ms, (100 + grownMb) * MB).map(({ name }) => name),
  };
}

Deno.test("[BUDGET-6] nobody is asked while memory does not grow", () => {
  const ada = new Socket("ada");
  const { look } = guarded([ada, 5]);
  assertEquals(look(100, 47), []);
  assertEquals(ada.asked, 0);
});

Deno.test("[BUDGET-6] when memory grows, everybody is asked once, and the silent ones end after 5 s", () => {
  const [ada, bob] = [new Socket("ada"), new Socket("bob")];
  const { guard, look } = guarded([ada, 5], [bob, 5]);
  assertEquals(look(100, 50), []);
  guard.heard(ada);
  assertEquals(look(5_000, 50), []);
  assertEquals(look(5_100, 50), ["bob"]);
  assertEquals([ada.asked, bob.asked], [1, 1]);
});

Deno.test("[BUDGET-6] the faster memory grows, the sooner the silent ones end", () => {
  for (const [grownMb, ms] of [[80, 500], [112, 200]] as const) {
    const { look } = guarded([new Socket("bob"), 5]);
    assertEquals(look(100, grownMb), []);
    assertEquals(look(50 + ms, grownMb), []);
    assertEquals(look(100 + ms, grownMb), ["bob"]);
  }
});

Deno.test("[BUDGET-6] in a flood those who said nothing but hello end at once, before those who spoke", () => {
  const { look } = guarded([new Socket("ada"), 2], [new Socket("newcomer"), 1]);
  assertEquals(look(100, 112), ["newcomer"]);
});

Deno.test("[BUDGET-6] when memory grows, a connection without hello for 2 s ends, also one that came later", () => {
  const { guard, look } = guarded([new Socket("ada"), 2], [new Socket("mute"), 0]);
  assertEquals(look(100, 50), ["mute"]);
  guard.opened(new Socket("next"), 10_200);
  assertEquals(look(2_100, 50), []);
  assertEquals(look(2_200, 50), ["next"]);
});

Deno.test("[BUDGET-6] a connection that cannot be asked yet is asked later in the same alarm", () => {
  const ada = new Socket("ada", true, false);
  const { look } = guarded([ada, 1], [new Socket("bob"), 2]);
  look(100, 50);
  assertEquals(ada.asked, 0);
  Object.assign(ada, { canBeAsked: true });
  look(200, 50);
  look(300, 50);
  assertEquals(ada.asked, 1);
});

Deno.test("[BUDGET-6] memory that stays when everybody answered is normal from then on", () => {
  const ada = new Socket("ada");
  const { guard, look } = guarded([ada, 5]);
  look(100, 60);
  guard.heard(ada);
  look(200, 60);
  assertEquals(look(300, 100), []);
  assertEquals(ada.asked, 1);
  look(400, 110);
  assertEquals(ada.asked, 2);
});

Deno.test("[BUDGET-6] memory that grew while silent ones were ended is no new normal", () => {
  const [ada, bob] = [new Socket("ada"), new Socket("bob")];
  const { guard, look } = guarded([ada, 5], [bob, 5]);
  look(100, 60);
  guard.heard(ada);
  assertEquals(look(5_100, 70), ["bob"]);
  look(5_200, 70);
  assertEquals(ada.asked, 2);
});

Deno.test("[BUDGET-6] near the memory limit everybody is asked every 5 s, whatever the growth", () => {
  const ada = new Socket("ada");
  const { guard } = guarded([ada, 5]);
  for (let ms = 100; ms <= 5_200; ms += 100) {
    guard.look(10_000 + ms, 110 * MB, 105 * MB);
    guard.heard(ada);
  }
  assertEquals(ada.asked, 2);
});

Deno.test("[BUDGET-7] a socket that was closed and is not gone 5 s later ends at once", () => {
  const time = new VirtualTime();
  const watch = new SocketWatch({ settings, memoryBytes: Infinity, steady: time, timers: time, log: () => {} });
  const aborted: string[] = [];
  const socket = (name: string) => ({ check: () => true, abort: () => void aborted.push(name) });
  const [slow, quick] = [socket("slow"), socket("quick")];
  for (const each of [slow, quick]) {
    watch.opened(each);
    watch.closing(each);
  }
  watch.gone(quick);
  return time.run(6_000).then(() => assertEquals(aborted, ["slow"]));
});

Deno.test("[BUDGET-8] the memory limit is the container's, or 80 % of the machine's RAM", () => {
  const files: Record<string, string> = {};
  const read = (path: string) => {
    if (files[path] === undefined) throw new Deno.errors.NotFound();
    return files[path];
  };
  const limit = () => memoryLimit({ read, totalBytes: () => 1_000 * MB });
  assertEquals(limit(), 800 * MB);
  files["/sys/fs/cgroup/memory.max"] = "max\n";
  assertEquals(limit(), 800 * MB);
  files["/sys/fs/cgroup/memory.max"] = `${512 * MB}\n`;
  assertEquals(limit(), 512 * MB);
  const forbidden = () => {
    throw new Deno.errors.NotCapable();
  };
  assertEquals(memoryLimit({ read: forbidden, totalBytes: forbidden }), Infinity);
});

Deno.test("[BUDGET-7] a socket inside an unfinished message can be ended at once, and tells so", async () => {
  const opened = Promise.withResolvers<WebSocket>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => opened.resolve(socket);
    return response;
  });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  const head = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  await client.write(new TextEncoder().encode(head));
  const socket = await opened.promise;
  const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
  // A text frame of 1 MB, of which only the head and some bytes come.
  await client.write(Uint8Array.from([0x81, 0xff, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 1, 2, 3]));
  assertEquals(abortSocket(socket), true);
  await closed;
  const buffer = new Uint8Array(1_024);
  while (await client.read(buffer).catch(() => null) !== null);
});

Deno.test("[PING-2] the server asks by a check, after the welcome only", async () => {
  const { server, newRoom, close } = startTestServer();
  const { id: room } = await newRoom();
  let handle: ConnectionHandle | undefined;
  const ada = await TestClient.create({
    room,
    open: ({ onFrame, onClose }) => {
      const connected = handle = server.connect(room, {
        send: onFrame,
        close: onClose,
        bufferedBytes: () => 0,
      }, { device: "phone", address: "127.0.0.1" });
      return { send: (text) => connected.receive(text), close: () => connected.closed() };
    },
  });
  ada.openOnly();
  assertEquals(handle!.check(), false);
  await ada.connect();
  assertEquals(handle!.check(), true);
  assertEquals(ada.frames.at(-1)?.type, "check");
  handle!.closed();
  await close();
});
