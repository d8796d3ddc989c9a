/** The files of a room in a page: what is sent, shown, taken up after a reload, shared among tabs, and taken back. */
import { assert, assertEquals } from "@std/assert";
import { type Signal, signal } from "@preact/signals";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import { type FileDisk, memoryFileStore } from "../../lib/files/memory_file_store.ts";
import type { FileInfo } from "../../lib/protocol/file_info.ts";
import { FILE_BLOCK_BYTES, FILE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { type FileNews, RoomFiles } from "../../lib/session/files/room_files.ts";
import { SeededRandom } from "../simulation/random.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { hash } from "./file_network.ts";

/** A room whose events everybody sees at once, and devices in it. */
class Room {
  readonly time = new VirtualTime();
  readonly items: Signal<readonly TimelineItem[]> = signal([]);
  readonly pages: Page[] = [];

  /** Everybody's pages see this message. */
  post(author: string, file: FileInfo, text: string): void {
    const person = { author, name: author, copiedName: false, me: false, host: false };
    const id = `event ${this.items.value.length}`;
    const item = { type: "message" as const, id, author: person, at: 0, text, file, edited: false, reactions: [] };
    this.items.value = [...this.items.value, item];
  }

  retract(at: number): void {
    this.items.value = this.items.value.map((item, index) =>
      index === at && item.type === "message"
        ? {
          type: "retracted",
          id: item.id,
          author: item.author,
          at: item.at,
          ...(item.file && { root: item.file.root }),
        }
        : item
    );
  }

  link(one: Page, other: Page): void {
    for (const [from, to] of [[one, other], [other, one]] as const) {
      from.files.useMesh({
        sendFile: (_peer, frame) => {
          const bytes = frame.slice().buffer;
          this.time.after(2, () => to.files.exchange.received(from.device.key, bytes));
          return true;
        },
        call: () => {},
        wayTo: () => undefined,
      });
    }
    one.files.exchange.linked(other.device.key);
    other.files.exchange.linked(one.device.key);
  }
}

class Device {
  readonly disk: FileDisk = new Map();
  readonly tabs: Page[] = [];

  constructor(readonly room: Room, readonly key: string) {}
}

class Page {
  readonly files: RoomFiles;
  readonly logs: string[] = [];
  follows = false;
  saves = false;
  problem: "outbox_full" | undefined;

  constructor(readonly device: Device, { follows = false, maxBytes = 200_000_000 } = {}) {
    const { room, disk, tabs } = device;
    const { time, items } = room;
    this.follows = follows;
    let hear: ((news: FileNews) => void) | undefined;
    this.files = new RoomFiles({
      session: {
        messages: items,
        sendFile: (file, caption) => {
          if (this.problem === undefined) room.post(device.key, file, caption);
          return Promise.resolve(this.problem === undefined ? {} : { problem: this.problem });
        },
      },
      store: memoryFileStore(disk, maxBytes, time.now),
      clock: time.clock,
      timers: time.timers,
      random: new SeededRandom(1),
      hash,
      tabs: {
        tell: (news) => {
          for (const tab of tabs) if (tab !== this) time.after(1, () => tab.hear(news));
        },
        listen: (listener) => {
          hear = listener;
          return () => hear = undefined;
        },
        close: () => {},
      },
      follows: () => this.follows,
      saves: () => this.saves,
      log: (line) => this.logs.push(line),
    });
    this.hear = (news) => hear?.(news);
    tabs.push(this);
  }

  readonly hear: (news: FileNews) => void;

  async send(bytes: number, name = "a.bin", caption = "") {
    const blob = new Blob([new Uint8Array(bytes).map((_, at) => at >> 12)]);
    const answer = await this.files.send({ blob, name, type: "" }, caption);
    const item = this.device.room.items.value.at(-1);
    return { ...answer, file: item?.type === "message" ? item.file : undefined };
  }
}

function open(names: string[]): { room: Room; pages: Page[] } {
  const room = new Room();
  return { room, pages: names.map((name) => new Page(new Device(room, name.padEnd(43, "A")))) };
}

Deno.test("[FILE-1] a sent file is stored first, then offered with a clean name and type", async () => {
  const { room, pages: [ada] } = open(["Ada"]);
  const { file } = await ada!.send(300_000, "../my\u202Eplan.PDF", "look");
  assertEquals(file, { name: "myplan.PDF", type: "application/octet-stream", bytes: 300_000, root: file!.root });
  assertEquals(ada!.files.view(file!.root).value.state, "unknown");
  await room.time.run(10);
  assertEquals(ada!.files.view(file!.root).value, { state: "here", bytesHere: 300_000, holders: 0, onlyHere: true });
  assertEquals((await ada!.files.open(file!))!.size, 300_000);
});

Deno.test("[FILE-1] a file that cannot be sent is refused with a reason and not stored", async () => {
  const room = new Room();
  const small = new Page(new Device(room, "Ada"), { maxBytes: 2 * FILE_BLOCK_BYTES });
  assertEquals((await small.send(0)).problem, "empty");
  assertEquals((await small.send(FILE_MAX_BYTES + 1)).problem, "too_large");
  assertEquals((await small.send(3 * FILE_BLOCK_BYTES)).problem, "no_place");
  assertEquals(small.device.disk.size, 0);
  small.problem = "outbox_full";
  assertEquals((await small.send(1_000)).problem, "outbox_full");
  assertEquals([...small.device.disk.values()].map(({ file }) => file.reason), ["draft"]);
});

Deno.test("a download shows its progress and resumes automatically after a reload", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file } = await ada!.send(12 * FILE_BLOCK_BYTES);
  const { root } = file!;
  const view = ben!.files.view(root);
  await ben!.files.fetch(root);
  assertEquals(view.value.state, "fetching");
  await room.time.run(3_000);
  assertEquals(view.value.blockedReason, "no_holder");
  room.link(ada!, ben!);
  await room.time.run(20);
  ben!.files.dispose();
  const items = room.items.value;
  room.items.value = []; // The new page has not read its room yet.
  const again = new Page(ben!.device);
  room.link(ada!, again);
  await room.time.run(1_000);
  assert(again.files.view(root).value.state !== "here");
  room.items.value = items;
  await room.time.run(5_000);
  assertEquals(again.files.view(root).value, { state: "here", bytesHere: 12 * FILE_BLOCK_BYTES, holders: 0 });
  assertEquals(ada!.files.view(root).value.onlyHere, undefined);
});

Deno.test("[FILE-8] a paused download stays paused, after a reload too", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file } = await ada!.send(40 * FILE_BLOCK_BYTES);
  const { root } = file!;
  room.link(ada!, ben!);
  await ben!.files.fetch(root);
  await room.time.run(30);
  await ben!.files.pause(root);
  assertEquals(ben!.files.view(root).value.state, "unknown");
  await room.time.run(1_000);
  const { state, bytesHere } = ben!.files.view(root).value;
  assertEquals(state, "paused");
  const again = new Page(ben!.device);
  room.link(ada!, again);
  again.files.view(root);
  await room.time.run(10_000);
  assertEquals(again.files.view(root).value, { state: "paused", bytesHere, holders: 0 });
  await again.files.fetch(root);
  await room.time.run(10_000);
  assertEquals(again.files.view(root).value.state, "here");
});

Deno.test("the tab with the links downloads files for other tabs, which see the progress", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const second = new Page(ben!.device, { follows: true });
  const { file } = await ada!.send(8 * FILE_BLOCK_BYTES);
  const view = second.files.view(file!.root);
  await second.files.fetch(file!.root);
  assertEquals(view.value.state, "fetching");
  room.link(ada!, ben!);
  await room.time.run(5_000);
  assertEquals([view.value.state, ben!.files.view(file!.root).peek().bytesHere], ["here", 0]);
  assertEquals((await second.files.open(file!))?.size, 8 * FILE_BLOCK_BYTES);
});

Deno.test("[FILE-2] a retracted file is deleted from every device unless another message offers it", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file } = await ada!.send(1_000);
  await ada!.send(1_000, "again.bin");
  room.link(ada!, ben!);
  await ben!.files.fetch(file!.root);
  await room.time.run(1_000);
  room.retract(0);
  await room.time.run(100);
  assertEquals([ada!, ben!].map(({ device }) => device.disk.size), [1, 1]);
  room.retract(1);
  await room.time.run(100);
  assertEquals([ada!, ben!].map(({ device }) => device.disk.size), [0, 0]);
  assertEquals(ben!.files.view(file!.root).value.state, "unknown");
});

Deno.test("[FILE-2] a file retracted while no page was open is deleted when one opens", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file } = await ada!.send(1_000);
  room.link(ada!, ben!);
  await ben!.files.fetch(file!.root);
  await room.time.run(1_000);
  ben!.files.dispose();
  room.retract(0);
  await room.time.run(100);
  assertEquals(ben!.device.disk.size, 1);
  new Page(ben!.device);
  await room.time.run(100);
  assertEquals(ben!.device.disk.size, 0);
  // Offered anew it comes anew, and is taken back anew.
  await ada!.send(1_000);
  await room.time.run(100);
  assertEquals(ada!.device.disk.size, 1);
  room.retract(1);
  await room.time.run(100);
  assertEquals(ada!.device.disk.size, 0);
});

Deno.test("[FILE-12] clearing a room deletes complete, partial and paused files; offered files and drafts stay, and only those are sent", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file: whole } = await ada!.send(1_000, "whole.bin");
  const { file: half } = await ada!.send(40 * FILE_BLOCK_BYTES, "half.bin");
  const { file: paused } = await ada!.send(41 * FILE_BLOCK_BYTES, "paused.bin");
  room.link(ada!, ben!);
  for (const { root } of [whole!, half!, paused!]) await ben!.files.fetch(root);
  await room.time.run(30);
  await ben!.files.pause(paused!.root);
  const { file: waiting } = await ada!.send(3_000, "waiting.bin");
  ada!.problem = "outbox_full";
  await ada!.send(2_000, "draft.bin");
  assertEquals([ada!.device.disk.size, ben!.device.disk.size], [5, 3]);

  room.items.value = room.items.value.slice(-1); // Its event is not stored yet: it comes into the new log.
  await Promise.all([ada!, ben!].map(({ files }) => files.cleared("second")));
  const bytes = (page: Page) => [...page.device.disk.values()].map(({ file }) => file.bytes).sort();
  assertEquals([bytes(ada!), bytes(ben!)], [[2_000, 3_000], []]);
  assertEquals(ben!.files.view(half!.root).value.state, "unknown");
  await room.time.run(10_000);
  assertEquals(ben!.files.view(half!.root).value.state, "absent", "what was on its way is not kept either");
  await ben!.files.fetch(waiting!.root);
  await ben!.files.fetch(whole!.root);
  await room.time.run(5_000);
  assertEquals([bytes(ada!), bytes(ben!)], [[2_000, 3_000], [3_000]]);

  // Another page of the same log hears of it again, before it has read what was offered since.
  room.items.value = [];
  await new Page(ben!.device).files.cleared("second");
  assertEquals(bytes(ben!), [3_000]);
});

Deno.test("[FILE-12] files of a deleted room are not kept, downloaded or sent", async () => {
  const { room, pages: [ada, ben] } = open(["Ada", "Ben"]);
  const { file } = await ada!.send(40 * FILE_BLOCK_BYTES);
  const { file: other } = await ada!.send(1_000);
  room.link(ada!, ben!);
  await ben!.files.fetch(file!.root);
  await room.time.run(30);
  await ada!.files.forget();
  await room.time.run(100);
  const blocks = () => ben!.device.disk.get(file!.root)?.blocks.size;
  const given = blocks()!;
  await room.time.run(60_000);
  assertEquals([ada!.device.disk.size, blocks(), given < 40], [0, given, true]);
  await ben!.files.forget();
  await ben!.files.fetch(other!.root);
  await room.time.run(10_000);
  assertEquals(ben!.device.disk.size, 0);
});

Deno.test("[FILE-11] only small pictures download automatically, and none when the device saves data", () => {
  const { pages: [ada] } = open(["Ada"]);
  const file = { name: "a", type: "image/webp", bytes: 200_000, root: "A" };
  assert(ada!.files.fetchesByItself(file));
  assert(!ada!.files.fetchesByItself({ ...file, bytes: 300_000 }));
  assert(!ada!.files.fetchesByItself({ ...file, type: "image/svg+xml" }));
  assert(!ada!.files.fetchesByItself({ ...file, type: "application/pdf" }));
  ada!.saves = true;
  assert(!ada!.files.fetchesByItself(file));
});

Deno.test("[FILE-11] five types of picture keep their type when opened; every other file is bytes that no page shows", async () => {
  const { pages: [ada] } = open(["Ada"]);
  const { file } = await ada!.send(1_000);
  const opened = async (type: string) => (await ada!.files.open({ ...file!, type }))!.type;
  for (const type of ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]) {
    assertEquals(await opened(type), type);
  }
  for (const type of ["image/svg+xml", "text/html", "application/pdf"]) {
    assertEquals(await opened(type), "application/octet-stream");
  }
});
